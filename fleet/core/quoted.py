"""The words of others inside a page of ours: quoted, so that they can be read and never pass for ours.

Each line of a quotation begins with ``>``, no line of ours does. What could act as a key or hide is made
visible first (``fleet/core/keystrokes.py``), which also leaves no other line end than LF.
"""

from __future__ import annotations

from fleet.core.keystrokes import clean

MARK = ">"


def quoted(text: str) -> str:
    """The whole text as a quotation; ``>`` alone when there is nothing in it."""
    lines = clean(text).text.split("\n")
    return "\n".join(f"{MARK} {line}" if line else MARK for line in lines)


def quoted_start(text: str, limit_chars: int) -> tuple[str, int]:
    """A quotation of the first characters, and how many more there are in the cleaned text."""
    cleaned = clean(text).text
    if len(cleaned) <= limit_chars:
        return quoted(cleaned), 0
    return quoted(cleaned[:limit_chars] + "…"), len(cleaned) - limit_chars


def one_line(text: str, limit_chars: int = 200) -> str:
    """A text for the middle of a line of ours: cleaned, without line ends, cut."""
    line = " ".join(clean(text).text.split())
    return line if len(line) <= limit_chars else line[: limit_chars - 1] + "…"
