"""``team plan``, ``team diff``, ``team apply``: what a team file changes, shown and then done."""

from __future__ import annotations

import sys

from fleet.cli.command import Command
from fleet.cli.team_file import file_argument, plan_of
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

_OF_MEMBERS = {"end", "move", "restart", "start"}


def _canonical(call: Invocation) -> str:
    from fleet.core.team import canonical

    return canonical(plan_of(call))


def _plan(call: Invocation) -> int:
    told = call.ask("team_plan", plan=_canonical(call)).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        _show(call, told)
    return 0


def _show(call: Invocation, told: dict[str, Any]) -> None:
    """What is written down, then what waits for the members to end and start."""
    for change in told["changes"]:
        later = " (later: applying ends and starts nobody)" if change["act"] in _OF_MEMBERS else ""
        call.terminal.say(plain(f"  {change['text']}{later}"))
    if not told["new"]:
        call.terminal.note(plain(f"{told['team']} is as the file says: nothing to write"))


def _apply_arguments(parser: Parser) -> None:
    file_argument(parser)
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def _apply(call: Invocation) -> int:
    plan, terminal = _canonical(call), call.terminal
    told = call.ask("team_plan", plan=plan).result
    if not terminal.as_json:
        _show(call, told)
    if told["new"]:
        if not call.given.yes and not agreed(call, "do this?", "fleet team apply --yes"):
            terminal.complain("nothing was done", "the answer was not yes")
            return 9
        told = call.ask("team_apply", plan=plan, before=told["before"]).result
        terminal.note(plain(f"{told['team']} is {'founded' if told['founds'] else 'planned anew'}"))
    if terminal.as_json:
        terminal.data(told)
    return 0


def agreed(call: Invocation, question: str, otherwise: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        UsageError: nobody is there who could; ``otherwise`` is how it is said beforehand.
    """
    is_heard = sys.stdin and sys.stdin.isatty() and call.terminal.err_is_tty
    if not is_heard or call.terminal.as_json:
        raise call.usage("nobody is here to say yes; nothing was done", hint=otherwise)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


COMMANDS = {
    "team plan": Command(_plan, file_argument, "fleet team plan team.toml"),
    "team diff": Command(_plan, file_argument, "fleet team diff team.toml"),
    "team apply": Command(_apply, _apply_arguments, "fleet team apply team.toml --yes"),
}
