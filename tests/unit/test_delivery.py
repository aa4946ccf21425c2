"""The tables, row by row, and that there is no other row."""

from collections.abc import Mapping
from itertools import product

import pytest

from fleet.core.delivery import (
    DEAD_LETTERS,
    RECIPIENT,
    SENDER,
    TERMINAL,
    Event,
    Evidence,
    HoldReason,
    State,
    may,
    step,
)
from fleet.core.errors.base import IllegalTransition

Table = Mapping[tuple[State, Event], State]

SENDERS_ROWS = """
    queued  take    accepted
    queued  refuse  refused
    queued  expire  expired
    queued  cancel  cancelled
    queued  lose    in_doubt
    accepted  forget  queued
    held    forget  queued
    typing  lose    in_doubt
    typed   lose    in_doubt
"""
RECIPIENTS_ROWS = """
    accepted     hold       held
    held         hold       held
    accepted     begin      typing
    held         begin      typing
    held         release    accepted
    accepted     expire     expired
    held         expire     expired
    accepted     cancel     cancelled
    held         cancel     cancelled
    accepted     refuse     refused
    held         refuse     refused
    accepted     ack        acknowledged
    held         ack        acknowledged
    accepted     lose       in_doubt
    held         lose       in_doubt
    typing       type       typed
    typing       not-typed  held
    typing       lose       in_doubt
    typed        submit     submitted
    typed        give-up    unconfirmed
    typed        lose       in_doubt
    typed        ack        acknowledged
    submitted    ack        acknowledged
    unconfirmed  submit     submitted
    unconfirmed  ack        acknowledged
    in_doubt     ack        acknowledged
"""


def rows(text: str) -> dict[tuple[State, Event], State]:
    read = [line.split() for line in text.strip().splitlines()]
    return {(State(a), Event(event.replace("-", " "))): State(b) for a, event, b in read}


TABLES = [(SENDER, rows(SENDERS_ROWS)), (RECIPIENT, rows(RECIPIENTS_ROWS))]
CASES = [
    pytest.param(table, state, event, wanted.get((state, event)), id=f"{which}-{state}-{event}")
    for which, (table, wanted) in zip(("sender", "recipient"), TABLES, strict=True)
    for state, event in product(State, Event)
]


@pytest.mark.parametrize(("table", "state", "event", "after"), CASES)
def test_each_row_leads_where_the_design_says_and_an_absent_one_is_a_bug(
    table: Table, state: State, event: Event, after: State | None
):
    assert may(table, state, event) == (after is not None)
    if after is None:
        with pytest.raises(IllegalTransition, match=f"state {state} has no row for {event}"):
            step(table, state, event)
    else:
        assert step(table, state, event) is after


def test_the_ends_are_those_of_the_design():
    assert " ".join(sorted(TERMINAL)) == (
        "acknowledged cancelled expired in_doubt refused submitted unconfirmed"
    )


def test_the_words_that_programs_and_peers_rely_on_are_those_of_the_design():
    assert " ".join(HoldReason) == "dialog draft busy mode starting approval offline unknown"
    assert " ".join(Evidence) == "hook transcript native screen"


def test_an_end_is_left_only_for_better_evidence():
    left = {(before, after) for (before, _), after in RECIPIENT.items() if before in TERMINAL}
    assert left == {
        (State.SUBMITTED, State.ACKNOWLEDGED),
        (State.UNCONFIRMED, State.SUBMITTED),
        (State.UNCONFIRMED, State.ACKNOWLEDGED),
        (State.IN_DOUBT, State.ACKNOWLEDGED),
    }


def test_what_ended_badly_may_be_looked_at_and_what_was_taken_back_is_done_with():
    assert DEAD_LETTERS < TERMINAL
    assert DEAD_LETTERS & {State.SUBMITTED, State.ACKNOWLEDGED, State.CANCELLED} == set()
    assert len(DEAD_LETTERS) == 4


def test_every_event_has_a_row_somewhere():
    assert {event for _, event in (*SENDER, *RECIPIENT)} == set(Event)
