"""How the members of a team are, for a person who looks at it all day: a word each, and who needs somebody.

A pure reading of what is known: nothing that was not looked at is called ready, and an empty seat that
was emptied on purpose needs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fleet.core.farewell import OVER, Stage
from fleet.core.member import MemberState
from fleet.core.memory_events import FindingAdded, HandedOver
from fleet.core.task import (
    TaskAdded,
    TaskBlocked,
    TaskClaimed,
    TaskDone,
    TaskNoted,
    TaskReleased,
    TaskStarted,
)
from fleet.core.team_events import Event, FarewellSaid, Happened

HELD_S = 60.0
"""A message that is held for longer than this is worth a person's look."""
LEAVING = frozenset({Stage.ASKED, Stage.SILENT, Stage.SAID})


@dataclass(frozen=True, slots=True)
class Standing:
    """One seat. ``member`` is None where nobody is in it; ``blocked`` are the tasks it cannot go on with,
    ``address`` is where its agent is found."""

    seat: str
    address: str
    node: str
    member: MemberState | None
    stage: Stage | None = None
    blocked: tuple[str, ...] = ()


class Need(NamedTuple):
    """Why a seat needs somebody, and what to do."""

    why: str
    todo: str


class Word(NamedTuple):
    """The last that was heard of a member. ``about`` is what it was: to whom, or about which task."""

    at_s: float
    about: str
    text: str


def state(one: Standing) -> str:
    """One word: ``empty``, ``left`` (after a goodbye), ``ended`` (without), ``away`` (its node is), ``gone``
    (its program is), else what its screen is read as; ``online`` when nobody may read it."""
    member = one.member
    if member is None:
        return one.stage.value if one.stage and one.stage in OVER else "empty"
    if not member.connected:
        return "away"
    if not member.online:
        return "gone"
    return member.doing or "online"


def need(one: Standing, team: str) -> Need | None:
    """What a person, or the lead, should look at first in this seat; None: it is fine."""
    member = one.member
    if one.stage is Stage.SILENT:
        return Need(
            "it was asked to leave, and has not answered",
            f"fleet peek {one.address}; fleet team down {team}",
        )
    if member is None:
        empty = Need("nobody is in it", f"fleet team up {team}")
        return None if one.stage in OVER else empty
    if not member.connected:
        return Need(f"its node {one.node} is away", f"fleet route {one.address}")
    if not member.online:
        return Need("its program has ended", f"fleet team up {team}")
    if member.doing == "dialog":
        return Need("a question is open on its screen", f"fleet peek {one.address}")
    if one.blocked:
        label = one.blocked[0]
        return Need(f"it cannot go on with {', '.join(one.blocked)}", f"fleet task show {label}")
    if member.held and member.held_s >= HELD_S:
        why = f" ({member.held_why})" if member.held_why else ""
        return Need(
            f"a message for it is held for {member.held_s:.0f} s{why}",
            f"fleet show {member.held_id}, on {one.node}",
        )
    return None


def words(log: Iterable[Happened], seats: Mapping[str, str]) -> dict[str, Word]:
    """The last that each member wrote down, by seat; ``seats`` has the seat of an address. A goodbye has
    the words of the note that came with it."""
    last: dict[str, Word] = {}
    notes: dict[str, Word] = {}
    for happened in log:
        seat = seats.get(happened.by)
        if seat is None or (said := _said(happened.event)) is None:
            continue
        word = Word(happened.at_s, *said)
        if isinstance(happened.event, HandedOver):
            notes[seat] = word
        note = notes.get(seat)
        if isinstance(happened.event, FarewellSaid) and note and note.at_s == word.at_s:
            word = word._replace(text=note.text)
        last[seat] = word
    return last


def _said(event: Event) -> tuple[str, str] | None:
    """What an entry says of whoever wanted it: about what, and in which words."""
    match event:
        case TaskNoted(task=number, note=note):
            return f"T{number}", note
        case TaskBlocked(task=number, why=why):
            return f"T{number} blocked", why
        case TaskDone(task=number, evidence=evidence):
            return f"T{number} done", evidence
        case TaskReleased(task=number, why=why):
            return f"T{number} let go", why
        case TaskAdded(task=number, wanted=wanted):
            return f"T{number} added", wanted.title
        case TaskClaimed(task=number):
            return f"T{number} claimed", ""
        case TaskStarted(task=number):
            return f"T{number} started", ""
        case FindingAdded(text=text):
            return "found", text
        case HandedOver(text=text):
            return "handed over", text
        case FarewellSaid():
            return "goodbye", ""
        case _:
            return None
