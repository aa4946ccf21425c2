"""What another node says of a team's members, as far as a team's home takes it.

It goes into the team's log, and into what the home itself tells its lead and its people. So nothing in it is
longer than an honest node says, and no word of a node passes for one of ours.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from fleet.core.delivery import HoldReason
from fleet.core.member import Left, MemberState
from fleet.core.quoted import one_line

MOST_LINES = 32
LINE_CHARS = 1_000
_WORD_CHARS = 64
_LONGEST_S = 10 * 366 * 86_400.0
_REASONS = MappingProxyType({reason.value: reason.value for reason in HoldReason})


def left_as_told(left: Left) -> Left:
    """What is left of a member."""
    return replace(
        left,
        folder=one_line(left.folder, LINE_CHARS),
        branch=one_line(left.branch, LINE_CHARS),
        unsaved=_lines(left.unsaved),
        unpushed=_lines(left.unpushed),
    )


def state_as_told(state: MemberState) -> MemberState:
    """How a member is. Why its mail is held is one of the reasons that there are, or not told."""
    return replace(
        state,
        doing=one_line(state.doing, _WORD_CHARS),
        still_s=_span(state.still_s),
        held_id=one_line(state.held_id, _WORD_CHARS),
        held_why=_REASONS.get(state.held_why, ""),
        held_s=_span(state.held_s),
        paused_s=_span(state.paused_s),
        folder=one_line(state.folder, LINE_CHARS),
        branch=one_line(state.branch, LINE_CHARS),
        unsaved=_lines(state.unsaved),
        unpushed=_lines(state.unpushed),
    )


def _lines(told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one_line(line, LINE_CHARS) for line in told[:MOST_LINES])


def _span(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_S)
