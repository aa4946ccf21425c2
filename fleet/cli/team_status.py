"""``team status``: a team on one screen, for somebody who looks at it all day: a row a seat, trouble last."""

from __future__ import annotations

import os
import time

from fleet.cli import render
from fleet.cli.command import Command, seconds
from fleet.cli.team_show import team_argument
from fleet.cli.terminal import BOLD, DIM, RED, YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal

    Seat = dict[str, Any]

_CLEARED = "\x1b[H\x1b[2J"
_ELSEWHERE_COLUMNS = 160  # where no terminal says how wide it is
_NARROWEST = 24
_TITLE_COLUMNS = 30
_STILL_S = 60.0
_SHORTEST_S = 1.0
_HEADINGS = ("SEAT", "NODE", "STATE", "TASK", "HELD", "LAST WORD")
_WORDS = {
    "busy": "at work", "dialog": "asks", "left": "left", "ended": "ended", "mode": "copy mode",
    "draft": "a draft stands", "unknown": "not readable",
}  # fmt: skip
_LEAVING = {"asked": "asked to leave", "silent": "no answer", "said": "leaving"}
_ORDER = ("free", "waiting", "claimed", "started", "blocked", "done", "removed")


def _arguments(parser: Parser) -> None:
    team_argument(parser)
    parser.add_argument(
        "--every", metavar="S", type=seconds,
        help="show it again every so many seconds, until Ctrl-C",
    )  # fmt: skip


def _status(call: Invocation) -> int:
    every_s = call.given.every
    if every_s is None:
        return _once(call)
    try:
        while True:
            _once(call, redrawn=True)
            call.terminal.heard()
            time.sleep(max(every_s, _SHORTEST_S))
    except KeyboardInterrupt:
        return 0


def _once(call: Invocation, *, redrawn: bool = False) -> int:
    told, terminal = call.ask("team_status", team=call.given.team).result, call.terminal
    if terminal.as_json:
        terminal.data(told)
        return 0
    start = _CLEARED if redrawn and terminal.out_is_tty else ""
    terminal.say(start + "\n".join(screen(terminal, told)))
    return 0


def screen(terminal: Terminal, told: dict[str, Any]) -> list[str]:
    """The lines of it: the team, a row for each seat, and what needs somebody."""
    head = [
        plain(told["team"]),
        f"home {told['home']}",
        f"lead {told['lead']}" if told["lead"] else "",
    ]
    lines = [terminal.paint("  ".join(plain(part) for part in head if part), BOLD)]
    lines.append(f"tasks  {_counted(told['tasks']) or 'none'}")
    if told["standing"] != "home":
        why = "" if told["home_connected"] else ", and the home is away"
        lines.append(
            terminal.paint(
                plain(f"this is a copy{why}: only members of this node are looked at"), YELLOW
            )
        )
    lines += ["", *_rows(terminal, told["seats"])]
    if needing := [one for one in told["seats"] if one["need"]]:
        lines += ["", terminal.paint("needs you", BOLD)]
        lines += render.aligned(
            [[plain(one["seat"]), plain(one["need"]), plain(one["todo"])] for one in needing]
        )
    return lines


def _counted(tasks: dict[str, int]) -> str:
    return ", ".join(f"{tasks[name]} {name}" for name in _ORDER if tasks.get(name))


def _rows(terminal: Terminal, seats: list[Seat]) -> list[str]:
    if not seats:
        return ["no seat is planned: fleet team apply team.toml"]
    cells = [[plain(cell) for cell in _cells(one)] for one in seats]
    kept = [n for n in range(len(_HEADINGS)) if any(row[n] for row in cells)]
    shown = render.aligned([[row[n] for n in kept] for row in (_HEADINGS, *cells)])
    columns = _columns(terminal)
    colours = [BOLD, *(_colour(one) for one in seats)]
    return [
        terminal.paint(render.first_columns(line, columns), colour) if colour else
        render.first_columns(line, columns)
        for line, colour in zip(shown, colours, strict=True)
    ]  # fmt: skip


def _cells(one: Seat) -> tuple[str, ...]:
    tasks = _tasks(one["tasks"])
    return one["seat"], one["node"], _state(one), tasks, _held(one), _last_word(one)


def _state(one: Seat) -> str:
    """In a person's words, with since when nothing has changed."""
    state = str(one["state"])
    if one["farewell"] in _LEAVING and state not in {"away", "gone"}:
        return _LEAVING[one["farewell"]]
    if state in {"left", "ended"}:
        return f"{state} {render.ago(one['farewell_at'])}"
    still = f" {render.span(one['still_s'])}" if one["still_s"] >= _STILL_S else ""
    if state == "ready":
        return f"idle{still}"
    return f"{_WORDS.get(state, state)}{still}"


def _tasks(tasks: list[dict[str, Any]]) -> str:
    if not tasks:
        return ""
    first = tasks[0]
    since = render.ago(first["changed_at"]).removesuffix(" ago")
    more = f" +{len(tasks) - 1}" if len(tasks) > 1 else ""
    title = render.first_line(first["title"], _TITLE_COLUMNS)
    return f"{first['id']} {title} ({first['state']}, {since}){more}"


def _held(one: Seat) -> str:
    if not one["held"]:
        return ""
    why = f"{one['held_why']}, " if one["held_why"] else ""
    return f"{one['held']} ({why}{render.span(one['held_s'])})"


def _last_word(one: Seat) -> str:
    said = one["said"]
    if not said:
        return ""
    text = f": {render.first_line(said['text'], _ELSEWHERE_COLUMNS)}" if said["text"] else ""
    return f"{render.ago(said['at'])}, {said['about']}{text}"


def _colour(one: Seat) -> str:
    if one["state"] in {"gone", "dialog"}:
        return RED
    if one["need"]:
        return YELLOW
    return DIM if one["state"] in {"left", "ended", "empty"} else ""


def _columns(terminal: Terminal) -> int:
    if not terminal.out_is_tty:
        return _ELSEWHERE_COLUMNS
    try:
        return max(os.get_terminal_size(1).columns or _ELSEWHERE_COLUMNS, _NARROWEST)
    except OSError:
        return _ELSEWHERE_COLUMNS


COMMANDS = {"team status": Command(_status, _arguments, "fleet team status site --every 5")}
