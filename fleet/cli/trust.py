"""Who belongs to the fleet: ``invite``, ``join``, ``revoke``, ``nodes``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing, seconds
from fleet.cli.passphrase import ask_signed
from fleet.cli.status import SHORT_ID
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _invite_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--expires", metavar="S", type=seconds, dest="expires_s", default=3_600.0,
        help="how long it is good: seconds, or 10m, 2h (default: 1h)",
    )  # fmt: skip


def _invite(call: Invocation) -> int:
    told = ask_signed(call, "invite", expires_s=call.given.expires_s).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    call.terminal.say(plain(told["token"]))
    if call.terminal.out_is_tty:
        call.terminal.note(
            f"good once, until {told['expires_at']}; a secret: on the other host, fleet join TOKEN"
        )
    return 0


def _join_arguments(parser: Parser) -> None:
    parser.add_argument("token", metavar="TOKEN", help="what fleet invite printed")


def _join(call: Invocation) -> int:
    told = call.ask("join", token=call.given.token).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    members = ", ".join(told["members"])
    call.terminal.say(
        plain(f"{told['node']} joined, let in by {told['inviter']}; members: {members}")
    )
    return 0


def _revoke_arguments(parser: Parser) -> None:
    parser.add_argument("node", metavar="NODE", help="its name, or name~idprefix")
    parser.add_argument("--reason", metavar="WORDS", default="", help="kept in the roster")


def _revoke(call: Invocation) -> int:
    told = ask_signed(call, "revoke", node=call.given.node, reason=call.given.reason).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"{told['node']} ({told['id'][:SHORT_ID]}…) is put out for good"))
    return 0


def _nodes(call: Invocation) -> int:
    nodes = call.ask("nodes").result
    if call.terminal.as_json:
        call.terminal.data(nodes)
        return 0
    rows = [
        (
            one["node"], one["state"], ", ".join(one.get("addresses") or []),
            render.ago(one.get("last_seen")), one.get("version"), one.get("via"),
            f"{one['id'][:SHORT_ID]}…", one.get("trouble") or one.get("reason") or "",
        )
        for one in nodes
    ]  # fmt: skip
    headings = ("NODE", "STATE", "ADDRESSES", "LAST SEEN", "VERSION", "VIA", "ID", "WHY")
    render.table(call.terminal, headings, rows)
    return 0


COMMANDS = {
    "invite": Command(_invite, _invite_arguments, "fleet invite --expires 10m"),
    "join": Command(_join, _join_arguments, "fleet join fleet1.…"),
    "revoke": Command(_revoke, _revoke_arguments, 'fleet revoke nova --reason "laptop lost"'),
    "nodes": Command(_nodes, nothing, "fleet nodes"),
}
