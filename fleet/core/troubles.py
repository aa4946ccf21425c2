"""What is wrong with a team's seat, as it is seen now; of what follows from another only the cause.

Nothing here knows what was done about it before, but for one thing: a reminder moves the screen of whom
it reminds, so who stood still before it and does nothing after it stands still all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_MINUTE_S = 60
_HOUR_S = 3_600
_AT_REST = frozenset({"ready", "draft", "mode"})
_UNREADABLE = frozenset({"unknown", "starting"})


class Trouble(StrEnum):
    """What can be wrong with a seat."""

    GONE = "gone"  # nobody lives in it, and nobody said that this is meant
    AWAY = "away"  # its node is not connected
    ASKING = "asking"  # a question is open on its screen, which only a person may answer
    STRANGE = "strange"  # its screen shows nothing that its profile knows, and goes on doing so
    STUCK = "stuck"  # it holds a task, and does nothing
    IDLE = "idle"  # it holds nothing, while tasks wait for somebody
    DEAF = "deaf"  # messages for it are held, and have been for long
    BLOCKED = "blocked"  # it said that it cannot go on
    LIMITED = "limited"  # its program says that it takes no work for a while


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat as it is now. ``doing`` is what its screen was read as (``ready``, ``busy``, ``dialog``,
    …), empty when it was not; ``still_s`` for how long nothing has changed there; ``holds`` are its tasks
    and ``moved`` the log's newest entry about them; ``takes`` whether it may claim one more; ``held_s``
    for how long the oldest message for it is held, and ``held_why``; ``paused_s`` for how long its
    program says that it is limited still; ``leaving`` that it was asked to go."""

    seat: str
    online: bool
    connected: bool = True
    doing: str = ""
    still_s: float = 0.0
    holds: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    moved: int = 0
    takes: bool = True
    held_s: float = 0.0
    held_why: str = ""
    paused_s: float = 0.0
    leaving: bool = False

    @property
    def is_there(self) -> bool:
        """Whether somebody lives in it, as far as can be seen."""
        return self.connected and self.online

    @property
    def is_limited(self) -> bool:
        """Whether its program takes no work now."""
        return self.is_there and self.paused_s > 0

    @property
    def reads(self) -> bool:
        """Whether a message for it is of use now, or soon."""
        is_open = self.doing != "dialog" and self.doing not in _UNREADABLE
        return self.is_there and is_open and not self.is_limited and not self.leaving

    @property
    def at_work(self) -> tuple[str, ...]:
        """The tasks that it holds and could go on with."""
        return tuple(task for task in self.holds if task not in self.blocked)

    @property
    def stuck(self) -> str:
        """What its standing still is about: once it says anything of its tasks, it is about something
        else."""
        return f"{' '.join(self.at_work)} {self.moved}"

    def __str__(self) -> str:
        doing = self.doing or "there"
        still = (
            f" for {lasted(self.still_s)}" if self.doing in _AT_REST and self.still_s >= 1 else ""
        )
        return f"{doing}{still}; holds {', '.join(self.holds) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something counts as trouble, and how long after one step the next is taken."""

    still_s: float = 600.0
    held_s: float = 300.0
    step_s: float = 300.0


class Finding(NamedTuple):
    """A trouble that there is, with these tasks; ``about`` tells it from others of its kind. Not
    ``is_due``: it goes on, and no step is taken now."""

    trouble: Trouble
    words: str
    tasks: tuple[str, ...] = ()
    about: str = ""
    is_due: bool = True


IsOpen = Callable[[Trouble, str], bool]
"""Whether a trouble, about something, was there on the last tick."""


def findings(view: SeatView, limits: Limits, free: int, is_open: IsOpen) -> Iterator[Finding]:
    """What is wrong with a seat, each with a sentence. ``free`` is how many tasks can be claimed."""
    if view.leaving:  # what becomes of it is told to who asked it
        return
    holding = f"; it holds {', '.join(view.holds)}" if view.holds else ""
    if not view.connected:
        yield Finding(Trouble.AWAY, f"its node is away{holding}")
        return
    if not view.online:
        yield Finding(Trouble.GONE, f"nobody lives in it{holding}")
        return
    for task in view.blocked:
        yield Finding(Trouble.BLOCKED, f"it cannot go on with {task}", (task,), task)
    if view.doing == "dialog":
        yield Finding(Trouble.ASKING, "a question is open on its screen")
    elif view.doing in _UNREADABLE:
        if view.still_s >= limits.still_s:
            yield Finding(Trouble.STRANGE, f"{_strange(view)} for {lasted(view.still_s)}")
    elif _is_deaf(view, limits):
        why = f" ({view.held_why})" if view.held_why else ""
        yield Finding(Trouble.DEAF, f"a message for it is held for {lasted(view.held_s)}{why}")
    elif view.doing in _AT_REST:
        yield from _resting(view, limits, free, is_open)


def _strange(view: SeatView) -> str:
    if view.doing == "starting":
        return "it has not become ready"
    return "its screen shows what its profile does not know"


def _is_deaf(view: SeatView, limits: Limits) -> bool:
    """Whether mail is held for longer than it takes; what waits until work is done is not."""
    works = view.doing == "busy" and view.held_why == "busy"
    return view.held_s >= limits.held_s and not works


def _resting(view: SeatView, limits: Limits, free: int, is_open: IsOpen) -> Iterator[Finding]:
    """It does nothing: with something to do, or with nothing while there is something."""
    is_due = view.still_s >= limits.still_s
    if view.at_work:
        if is_due or is_open(Trouble.STUCK, view.stuck):
            still = f"stands still for {lasted(view.still_s)}"
            words = f"it holds {', '.join(view.at_work)} and {still}"
            yield Finding(Trouble.STUCK, words, view.at_work, view.stuck, is_due)
    elif (
        free
        and view.takes
        and not view.holds
        and view.doing == "ready"
        and (is_due or is_open(Trouble.IDLE, ""))
    ):
        waits = "one task waits" if free == 1 else f"{free} tasks wait"
        yield Finding(Trouble.IDLE, f"it holds nothing, and {waits} for somebody", is_due=is_due)


def lasted(seconds: float) -> str:
    """A length of time in words that a line has room for."""
    whole = int(seconds)
    if whole < 2 * _MINUTE_S:
        return f"{whole} s"
    if whole < 2 * _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    return f"{whole // _HOUR_S} h"
