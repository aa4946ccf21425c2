"""A team's supervisor by hand: ``team tick``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.team_show import team_argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser


def _arguments(parser: Parser) -> None:
    team_argument(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be done, and do nothing"
    )


def _tick(call: Invocation) -> int:
    answer = call.ask("team_tick", team=call.given.team, dry_run=call.given.dry_run)
    told, terminal = answer.result, call.terminal
    if terminal.as_json:
        terminal.data(told)
        return answer.exit_code
    rows = [
        (seat["seat"], line["saw"], _done(line, is_dry=told["dry_run"]))
        for seat in told["seats"]
        for line in seat["said"]
    ]
    if rows:
        render.table(terminal, ("SEAT", "SEEN", "DONE"), rows)
    else:
        terminal.note(f"nobody fills a seat of {told['team']}")
    for letter in told["told"]:
        if letter["error"]:
            terminal.complain(
                f"{letter['to']}: {letter['error']['message']}", letter["error"]["hint"]
            )
        else:
            terminal.note(f"told {letter['to']}: {letter['id']}, {letter['state']}")
    return answer.exit_code


def _done(line: dict[str, Any], *, is_dry: bool) -> str:
    """What is done about it, or why nothing is."""
    if line["does"]:
        return f"would be: {line['does']}" if is_dry else str(line["does"])
    return f"nothing: {line['why']}"


COMMANDS = {"team tick": Command(_tick, _arguments, "fleet team tick site --dry-run")}
