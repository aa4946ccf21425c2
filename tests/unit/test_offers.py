"""Offers: what stands, who passed, what ends by itself."""

from __future__ import annotations

import pytest

from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.offers import OfferEnded, Offers, Passed, RefuseOffer, TaskDecided, refuse
from fleet.core.task import TaskAdded, TaskClaimed, TaskDone, TaskRemoved, TaskReopened, Wanted
from fleet.core.team_commands import Actor
from fleet.core.team_events import Event, Happened

TO_RIN = TaskDecided(1, "chosen", "rin", 100.0, "{}")
RIN = Actor("site.rin@white", "white", "rin")


def of(*events: Event) -> Offers:
    offers = Offers()
    offers.fold(Happened(n, 0.0, "", "", event) for n, event in enumerate(events, 1))
    return offers


def test_an_offer_stands() -> None:
    offers = of(TaskAdded(1, Wanted("x")), TO_RIN)
    offer = offers.of(1)
    assert offer is not None
    assert (offer.seat, offer.entry) == ("rin", 2)
    assert offers.to("rin") == tuple(offers.open()) == (offer,)
    assert offers.to("kai") == ()
    assert offers.decided(1) == TO_RIN


def test_a_decision_that_nobody_gets_it_ends_an_offer() -> None:
    weak = TaskDecided(1, "weak", "", 0.0, "{}")
    offers = of(TO_RIN, weak)
    assert offers.of(1) is None
    assert offers.decided(1) == weak


@pytest.mark.parametrize("event", [TaskClaimed(1, "kai"), TaskDone(1, "x"), TaskRemoved(1, "")])
def test_what_happens_to_the_task_ends_it(event: Event) -> None:
    assert of(TO_RIN, event).of(1) is None


@pytest.mark.parametrize(
    ("how", "passed"),
    [(Passed.REFUSED, {"rin"}), (Passed.SILENT, {"rin"}), (Passed.WITHDRAWN, set())],
)
def test_who_passed_is_not_asked_again(how: Passed, passed: set[str]) -> None:
    offers = of(TO_RIN, OfferEnded(1, "rin", how, "busy"))
    assert offers.of(1) is None
    assert offers.passed(1) == passed
    assert offers.passed(2) == frozenset()


def test_a_task_that_is_opened_again_is_for_everybody() -> None:
    assert of(TO_RIN, OfferEnded(1, "rin", "refused", ""), TaskReopened(1, "x")).passed(1) == set()


def test_silence_ends_an_offer_at_its_deadline() -> None:
    offers = of(TO_RIN)
    assert offers.run_out(99.9) == ()
    (ended,) = offers.run_out(100.0)
    assert (ended.task, ended.seat, ended.how) == (1, "rin", "silent")


def test_who_is_offered_a_task_may_refuse_it() -> None:
    assert refuse(of(TO_RIN), RIN, RefuseOffer(1, "no GPU here")) == OfferEnded(
        1, "rin", "refused", "no GPU here"
    )


def test_what_is_no_refusal() -> None:
    with pytest.raises(WrongState):
        refuse(of(), RIN, RefuseOffer(1, "x"))
    with pytest.raises(NotAllowed):
        refuse(of(TO_RIN), Actor("site.kai@white", "white", "kai"), RefuseOffer(1, "x"))
    with pytest.raises(MalformedRequest):
        refuse(of(TO_RIN), RIN, RefuseOffer(1, "  "))
