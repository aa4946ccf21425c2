"""Points: what each loses to the best."""

from __future__ import annotations

import math

import pytest

from fleet.core.competence import SHIPPED, Weights, earned, points, shortfall
from fleet.core.experience import DAY_S, Experience, Like, Work


@pytest.mark.parametrize(
    ("name", "values", "behind"),
    [
        ("similar", {"a": 2.0, "b": 1.0}, {"a": 0.0, "b": math.log(0.51)}),
        ("similar", {"a": 2.0, "b": 0.0}, {"a": 0.0, "b": math.log(0.01)}),
        ("similar", {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}),
        ("words", {"a": -3.0, "b": -4.5}, {"a": 0.0, "b": -1.5}),
        ("words", {"a": -3.0, "b": -90.0}, {"a": 0.0, "b": -8.0}),
    ],
)
def test_shortfall(name: str, values: dict[str, float], behind: dict[str, float]) -> None:
    assert shortfall(name, values) == pytest.approx(behind)


def test_points_are_a_sum_anybody_can_check() -> None:
    signals = {"words": {"a": -1.0, "b": -2.0}, "similar": {"a": 1.0, "b": 4.0}}
    best, second = points(signals, ("a", "b"), Weights(words=0.5, similar=1.0))
    assert (best.who, best.lost) == ("b", (("words", -0.5), ("similar", 0.0)))
    assert (second.who, second.total) == ("a", round(math.log(0.26), 4))


def test_of_equals_the_name_orders_the_table() -> None:
    assert [one.who for one in points({"words": {"b": 0.0, "a": 0.0}}, ("b", "a"))] == ["a", "b"]


def test_paths_that_a_task_names_come_before_those_that_are_guessed() -> None:
    experience = Experience()
    lease = Work("1", "rin", 0.0, "renew", ("lease.py",))
    clock = Work("2", "kai", 0.0, "tick", ("clock.py",))
    experience.learn(lease)
    experience.learn(clock)
    likes = [Like(lease, 1.0)]
    guessed = earned(experience, likes, ("renew",), (), ("rin", "kai"), DAY_S)
    named = earned(experience, likes, ("renew",), ("clock.py",), ("rin", "kai"), DAY_S)
    assert guessed["owners"]["rin"] > guessed["owners"]["kai"]
    assert named["owners"]["kai"] > named["owners"]["rin"]


def test_the_weights_as_shipped() -> None:
    """They are what the measurements in docs/concepts/competence.md are of."""
    assert (SHIPPED.words, SHIPPED.similar, SHIPPED.fortnight, SHIPPED.days, SHIPPED.owners) == (
        0.5, 1.0, 0.65, 0.3, 0.7,
    )  # fmt: skip
