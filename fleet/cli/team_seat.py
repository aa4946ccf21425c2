"""``team add``, ``team drop``: an agent that exists fills a seat of a team, and gives it up."""

from __future__ import annotations

from fleet.cli.command import Command
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("team", metavar="TEAM", help="a team whose home is this node")
    parser.add_argument("agent", metavar="AGENT", help="agent, or agent@node")
    parser.add_argument("--role", metavar="R", required=True, help="which role it fills")
    parser.add_argument("--seat", metavar="S", default="", help="which seat (default: a free one)")


def _add(call: Invocation) -> int:
    given = call.given
    told = call.ask(
        "team_add", team=given.team, agent=given.agent, role=given.role, seat=given.seat
    ).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"{told['address']} is {told['team']}/{told['seat']}"))
    return 0


def _drop_arguments(parser: Parser) -> None:
    parser.add_argument("team", metavar="TEAM", help="a team whose home is this node")
    parser.add_argument("seat", metavar="SEAT", help="a seat that somebody fills")
    parser.add_argument("--reason", metavar="TEXT", default="", help="is kept with its tasks")


def _drop(call: Invocation) -> int:
    given = call.given
    told = call.ask("team_drop", team=given.team, seat=given.seat, reason=given.reason).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"{told['team']}/{told['seat']} is empty"))
    return 0


COMMANDS = {
    "team add": Command(_add, _add_arguments, "fleet team add web neo@white --role impl"),
    "team drop": Command(_drop, _drop_arguments, "fleet team drop web impl-2"),
}
