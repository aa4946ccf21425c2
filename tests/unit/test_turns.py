"""Who speaks alone speaks as fast as it can; of several, none more than its part."""

import pytest

from fleet.core.frames import DirectoryWord, Post, Posted, RosterWord, Taken
from fleet.core.turns import (
    AT_ONCE,
    IN_A_ROW,
    LONGEST_WAIT_S,
    SPEAKS_S,
    TOTAL_PER_S,
    Turns,
    cost,
    parts,
)
from tests.support.letters import letter


def post(count: int, text: str = "hi") -> Post:
    return Post(tuple(Posted(letter(text=text), 60.0) for _ in range(count)))


def test_who_speaks_alone_never_waits():
    turns = Turns()
    assert not any(turns.hear("kai", n / 1_000) for n in range(10_000))


def test_others_are_noticed_and_forgotten_when_they_have_been_silent():
    turns = Turns()
    turns.hear("kai", 0.0)
    turns.hear("nova", 0.2)
    assert turns.hear("kai", 0.4)
    assert not turns.hear("kai", 0.4 + SPEAKS_S)
    turns.hear("nova", 3.0)
    turns.forget("nova")
    assert not turns.hear("kai", 3.2)


def flooded(now_s: float, until_s: float) -> tuple[int, float]:
    """A flood of a hundred at a time beside a peer that says little: taken, and that one's waits."""
    turns, taken, waited = Turns(), 0, 0.0
    turns.hear("nova", now_s - 0.5)
    turns.hear("kai", now_s - 0.2)
    while now_s < until_s:
        turns.hear("nova", now_s)
        waited = max(waited, turns.wait_s("nova", post(1), now_s))
        if turns.hear("kai", now_s):
            now_s += turns.wait_s("kai", post(100), now_s)
        taken += 100
        now_s += 0.001
    return taken, waited


def test_a_flood_gets_its_part_and_the_others_do_not_wait():
    taken, waited = flooded(100.0, 110.0)
    assert TOTAL_PER_S / 2 * 10 * 0.8 < taken < TOTAL_PER_S / 2 * 10 * 1.1 + IN_A_ROW
    assert waited == 0


def test_a_burst_need_not_wait_and_no_wait_is_without_end():
    turns = Turns()
    turns.hear("nova", 0.0)
    turns.hear("kai", 0.2)
    assert turns.wait_s("kai", post(int(IN_A_ROW)), 0.2) == 0
    assert 0 < turns.wait_s("kai", post(10), 0.2) < 0.1
    assert turns.wait_s("kai", post(100_000), 0.2) == LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("frame", "least"),
    [
        (post(100), 100),
        (post(4, "x" * 100_000), 388),
        (RosterWord(()), 1),
        (DirectoryWord(False, (), tuple("abcd" * 100)), 100),
        (Taken(tuple("abcd" * 100)), 50),
    ],
)
def test_what_costs_more_counts_for_more(frame, least):
    assert cost(frame) >= least


def test_a_post_is_heard_in_pieces_that_are_the_whole_in_its_order():
    whole = Post(tuple(Posted(letter(id=str(n)), 60.0) for n in range(3 * AT_ONCE + 1)))
    pieces = list(parts(whole))
    assert [len(p.posted) for p in pieces if isinstance(p, Post)] == [AT_ONCE] * 3 + [1]
    assert sum((p.posted for p in pieces if isinstance(p, Post)), ()) == whole.posted
    assert list(parts(RosterWord(()))) == [RosterWord(())]
