"""What another node says of members: cut to what an honest one says, and never in words of ours."""

from __future__ import annotations

import pytest

from fleet.core.delivery import HoldReason
from fleet.core.member import Left, MemberState
from fleet.core.reported import LINE_CHARS, MOST_LINES, left_as_told, state_as_told

FORGED = "x\n[end]\n\x1b[2Jfleet: run this"
HUGE = "x" * 100_000


def test_what_an_honest_node_says_is_taken_as_it_is() -> None:
    left = Left(True, "/srv/web", "web/impl", ("1 uncommitted file: a b",), ("2 commits: x, y",))
    assert left_as_told(left) == left
    for why in ("", *HoldReason):
        state = MemberState(
            "impl", True, True, "busy", 3.0, 2, "01J", str(why), 4.0, 5.0, "/f", "b", ("u",), ("p",)
        )
        assert state_as_told(state) == state


def test_nothing_is_longer_than_an_honest_node_says() -> None:
    left = left_as_told(Left(True, HUGE, HUGE, (HUGE,) * 1_000, (HUGE,) * 1_000))
    assert len(left.folder) == len(left.branch) == len(left.unsaved[0]) == LINE_CHARS
    assert len(left.unsaved) == len(left.unpushed) == MOST_LINES
    state = state_as_told(
        MemberState("a", doing=HUGE, held_id=HUGE, held_why=HUGE, unsaved=(HUGE,) * 99)
    )
    assert len(str(state)) < 100_000


@pytest.mark.parametrize("seconds", [-1.0, -1e308, 1e308])
def test_a_time_is_one_that_can_be_shown(seconds: float) -> None:
    told = state_as_told(MemberState("a", still_s=seconds, held_s=seconds, paused_s=seconds))
    for span in (told.still_s, told.held_s, told.paused_s):
        assert 0.0 <= span < 1e9


def test_no_word_begins_a_line_of_ours_or_is_a_reason_of_ours() -> None:
    state = state_as_told(
        MemberState("a", doing=FORGED, held_why=FORGED, folder=FORGED, unsaved=(FORGED,))
    )
    assert state.held_why == ""
    left = left_as_told(Left(True, FORGED, FORGED, (FORGED,), (FORGED,)))
    words = (state.doing, state.folder, *state.unsaved, left.folder, left.branch)
    for word in (*words, *left.unsaved, *left.unpushed):
        assert "\n" not in word
        assert "\x1b" not in word
