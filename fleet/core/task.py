"""A task's life, as a table: open, claimed, started, blocked, done.

What may happen to a task follows from its state alone; who may do it is the board's business
(``fleet/core/board.py``). A claim is one seat's exclusive hold. Its ``token`` is the number of the event
that made it, so it only ever grows, and whoever shows an older one comes too late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from fleet.core.errors.requests import MalformedRequest, TooLarge, WrongState


class TaskState(StrEnum):
    """Where a task is. ``waiting`` is not one of them: that is ``open`` behind what is not done."""

    OPEN = "open"
    CLAIMED = "claimed"
    STARTED = "started"
    BLOCKED = "blocked"
    DONE = "done"
    REMOVED = "removed"


HELD = frozenset({TaskState.CLAIMED, TaskState.STARTED, TaskState.BLOCKED})
"""States in which somebody holds the task."""
OVER = frozenset({TaskState.DONE, TaskState.REMOVED})

TITLE_CHARS = 200
TEXT_BYTES = 64 * 1024
LIST_ITEMS = 64
ITEM_CHARS = 400
SIZES = ("", "s", "m", "l")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task is, as its author wrote it. ``wants`` are competences; ``after`` the numbers of tasks
    that have to be done first; ``found_while`` the task that somebody was at when it came up."""

    title: str
    text: str = ""
    paths: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    size: str = ""
    after: tuple[int, ...] = ()
    parent: int = 0
    found_while: int = 0
    acceptance: str = ""


# --- what happens to a task ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskAdded:
    """It was put on the list."""

    task: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class TaskClaimed:
    """A seat holds it from now on; the event's number is the token of that hold."""

    task: int
    holder: str


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """Its holder is at it."""

    task: int


@dataclass(frozen=True, slots=True)
class TaskNoted:
    """Somebody wrote something down."""

    task: int
    note: str


@dataclass(frozen=True, slots=True)
class TaskBlocked:
    """Its holder cannot go on, and why."""

    task: int
    why: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """It is finished, and what shows it."""

    task: int
    evidence: str


@dataclass(frozen=True, slots=True)
class TaskReopened:
    """It was not finished after all, and why."""

    task: int
    why: str


@dataclass(frozen=True, slots=True)
class TaskReleased:
    """Its holder let go, or was let go, and why."""

    task: int
    why: str


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """What it is was written anew."""

    task: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class TaskRemoved:
    """It is not wanted any more, and why. Its number is not given again."""

    task: int
    why: str


TaskEvent = (
    TaskAdded | TaskClaimed | TaskStarted | TaskNoted | TaskBlocked | TaskDone | TaskReopened
    | TaskReleased | TaskChanged | TaskRemoved
)  # fmt: skip

_S = TaskState
TRANSITIONS: Mapping[tuple[TaskState, type[TaskEvent]], TaskState] = MappingProxyType(
    {
        (_S.OPEN, TaskClaimed): _S.CLAIMED,
        (_S.OPEN, TaskNoted): _S.OPEN,
        (_S.OPEN, TaskChanged): _S.OPEN,
        (_S.OPEN, TaskRemoved): _S.REMOVED,
        (_S.CLAIMED, TaskStarted): _S.STARTED,
        (_S.CLAIMED, TaskNoted): _S.CLAIMED,
        (_S.CLAIMED, TaskChanged): _S.CLAIMED,
        (_S.CLAIMED, TaskBlocked): _S.BLOCKED,
        (_S.CLAIMED, TaskDone): _S.DONE,
        (_S.CLAIMED, TaskReleased): _S.OPEN,
        (_S.STARTED, TaskNoted): _S.STARTED,
        (_S.STARTED, TaskChanged): _S.STARTED,
        (_S.STARTED, TaskBlocked): _S.BLOCKED,
        (_S.STARTED, TaskDone): _S.DONE,
        (_S.STARTED, TaskReleased): _S.OPEN,
        (_S.BLOCKED, TaskStarted): _S.STARTED,
        (_S.BLOCKED, TaskNoted): _S.BLOCKED,
        (_S.BLOCKED, TaskChanged): _S.BLOCKED,
        (_S.BLOCKED, TaskDone): _S.DONE,
        (_S.BLOCKED, TaskReleased): _S.OPEN,
        (_S.DONE, TaskNoted): _S.DONE,
        (_S.DONE, TaskReopened): _S.OPEN,
        (_S.REMOVED, TaskReopened): _S.OPEN,
    }
)
"""Absent: it cannot happen to a task in that state."""

_VERBS: Mapping[type[TaskEvent], str] = MappingProxyType(
    {
        TaskClaimed: "claimed",
        TaskStarted: "started",
        TaskNoted: "noted upon",
        TaskBlocked: "blocked",
        TaskDone: "finished",
        TaskReopened: "reopened",
        TaskReleased: "released",
        TaskChanged: "changed",
        TaskRemoved: "removed",
    }
)


@dataclass(frozen=True, slots=True)
class Task:
    """One task as it stands. ``at_s`` and ``changed_at_s`` are the home node's wall time."""

    number: int
    wanted: Wanted
    by: str
    at_s: float
    changed_at_s: float
    state: TaskState = TaskState.OPEN
    holder: str = ""
    token: int = 0
    why: str = ""
    evidence: str = ""
    notes: int = 0

    @property
    def label(self) -> str:
        """How people call it: T12."""
        return f"T{self.number}"

    def after(self, event: TaskEvent, seq: int, at_s: float) -> Task:
        """The task once this has happened to it.

        Raises:
            WrongState: it cannot happen now.
        """
        state = TRANSITIONS.get((self.state, type(event)))
        if state is None:
            raise self.unfit(event)
        then = replace(self, state=state, changed_at_s=at_s)
        match event:
            case TaskClaimed(holder=holder):
                return replace(then, holder=holder, token=seq, why="")
            case TaskNoted():
                return replace(then, notes=self.notes + 1)
            case TaskBlocked(why=why):
                return replace(then, why=why)
            case TaskStarted():
                return replace(then, why="")
            case TaskDone(evidence=evidence):
                return replace(then, evidence=evidence, why="")
            case TaskReopened(why=why) | TaskReleased(why=why):
                return replace(then, holder="", evidence="", why=why)
            case TaskChanged(wanted=wanted):
                return replace(then, wanted=wanted)
            case TaskRemoved(why=why):
                return replace(then, why=why)
            case TaskAdded():
                raise self.unfit(event)

    def unfit(self, event: TaskEvent) -> WrongState:
        """That this cannot happen to it now."""
        held = f" by {self.holder}" if self.holder else ""
        return WrongState(
            f"{self.label} is {self.state}{held} and cannot be {_VERBS.get(type(event), 'added')}",
            hint=f"fleet task show {self.label} tells its history",
        )


def check_wanted(wanted: Wanted) -> None:
    """Refuse what no list should carry.

    Raises:
        MalformedRequest, TooLarge: saying which part, and what fits.
    """
    if not wanted.title.strip():
        raise MalformedRequest(
            "a task needs words", hint='fleet task add "what is to be done", more with --text'
        )
    if len(wanted.title) > TITLE_CHARS or "\n" in wanted.title:
        raise MalformedRequest(
            f"a title is one line of at most {TITLE_CHARS} characters", hint="more goes into --text"
        )
    for text in (wanted.text, wanted.acceptance):
        check_text(text)
    if wanted.size not in SIZES:
        raise MalformedRequest(f"{wanted.size!r} is no size", hint=", ".join(SIZES[1:]))
    for items in (wanted.paths, wanted.wants, wanted.after):
        if len(items) > LIST_ITEMS or any(len(str(one)) > ITEM_CHARS for one in items):
            raise MalformedRequest(
                f"a task names at most {LIST_ITEMS} paths, competences or tasks,"
                f" of at most {ITEM_CHARS} characters each",
                hint="more goes into --text",
            )


def check_text(text: str) -> None:
    """Refuse a text that is too long.

    Raises:
        TooLarge: saying how long it may be.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > TEXT_BYTES:
        raise TooLarge(size, TEXT_BYTES)


def cycle(number: int, after: Iterable[int], tasks: Mapping[int, Task]) -> tuple[int, ...]:
    """The way from a task back to itself, were it to come after these; empty when there is none."""
    stack: list[tuple[int, tuple[int, ...]]] = [(one, (number, one)) for one in sorted(after)]
    seen: set[int] = set()
    while stack:
        at, way = stack.pop()
        if at == number:
            return way
        if at not in seen and at in tasks:
            seen.add(at)
            stack += [(one, (*way, one)) for one in sorted(tasks[at].wanted.after)]
    return ()
