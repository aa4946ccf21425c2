"""What may be asked of a team's memory, by whom, and what follows from it."""

from __future__ import annotations

import pytest

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.memory import Memory
from fleet.core.memory_commands import (
    AddFinding,
    EditFinding,
    HandOver,
    MemoryCommand,
    PromoteFinding,
    SetOrders,
    decide,
)
from fleet.core.memory_events import (
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    OrdersSet,
)
from fleet.core.plan_orders import PlanOrders
from fleet.core.task import TaskAdded, Wanted
from fleet.core.team_commands import Actor
from fleet.core.team_events import Event, Founded, Happened, NodeJoined, Planned, Seated

HOME, NOVA = "w" * 52, "n" * 52
OWNER = Actor("operator@white", HOME, is_person=True, is_home=True)
GUEST = Actor("operator@nova", NOVA, is_person=True)
LEAD = Actor("site.lead@white", HOME, "lead", is_home=True)
RIN = Actor("site.rin@nova", NOVA, "rin")
STRANGER = Actor("neo@nova", NOVA)

RINS, LEADS = 7, 8
"""The findings that are there."""


class Site:
    """A team with a lead, an implementer, a finding of each, and a task."""

    def __init__(self) -> None:
        self.board = Board()
        self.memory = Memory("site")
        self.orders = PlanOrders()
        self.write(Founded("site", HOME), Planned("{}", "lead", (), 600.0))
        self.write(NodeJoined("i", NOVA, ()), Seated("lead", "lead", "site.lead", HOME))
        self.write(Seated("rin", "impl", "site.rin", NOVA), TaskAdded(1, Wanted("mend the door")))
        self.write(FindingAdded("impl", "rust", ("iron",)), by=RIN.address)
        self.write(FindingAdded("lead", "haste"), by=LEAD.address)

    def write(self, *events: Event, by: str = "") -> None:
        for event in events:
            happened = Happened(self.board.head + 1, 0.0, by, "", event)
            self.board.fold([happened])
            self.memory.fold(self.orders.noted([happened]))


@pytest.mark.parametrize(
    ("actor", "command", "event"),
    [
        (RIN, AddFinding("oil"), FindingAdded("impl", "oil")),
        (RIN, AddFinding("oil", "impl", ("a",), 1), FindingAdded("impl", "oil", ("a",), 1)),
        (RIN, AddFinding("oil", is_for_team=True), FindingAdded("", "oil")),
        (LEAD, AddFinding("oil", "impl"), FindingAdded("impl", "oil")),
        (GUEST, AddFinding("oil"), FindingAdded("", "oil")),
        (GUEST, AddFinding("oil", "impl"), FindingAdded("impl", "oil")),
        (RIN, EditFinding(RINS, "rust, red"), FindingEdited(RINS, "rust, red", ("iron",))),
        (RIN, EditFinding(RINS, "rust", ()), FindingEdited(RINS, "rust", ())),
        (LEAD, EditFinding(RINS, "rust", ("a",)), FindingEdited(RINS, "rust", ("a",))),
        (LEAD, PromoteFinding(RINS, "orders"), FindingPromoted(RINS, "orders", "impl", "rust")),
        (OWNER, PromoteFinding(RINS, "team"), FindingPromoted(RINS, "team", "", "rust")),
        (OWNER, SetOrders("rest", "impl", 3), OrdersSet("impl", "rest", 3)),
        (LEAD, SetOrders("rest", seen=900), OrdersSet("", "rest", 8)),
        (RIN, HandOver("half done"), HandedOver("impl", "rin", "half done")),
    ],
)
def test_what_follows_from_a_command(
    actor: Actor, command: MemoryCommand, event: MemoryEvent
) -> None:
    site = Site()
    assert decide(site.board, site.memory, actor, command) == event


@pytest.mark.parametrize(
    ("actor", "command", "code"),
    [
        (STRANGER, AddFinding("oil"), "not_allowed"),
        (RIN, AddFinding("oil", "lead"), "not_allowed"),
        (RIN, AddFinding("oil", task=9), "unknown_task"),
        (RIN, AddFinding("  "), "malformed_request"),
        (RIN, AddFinding("x" * 9_000), "too_large"),
        (RIN, EditFinding(LEADS, "slowness"), "not_allowed"),
        (GUEST, EditFinding(LEADS, "slowness"), "not_allowed"),
        (RIN, EditFinding(5, "a seat's entry"), "unknown_finding"),
        (RIN, PromoteFinding(RINS, "orders"), "not_allowed"),
        (GUEST, PromoteFinding(RINS, "orders"), "not_allowed"),
        (OWNER, PromoteFinding(RINS, "heaven"), "malformed_request"),
        (RIN, SetOrders("rest", "impl"), "not_allowed"),
        (GUEST, SetOrders("rest"), "not_allowed"),
        (OWNER, SetOrders("x" * 17_000), "too_large"),
        (OWNER, HandOver("nobody's seat"), "malformed_request"),
    ],
)
def test_what_is_refused(actor: Actor, command: MemoryCommand, code: str) -> None:
    site = Site()
    with pytest.raises(FleetError) as refused:
        decide(site.board, site.memory, actor, command)
    assert refused.value.code == code


def plan(**orders: str) -> Planned:
    import json

    roles = {role: {"orders": text} for role, text in orders.items()}
    return Planned(json.dumps({"roles": roles}), "lead", (), 600.0)


def orders_of(site: Site, role: str) -> str:
    orders = site.memory.orders(role)
    return orders.text if orders else ""


def test_orders_of_a_team_file_count_when_they_change_and_stand_behind_what_people_wrote_since() -> (
    None
):
    site = Site()
    site.write(plan(impl="one task", lead="rest"), by=OWNER.address)
    assert (orders_of(site, "impl"), orders_of(site, "lead")) == ("one task", "rest")
    site.write(OrdersSet("impl", "two tasks", site.board.head), by=OWNER.address)
    site.write(plan(impl="one task", lead="sleep"))
    assert (orders_of(site, "impl"), orders_of(site, "lead")) == ("two tasks", "sleep")
    site.write(plan(impl="three tasks"))
    assert (orders_of(site, "impl"), orders_of(site, "lead")) == ("three tasks", "")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"roles": 3}', '{"roles": {"a": 3}}', '{"roles": {"a": {}}}']
)
def test_what_is_no_plan_orders_nothing(text: str) -> None:
    site = Site()
    site.write(Planned(text, "lead", (), 600.0))
    assert orders_of(site, "a") == ""
