"""The best split of several tasks."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.joint import split


def test_nothing_to_split() -> None:
    assert split([], {"rin": 1}) == ()


def test_with_room_each_gets_its_best() -> None:
    losses = [{"rin": 0.0, "kai": -1.0}, {"rin": 0.0, "kai": -5.0}]
    assert split(losses, {"rin": 2, "kai": 2}) == ("rin", "rin")


def test_without_room_the_one_who_loses_less_goes_elsewhere() -> None:
    losses = [{"rin": 0.0, "kai": -1.0}, {"rin": 0.0, "kai": -5.0}]
    assert split(losses, {"rin": 1, "kai": 1}) == ("kai", "rin")


def test_a_task_that_nobody_can_do_stays() -> None:
    assert split([{}, {"rin": -3.0}], {"rin": 1}) == (None, "rin")


def test_more_tasks_than_room() -> None:
    found = split([{"rin": -2.0}, {"rin": -1.0}, {"rin": -3.0}], {"rin": 1})
    assert found == (None, "rin", None)


def test_somebody_is_better_than_nobody_however_bad() -> None:
    assert split([{"rin": -90.0}], {"rin": 1}) == ("rin",)


people = ("kai", "nova", "rin")
tables = st.lists(
    st.dictionaries(st.sampled_from(people), st.integers(-20, 0).map(float)), min_size=1, max_size=4
)
rooms = st.fixed_dictionaries({who: st.integers(0, 2) for who in people})


@given(tables, rooms)
def test_no_split_loses_less(losses: list[dict[str, float]], room: dict[str, int]) -> None:
    found = split(losses, room)
    assert all(who is None or who in of for who, of in zip(found, losses, strict=True))
    assert all(sum(who == one for one in found) <= room[who] for who in people)
    slots: list[str | None] = [who for who in people for _ in range(room[who])]
    slots += [None] * len(losses)
    best = max(
        _sum(losses, chosen)
        for chosen in permutations(slots, len(losses))
        if all(who is None or who in of for who, of in zip(chosen, losses, strict=True))
    )
    assert _sum(losses, found) == best


def _sum(losses: list[dict[str, float]], chosen: tuple[str | None, ...]) -> float:
    return sum(-1_000.0 if who is None else of[who] for who, of in zip(chosen, losses, strict=True))
