"""In a round everyone who waits has one turn."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.rounds import Round


def play(waiting: list[str]) -> list[str]:
    """Who is served, one after the other, when these came in this order and nobody comes after."""
    rounds, served = Round(), list[str]()
    rows = list(enumerate(waiting))
    while rows:
        heads: dict[str, int] = {}
        for number, who in rows:
            heads.setdefault(who, number)
        number, who = rounds.order((n, w) for w, n in heads.items())[0]
        rounds.took(who)
        rows.remove((number, who))
        served.append(who)
    return served


def test_within_a_round_it_goes_by_arrival() -> None:
    assert play(["b", "a", "c"]) == ["b", "a", "c"]


def test_one_with_many_waiting_has_one_turn_like_all_others() -> None:
    assert play([*"aaaa", "b", "c"]) == ["a", "b", "c", "a", "a", "a"]


def test_the_next_round_begins_when_all_that_wait_had_theirs() -> None:
    rounds = Round()
    rounds.took("a")
    rounds.took("b")
    assert rounds.order([(1, "a"), (2, "b")]) == [(1, "a"), (2, "b")]
    rounds.took("a")
    assert not rounds.had("b")
    assert rounds.order([(3, "a"), (2, "b")]) == [(2, "b"), (3, "a")]


@given(st.lists(st.sampled_from("abcde"), max_size=40))
def test_nobody_waits_for_more_than_one_turn_of_each_other_in_a_round(waiting: list[str]) -> None:
    served = play(waiting)
    assert Counter(served) == Counter(waiting)
    for who in set(waiting):
        turns = [place for place, one in enumerate(served) if one == who]
        assert len(set(served[: turns[0]])) == turns[0], "before the first turn"
        for before, after in pairwise(turns):
            between = Counter(served[before + 1 : after])
            assert max(between.values(), default=0) <= 2, "late in one round, early in the next"
