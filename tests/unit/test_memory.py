"""What a team remembers, event by event."""

from __future__ import annotations

import pytest

from fleet.core.errors.names import UnknownFinding
from fleet.core.errors.requests import MalformedName, TooLarge
from fleet.core.memory import Finding, Memory
from fleet.core.memory_events import (
    ORDERS_CHARS,
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    Noted,
    OrdersSet,
)
from fleet.core.relevance import terms_of


def remembered(*events: MemoryEvent, first: int = 1) -> Memory:
    """A memory of events numbered from ``first`` on, each told by neo ten seconds after the last."""
    memory = Memory("kungfu")
    memory.fold(
        Noted(number, 10.0 * number, "neo@white", event)
        for number, event in enumerate(events, first)
    )
    return memory


def test_a_finding_has_its_events_number_author_and_time() -> None:
    memory = remembered(FindingAdded("dev", "the build is slow\n", ("ci",), 4))
    finding = Finding(1, "dev", "neo@white", 10.0, "the build is slow", ("ci",), 4, changed=1)
    assert memory.findings() == memory.findings("dev") == memory.known_to("dev") == (finding,)
    assert memory.finding(1) == finding
    assert finding.label == "F1"
    assert (memory.head, memory.at_s) == (1, 10.0)


def test_an_edit_keeps_who_found_it_and_when() -> None:
    memory = remembered(
        FindingAdded("dev", "slow", ("a",)),
        FindingEdited(1, "fast", ("b",)),
        FindingEdited(1, "ok"),
    )
    assert memory.finding(1) == Finding(1, "dev", "neo@white", 10.0, "ok", (), 0, changed=3)


def test_an_edit_that_arrives_first_is_not_lost_and_an_older_one_changes_nothing() -> None:
    events = [
        Noted(1, 1.0, "neo@white", FindingAdded("dev", "slow")),
        Noted(2, 2.0, "neo@white", FindingEdited(1, "fast")),
        Noted(3, 3.0, "neo@white", FindingEdited(1, "ok")),
    ]
    memory = Memory("kungfu")
    memory.fold([events[2], events[1], events[0], events[0], events[2]])
    assert memory.finding(1).text == "ok"
    assert memory.head == 3


def test_a_role_knows_its_own_findings_and_the_teams() -> None:
    memory = remembered(
        FindingAdded("dev", "one"), FindingAdded("", "two"), FindingAdded("lead", "three")
    )
    assert [f.number for f in memory.known_to("dev")] == [1, 2]
    assert [f.number for f in memory.findings("dev")] == [1]
    assert [f.number for f in memory.findings("")] == [2]
    assert [f.number for f in memory.findings("nobody")] == []
    assert [f.number for f in memory.known_to("")] == [2]


def test_a_number_that_is_no_finding_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownFinding, match="kungfu has no finding F7"):
        Memory("kungfu").finding(7)


def test_orders_are_those_set_last_whatever_arrives_later() -> None:
    memory = Memory("kungfu")
    assert memory.orders() is None
    newer, older = (Noted(n, n * 1.0, "neo@white", OrdersSet("", f"{n}")) for n in (9, 5))
    memory.fold([newer, older])
    orders = memory.orders()
    assert orders is not None
    assert (orders.text, orders.number, orders.at_s, orders.by) == ("9", 9, 9.0, "neo@white")
    assert memory.orders("dev") is None


def test_a_promoted_finding_stands_behind_the_orders_as_it_was_then() -> None:
    memory = remembered(
        OrdersSet("dev", "be kind"),
        FindingAdded("dev", "run the tests"),
        FindingPromoted(2, "orders", "dev", "run the tests"),
        FindingEdited(2, "do not bother", ()),
    )
    orders = memory.orders("dev")
    assert orders is not None
    assert (orders.text, orders.number) == ("be kind\n\nrun the tests", 3)
    assert memory.finding(2).promoted == "orders"
    assert memory.finding(2).changed == 4


@pytest.mark.parametrize(
    ("seen", "text"), [(0, "new\n\nA\n\nB"), (2, "new\n\nB"), (3, "new"), (9, "new")]
)
def test_new_orders_replace_what_their_author_had_seen_and_nothing_else(
    seen: int, text: str
) -> None:
    memory = remembered(
        OrdersSet("dev", "old"),
        FindingPromoted(1, "orders", "dev", "A"),
        FindingPromoted(2, "orders", "dev", "B"),
        OrdersSet("dev", "new", seen),
    )
    orders = memory.orders("dev")
    assert orders is not None
    assert (orders.text, orders.number) == (text, 4)


def test_a_finding_that_is_promoted_twice_stands_once_as_said_last() -> None:
    memory = remembered(
        FindingPromoted(1, "orders", "", "A"),
        FindingPromoted(7, "orders", "", "B"),
        FindingPromoted(1, "orders", "", "A, better"),
        FindingPromoted(1, "team", "", "note"),
        FindingPromoted(7, "team", "", "other"),
        FindingPromoted(1, "team", "", "note, better"),
    )
    orders = memory.orders()
    assert orders is not None
    assert orders.text == "B\n\nA, better"
    assert [(n.finding, n.text, n.number) for n in memory.notes()] == [
        (7, "other", 5), (1, "note, better", 6),
    ]  # fmt: skip


def test_a_promotion_that_arrives_before_its_finding_counts() -> None:
    memory = Memory("kungfu")
    memory.fold([Noted(2, 2.0, "neo@white", FindingPromoted(1, "team", "dev", "text"))])
    memory.fold([Noted(1, 1.0, "neo@white", FindingAdded("dev", "text"))])
    assert (memory.finding(1).promoted, memory.finding(1).changed) == ("team", 2)


def test_each_seat_has_the_last_note_that_was_left_for_it() -> None:
    memory = Memory("kungfu")
    memory.fold(
        Noted(number, 1.0 * number, "neo@white", event)
        for number, event in [
            (3, HandedOver("dev", "dev-2", "third")),
            (1, HandedOver("dev", "dev-2", "first")),
            (2, HandedOver("dev", "dev", "second")),
            (4, HandedOver("lead", "lead", "fourth")),
        ]
    )
    assert [(n.seat, n.text) for n in memory.handovers("dev")] == [
        ("dev", "second"),
        ("dev-2", "third"),
    ]
    last = memory.handover("dev-2")
    assert last is not None
    assert last.number == 3
    assert memory.handover("dev-3") is None


def test_every_role_of_which_something_is_remembered_is_known() -> None:
    memory = remembered(
        FindingAdded("a", "text"), FindingAdded("", "text"), OrdersSet("b", "text"),
        HandedOver("c", "c-2", "text"), FindingPromoted(1, "orders", "d", "text"),
    )  # fmt: skip
    assert memory.roles() == ("a", "b", "c", "d")


def test_what_changed_since_an_event_is_told_by_number() -> None:
    memory = remembered(
        FindingAdded("a", "1"), FindingAdded("", "2"), FindingAdded("a", "3"),
        FindingEdited(1, "1, better"),
    )  # fmt: skip
    assert [f.number for f in memory.changed_since(0)] == [1, 2, 3]
    assert [f.number for f in memory.changed_since(2)] == [1, 3]
    assert [f.number for f in memory.changed_since(4)] == []


def test_relevant_are_a_roles_findings_and_the_teams_also_after_an_edit() -> None:
    memory = remembered(
        FindingAdded("a", "the roof leaks"), FindingAdded("", "the roof is red"),
        FindingAdded("b", "the roof is gone"), FindingAdded("a", "a wall"), FindingAdded("a", "door"),
        FindingAdded("a", "hall", ("gate",)),
    )  # fmt: skip
    assert set(memory.relevant("a", terms_of("mend the roof"), 9)) == {1, 2}
    assert memory.relevant("b", {"gate"}, 9) == ()
    assert memory.relevant("a", {"gate"}, 9) == (6,)
    memory.fold([Noted(7, 7.0, "neo@white", FindingEdited(4, "a roof of glass", ()))])
    assert memory.relevant("a", {"glass"}, 9) == (4,)
    assert memory.relevant("a", {"wall"}, 9) == ()
    memory.fold([Noted(8, 8.0, "neo@white", FindingEdited(1, "it is dry", ()))])
    assert set(memory.relevant("a", {"roof"}, 9)) == {2, 4}
    assert memory.relevant("nobody", {"gate"}, 9) == ()


# --- what may be written ---


def test_what_is_about_a_finding_that_is_not_there_is_refused() -> None:
    memory = remembered(FindingAdded("dev", "text"))
    memory.check(FindingEdited(1, "text", ()))
    memory.check(FindingPromoted(1, "team", "dev", "text"))
    memory.check(HandedOver("dev", "dev", "text"))
    with pytest.raises(UnknownFinding):
        memory.check(FindingEdited(2, "text", ()))
    with pytest.raises(UnknownFinding):
        memory.check(FindingPromoted(2, "orders", "dev", "text"))
    with pytest.raises(MalformedName):
        memory.check(FindingAdded("no/role", "text"))


def test_orders_that_would_not_fit_with_what_was_promoted_are_refused() -> None:
    half = "x" * (ORDERS_CHARS // 2 - 10)
    memory = remembered(
        FindingAdded("dev", "text"), OrdersSet("dev", half), OrdersSet("", half * 2)
    )
    memory.check(FindingPromoted(1, "orders", "dev", "y" * 7_000))
    memory.fold([Noted(4, 4.0, "neo@white", FindingPromoted(1, "orders", "dev", "y" * 7_000))])
    with pytest.raises(TooLarge):
        memory.check(OrdersSet("dev", half + "x" * 2_000, seen=3))
    memory.check(OrdersSet("dev", half + "x" * 2_000, seen=4))
    memory.check(FindingPromoted(1, "orders", "dev", "z" * 7_900))  # in the place of the one before
    memory.fold([Noted(5, 5.0, "neo@white", FindingAdded("dev", "more"))])
    with pytest.raises(TooLarge):
        memory.check(FindingPromoted(5, "orders", "dev", "z" * 2_000))
    memory.check(FindingPromoted(5, "team", "dev", "z" * 2_000))
    memory.check(OrdersSet("lead", half))
