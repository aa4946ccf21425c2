"""What a team remembers: standing orders, findings, notes and hand-overs, read from the team's log.

A fold that does not mind the order in which events arrive, nor that one comes twice: of two that say the
same thing the one with the higher number counts. Equal logs give equal memories, on every node. What may
be written is checked before it goes into the log (``Memory.check``); what is in the log is taken.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from fleet.core.errors.names import UnknownFinding
from fleet.core.memory_events import (
    ORDERS_CHARS,
    TO_ORDERS,
    TO_TEAM,
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    Noted,
    OrdersSet,
    check_event,
    check_text,
    tidy,
)
from fleet.core.relevance import Texts, ranked


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody learnt. ``changed`` is the number of the last event about it, ``promoted``
    where it was promoted to, if it was."""

    number: int
    role: str
    author: str
    at_s: float
    text: str
    tags: tuple[str, ...]
    task: int
    changed: int
    promoted: str = ""

    @property
    def label(self) -> str:
        """How people call it: F12."""
        return f"F{self.number}"


@dataclass(frozen=True, slots=True)
class Orders:
    """Standing orders as they stand; ``number``, ``at_s`` and ``by`` are of their last change."""

    role: str
    text: str
    number: int
    at_s: float
    by: str


@dataclass(frozen=True, slots=True)
class Note:
    """A finding that became the whole team's."""

    finding: int
    text: str
    number: int
    at_s: float
    by: str


@dataclass(frozen=True, slots=True)
class Handover:
    """What was left to the next one in a seat."""

    role: str
    seat: str
    text: str
    number: int
    at_s: float
    by: str


class Memory:
    """One team's. ``head`` is the highest number of an event in it, ``at_s`` that event's time."""

    def __init__(self, team: str) -> None:
        self.team = team
        self.head = 0
        self.at_s = 0.0
        self._findings: dict[int, Finding] = {}
        self._of: dict[str, list[int]] = {}  # role -> numbers of its findings, ascending
        self._texts: dict[str, Texts] = {}
        self._edits: dict[int, tuple[int, FindingEdited]] = {}  # the newest of each finding
        self._promotions: dict[int, tuple[Noted, FindingPromoted]] = {}  # by their own number
        self._promoted: dict[int, int] = {}  # finding -> number of its last promotion
        self._orders: dict[str, tuple[Noted, OrdersSet]] = {}
        self._handed: dict[str, Handover] = {}  # by seat

    # --- folding ---

    def fold(self, noted: Iterable[Noted]) -> None:
        """Take events, in any order and any number of times."""
        for one in noted:
            self._take(one)
            if one.number > self.head:
                self.head, self.at_s = one.number, one.at_s

    def _take(self, noted: Noted) -> None:
        number = noted.number
        match noted.event:
            case FindingAdded() as added:
                if number not in self._findings:
                    self._add(noted, added)
            case FindingEdited(finding=finding) as edited:
                if number > self._edits.get(finding, (0, None))[0]:
                    self._edits[finding] = (number, edited)
                    self._renew(finding)
            case FindingPromoted(finding=finding) as promoted:
                self._promotions[number] = (noted, promoted)
                self._promoted[finding] = max(number, self._promoted.get(finding, 0))
                self._renew(finding)
            case OrdersSet(role=role) as orders:
                before = self._orders.get(role)
                if before is None or number > before[0].number:
                    self._orders[role] = (noted, orders)
            case HandedOver(role=role, seat=seat, text=text):
                last = self._handed.get(seat)
                if last is None or number > last.number:
                    self._handed[seat] = Handover(
                        role, seat, tidy(text), number, noted.at_s, noted.by
                    )
            case _:
                assert_never(noted.event)

    def _add(self, noted: Noted, added: FindingAdded) -> None:
        number, role = noted.number, added.role
        insort(self._of.setdefault(role, []), number)
        self._put(
            Finding(
                number, role, noted.by, noted.at_s, tidy(added.text), added.tags, added.task, number
            )
        )  # fmt: skip

    def _renew(self, number: int) -> None:
        """Bring a finding, if it is known here, up to what was said of it."""
        finding = self._findings.get(number)
        if finding is not None:
            self._texts[finding.role].remove(number, _searched(finding))
            self._put(finding)

    def _put(self, finding: Finding) -> None:
        number, last = finding.number, self._promoted.get(finding.number, 0)
        changed, edited = self._edits.get(number, (0, None))
        if edited is not None:
            finding = replace(finding, text=tidy(edited.text), tags=edited.tags)
        if last:
            finding = replace(finding, promoted=self._promotions[last][1].to)
        if changed or last:
            finding = replace(finding, changed=max(number, changed, last))
        self._findings[number] = finding
        self._texts.setdefault(finding.role, Texts()).add(number, _searched(finding))

    # --- asking ---

    def finding(self, number: int) -> Finding:
        """One finding.

        Raises:
            UnknownFinding: there is none of this number.
        """
        found = self._findings.get(number)
        if found is None:
            raise UnknownFinding(f"F{number}", self.team)
        return found

    def known(self, number: int) -> Finding | None:
        """The same, or None."""
        return self._findings.get(number)

    def findings(self, role: str | None = None) -> tuple[Finding, ...]:
        """The findings of a role without the team's, or all, in the order of their numbers."""
        numbers = sorted(self._findings) if role is None else self._of.get(role, ())
        return tuple(self._findings[number] for number in numbers)

    def known_to(self, role: str) -> tuple[Finding, ...]:
        """The findings of a role and those of the whole team, in the order of their numbers."""
        numbers = sorted({*self._of.get(role, ()), *self._of.get("", ())})
        return tuple(self._findings[number] for number in numbers)

    def changed_since(self, number: int) -> Iterator[Finding]:
        """Findings that an event after this number made or changed, in the order of their numbers."""
        return (finding for finding in self.findings() if finding.changed > number)

    def relevant(self, role: str, question: Iterable[str], limit: int) -> tuple[int, ...]:
        """The numbers of what the role knows that share most with these terms, best first."""
        groups = [self._texts[one] for one in sorted({role, ""}) if one in self._texts]
        return ranked(groups, question, limit)

    def orders(self, role: str = "") -> Orders | None:
        """The standing orders of a role, or the whole team's; None when there never were any."""
        last, text, seen = None, "", 0
        if role in self._orders:
            last, orders = self._orders[role]
            text, seen = tidy(orders.text), orders.seen
        behind: dict[int, str] = {}
        for number, (noted, promoted) in sorted(self._promotions.items()):
            if promoted.to == TO_ORDERS and promoted.role == role and number > seen:
                behind.pop(promoted.finding, None)
                behind[promoted.finding] = tidy(promoted.text)
                last = noted if last is None or number > last.number else last
        if last is None:
            return None
        whole = "\n\n".join(filter(None, (text, *behind.values())))
        return Orders(role, whole, last.number, last.at_s, last.by)

    def notes(self) -> tuple[Note, ...]:
        """The team's notes, oldest first; a finding that was promoted again stands once, as last said."""
        newest: dict[int, Note] = {}
        for number, (noted, promoted) in sorted(self._promotions.items()):
            if promoted.to == TO_TEAM:
                newest[promoted.finding] = Note(
                    promoted.finding, tidy(promoted.text), number, noted.at_s, noted.by
                )
        return tuple(sorted(newest.values(), key=lambda note: note.number))

    def handover(self, seat: str) -> Handover | None:
        """The last note that was left to whoever comes into this seat."""
        return self._handed.get(seat)

    def handovers(self, role: str) -> tuple[Handover, ...]:
        """The notes of all seats of a role, by seat."""
        return tuple(note for _, note in sorted(self._handed.items()) if note.role == role)

    def roles(self) -> tuple[str, ...]:
        """Every role of which something is remembered, by name; not the team itself."""
        promoted = (p.role for _, p in self._promotions.values())
        handed = (note.role for note in self._handed.values())
        return tuple(sorted({*self._of, *self._orders, *promoted, *handed} - {""}))

    # --- what may be written ---

    def check(self, event: MemoryEvent) -> None:
        """Refuse an event before it goes into the log.

        Raises:
            UnknownFinding: it is about one that is not there.
            MalformedRequest, MalformedName, UndecodableText, TooLarge: see ``check_event``; standing
                orders would not fit any more.
        """
        check_event(event)
        if isinstance(event, FindingEdited | FindingPromoted):
            self.finding(event.finding)
        if isinstance(event, OrdersSet) or (
            isinstance(event, FindingPromoted) and event.to == TO_ORDERS
        ):
            self._check_orders(event)

    def _check_orders(self, event: OrdersSet | FindingPromoted) -> None:
        """The orders of the event's role as they would stand after it."""
        then = Memory(self.team)
        kept = [noted for noted, orders in self._orders.values() if orders.role == event.role]
        kept += [
            noted for noted, promoted in self._promotions.values() if promoted.role == event.role
        ]
        then.fold([*kept, Noted(self.head + 1, 0.0, "", event)])
        orders = then.orders(event.role)
        check_text(orders.text if orders else "", ORDERS_CHARS, may_be_empty=True)


def _searched(finding: Finding) -> str:
    return " ".join((finding.text, *finding.tags))
