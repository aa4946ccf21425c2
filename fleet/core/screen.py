"""A look at a pane, and whether we may type: is it ours, does it ask, work, hold somebody's draft?

Pure: an adapter takes the look, this module reads it. What it cannot tell it calls unknown and
holds, rather than types.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.composer import Composer, Own, at_input, composer, holds, input_rows
from fleet.core.delivery import HoldReason
from fleet.core.keystrokes import Paste
from fleet.core.look import Foreground, Look, Tty
from fleet.core.profile import Profile, Unknown

_NEAR_ROWS = 8
"""Above an input, where programs say that they are at work."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now, and why; ``detail`` is for people and may quote the (cleaned) screen."""

    reason: HoldReason
    detail: str = ""


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


def asking(profile: Profile, look: Look, own: Own | None = None) -> str:
    """The row or title of an open question, or nothing.

    While the cursor stands in the input, at its prompt or behind a text of ours, no row is a
    question: what looks like one was said by somebody, in that text or in the conversation above.
    """
    if profile.dialog_title and profile.dialog_title.search(look.title):
        return look.title.strip()
    if at_input(profile, look):
        return ""
    if own is not None and profile.continuation is not None and holds(profile, look, own):
        return ""
    for row in look.rows:
        if any(pattern.search(row) for pattern in profile.dialog):
            return row.strip()
    return ""


def is_busy(profile: Profile, look: Look) -> bool:
    """Whether its title or a row near its input shows the program at work.

    What stands in its input does not, and neither does the conversation, which may quote such a row.
    """
    if profile.busy_title and profile.busy_title.search(look.title):
        return True
    if profile.idle_title and profile.idle_title.search(look.title):
        return False
    rows = near_input(profile, look)
    return any(pattern.search(row) for pattern in profile.busy for row in rows)


def near_input(profile: Profile, look: Look) -> tuple[str, ...]:
    """The rows right above the input and all below it: where a program says how it is. The whole screen
    where its input cannot be told from the rest."""
    if profile.continuation is None:
        return look.rows
    typed, begins = input_rows(profile, look)
    first = look.cursor_y + 1 - len(typed) if begins else look.cursor_y + 1
    if profile.frame is not None:
        first = look.cursor_y
    above = look.rows[max(0, first - _NEAR_ROWS) : max(0, first)]
    return (*above, *look.rows[look.cursor_y + 1 :])


def fits(profile: Profile, look: Look, text: str) -> bool:
    """Whether the program can be given the whole text: as one paste, and, where the terminal hands
    on line by line or may come to do so between two lines, without a line that it would cut."""
    if len(text.encode()) > profile.paste_limit_bytes:
        return False
    if look.tty is Tty.RAW and profile.paste is not Paste.LINES:
        return True
    return all(len(line.encode()) <= profile.line_limit_bytes for line in text.split("\n"))
