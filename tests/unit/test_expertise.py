"""Who is good at what, by a team's log."""

from __future__ import annotations

import pytest

from fleet.core.experience import DAY_S
from fleet.core.expertise import Expertise, record_of
from fleet.core.offers import OfferEnded
from fleet.core.task import (
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskDone,
    TaskReleased,
    TaskReopened,
    TaskStarted,
    Wanted,
)
from fleet.core.team_events import Event, Happened, Seated

SEATED = Seated("impl-2", "impl", "site.impl-2", "nova")
RECORD = record_of("impl", "nova")
BEGUN = (
    SEATED,
    TaskAdded(1, Wanted("mend the door", paths=("door.py",))),
    TaskClaimed(1, "impl-2"),
)


def of(*events: Event, by: str = "site.impl-2@nova") -> Expertise:
    expertise = Expertise({"nova": "nova", "old": "nova"}.__getitem__)
    expertise.fold(Happened(n, 0.0, by, "", event) for n, event in enumerate(events, 1))
    return expertise


def test_finished_work_is_the_roles_on_its_node() -> None:
    expertise = of(*BEGUN, TaskChanged(1, Wanted("mend the red door")), TaskDone(1, "abc"))
    (work,) = expertise.works
    assert (work.who, work.title, work.paths) == (RECORD, "mend the red door", ())
    assert expertise.experience.count(RECORD) == 1
    assert expertise.outcomes(RECORD, 0.0).accepted == 1.0


def test_a_node_that_took_a_new_key_is_the_same_node() -> None:
    seated = Seated("impl-2", "impl", "site.impl-2", "old")
    assert of(seated, *BEGUN[1:], TaskDone(1, "x")).works[0].who == RECORD


@pytest.mark.parametrize(
    "event",
    [
        TaskReleased(1, "too hard"),
        OfferEnded(1, "impl-2", "refused", ""),
        OfferEnded(1, "impl-2", "silent", ""),
    ],
)
def test_what_is_handed_back_counts_against(event: Event) -> None:
    outcomes = of(*BEGUN, event).outcomes(RECORD, 0.0)
    assert (outcomes.accepted, outcomes.handed_back) == (0.0, 1.0)


def test_what_was_not_done_after_all_counts_against() -> None:
    outcomes = of(*BEGUN, TaskDone(1, "x"), TaskReopened(1, "it is not")).outcomes(RECORD, 0.0)
    assert (outcomes.accepted, outcomes.handed_back) == (1.0, 1.0)


def test_what_was_taken_away_counts_for_nothing() -> None:
    assert (
        of(*BEGUN, TaskReleased(1, "it ran out"), by="fleet@white").outcomes(RECORD, 0.0).share
        == 0.5
    )
    assert of(*BEGUN, OfferEnded(1, "impl-2", "withdrawn", "")).outcomes(RECORD, 0.0).share == 0.5


def test_a_persons_work_teaches_nothing() -> None:
    expertise = of(*BEGUN[:2], TaskClaimed(1, "operator@white"), TaskStarted(1), TaskDone(1, "x"))
    assert expertise.works == []


def test_outcomes_fade() -> None:
    expertise = of(*BEGUN, TaskDone(1, "x"))
    assert expertise.outcomes(RECORD, 90 * DAY_S).accepted == 0.5
