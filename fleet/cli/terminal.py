"""Where a command answers: data to standard output, words for people to standard error.

With ``--json`` standard output gets JSON and nothing else; it is ASCII, so that it survives every
locale and no text in it can steer a terminal. What people are shown went through ``plain``.
"""

from __future__ import annotations

import io
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TextIO

    from fleet.cli.command import UsageError

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
_ERASE_LINE = "\r\x1b[K"
_STEERING = {
    code: f"\\u{{{code:x}}}"
    for span in (
        range(0x20), range(0x7F, 0xA0), range(0x200B, 0x2010), range(0x2028, 0x202F),
        range(0x2060, 0x2070), range(0xFFF9, 0xFFFC), range(0xE0000, 0xE0080),
        (0xAD, 0x61C, 0x180E, 0xFEFF),
    )
    for code in span
    if code not in (0x09, 0x0A, 0x200C, 0x200D)
}  # fmt: skip


def plain(text: object) -> str:
    """Text that cannot steer a terminal: what could is made visible. LF and TAB stay."""
    shown = str(text)
    return shown if shown.isprintable() else shown.translate(_STEERING)


class Unheard(Exception):
    """Standard output takes nothing: its disk is full, its device is gone. A reader that went away is
    ``BrokenPipeError``, and nobody's trouble."""


class Terminal:
    """The three standard streams of one command."""

    def __init__(self, environ: Mapping[str, str], *, as_json: bool) -> None:
        self.environ = environ
        self.as_json = as_json
        self.out_is_tty = _is_tty(sys.stdout)
        self.err_is_tty = _is_tty(sys.stderr)
        self.has_colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._passing = False
        for stream in (sys.stdout, sys.stderr):
            _escaping(stream)

    # --- standard output ---

    def data(self, value: object) -> None:
        """One JSON value on a line of its own."""
        self.passing_over()
        self._out(json.dumps(value))

    def say(self, text: str) -> None:
        """The answer, as people read it; nothing with ``--json``."""
        if not self.as_json:
            self.passing_over()
            self._out(text)

    def heard(self) -> None:
        """Write out what was said so far.

        Raises:
            Unheard: it cannot be written.
        """
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise Unheard(error.strerror) from None

    def _out(self, text: str) -> None:
        try:
            print(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unheard(error.strerror) from None

    def paint(self, text: str, colour: str) -> str:
        """Colour for standard output, if it is a terminal that may have colours."""
        return f"\x1b[{colour}m{text}\x1b[m" if self.out_is_tty and self.has_colour else text

    # --- standard error ---

    def note(self, text: str) -> None:
        """A word to the person who watches, beside the answer."""
        self.passing_over()
        if not self.as_json:
            print(plain(text), file=sys.stderr)

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches."""
        return self.err_is_tty and not self.as_json and self.environ.get("TERM") != "dumb"

    def passing(self, text: str) -> None:
        """One line that the next one replaces."""
        if self.shows_progress:
            columns = os.get_terminal_size(2).columns or 80
            print(_ERASE_LINE + plain(text)[: columns - 1], end="", file=sys.stderr, flush=True)
            self._passing = True

    def passing_over(self) -> None:
        """Take the passing line away."""
        if self._passing:
            print(_ERASE_LINE, end="", file=sys.stderr, flush=True)
            self._passing = False

    def fail(self, error: dict[str, Any]) -> None:
        """An error: as JSON on standard output, or in words on standard error."""
        self.passing_over()
        if self.as_json:
            try:
                self._out(json.dumps({"error": error}))
                return self.heard()
            except Unheard:
                pass  # then in words, where somebody may read them
        return self._tell(error)

    def unheard(self, why: Unheard) -> None:
        """The answer cannot be written; it is said in words, since nothing else is left."""
        told = {"message": f"standard output cannot be written: {why}"}
        self._tell({**told, "hint": "the command was carried out; only its answer is lost"})

    def _tell(self, error: dict[str, Any]) -> None:
        self._complain("error:", RED, str(error.get("message", "")))
        candidates: list[dict[str, Any]] = error.get("candidates", [])
        for candidate in candidates:
            print(f"  {_candidate(candidate)}", file=sys.stderr)
        if hint := error.get("hint"):
            self._complain("hint:", YELLOW, str(hint))

    def complain(self, message: str, hint: str) -> None:
        """Words for an end that is not the one asked for, and is no error of its own."""
        self.fail({"message": message, "hint": hint})

    def misused(self, mistake: UsageError) -> None:
        """A command line that is not understood."""
        if not self.as_json:
            print(mistake.usage, file=sys.stderr)
        told = {"code": "usage", "message": str(mistake), "hint": mistake.hint}
        self.fail({**told, "layer": "input", "candidates": []})

    def _complain(self, word: str, colour: str, text: str) -> None:
        painted = f"\x1b[{colour}m{word}\x1b[m" if self.err_is_tty and self.has_colour else word
        print(painted, plain(text), file=sys.stderr)


def _candidate(one: dict[str, Any]) -> str:
    seen = f", seen {one['last_seen']}" if one.get("last_seen") else ""
    return plain(f"{one.get('address')}  on {one.get('node')}, {one.get('state')}{seen}")


def _escaping(stream: TextIO | None) -> None:
    """Escape what the locale cannot show, and bytes of a path that are no text, rather than fail."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _is_tty(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
