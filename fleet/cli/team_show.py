"""Teams as they stand: ``team ls``, ``team show``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser


def _ls(call: Invocation) -> int:
    teams, terminal = call.ask("teams").result, call.terminal
    if terminal.as_json:
        terminal.data(teams)
    elif teams:
        rows = [(t["team"], t["home"], t["standing"], len(t["seats"]), counted(t)) for t in teams]
        render.table(terminal, ("TEAM", "HOME", "THIS NODE", "SEATS", "TASKS"), rows)
    else:
        terminal.note("no team is known here")
    return 0


def counted(team: dict[str, Any]) -> str:
    """How many tasks stand how."""
    return ", ".join(f"{number} {state}" for state, number in team["tasks"].items() if number)


def team_argument(parser: Parser) -> None:
    """Which team."""
    parser.add_argument(
        "team", metavar="TEAM", nargs="?", default="",
        help="which team (default: your own, or the only one)",
    )  # fmt: skip


def _show(call: Invocation) -> int:
    told, terminal = call.ask("team", team=call.given.team).result, call.terminal
    if terminal.as_json:
        terminal.data(told)
        return 0
    render.facts(
        terminal,
        [
            ("team", told["team"]), ("home", told["home"]), ("this node", told["standing"]),
            ("lead", told["lead"]), ("nodes", ", ".join(told["nodes"])), ("tasks", counted(told)),
        ],
    )  # fmt: skip
    if told["seats"]:
        terminal.say(f"\n{terminal.paint('seats', BOLD)}")
        rows = [
            (s["seat"], s["role"], s["address"], s["state"], " ".join(s["tasks"]))
            for s in told["seats"]
        ]
        render.table(terminal, ("SEAT", "ROLE", "AGENT", "STATE", "HOLDS"), rows)
    for line in told["asked"]:
        terminal.say(plain(f"\ninvited: {line['node']} ({line['id']})"))
    return 0


def _retro(call: Invocation) -> int:
    told, terminal = call.ask("team_retro", team=call.given.team).result, call.terminal
    if terminal.as_json:
        terminal.data(told)
    else:
        terminal.say(plain(told["page"]))
    return 0


COMMANDS = {
    "team ls": Command(_ls, nothing, "fleet team ls"),
    "team retro": Command(_retro, team_argument, "fleet team retro site > retro.md"),
    "team show": Command(_show, team_argument, "fleet team show site"),
}
