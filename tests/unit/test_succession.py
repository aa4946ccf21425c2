"""Who signs for the fleet, by a few names: A follows the founder, B follows A, X is somebody else's."""

from fleet.core.succession import FOUNDER, Line, line_of

A, B, X = "a", "b", "x"


def kept(*ids: str) -> frozenset[str]:
    return frozenset(ids)


def test_at_first_the_founder_signs_alone():
    assert line_of({}, {}) == Line()
    assert not Line().is_retired(FOUNDER)
    assert not Line().voids(FOUNDER, "anything")


def test_who_follows_signs_too_until_it_retires_the_one_before():
    assert line_of({FOUNDER: [A]}, {}) == Line((FOUNDER, A))
    line = line_of({FOUNDER: [A]}, {A: {"r": kept(A, "admit")}})
    assert line == Line((FOUNDER, A), {FOUNDER: kept(A, "admit")})
    assert line.is_retired(FOUNDER)
    assert not line.is_retired(A)
    assert [line.voids(FOUNDER, one) for one in (A, "admit", "late")] == [False, False, True]
    assert not line.voids(A, "late")


def test_of_two_that_follow_one_neither_counts_until_one_has_retired_it():
    both = {FOUNDER: [A, X], A: [B]}
    assert line_of(both, {}) == Line((FOUNDER,), {}, (A, X))
    one = line_of(both, {A: {"r": kept(A, X)}})
    assert one == Line((FOUNDER, A, B), {FOUNDER: kept(A)}), "a rival is never kept"
    assert line_of(both, {A: {"r": kept(A)}, X: {"s": kept(X)}}) == Line((FOUNDER,), {}, (A, X))


def test_of_two_words_by_the_same_successor_only_what_both_keep_stands():
    line = line_of({FOUNDER: [A]}, {A: {"r": kept(A, "one", "two"), "s": kept(A, "two", "three")}})
    assert line.kept == {FOUNDER: kept(A, "two")}


def test_what_a_retired_root_says_later_of_the_one_before_it_counts_for_nothing():
    said = {A: {"r": kept(A, "admit"), "late": kept(A)}, B: {"q": kept(B, "r")}}
    line = line_of({FOUNDER: [A], A: [B]}, said)
    assert line.kept == {FOUNDER: kept(A, "admit"), A: kept(B, "r")}


def test_a_successor_that_its_own_root_does_not_keep_is_none():
    assert line_of({FOUNDER: [A], A: [X, B]}, {B: {"q": kept(B)}}).roots == (FOUNDER, A, B)
