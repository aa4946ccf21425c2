"""What a team remembers, looked at: ``memory ls``, ``show``, ``search``, ``briefing``."""

from __future__ import annotations

import re

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Told = dict[str, Any]

_FINDING = re.compile(r"(?:[^/]+/)?[fF]?[0-9]+")
_TEAM = "which team (default: your own, or the only one)"


def _ls_arguments(parser: Parser) -> None:
    parser.add_argument("of", metavar="TEAM[/ROLE]", nargs="?", default="", help=_TEAM)
    parser.add_argument(
        "--role", metavar="ROLE", default="", help="only what this role knows: its own, the team's"
    )
    parser.add_argument("--tag", metavar="TAG", default="", help="only what has this tag")
    _limit(parser, 200)


def _limit(parser: Parser, usual: int) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=int, default=usual, help=f"at most so many (default: {usual})"
    )


def _show_arguments(parser: Parser) -> None:
    parser.add_argument(
        "what", metavar="WHAT", nargs="?", default="",
        help="F12, 12 or TEAM/F12; or TEAM, TEAM/ROLE: orders, notes, hand-overs",
    )  # fmt: skip
    parser.add_argument("--team", metavar="TEAM", default="", help=_TEAM)


def _search_arguments(parser: Parser) -> None:
    parser.add_argument("words", metavar="WORDS", nargs="+", help="what it is about")
    parser.add_argument("--role", metavar="ROLE", default="", help="only what this role knows")
    parser.add_argument("--team", metavar="TEAM", default="", help=_TEAM)
    _limit(parser, 20)


def _briefing_arguments(parser: Parser) -> None:
    parser.add_argument("of", metavar="TEAM/ROLE", help="which seat, such as site/impl-2")
    parser.add_argument(
        "--budget", metavar="N", type=int, default=0,
        help="at most so many characters (default: as the team file says)",
    )  # fmt: skip


def _at_least(call: Invocation, name: str) -> int:
    number = int(getattr(call.given, name))
    if number < 0:
        raise call.usage(f"--{name} {number}: not below 0")
    return number


def _ls(call: Invocation) -> int:
    given = call.given
    limit = _at_least(call, "limit")
    found = call.ask("findings", of=given.of, role=given.role, tag=given.tag, limit=limit).result
    _table(call, found, "text", 'nothing is known yet: fleet memory add "what you learnt"')
    return 0


def _search(call: Invocation) -> int:
    given = call.given
    found = call.ask(
        "memory_search", words=" ".join(given.words), role=given.role, team=given.team,
        limit=_at_least(call, "limit"),
    ).result  # fmt: skip
    _table(call, found, "snippet", "nothing has these words: fleet memory ls lists all")
    return 0


def _table(call: Invocation, found: list[Told], says: str, nothing: str) -> None:
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(found)
    elif found:
        rows = [
            (
                one["id"], one["role"] or "all", one["by"], render.ago(one["at"]),
                ", ".join(one["tags"]), render.first_line(one[says], 100),
            )
            for one in found
        ]  # fmt: skip
        render.table(terminal, ("ID", "ROLE", "BY", "WHEN", "TAGS", "FINDING"), rows)
    else:
        terminal.note(nothing)


def _show(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    if _FINDING.fullmatch(given.what):
        told = call.ask("finding", finding=given.what, team=given.team).result
        show = show_finding
    else:
        told = call.ask("memory", of=given.what or given.team).result
        show = _show_memory
    if terminal.as_json:
        terminal.data(told)
    else:
        show(call, told)
    return 0


def show_finding(call: Invocation, told: Told) -> None:
    """A finding for people: what is known of it, and what it says."""
    terminal = call.terminal
    terminal.say(terminal.paint(plain(told["id"]), BOLD))
    promoted = {"orders": "a standing order", "team": "a note of the team"}
    render.facts(
        terminal,
        [
            ("team", told["team"]), ("role", told["role"] or "the whole team"),
            ("task", told["task"]), ("tags", ", ".join(told["tags"])),
            ("promoted", promoted.get(told["promoted"], told["promoted"])),
            ("by", f"{told['by']}, {render.ago(told['at'])}"),
        ],
    )  # fmt: skip
    terminal.say(plain(f"\n{told['text']}"))


def _show_memory(call: Invocation, told: Told) -> None:
    where = f"{told['team']}/{told['role']}" if told["role"] else told["team"]
    _heading(call, f"standing orders of {where}", told if told["orders"] else None)
    call.terminal.say(plain(told["orders"] or "none"))
    for note in told["notes"]:
        _heading(call, f"\nnote {note['id']}", note)
        call.terminal.say(plain(note["text"]))
    for left in told["handovers"]:
        _heading(call, f"\nhand-over in {left['seat']}", left)
        call.terminal.say(plain(left["text"]))
    if told["roles"]:
        names = ", ".join(f"{told['team']}/{role}" for role in told["roles"])
        call.terminal.note(f"more is known of {names}")


def _heading(call: Invocation, what: str, said: Told | None) -> None:
    by = f", by {said['by']}, {render.ago(said['at'])}" if said else ""
    call.terminal.say(call.terminal.paint(plain(f"{what}{by}"), BOLD))


def _briefing(call: Invocation) -> int:
    told = call.ask("memory_briefing", of=call.given.of, budget=_at_least(call, "budget")).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    if told["messages_on"]:
        call.terminal.note(f"messages that wait on {told['messages_on']} are not in it")
    call.terminal.say(plain(told["text"].removesuffix("\n")))
    return 0


COMMANDS = {
    "memory ls": Command(_ls, _ls_arguments, "fleet memory ls --role impl"),
    "memory show": Command(_show, _show_arguments, "fleet memory show F12"),
    "memory search": Command(_search, _search_arguments, "fleet memory search lease expiry"),
    "memory briefing": Command(
        _briefing, _briefing_arguments, "fleet memory briefing site/impl-2 --budget 16000"
    ),
}
