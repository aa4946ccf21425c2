"""Tables and times for people. On a terminal rich lays the table out; else columns are aligned."""

from __future__ import annotations

import time

from fleet.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.cli.terminal import Terminal

_STYLES = {
    "ready": GREEN, "connected": GREEN, "self": GREEN, "submitted": GREEN, "acknowledged": GREEN,
    "online": GREEN, "ok": GREEN, "offline": DIM, "away": DIM, "revoked": RED, "refused": RED,
    "expired": RED, "in_doubt": RED, "unconfirmed": RED, "fail": RED, "warn": YELLOW,
    "held": YELLOW, "queued": YELLOW, "dialog": YELLOW,
}  # fmt: skip
_RICH = {GREEN: "green", RED: "red", YELLOW: "yellow", DIM: "dim", BOLD: "bold"}
_CLOCK_SLACK_S = 5.0


def table(terminal: Terminal, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below headings; a word that is a state gets its colour."""
    cells = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
    kept = [n for n in range(len(headings)) if any(row[n] for row in cells)]
    headings = [headings[n] for n in kept]
    cells = [[row[n] for n in kept] for row in cells]
    if terminal.out_is_tty:
        _rich_table(terminal, headings, cells)
        return
    for row in aligned([headings, *cells]):
        terminal.say(row)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in which each column begins at one place."""
    widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _rich_table(terminal: Terminal, headings: Sequence[str], cells: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        # What people copy and paste, an id or an address, stands in the first column: in one piece.
        shown.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in cells:
        shown.add_row(*(Text(cell, style=_RICH.get(_STYLES.get(cell, ""), "")) for cell in row))
    terminal.passing_over()
    Console(highlight=False, color_system="auto" if terminal.has_colour else None).print(shown)


def clock_s(moment: str) -> float | None:
    """The wall seconds of a moment as the node writes them, 2026-11-23T10:00:00.000Z."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return None


def ago(moment: str | None) -> str:
    """How long ago a moment was, by this host's clock; empty for never."""
    if not moment:
        return ""
    at_s = clock_s(moment)
    if at_s is None:
        return moment
    gone_s = time.time() - at_s
    return "now" if abs(gone_s) < _CLOCK_SLACK_S else f"{span(abs(gone_s))}{_side(gone_s)}"


def _side(gone_s: float) -> str:
    return " ago" if gone_s > 0 else " ahead"


def span(length_s: float) -> str:
    """A length of time in its largest fitting unit."""
    for unit, unit_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if length_s >= 2 * unit_s:
            return f"{length_s / unit_s:.0f} {unit}"
    return f"{length_s:.0f} s"


def first_line(text: str, columns: int = 60) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= columns else line[: columns - 1] + "…"


def first_columns(line: str, columns: int) -> str:
    """As much of a line as fits into so many columns."""
    if _cells(line) <= columns:
        return line
    while line and _cells(line) >= columns:
        line = line[:-1]
    return f"{line}…"


def facts(terminal: Terminal, pairs: Sequence[tuple[str, object]]) -> None:
    """Names and values, aligned; what is empty is left out."""
    told = [(name, plain(value)) for name, value in pairs if value not in (None, "", [])]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        terminal.say(f"{terminal.paint(name.ljust(width), DIM)}  {value}")
