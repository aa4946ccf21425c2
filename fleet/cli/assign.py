"""``fleet assign`` and ``fleet competence``: who should do what, and what that rests on."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, Group, seconds
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal

_SIGNALS = (
    "words", "similar", "fortnight", "days", "owners", "repository", "declared", "outcomes", "free",
    "rarity",
)  # fmt: skip


def _team(parser: Parser) -> None:
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _assign_arguments(parser: Parser) -> None:
    parser.add_argument(
        "tasks", metavar="TASK", nargs="*",
        help="which (default: all that can be claimed and are offered to nobody)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="decide, and offer nothing")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print the points of everybody, and who is out and why",
    )
    parser.add_argument(
        "--deadline", metavar="S", type=seconds, default=600.0,
        help="until an offer goes to the next: 90, 10m, 2h (default: 10m)",
    )  # fmt: skip
    _team(parser)


def _assign(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    told = call.ask(
        "assign",
        tasks=given.tasks,
        dry_run=given.dry_run,
        deadline_s=given.deadline,
        team=given.team,
    ).result
    if terminal.as_json:
        terminal.data(told)
        return 0
    if not told:
        terminal.note("nothing can be claimed that is not offered: fleet task ls")
    elif given.explain:
        for one in told:
            explain(terminal, one)
    else:
        rows = [
            (one["task"], render.first_line(one["title"], 50), one["answer"], one["who"], _why(one))
            for one in told
        ]
        render.table(terminal, ("TASK", "TITLE", "ANSWER", "WHO", "WHY"), rows)
    if told and given.dry_run:
        terminal.note("nothing was offered (--dry-run)")
    return 0


def _why(one: dict[str, Any]) -> str:
    """One line: until when it is offered, or why it is not."""
    if one["offered"]:
        return f"offered until {one['until'][11:16]} UTC"
    if one["answer"] == "unroutable":
        return (
            ", ".join(f"{why} ({count})" for why, count in one["reasons"].items())
            or "no seat is filled"
        )
    if one["answer"] == "weak":
        return "nothing speaks for anybody; it stays with you"
    return ""


def explain(terminal: Terminal, one: dict[str, Any]) -> None:
    """The table of points of one decision; the best loses nothing."""
    who = f" -> {one['who']}" if one["who"] else ""
    terminal.say(terminal.paint(plain(f"{one['task']} {one['title']}"), BOLD))
    terminal.say(plain(f"{one['answer']}{who}  {_why(one)}".rstrip()))
    shown = [s for s in _SIGNALS if any(row["lost"].get(s) for row in one["scored"])]
    rows = [
        (row["seat"], *(f"{row['lost'].get(s, 0.0):.2f}" for s in shown), f"{row['total']:.2f}")
        for row in one["scored"]
    ]
    if rows:
        render.table(terminal, ("SEAT", *(s.upper() for s in shown), "TOTAL"), rows)
    for gone in one["out"]:
        terminal.say(plain(f"{gone['seat']}  out: {gone['why']}"))
    if one["like"]:
        likes = "; ".join(
            f'"{render.first_line(like["title"], 50)}" ({like["who"]})' for like in one["like"]
        )
        terminal.say(plain(f"most like it: {likes}"))
    terminal.say("")


def _show_arguments(parser: Parser) -> None:
    parser.add_argument(
        "seat", metavar="SEAT", nargs="?", default="", help="a seat or a role (default: everybody)"
    )
    _team(parser)


def _show(call: Invocation) -> int:
    told, terminal = (
        call.ask("competence", seat=call.given.seat, team=call.given.team).result,
        call.terminal,
    )
    if terminal.as_json:
        terminal.data(told)
        return 0
    if not told:
        terminal.note("nobody fills such a seat: fleet team show")
    for one in told:
        terminal.say(terminal.paint(plain(f"{one['seat']} ({one['record']})"), BOLD))
        render.facts(
            terminal,
            [
                ("finished", str(one["finished"])), ("accepted", f"{one['accepted']:g}"),
                ("handed back", f"{one['handed_back']:g}"), ("words", ", ".join(one["words"])),
                ("paths", ", ".join(one["paths"])),
                ("declared", ", ".join(skill["name"] for skill in one["skills"])),
                ("offered", ", ".join(one["offered"])),
            ],
        )  # fmt: skip
    return 0


COMMANDS = {
    "assign": Command(_assign, _assign_arguments, "fleet assign --explain --dry-run"),
    "competence": Group(
        {"show": ("assign", "what a role has finished, speaks of, touched and declares")},
        "fleet competence show impl",
    ),
    "competence show": Command(_show, _show_arguments, "fleet competence show impl"),
}
