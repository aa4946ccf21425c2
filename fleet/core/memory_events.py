"""What is told to a team's memory: events of the team's log, and what of them no log should carry.

``role`` is a role's name, or empty for the whole team. Sizes are counted as the texts are shown, cleaned
and quoted, so that what was taken once fits into every briefing of the usual size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from fleet.core.address import NAME
from fleet.core.errors.requests import MalformedName, MalformedRequest, TooLarge, UndecodableText
from fleet.core.quoted import quoted

FINDING_CHARS = 8_000
ORDERS_CHARS = 16_000
"""Of the whole team's, and of each role's."""
HANDOVER_CHARS = 8_000
TAGS = 16

TO_ORDERS, TO_TEAM = "orders", "team"
PLACES = (TO_ORDERS, TO_TEAM)
"""Where a finding can be promoted to: the standing orders of its role, or the team's notes."""


@dataclass(frozen=True, slots=True)
class FindingAdded:
    """Somebody learnt something; the event's number is the finding's. ``task`` is 0 when it was at none."""

    role: str
    text: str
    tags: tuple[str, ...] = ()
    task: int = 0


@dataclass(frozen=True, slots=True)
class FindingEdited:
    """A finding says this from now on."""

    finding: int
    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingPromoted:
    """A finding became a standing order or a team note. ``role`` and ``text`` are those of that moment:
    who edits the finding later does not change an order."""

    finding: int
    to: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class OrdersSet:
    """The standing orders, whole. ``seen`` is the number of the last event that their author had before
    them: what was promoted after it still stands, behind this text."""

    role: str
    text: str
    seen: int = 0


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What the one in a seat leaves to the next one in it; the note before is forgotten."""

    role: str
    seat: str
    text: str


MemoryEvent = FindingAdded | FindingEdited | FindingPromoted | OrdersSet | HandedOver


@dataclass(frozen=True, slots=True)
class Noted:
    """An event as the log has it: its number, the home's wall time, and the address of who said it."""

    number: int
    at_s: float
    by: str
    event: MemoryEvent


def tidy(text: str) -> str:
    """A text as it is kept: its line ends are LF, and there is nothing empty around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()


def check_event(event: MemoryEvent) -> None:
    """Refuse what no log should carry, whatever else is in it.

    Raises:
        MalformedRequest, MalformedName, UndecodableText, TooLarge: saying which part, and what fits.
    """
    match event:
        case FindingAdded(role=role, text=text, tags=tags):
            _check_role(role)
            _check_tags(tags)
            check_text(text, FINDING_CHARS)
        case FindingEdited(text=text, tags=tags):
            _check_tags(tags)
            check_text(text, FINDING_CHARS)
        case FindingPromoted(to=to, role=role, text=text):
            _check_role(role)
            if to not in PLACES:
                raise MalformedRequest(f"{to!r} is no place", hint=f"one of {', '.join(PLACES)}")
            check_text(text, FINDING_CHARS)
        case OrdersSet(role=role, text=text):
            _check_role(role)
            check_text(text, ORDERS_CHARS, may_be_empty=True)
        case HandedOver(role=role, seat=seat, text=text):
            _check_name(role)
            _check_name(seat)
            check_text(text, HANDOVER_CHARS)
        case _:
            assert_never(event)


def check_text(text: str, limit_chars: int, *, may_be_empty: bool = False) -> None:
    """Refuse a text that is none, or too long as it is shown.

    Raises:
        MalformedRequest, UndecodableText, TooLarge: saying why.
    """
    if not may_be_empty and not text.strip():
        raise MalformedRequest("there are no words in it", hint="say it in a sentence or two")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UndecodableText("the text", len(text[: error.start].encode())) from None
    if (size := len(quoted(text))) > limit_chars:
        raise TooLarge(size, limit_chars)


def _check_tags(tags: tuple[str, ...]) -> None:
    if len(tags) > TAGS:
        raise MalformedRequest(f"{len(tags)} tags are too many", hint=f"at most {TAGS}")
    for tag in tags:
        _check_name(tag)


def _check_role(role: str) -> None:
    if role:
        _check_name(role)


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise MalformedName(name, "it breaks the grammar of names")
