"""One pane at one moment, as an adapter saw it in one round trip. What it means: ``screen.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tty(StrEnum):
    """What the terminal's settings and its reader say."""

    RAW = "raw"  # a line editor or full-screen program reads keys
    LINE = "line"  # cooked, and the program waits in read() for a line
    COOKED = "cooked"  # cooked, nobody reads: a command runs, or the program computes
    UNKNOWN = "unknown"  # cannot be told on this system


class Foreground(StrEnum):
    """Whose program has the terminal now."""

    AGENT = "agent"  # the process this incarnation was bound to
    SHELL = "shell"  # the agent ended and its shell is back; it would run a message
    OTHER = "other"  # something the agent or a person started


@dataclass(frozen=True, slots=True)
class Look:
    """One pane at one moment. ``token`` is the incarnation's mark on the pane, ``last`` and ``sub``
    the sequence numbers of the newest paste and the newest Enter, all set by us in tmux."""

    exists: bool
    token: str = ""
    dead: bool = False
    input_off: bool = False
    mode: str = ""
    last: int = 0
    sub: int = 0
    rows: tuple[str, ...] = ()
    cursor_x: int = 0
    cursor_y: int = 0
    title: str = ""
    tty: Tty = Tty.UNKNOWN
    unread_bytes: int = 0
    foreground: Foreground = Foreground.AGENT

    @property
    def cursor_row(self) -> str:
        """The row the cursor stands on; empty when it is outside of what was captured."""
        return self.rows[self.cursor_y] if self.cursor_y < len(self.rows) else ""
