"""What a look at a pane says of a text that was pasted: has it appeared, does it stand, was it taken?

Every "yes" rests on something seen; what cannot be told is a "no".
"""

from __future__ import annotations

from fleet.core.composer import Composer, Own, composer, folded_paste, holds, input_rows, squeezed
from fleet.core.look import Look, Tty
from fleet.core.profile import Profile
from fleet.core.screen import asking, is_busy


def shown(profile: Profile, before: Look, now: Look) -> bool:
    """Whether the pasted text has reached the program's input line (or, unseen, its reader)."""
    if now.unread_bytes:
        return False
    if profile.continuation is not None:
        return bool(squeezed(input_rows(profile, now)[0])) and composer(profile, now) is not (
            Composer.EMPTY
        )
    if profile.prompt is not None:
        return composer(profile, now) is not Composer.EMPTY or now.rows != before.rows
    return _differs(before, now)


def shows(look: Look, own: Own) -> bool:
    """Whether the end of our text is to be seen anywhere on the screen."""
    return any(own.end in row for row in look.rows)


def stands(profile: Profile, typed: Look | None, now: Look, own: Own) -> bool:
    """Whether the text still stands in the input as it was typed, so that Enter sends it and only it.

    Somebody may have sent it, or removed it and begun a text of their own. ``typed`` is the look when
    it was shown; None after a restart of the node, when only the text itself proves it.
    """
    if profile.continuation is not None:
        before, fold = folded_paste(profile, typed) if typed else "", folded_paste(profile, now)
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
    before = folded_paste(profile, typed) if typed else ""
    return holds(profile, now, own) and folded_paste(profile, now) == before


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
        return bool(folded_paste(profile, typed))
    return composer(profile, typed) is not Composer.EMPTY


def _went_on(profile: Profile, now: Look, end: str) -> bool:
    """Whether a program whose input is not empty now is at work, or shows our text as a turn."""
    if profile.continuation is None:
        return is_busy(profile, now)
    rows, begins = input_rows(profile, now)
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


def _is_a_line_more(now: Look, end: str) -> bool:
    above = now.rows[now.cursor_y - 1] if 0 < now.cursor_y <= len(now.rows) else ""
    return now.tty is Tty.RAW and not now.cursor_row.strip() and bool(end) and end in above


def _differs(one: Look, other: Look) -> bool:
    return (one.rows, one.cursor_x, one.cursor_y) != (other.rows, other.cursor_x, other.cursor_y)
