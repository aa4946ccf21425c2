"""At a team's home: ``team invite``, ``team withdraw``, ``team remove``."""

from __future__ import annotations

from fleet.cli.command import Command, seconds
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _invite_arguments(parser: Parser) -> None:
    parser.add_argument("team", metavar="TEAM", help="a team whose home is this node")
    parser.add_argument("node", metavar="NODE", help="another node of the fleet")
    parser.add_argument(
        "--role", metavar="R", action="append", default=[], dest="roles",
        help="for this role (default: all that may live there); can be given again",
    )  # fmt: skip
    parser.add_argument(
        "--expires", metavar="S", type=seconds, dest="expires_s", default=86_400.0,
        help="until when it can be accepted: seconds, or 10m, 2h, 7d (default: 1d)",
    )  # fmt: skip


def _invite(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    told = call.ask(
        "team_invite", team=given.team, node=given.node, roles=given.roles,
        expires_s=given.expires_s,
    ).result  # fmt: skip
    if terminal.as_json:
        terminal.data(told)
        return 0
    terminal.say(plain(told["id"]))
    roles, verbs = ", ".join(told["roles"]), ", ".join(told["verbs"])
    terminal.note(
        f"{told['node']} is asked for {roles}, with {verbs}, until {told['expires_at']};"
        f" its person says: fleet team accept {told['id']}"
    )
    if not told["told"]:
        terminal.note(f"{told['node']} is away; it learns of it when it is there")
    return 0


def _withdraw_arguments(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the invitation; its beginning is enough")


def _withdraw(call: Invocation) -> int:
    told = call.ask("team_withdraw", id=call.given.id).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"the invitation {told['id']} into {told['team']} is withdrawn"))
    return 0


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument("team", metavar="TEAM", help="a team whose home is this node")
    parser.add_argument("node", metavar="NODE", help="a node of the team")
    parser.add_argument("--reason", metavar="TEXT", default="", help="is kept in the team's log")


def _remove(call: Invocation) -> int:
    given = call.given
    told = call.ask("team_remove", team=given.team, node=given.node, reason=given.reason).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"{told['node']} is of {told['team']} no more"))
    return 0


COMMANDS = {
    "team invite": Command(_invite, _invite_arguments, "fleet team invite web nova --role impl"),
    "team withdraw": Command(_withdraw, _withdraw_arguments, "fleet team withdraw 3f9c"),
    "team remove": Command(_remove, _remove_arguments, "fleet team remove web nova"),
}
