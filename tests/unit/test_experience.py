"""What is read from finished work."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.experience import (
    DAY_S,
    Experience,
    Like,
    Work,
    faded,
    guessed_paths,
    similar,
)

NOW_S = 1_000 * DAY_S


def work(key: str, who: str, days_ago: float, title: str, *paths: str) -> Work:
    return Work(key, who, NOW_S - days_ago * DAY_S, title, paths)


def of(*works: Work) -> Experience:
    experience = Experience()
    for one in works:
        experience.learn(one)
    return experience


LEASE = work("1", "rin", 1, "renew the lease", "node/lease.py")
CLOCK = work("2", "kai", 20, "read the clock", "node/clock.py", "node/lease.py")


def test_work_is_counted_once() -> None:
    assert of(LEASE, LEASE).count("rin") == 1


def test_work_is_counted_since() -> None:
    both = of(LEASE, work("3", "rin", 400, "older"))
    assert both.count("rin") == 2
    assert both.count("rin", NOW_S - 365 * DAY_S) == 1
    assert both.count("nobody") == 0


def test_who_spoke_of_it_is_likelier() -> None:
    both = of(LEASE, CLOCK)
    assert both.likelihood(("lease",), "rin") > both.likelihood(("lease",), "nobody")
    assert both.likelihood(("read",), "kai") > both.likelihood(("read",), "rin")


def test_who_knows_which_share_of_the_words() -> None:
    both = of(LEASE, CLOCK)
    assert both.knows(("renew", "lease"), "rin") == 1.0
    assert both.knows(("renew", "unheard"), "rin") < 0.5, "a word nobody knows is rare, and weighs"
    assert both.knows(("renew",), "nobody") == 0.0
    assert both.knows((), "rin") == 0.0


@pytest.mark.parametrize(("days", "left"), [(0, 1.0), (14, 0.5), (28, 0.25), (-5, 1.0)])
def test_what_was_done_lately_fades(days: float, left: float) -> None:
    assert of(work("1", "rin", days, "x")).lately("rin", NOW_S, 14 * DAY_S) == left


def test_what_is_long_ago_is_forgotten() -> None:
    assert of(work("1", "rin", 113, "x")).lately("rin", NOW_S, 14 * DAY_S) == 0.0
    assert of().lately("rin", NOW_S, DAY_S) == 0.0


def test_a_path_is_whose_who_touched_it_last_most() -> None:
    owned = of(LEASE, CLOCK).owners({"node/lease.py": 1.0, "unknown.py": 5.0}, NOW_S)
    assert owned["rin"] > owned["kai"] > 0
    assert math.isclose(sum(owned.values()), 1.0)


def test_similar_work_counts_squared_and_fades() -> None:
    found = similar([Like(LEASE, 2.0), Like(CLOCK, 1.0)], LEASE.at_s)
    assert found["rin"] == 4.0
    assert 0.9 < found["kai"] < 1.0


def test_paths_are_guessed_from_what_is_most_like_it() -> None:
    guessed = guessed_paths([Like(LEASE, 2.0), Like(CLOCK, 1.0)])
    assert guessed == {"node/lease.py": 4.5, "node/clock.py": 0.5}


def test_fading_halves() -> None:
    assert faded(10.0, 10.0) == 0.5


works = st.lists(
    st.builds(
        Work,
        key=st.text("abcdef", min_size=1, max_size=3),
        who=st.sampled_from(["rin", "kai", "nova"]),
        at_s=st.floats(0, NOW_S),
        title=st.text("abc ", max_size=12),
        paths=st.lists(st.sampled_from(["a/b.py", "a/c.py", "d.md"]), max_size=3).map(tuple),
    ),
    unique_by=lambda one: one.key,
    max_size=12,
)


@given(works, st.randoms(use_true_random=False))
def test_the_order_in_which_work_comes_changes_nothing(
    found: list[Work], dice: random.Random
) -> None:
    shuffled = list(found)
    dice.shuffle(shuffled)
    one, other = of(*found), of(*shuffled)
    likes = [Like(work, float(len(work.title))) for work in found]
    turned = [Like(work, float(len(work.title))) for work in shuffled]
    for who in ("rin", "kai", "nova"):
        assert one.likelihood(("a", "b"), who) == other.likelihood(("a", "b"), who)
        assert one.lately(who, NOW_S, DAY_S) == other.lately(who, NOW_S, DAY_S)
    paths = guessed_paths(likes)
    assert paths == guessed_paths(turned)
    assert one.owners(paths, NOW_S) == other.owners(paths, NOW_S)
    assert similar(likes, NOW_S) == similar(turned, NOW_S)
