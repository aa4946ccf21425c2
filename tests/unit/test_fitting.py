"""Weights from a history."""

from __future__ import annotations

from fleet.core.competence import SHIPPED, Weights, points
from fleet.core.fitting import Lesson, fit

WORDS_ARE_RIGHT = Lesson(
    {"words": {"rin": -1.0, "kai": -9.0}, "similar": {"rin": 1.0, "kai": 8.0}},
    ("rin", "kai"),
    "rin",
)


def test_without_lessons_nothing_changes() -> None:
    assert fit([], SHIPPED) == SHIPPED


def test_what_was_right_counts_more_and_what_was_wrong_less() -> None:
    fitted = fit([WORDS_ARE_RIGHT] * 50, SHIPPED)
    assert fitted.words > SHIPPED.words
    assert fitted.similar < SHIPPED.similar
    assert fitted.owners == SHIPPED.owners, "which no lesson says anything about"


def test_a_wrong_answer_is_put_right() -> None:
    start = Weights(words=0.1)
    before = points(WORDS_ARE_RIGHT.signals, WORDS_ARE_RIGHT.who, start)
    after = points(WORDS_ARE_RIGHT.signals, WORDS_ARE_RIGHT.who, fit([WORDS_ARE_RIGHT] * 20, start))
    assert (before[0].who, after[0].who) == ("kai", "rin")


def test_a_weight_is_never_negative() -> None:
    wrong = WORDS_ARE_RIGHT._replace(right="kai")
    assert fit([wrong] * 200, Weights(words=0.0)).words == 0.0


def test_the_same_lessons_give_the_same_weights() -> None:
    assert fit([WORDS_ARE_RIGHT] * 5, SHIPPED) == fit([WORDS_ARE_RIGHT] * 5, SHIPPED)
