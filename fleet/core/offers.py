"""Tasks offered to seats: an offer has a deadline, may be refused with a reason, and claims nothing.

The home decides who should do a task (``fleet/core/assign.py``) and writes the decision down, whatever it
is. Whoever is offered a task takes it as any task is taken, by claiming it; so may anybody else meanwhile.
Refusal and silence pass it on, and whoever passed is not asked again for that task.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.task import TaskClaimed, TaskDone, TaskRemoved, TaskReopened, check_text

if TYPE_CHECKING:
    from fleet.core.team_commands import Actor
    from fleet.core.team_events import Happened

OFFER_S = 600.0
"""How long an offer stands without a word, if nobody says otherwise."""


class Passed(StrEnum):
    """How an offer ended that was not taken."""

    REFUSED = "refused"
    SILENT = "silent"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class TaskDecided:
    """It was decided who should do a task. ``seat`` is empty when nobody is offered it; ``until_s`` is the
    home's wall time; ``decision`` is all that it rests on, as ``fleet assign --json`` prints it."""

    task: int
    answer: str
    seat: str
    until_s: float
    decision: str


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer was not taken: how it ended, and why."""

    task: int
    seat: str
    how: str
    why: str


OfferEvent = TaskDecided | OfferEnded


@dataclass(frozen=True, slots=True)
class RefuseOffer:
    """Pass an offer on, with a reason."""

    task: int
    why: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that stands. ``entry`` is the number of its decision in the log."""

    task: int
    seat: str
    until_s: float
    entry: int


class Offers:
    """The fold: what is offered to whom, and who passed."""

    def __init__(self) -> None:
        self._open: dict[int, Offer] = {}
        self._passed: dict[int, dict[str, str]] = {}
        self._decided: dict[int, TaskDecided] = {}

    def fold(self, entries: Iterable[Happened]) -> None:
        """Take entries of the team's log in order."""
        for happened in entries:
            self._take(happened)

    def _take(self, happened: Happened) -> None:
        match happened.event:
            case TaskDecided(task=task, seat=seat, until_s=until_s) as decided:
                self._decided[task] = decided
                self._open.pop(task, None)
                if seat:
                    self._open[task] = Offer(task, seat, until_s, happened.seq)
            case OfferEnded(task=task, seat=seat, how=how):
                self._open.pop(task, None)
                if how != Passed.WITHDRAWN:
                    self._passed.setdefault(task, {})[seat] = how
            case TaskClaimed(task=task) | TaskDone(task=task) | TaskRemoved(task=task):
                self._open.pop(task, None)
            case TaskReopened(task=task):
                self._passed.pop(task, None)
            case _:
                pass

    # --- asking ---

    def open(self) -> Iterator[Offer]:
        """The offers that stand, by task."""
        yield from (self._open[task] for task in sorted(self._open))

    def of(self, task: int) -> Offer | None:
        """The offer of a task that stands."""
        return self._open.get(task)

    def to(self, seat: str) -> tuple[Offer, ...]:
        """What is offered to a seat."""
        return tuple(one for one in self.open() if one.seat == seat)

    def passed(self, task: int) -> frozenset[str]:
        """Who is not asked again for a task."""
        return frozenset(self._passed.get(task, ()))

    def decided(self, task: int) -> TaskDecided | None:
        """The last decision about a task."""
        return self._decided.get(task)

    def run_out(self, now_s: float) -> tuple[OfferEnded, ...]:
        """What ends by itself now."""
        return tuple(
            OfferEnded(one.task, one.seat, Passed.SILENT, "no word before the deadline")
            for one in self.open()
            if one.until_s <= now_s
        )


def refuse(offers: Offers, actor: Actor, command: RefuseOffer) -> OfferEnded:
    """What follows from a refusal.

    Raises:
        WrongState: the task is not offered to anybody.
        NotAllowed: it is offered to somebody else.
        MalformedRequest, TooLarge: no reason is given, or too long a one.
    """
    offer = offers.of(command.task)
    label = f"T{command.task}"
    if offer is None:
        raise WrongState(f"{label} is offered to nobody", hint=f"fleet task show {label}")
    if actor.seat != offer.seat:
        raise NotAllowed(actor.address, "refuse", label, hint=f"it is offered to {offer.seat}")
    if not command.why.strip():
        raise MalformedRequest("a reason has to be given", hint="it decides who is asked next time")
    check_text(command.why)
    return OfferEnded(command.task, offer.seat, Passed.REFUSED, command.why)
