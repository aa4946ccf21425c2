"""What no log should carry."""

import pytest

from fleet.core.errors.requests import MalformedName, MalformedRequest, TooLarge, UndecodableText
from fleet.core.memory_events import (
    FINDING_CHARS,
    HANDOVER_CHARS,
    ORDERS_CHARS,
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    OrdersSet,
    check_event,
    tidy,
)

GOOD: list[MemoryEvent] = [
    FindingAdded("reviewer", "the build is slow", ("ci", "speed"), 12),
    FindingAdded("", "x" * (FINDING_CHARS - 2)),
    FindingEdited(3, "it is fast now", ()),
    FindingPromoted(3, "orders", "reviewer", "run the tests"),
    FindingPromoted(3, "team", "", "run the tests"),
    OrdersSet("", ""),
    OrdersSet("reviewer", "y" * (ORDERS_CHARS - 2), 7),
    HandedOver("dev", "dev-2", "z" * (HANDOVER_CHARS - 2)),
]
BAD: list[tuple[MemoryEvent, type[Exception]]] = [
    (FindingAdded("../up", "text"), MalformedName),
    (FindingAdded("Dev", "text"), MalformedName),
    (FindingAdded("dev", " \n"), MalformedRequest),
    (FindingAdded("dev", "half \ud800"), UndecodableText),
    (FindingAdded("dev", "x" * (FINDING_CHARS - 1)), TooLarge),
    (FindingAdded("dev", "\x01" * (FINDING_CHARS // 5)), TooLarge),  # six characters each, as shown
    (FindingAdded("dev", "\n" * FINDING_CHARS + "x"), TooLarge),
    (FindingAdded("dev", "text", ("two words",)), MalformedName),
    (FindingAdded("dev", "text", ("t",) * 17), MalformedRequest),
    (FindingEdited(3, "", ()), MalformedRequest),
    (FindingEdited(3, "text", ("",)), MalformedName),
    (FindingPromoted(3, "moon", "dev", "text"), MalformedRequest),
    (FindingPromoted(3, "team", "de v", "text"), MalformedName),
    (FindingPromoted(3, "team", "dev", ""), MalformedRequest),
    (OrdersSet("dev", "y" * (ORDERS_CHARS - 1)), TooLarge),
    (OrdersSet("d/v", "text"), MalformedName),
    (HandedOver("", "dev", "text"), MalformedName),
    (HandedOver("dev", "", "text"), MalformedName),
    (HandedOver("dev", "dev", "z" * (HANDOVER_CHARS - 1)), TooLarge),
]


@pytest.mark.parametrize("event", GOOD)
def test_what_fits_is_taken(event: MemoryEvent) -> None:
    check_event(event)


@pytest.mark.parametrize(("event", "error"), BAD)
def test_what_does_not_fit_is_refused(event: MemoryEvent, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_event(event)


@pytest.mark.parametrize(
    ("text", "kept"), [("\r\n a\r\nb\rc \t\n\n", " a\nb\nc"), ("", ""), ("\n", ""), ("a", "a")]
)
def test_a_text_is_kept_without_what_is_empty_around_it(text: str, kept: str) -> None:
    assert tidy(text) == kept
    assert tidy(kept) == kept
