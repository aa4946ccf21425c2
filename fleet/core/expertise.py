"""What a team's log says of who is good at what: finished work, and what was handed back.

It is the standing role's on its node: whoever sits there next goes on from it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from fleet.core.assign import Outcomes
from fleet.core.experience import DAY_S, Experience, Work, faded
from fleet.core.foresight import files_of
from fleet.core.offers import OfferEnded, Passed
from fleet.core.task import (
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskDone,
    TaskReleased,
    TaskReopened,
    Wanted,
)
from fleet.core.team_events import Happened, Seated

_OUTCOME_HALF_S = 90 * DAY_S


class _Seat(NamedTuple):
    record: str
    agent: str


class _Outcome(NamedTuple):
    at_s: float
    was_accepted: bool


def record_of(role: str, node: str) -> str:
    """Under which name the work of a role on a node is known."""
    return f"{role}@{node}"


class Expertise:
    """The fold. ``now_id`` is as for a board. ``works`` is all finished work, in the log's order."""

    def __init__(self, now_id: Callable[[str], str] = str) -> None:
        self._now_id = now_id
        self.experience = Experience()
        self.works: list[Work] = []
        self._seats: dict[str, _Seat] = {}
        self._wanted: dict[int, Wanted] = {}
        self._holders: dict[int, str] = {}
        self._outcomes: dict[str, list[_Outcome]] = defaultdict(list)

    def fold(self, entries: Iterable[Happened]) -> None:
        """Take entries of the team's log in order."""
        for happened in entries:
            self._take(happened)

    def outcomes(self, record: str, now_s: float) -> Outcomes:
        """How often its work was accepted and handed back, half after 90 days."""
        found = self._outcomes.get(record, ())
        kept = {
            was: math.fsum(
                faded(now_s - one.at_s, _OUTCOME_HALF_S) for one in found if one.was_accepted is was
            )
            for was in (True, False)
        }
        return Outcomes(kept[True], kept[False])

    def _take(self, happened: Happened) -> None:
        match happened.event:
            case Seated(seat=name, role=role, agent=agent, node=node):
                self._seats[name] = _Seat(record_of(role, self._now_id(node)), agent)
            case TaskAdded(task=task, wanted=wanted) | TaskChanged(task=task, wanted=wanted):
                self._wanted[task] = wanted
            case TaskClaimed(task=task, holder=holder):
                self._holders[task] = holder
            case TaskDone(task=task):
                self._done(happened, task)
            case TaskReopened(task=task):
                self._outcome(self._holders.get(task, ""), happened.at_s, was_accepted=False)
            case TaskReleased(task=task):
                holder = self._holders.get(task, "")
                seat = self._seats.get(holder)
                if seat and happened.by.partition("@")[0] == seat.agent:
                    self._outcome(holder, happened.at_s, was_accepted=False)
            case OfferEnded(seat=name, how=how) if how != Passed.WITHDRAWN:
                self._outcome(name, happened.at_s, was_accepted=False)
            case _:
                pass

    def _done(self, happened: Happened, task: int) -> None:
        holder = self._holders.get(task, "")
        seat = self._seats.get(holder)
        if seat is None:
            return  # a person's work teaches nothing about the seats
        wanted = self._wanted[task]
        work = Work(
            f"{happened.seq:012}", seat.record, happened.at_s, wanted.title, files_of(wanted)
        )
        self.works.append(work)
        self.experience.learn(work)
        self._outcome(holder, happened.at_s, was_accepted=True)

    def _outcome(self, name: str, at_s: float, *, was_accepted: bool) -> None:
        seat = self._seats.get(name)
        if seat is not None:
            self._outcomes[seat.record].append(_Outcome(at_s, was_accepted))
