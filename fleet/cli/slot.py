"""``fleet slot``: numbers that a team gives away, each once."""

from __future__ import annotations

from fleet.cli.command import Command, Group
from fleet.cli.render import table
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _team(parser: Parser) -> None:
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _take_arguments(parser: Parser) -> None:
    parser.add_argument(
        "slot", metavar="NAME", help="the counter's name, such as version; a new one begins at 1"
    )
    parser.add_argument(
        "--at-least",
        metavar="N",
        type=int,
        default=0,
        help="not below N, where numbers were in use before",
    )
    _team(parser)
    parser.add_argument(
        "--key", metavar="K", default="", help="however often it is said, it counts once"
    )


def _take(call: Invocation) -> int:
    given = call.given
    if given.at_least < 0:
        raise call.usage(f"--at-least {given.at_least}: not below 0")
    told = call.ask(
        "slot_take", slot=given.slot, at_least=given.at_least, team=given.team, key=given.key
    ).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(str(told["number"]))
    return 0


def _ls(call: Invocation) -> int:
    told = call.ask("slots", team=call.given.team).result
    if call.terminal.as_json:
        call.terminal.data(told)
    elif not told:
        call.terminal.note("no slot was taken yet: fleet slot take NAME")
    else:
        rows = [(plain(one["slot"]), one["last"]) for one in told]
        table(call.terminal, ("SLOT", "LAST"), rows)
    return 0


COMMANDS = {
    "slot": Group(
        {
            "take": ("slot", "take the next number of a counter; nobody else ever gets it"),
            "ls": ("slot", "list the counters and the last number that was given of each"),
        },
        "fleet slot take version",
    ),
    "slot take": Command(_take, _take_arguments, "fleet slot take version --at-least 12"),
    "slot ls": Command(_ls, _team, "fleet slot ls"),
}
