"""The life of a farewell as its table says, drawn against what the words mean."""

from __future__ import annotations

from itertools import product

import pytest

from fleet.core.farewell import ANSWERED, OVER, TRANSITIONS, Behind, Farewell, Stage, Step
from fleet.core.team_events import FarewellAsked, FarewellSaid, Unseated

ASKED = Farewell("impl", "impl", "web.impl", "n", term=3, asked=5, until_s=100.0)
SAID = ASKED.after(FarewellSaid("impl", 3, (7,)), 6, 50.0)


@pytest.mark.parametrize(
    ("stage", "step"), sorted(set(product(Stage, Step)) - set(TRANSITIONS)), ids=str
)
def test_what_the_table_does_not_have_cannot_happen(stage: Stage, step: Step) -> None:
    assert stage in OVER or (stage, step) in {
        (Stage.SAID, Step.ASK),
        (Stage.SAID, Step.DUE),
        (Stage.SAID, Step.SAY),
        (Stage.SILENT, Step.DUE),
    }


def test_only_its_own_word_is_an_answer() -> None:
    """Time, being asked again and an end make nobody have answered."""
    for (_, step), after in TRANSITIONS.items():
        if step is not Step.EMPTY:
            assert (after in ANSWERED) == (step is Step.SAY)
    assert {before for before, s in TRANSITIONS if s is Step.EMPTY} == set(Stage) - OVER
    assert TRANSITIONS[Stage.SAID, Step.EMPTY] in ANSWERED
    assert TRANSITIONS[Stage.SILENT, Step.EMPTY] not in ANSWERED


def test_time_makes_who_was_asked_silent_and_changes_nothing_else() -> None:
    assert (ASKED.at(99.9), ASKED.at(100.0)) == (Stage.ASKED, Stage.SILENT)
    assert SAID.at(1e9) is Stage.SAID
    assert ASKED.after(FarewellAsked("impl", 3, 300.0), 9, 200.0).at(200.0) is Stage.ASKED


def test_a_late_answer_is_an_answer() -> None:
    late = ASKED.after(FarewellSaid("impl", 3), 8, 500.0)
    assert (late.at(500.0), late.said_s) == (Stage.SAID, 500.0)


def test_what_went_back_is_counted_from_the_answer_and_from_the_end() -> None:
    left = Unseated("impl", "said goodbye", (9,), "/w", "web/impl", ("1 file: a",), ("2 commits",))
    over = SAID.after(left, 8, 60.0)
    assert (over.stage, over.released, over.over_s) == (Stage.LEFT, (7, 9), 60.0)
    assert over.behind == Behind("/w", "web/impl", ("1 file: a",), ("2 commits",))
    assert ASKED.after(left, 8, 60.0).stage is Stage.ENDED


def test_a_log_in_which_somebody_leaves_twice_is_damaged() -> None:
    over = SAID.after(Unseated("impl", "x"), 8, 60.0)
    for event in (FarewellSaid("impl", 3), Unseated("impl", "x"), FarewellAsked("impl", 3, 1.0)):
        with pytest.raises(ValueError, match="cannot follow"):
            over.after(event, 9, 70.0)
