"""How a member takes its leave: asked, answered by itself, ended.

*Answered* means that the agent said goodbye; that a message reached it says nothing. Time alone ends
nobody: who has not answered when its time is over keeps running, and may still answer. What is here is
read from the team's log; who asks, who may answer and what follows is in ``fleet/core/parting.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from fleet.core.team_events import FarewellAsked, FarewellSaid, Unseated


class Stage(StrEnum):
    """How far a farewell is."""

    ASKED = "asked"  # it has time to save and to answer
    SILENT = "silent"  # its time is over without an answer; it keeps running
    SAID = "said"  # it said goodbye, and is about to be ended
    LEFT = "left"  # it said goodbye, and its seat is empty
    ENDED = "ended"  # its seat is empty, and it never answered


class Step(StrEnum):
    """What happens to a farewell."""

    ASK = "ask"
    DUE = "due"
    SAY = "say"
    EMPTY = "empty"


TRANSITIONS: Mapping[tuple[Stage, Step], Stage] = MappingProxyType(
    {
        (Stage.ASKED, Step.ASK): Stage.ASKED,
        (Stage.ASKED, Step.DUE): Stage.SILENT,
        (Stage.ASKED, Step.SAY): Stage.SAID,
        (Stage.ASKED, Step.EMPTY): Stage.ENDED,
        (Stage.SILENT, Step.ASK): Stage.ASKED,
        (Stage.SILENT, Step.SAY): Stage.SAID,  # late, and as good as in time
        (Stage.SILENT, Step.EMPTY): Stage.ENDED,
        (Stage.SAID, Step.EMPTY): Stage.LEFT,
    }
)
"""Whoever has said goodbye is asked no more; an empty seat takes no further step."""

OVER = frozenset({Stage.LEFT, Stage.ENDED})
ANSWERED = frozenset({Stage.SAID, Stage.LEFT})


class Behind(NamedTuple):
    """What a member left on its node. ``folder`` is empty when nothing in it had to be kept; ``unsaved``
    would be lost with the folder, ``unpushed`` is on that host only. Both in words."""

    folder: str = ""
    branch: str = ""
    unsaved: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()


NOTHING = Behind()


@dataclass(frozen=True, slots=True)
class Farewell:
    """One seat's farewell, in one term. ``asked`` is the number of the entry that asked last; times are
    the home's wall time, 0 for what has not happened. ``released`` are the tasks that went back."""

    seat: str
    role: str
    agent: str
    node: str
    term: int
    asked: int
    until_s: float
    stage: Stage = Stage.ASKED
    said_s: float = 0.0
    over_s: float = 0.0
    why: str = ""
    released: tuple[int, ...] = ()
    behind: Behind = NOTHING

    def at(self, now_s: float) -> Stage:
        """How far it is now: time turns ``asked`` into ``silent``, and changes nothing else."""
        is_due = self.stage is Stage.ASKED and now_s >= self.until_s
        return TRANSITIONS[self.stage, Step.DUE] if is_due else self.stage

    def after(
        self, event: FarewellAsked | FarewellSaid | Unseated, entry: int, at_s: float
    ) -> Farewell:
        """The farewell after one more entry of the log.

        Raises:
            ValueError: that cannot follow; the log is damaged.
        """
        match event:
            case FarewellAsked(until_s=until_s):
                return self._to(Step.ASK, asked=entry, until_s=until_s)
            case FarewellSaid(tasks=tasks):
                return self._to(Step.SAY, said_s=at_s, released=tasks)
            case Unseated(why=why, tasks=tasks):
                behind = Behind(event.folder, event.branch, event.unsaved, event.unpushed)
                released = (*self.released, *tasks)
                return self._to(Step.EMPTY, over_s=at_s, why=why, released=released, behind=behind)

    def _to(self, step: Step, **changed: object) -> Farewell:
        stage = TRANSITIONS.get((self.stage, step))
        if stage is None:
            raise ValueError(f"{step} cannot follow {self.stage} of {self.seat}")
        return replace(self, stage=stage, **changed)  # type: ignore[arg-type]
