"""What happens in a team, as its home node writes it down: one growing log, the same everywhere.

The log is the team. Its home node alone appends to it, other nodes of the team hold copies, and what
stands on the board (``fleet/core/board.py``), in the memory and in the retrospective is read from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.memory_events import MemoryEvent
from fleet.core.offers import OfferEvent
from fleet.core.slots import SlotTaken
from fleet.core.task import TaskEvent


@dataclass(frozen=True, slots=True)
class Founded:
    """The team exists. ``home`` is the node whose log this is."""

    team: str
    home: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The team file was applied. ``plan`` is its canonical JSON; the rest is what the board itself
    needs of it: the lead's seat, how many claims one seat of a role may hold at once (any number for one
    that is not named), and how long a claim stands without a word."""

    plan: str
    lead: str
    limits: tuple[tuple[str, int], ...]
    lease_s: float


@dataclass(frozen=True, slots=True)
class NodeAsked:
    """Another node was invited: for which roles (name and the digest of what they run), and with which
    verbs the team's home wants to be granted there. ``until_s`` is the home's wall time."""

    invitation: str
    node: str
    roles: tuple[tuple[str, str], ...]
    verbs: tuple[str, ...]
    until_s: float


@dataclass(frozen=True, slots=True)
class NodeJoined:
    """It accepted, for these roles and in exactly this form. The home itself joins by founding."""

    invitation: str
    node: str
    roles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class InvitationEnded:
    """It was declined, withdrawn, or ran out; it can never be accepted any more."""

    invitation: str
    why: str


@dataclass(frozen=True, slots=True)
class NodeLeft:
    """A node is not of the team any more: it left or was removed. Its seats are empty."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Seated:
    """An agent fills a seat. The event's number is the seat's term: an older one is fenced out."""

    seat: str
    role: str
    agent: str
    node: str


@dataclass(frozen=True, slots=True)
class FarewellAsked:
    """The member in a seat, in this term, is asked to save its work and to say goodbye. It has time
    until ``until_s``, the home's wall time."""

    seat: str
    term: int
    until_s: float


@dataclass(frozen=True, slots=True)
class FarewellSaid:
    """It said goodbye itself. ``tasks`` are those that it let go of with that."""

    seat: str
    term: int
    tasks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FarewellTakenBack:
    """Whoever was asked to leave, and has not answered, stays after all."""

    seat: str
    term: int


@dataclass(frozen=True, slots=True)
class Unseated:
    """A seat is empty, and why. ``tasks`` went back to the list with that; the rest is what its member
    left on its node, as ``Behind`` of ``fleet/core/farewell.py`` says."""

    seat: str
    why: str
    tasks: tuple[int, ...] = ()
    folder: str = ""
    branch: str = ""
    unsaved: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()


TeamEvent = (
    Founded | Planned | NodeAsked | NodeJoined | InvitationEnded | NodeLeft | Seated
    | FarewellAsked | FarewellSaid | FarewellTakenBack | Unseated | SlotTaken
)  # fmt: skip
Event = TeamEvent | TaskEvent | MemoryEvent | OfferEvent


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the log. ``seq`` counts from 1 without gaps; ``at_s`` is the home's wall time;
    ``by`` the address of who wanted it, or ``fleet@node`` for the node itself; ``key`` names the
    command it came of, which is carried out once however often it arrives."""

    seq: int
    at_s: float
    by: str
    key: str
    event: Event
