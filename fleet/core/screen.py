"""A look at a pane, and what it means: may we type, has it appeared, was it taken?

Pure: an adapter takes the look in one round trip, this module reads it. What it cannot tell it
calls unknown and holds, rather than types. Every "yes" rests on something seen, and says what.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.core.delivery import HoldReason
from fleet.core.keystrokes import Paste
from fleet.core.profile import Profile, Unknown

_NEAR_ROWS = 8
"""Above an input, where programs say that they are at work."""


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


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now, and why; ``detail`` is for people and may quote the (cleaned) screen."""

    reason: HoldReason
    detail: str = ""


class Composer(StrEnum):
    """What the input line shows."""

    EMPTY = "empty"
    FILLED = "filled"
    UNSEEN = "unseen"  # no prompt where the cursor stands, or the profile knows none


@dataclass(frozen=True, slots=True)
class Own:
    """How a text of ours that was pasted begins and ends; ``start`` is empty when it is not known."""

    start: str
    end: str


def bound(look: Look, token: str, *, is_shell: bool) -> Hold | None:
    """Whether the pane still is this incarnation's, able to take input; a hold if not."""
    if not look.exists:
        return Hold(HoldReason.OFFLINE, "the pane is gone")
    if look.token != token:
        return Hold(HoldReason.OFFLINE, "the pane belongs to another life of tmux or of an agent")
    if look.dead:
        return Hold(HoldReason.OFFLINE, "the program in the pane has ended")
    if look.foreground is Foreground.SHELL and not is_shell:
        return Hold(HoldReason.OFFLINE, "the agent ended; its shell would run the message")
    return None


def gate(
    profile: Profile, look: Look, token: str, held_in_mode_s: float, *, was_ready: bool = False
) -> Hold | None:
    """Why nothing may be typed now, or None for go.

    ``held_in_mode_s`` is how long the pane has been seen in a mode: within the profile's grace a
    person may be reading; after it the paste goes to the program beneath and leaves the mode be.
    ``was_ready`` says that this incarnation has shown its prompt before.
    """
    if hold := bound(look, token, is_shell=profile.is_shell):
        return hold
    if look.input_off:
        return Hold(HoldReason.MODE, "input is switched off for the pane (select-pane -e)")
    if look.mode and held_in_mode_s < profile.mode_grace_s:
        return Hold(HoldReason.MODE, f"somebody is in {look.mode}")
    if asking(profile, look):
        # The question itself stays on this host: who may see the screen asks for it (peek).
        return Hold(HoldReason.DIALOG, "a question is open on its screen")
    if look.foreground is Foreground.OTHER:
        return Hold(HoldReason.BUSY, "another program has the terminal")
    if hold := _terminal_hold(profile, look):
        return hold
    # Once it was ready, such a row is in the conversation: somebody has said it.
    if not was_ready and any(p.search(row) for p in profile.starting for row in look.rows):
        return Hold(HoldReason.STARTING, "it is not ready yet")
    if is_busy(profile, look) and not profile.queues_while_busy:
        return Hold(HoldReason.BUSY, "the program is at work")
    match composer(profile, look):
        case Composer.FILLED:
            return Hold(HoldReason.DRAFT, "somebody has typed something")
        case Composer.UNSEEN if profile.prompt is not None and profile.unknown is Unknown.HOLD:
            if was_ready:
                return Hold(HoldReason.UNKNOWN, "its profile does not know what is on its screen")
            return Hold(HoldReason.STARTING, "no prompt on the screen yet")
        case _:
            return None


def _terminal_hold(profile: Profile, look: Look) -> Hold | None:
    match look.tty:
        case Tty.COOKED:
            return Hold(HoldReason.BUSY, "the program is not reading its terminal")
        case Tty.LINE if not profile.line_reader:
            return Hold(HoldReason.BUSY, "the terminal is in line mode")
        case _ if look.unread_bytes:
            return Hold(HoldReason.BUSY, "the program has not read earlier input")
        case _:
            return None


def composer(profile: Profile, look: Look) -> Composer:
    """What stands in the input where the cursor is."""
    rows, begins = _input(profile, look)
    if not begins:
        return Composer.UNSEEN
    typed = "\n".join(rows).rstrip()
    if not typed:
        has_more = len(rows) > 1 if profile.frame else _has_row_below(profile, look)
        return Composer.FILLED if has_more else Composer.EMPTY
    if profile.placeholder and profile.placeholder.fullmatch(typed) and _is_home(profile, look):
        return Composer.EMPTY
    return Composer.FILLED


def _input(profile: Profile, look: Look) -> tuple[list[str], bool]:
    """The rows of the input down to the cursor's, without prompt and gutter, and whether its first
    row is on the screen: a tall text may begin above it."""
    if profile.frame is not None:
        return _framed(profile.frame, profile, look)
    rows: list[str] = []
    here = look.cursor_row
    if not here.strip():
        here = " " * look.cursor_x  # a gutter of blanks was not captured
    for row in (here, *reversed(look.rows[: look.cursor_y])):
        if (text := _behind(profile.prompt, row)) is not None:
            return [text, *rows], True
        if (text := _behind(profile.continuation, row)) is None:
            break
        rows.insert(0, text)
    return rows, False


def _framed(frame: re.Pattern[str], profile: Profile, look: Look) -> tuple[list[str], bool]:
    """The same by the frame of the input, and with the rows below the cursor's."""
    screen = "".join(f"{row}\n" for row in look.rows)
    for found in frame.finditer(screen):
        first, end = (screen.count("\n", 0, place) for place in found.span("input"))
        if first <= look.cursor_y < end:
            groups = found.groupdict()
            width = len(groups["edge"]) if groups.get("edge") else None
            rows = [_behind(profile.prompt, row[:width]) or "" for row in look.rows[first:end]]
            return rows, groups.get("top", "") is not None
    return [], False


def _has_row_below(profile: Profile, look: Look) -> bool:
    """Whether the input goes on beneath the cursor: its first row may be empty."""
    below = look.rows[look.cursor_y + 1] if look.cursor_y + 1 < len(look.rows) else ""
    return bool(_behind(profile.continuation, below))


def _behind(pattern: re.Pattern[str] | None, row: str) -> str | None:
    """What stands behind a prompt or gutter; None where there is none. One that ends in a blank may
    stand on a row whose trailing blanks were not captured."""
    found = (pattern.match(row) or pattern.match(row + " ")) if pattern else None
    return row[found.end() :].rstrip() if found else None


def _is_home(profile: Profile, look: Look) -> bool:
    """Whether the cursor stands right behind the prompt, where a placeholder leaves it."""
    found = profile.prompt.match(look.cursor_row) if profile.prompt else None
    return found is not None and look.cursor_x <= found.end()


def asking(profile: Profile, look: Look, own: Own | None = None) -> str:
    """The row or title of an open question, or nothing.

    While the cursor stands in the input, at its prompt or behind a text of ours, no row is a
    question: what looks like one was said by somebody, in that text or in the conversation above.
    """
    if profile.dialog_title and profile.dialog_title.search(look.title):
        return look.title.strip()
    if _at_input(profile, look):
        return ""
    if own is not None and profile.continuation is not None and holds(profile, look, own):
        return ""
    for row in look.rows:
        if any(pattern.search(row) for pattern in profile.dialog):
            return row.strip()
    return ""


def _at_input(profile: Profile, look: Look) -> bool:
    if profile.frame is not None:
        return bool(_input(profile, look)[0])
    return _behind(profile.prompt, look.cursor_row) is not None


def is_busy(profile: Profile, look: Look) -> bool:
    """Whether its title or a row near its input shows the program at work.

    What stands in its input does not, and neither does the conversation, which may quote such a row.
    """
    if profile.busy_title and profile.busy_title.search(look.title):
        return True
    if profile.idle_title and profile.idle_title.search(look.title):
        return False
    rows = look.rows
    if profile.continuation is not None:
        typed, begins = _input(profile, look)
        first = look.cursor_y + 1 - len(typed) if begins else look.cursor_y + 1
        if profile.frame is not None:
            first = look.cursor_y
        rows = (*rows[max(0, first - _NEAR_ROWS) : max(0, first)], *rows[look.cursor_y + 1 :])
    return any(pattern.search(row) for pattern in profile.busy for row in rows)


def fits(profile: Profile, look: Look, text: str) -> bool:
    """Whether the program can be given the whole text: as one paste, and, where the terminal hands
    on line by line or may come to do so between two lines, without a line that it would cut."""
    if len(text.encode()) > profile.paste_limit_bytes:
        return False
    if look.tty is Tty.RAW and profile.paste is not Paste.LINES:
        return True
    return all(len(line.encode()) <= profile.line_limit_bytes for line in text.split("\n"))


def shown(profile: Profile, before: Look, now: Look) -> bool:
    """Whether the pasted text has reached the program's input line (or, unseen, its reader)."""
    if now.unread_bytes:
        return False
    if profile.continuation is not None:
        return bool(_squeezed(_input(profile, now)[0])) and composer(profile, now) is not (
            Composer.EMPTY
        )
    if profile.prompt is not None:
        return composer(profile, now) is not Composer.EMPTY or now.rows != before.rows
    return _differs(before, now)


def holds(profile: Profile, look: Look, own: Own) -> bool:
    """Whether the input holds our text, and nothing but it, with the cursor behind it.

    Rows are compared without blanks: programs wrap a text, and indent it, each in its own way.
    """
    if _fold(profile, look):
        return True
    rows, begins = _input(profile, look)
    seen = _squeezed(rows)
    if not seen.endswith(_squeezed([own.end])) or not own.end:
        return False
    return not begins or seen.startswith(_squeezed([own.start]))


def _fold(profile: Profile, look: Look) -> str:
    """What the input shows in place of a long paste; empty if it shows anything else."""
    rows, begins = _input(profile, look)
    text = " ".join("\n".join(rows).split())
    return text if begins and profile.folded and profile.folded.fullmatch(text) else ""


def shows(look: Look, own: Own) -> bool:
    """Whether the end of our text is to be seen anywhere on the screen."""
    return any(own.end in row for row in look.rows)


def stands(profile: Profile, typed: Look | None, now: Look, own: Own) -> bool:
    """Whether the text still stands in the input as it was typed, so that Enter sends it and only it.

    Somebody may have sent it, or removed it and begun a text of their own. ``typed`` is the look when
    it was shown; None after a restart of the node, when only the text itself proves it.
    """
    if profile.continuation is not None:
        before, fold = _fold(profile, typed) if typed else "", _fold(profile, now)
        # Another one is a long paste of somebody's own.
        return holds(profile, now, own) and (not before or fold in {"", before})
    end = own.end
    if end and end in now.cursor_row:
        return True
    if typed is None or (end and end in typed.cursor_row):
        return False
    if composer(profile, typed) is Composer.FILLED:
        return now.cursor_row == typed.cursor_row
    # Never seen to stand there: a program that reads lines may not show them, any other may be asking.
    return profile.prompt is not None or now.tty is not Tty.RAW


def returned(profile: Profile, typed: Look | None, now: Look, own: Own) -> bool:
    """Whether a text that had left the input is in it again: a redraw or a question had hidden it,
    or a person called it back."""
    if profile.continuation is None:
        return bool(own.end) and own.end in now.cursor_row
    before = _fold(profile, typed) if typed else ""
    return holds(profile, now, own) and _fold(profile, now) == before


def taken(profile: Profile, typed: Look, now: Look, own: Own) -> bool:
    """Whether the program took the text: our end line left the input, and something followed.

    ``typed`` is the look before Enter. A text that was not seen in the input has to be seen above
    it. Where the prompt is not known, an empty line right beneath the text is no sign: in an editor
    of many lines Enter adds one.
    """
    end = own.end
    if now.unread_bytes or (end and end in now.cursor_row):
        return False
    if profile.prompt is not None:
        if composer(profile, now) is Composer.EMPTY:
            is_above = any(end in row or _begins(own, row) for row in now.rows)
            return _differs(typed, now) and (is_above or _was_seen(profile, typed))
        return now.tty is Tty.COOKED or _went_on(profile, now, end)
    return _differs(typed, now) and not _is_a_line_more(now, end)


def _begins(own: Own, row: str) -> bool:
    """Whether our header begins in a row; a program may show no more than the beginning of a turn."""
    return bool(own.start) and own.start in row


def _was_seen(profile: Profile, typed: Look) -> bool:
    """Whether its having left the input is enough. Out of an input that is known well it may also have
    been cleared by a person; folded, it may be shown as a turn in other words."""
    if profile.continuation is not None:
        return bool(_fold(profile, typed))
    return composer(profile, typed) is not Composer.EMPTY


def _went_on(profile: Profile, now: Look, end: str) -> bool:
    """Whether a program whose input is not empty now is at work, or shows our text as a turn."""
    if profile.continuation is None:
        return is_busy(profile, now)
    rows, begins = _input(profile, now)
    if begins:
        return any(end in row for row in now.rows[: max(0, now.cursor_y + 1 - len(rows))])
    return bool(asking(profile, now)) and any(end in row for row in now.rows)


def settled(profile: Profile, now: Look, own: Own) -> bool:
    """Whether a text whose Enter was pressed in an earlier life of the node was taken.

    There is no look from before Enter to compare with, so something positive has to be seen: the
    empty prompt, or our end line standing above the cursor.
    """
    if now.unread_bytes or own.end in now.cursor_row:
        return False
    if profile.prompt is not None:
        return composer(profile, now) is Composer.EMPTY
    return any(own.end in row for row in now.rows) and not _is_a_line_more(now, own.end)


def _squeezed(rows: Iterable[str]) -> str:
    return unicodedata.normalize("NFC", "".join("".join(rows).split()))


def _is_a_line_more(now: Look, end: str) -> bool:
    above = now.rows[now.cursor_y - 1] if 0 < now.cursor_y <= len(now.rows) else ""
    return now.tty is Tty.RAW and not now.cursor_row.strip() and bool(end) and end in above


def _differs(one: Look, other: Look) -> bool:
    return (one.rows, one.cursor_x, one.cursor_y) != (other.rows, other.cursor_x, other.cursor_y)
