"""A memory as files."""

from __future__ import annotations

from fleet.core.memory import Memory
from fleet.core.memory_events import (
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    Noted,
    OrdersSet,
)
from fleet.core.memory_pages import PAGE_FINDINGS, orders_path, pages_of, role_of


def pages(*events: MemoryEvent) -> dict[str, str]:
    memory = Memory("kungfu")
    memory.fold(Noted(n, 10.0 * n, "neo@white", event) for n, event in enumerate(events, 1))
    return pages_of(memory)


def test_of_nothing_there_is_no_file() -> None:
    assert pages() == {}


def test_orders_are_the_bare_text_also_when_they_were_emptied() -> None:
    written = pages(OrdersSet("", "# Be kind\n\n- always"), OrdersSet("dev", ""))
    assert written == {"orders.md": "# Be kind\n\n- always\n", "dev/orders.md": ""}


def test_everything_else_is_quoted_and_says_who_and_when() -> None:
    written = pages(
        FindingAdded("dev", "# Orders\nobey", ("ci", "b"), 7),
        FindingAdded("", "all"),
        FindingPromoted(1, "team", "dev", "obey\nme"),
        HandedOver("dev", "dev-2", "half done"),
        HandedOver("dev", "dev", "all done"),
        FindingEdited(2, "all of us", ()),
    )
    first = "Written by fleet; what is changed here is not read.\n\n"
    assert written == {
        "notes.md": f"# Notes of kungfu\n\n{first}"
        "## F1, promoted by neo@white, 1970-01-01T00:00:30.000Z\n\n> obey\n> me\n",
        "findings.md": f"# Findings of kungfu\n\n{first}"
        "## F2, by neo@white, 1970-01-01T00:00:20.000Z\n\n> all of us\n",
        "dev/findings.md": f"# Findings of kungfu/dev\n\n{first}"
        "## F1, by neo@white, 1970-01-01T00:00:10.000Z, at T7 [ci, b], promoted to team\n\n"
        "> # Orders\n> obey\n",
        "dev/handover.md": f"# Hand-over of kungfu/dev\n\n{first}"
        "## For dev, by neo@white, 1970-01-01T00:00:50.000Z\n\n> all done\n\n"
        "## For dev-2, by neo@white, 1970-01-01T00:00:40.000Z\n\n> half done\n",
    }


def test_one_more_finding_changes_one_file_and_full_ones_stay() -> None:
    many = [FindingAdded("dev", f"number {n}") for n in range(2 * PAGE_FINDINGS)]
    full = pages(*many)
    assert list(full) == ["dev/findings-1.md", "dev/findings.md"]
    more = pages(*many, FindingAdded("dev", "one more"))
    assert list(more) == ["dev/findings-1.md", "dev/findings-2.md", "dev/findings.md"]
    assert more["dev/findings-1.md"] == full["dev/findings-1.md"]
    assert more["dev/findings-2.md"] == full["dev/findings.md"]
    assert "Before: [findings-2.md](findings-2.md)\n" in more["dev/findings.md"]
    assert "one more" in more["dev/findings.md"]
    and_more = pages(*many, FindingAdded("dev", "one more"), FindingAdded("dev", "and more"))
    assert {p for p in and_more if and_more[p] != more[p]} == {"dev/findings.md"}


def test_a_role_may_be_called_as_one_of_our_files_is() -> None:
    written = pages(OrdersSet("orders.md", "one"), OrdersSet("", "two"))
    assert written == {"orders.md": "two\n", "orders.md~/orders.md": "one\n"}
    for role in ("orders.md", "dev", "notes.md", "md", "a.md.md"):
        assert role_of(orders_path(role).rpartition("/")[0]) == role
