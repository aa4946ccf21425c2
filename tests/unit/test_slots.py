"""Numbers that are given away, each once."""

from __future__ import annotations

import pytest

from fleet.core.board import Board
from fleet.core.errors.requests import MalformedName, MalformedRequest, WrongState
from fleet.core.slots import HIGHEST, SLOTS, SlotTaken, TakeSlot, take
from fleet.core.team_events import Event, Founded, Happened


@pytest.mark.parametrize(
    ("last", "command", "number"),
    [
        ({}, TakeSlot("version"), 1),
        ({"version": 4}, TakeSlot("Version"), 5),
        ({"other": 4}, TakeSlot("version"), 1),
        ({}, TakeSlot("version", at_least=12), 12),
        ({"version": 20}, TakeSlot("version", at_least=12), 21),
    ],
)
def test_the_next_number(last: dict[str, int], command: TakeSlot, number: int) -> None:
    assert take(last, command) == SlotTaken("version", number)


def test_what_is_no_request() -> None:
    with pytest.raises(MalformedName):
        take({}, TakeSlot("no name"))
    with pytest.raises(MalformedRequest):
        take({}, TakeSlot("version", at_least=-1))
    with pytest.raises(MalformedRequest):
        take({"version": HIGHEST}, TakeSlot("version"))


def test_counters_have_an_end_and_those_that_are_there_go_on() -> None:
    full = {f"s{n}": 1 for n in range(SLOTS)}
    with pytest.raises(WrongState):
        take(full, TakeSlot("one-more"))
    assert take(full, TakeSlot("s0")).number == 2


def test_a_board_knows_the_last_number_and_what_a_request_got() -> None:
    board = Board()
    events: tuple[Event, ...] = (
        Founded("site", "white"),
        SlotTaken("version", 3),
        SlotTaken("version", 4),
    )
    board.fold(Happened(n, 0.0, "", f"k{n}", event) for n, event in enumerate(events, 1))
    assert board.slots == {"version": 4}
    assert board.slot_of("k2") == SlotTaken("version", 3)
    assert board.slot_of("k9") is None
