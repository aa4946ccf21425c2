"""What stands in a program's input: its rows as its profile knows them, somebody's draft, our text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.core.look import Look
from fleet.core.profile import Profile


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


def composer(profile: Profile, look: Look) -> Composer:
    """What stands in the input where the cursor is."""
    rows, begins = input_rows(profile, look)
    if not begins:
        return Composer.UNSEEN
    typed = "\n".join(rows).rstrip()
    if not typed:
        has_more = len(rows) > 1 if profile.frame else _has_row_below(profile, look)
        return Composer.FILLED if has_more else Composer.EMPTY
    if profile.placeholder and profile.placeholder.fullmatch(typed) and _is_home(profile, look):
        return Composer.EMPTY
    return Composer.FILLED


def input_rows(profile: Profile, look: Look) -> tuple[list[str], bool]:
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


def at_input(profile: Profile, look: Look) -> bool:
    if profile.frame is not None:
        return bool(input_rows(profile, look)[0])
    return _behind(profile.prompt, look.cursor_row) is not None


def holds(profile: Profile, look: Look, own: Own) -> bool:
    """Whether the input holds our text, and nothing but it, with the cursor behind it.

    Rows are compared without blanks: programs wrap a text, and indent it, each in its own way.
    """
    if folded_paste(profile, look):
        return True
    rows, begins = input_rows(profile, look)
    seen = squeezed(rows)
    if not seen.endswith(squeezed([own.end])) or not own.end:
        return False
    return not begins or seen.startswith(squeezed([own.start]))


def folded_paste(profile: Profile, look: Look) -> str:
    """What the input shows in place of a long paste; empty if it shows anything else."""
    rows, begins = input_rows(profile, look)
    text = " ".join("\n".join(rows).split())
    return text if begins and profile.folded and profile.folded.fullmatch(text) else ""


def squeezed(rows: Iterable[str]) -> str:
    return unicodedata.normalize("NFC", "".join("".join(rows).split()))
