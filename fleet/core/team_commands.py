"""What may be asked of a team's task list, and what follows from it.

Commands come from people and agents on any node of the team; its home node alone decides, one after the
other, so of two that want the same the first gets it. A decision is a tuple of events, which the caller
writes down and folds into the board, all or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from fleet.core.board import Board
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.teams import AlreadyClaimed, LeaseLost
from fleet.core.errors.trust import NotAllowed
from fleet.core.task import (
    HELD,
    Task,
    TaskAdded,
    TaskBlocked,
    TaskChanged,
    TaskClaimed,
    TaskDone,
    TaskEvent,
    TaskNoted,
    TaskReleased,
    TaskRemoved,
    TaskReopened,
    TaskStarted,
    TaskState,
    Wanted,
    check_text,
    check_wanted,
    cycle,
)

NEXT = 0
"""As a task's number in a claim: whichever can be claimed and comes first."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, proven: the kernel says which agent (or person) it is, TLS which node it is on.

    ``seat`` is the seat that this agent fills, empty for people and for agents that are no members.
    """

    address: str
    node: str
    seat: str = ""
    is_person: bool = False
    is_home: bool = False

    @property
    def holder(self) -> str:
        """What a claim of theirs is under."""
        return self.seat or self.address


@dataclass(frozen=True, slots=True)
class AddTask:
    """Put a task on the list."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class ChangeTask:
    """Write anew what a task is."""

    task: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class ClaimTask:
    """Take a task; ``NEXT`` for whichever comes first."""

    task: int = NEXT


@dataclass(frozen=True, slots=True)
class AssignTask:
    """Give a task to a seat, also when another one holds it."""

    task: int
    seat: str


@dataclass(frozen=True, slots=True)
class StartTask:
    """Begin, or go on after a block. ``token`` is the claim's, 0 when not said: so in all below."""

    task: int
    token: int = 0


@dataclass(frozen=True, slots=True)
class NoteTask:
    """Write something down."""

    task: int
    note: str


@dataclass(frozen=True, slots=True)
class BlockTask:
    """Say that it cannot go on, and why."""

    task: int
    why: str
    token: int = 0


@dataclass(frozen=True, slots=True)
class FinishTask:
    """Say that it is done, and what shows it: a commit, the output of a test, a message."""

    task: int
    evidence: str
    token: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseTask:
    """Let go of it."""

    task: int
    why: str = ""
    token: int = 0


@dataclass(frozen=True, slots=True)
class ReopenTask:
    """Say that it was not done after all."""

    task: int
    why: str


@dataclass(frozen=True, slots=True)
class RemoveTask:
    """Take it off the list."""

    task: int
    why: str = ""


TaskCommand = (
    AddTask | ChangeTask | ClaimTask | AssignTask | StartTask | NoteTask | BlockTask | FinishTask
    | ReleaseTask | ReopenTask | RemoveTask
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command: the tasks that it touched, as they stand. ``again``: it had been carried
    out before, when it arrived for the first time."""

    tasks: tuple[Task, ...]
    again: bool = False


def decide(board: Board, actor: Actor, command: TaskCommand) -> tuple[TaskEvent, ...]:
    """What follows from a command, now.

    Raises:
        NotAllowed: the actor is not of the team, or this is the lead's or the holder's to say.
        UnknownTask: there is no such task.
        AlreadyClaimed: somebody else holds it.
        LeaseLost: the actor held it once, and does not any more.
        WrongState: it cannot happen to the task as it stands.
        MalformedRequest, TooLarge: what was given makes no sense.
    """
    require_member(board, actor)
    match command:
        case AddTask(wanted=wanted):
            _check_links(board, board.next_number, wanted)
            return (TaskAdded(board.next_number, wanted),)
        case ChangeTask(task=number, wanted=wanted):
            _require_say(board, actor, board.task(number), "change")
            _check_links(board, number, wanted)
            return _fitting(board, TaskChanged(number, wanted))
        case ClaimTask(task=number):
            return _claim(board, actor, number)
        case AssignTask(task=number, seat=seat):
            return _assign(board, actor, number, seat)
        case NoteTask(task=number, note=note):
            check_text(_said(note, "a note"))
            return _fitting(board, TaskNoted(number, note))
        case ReopenTask(task=number, why=why):
            return _fitting(board, TaskReopened(number, _said(why, "a reason")))
        case RemoveTask(task=number, why=why):
            _require_say(board, actor, board.task(number), "remove")
            return _fitting(board, TaskRemoved(number, why))
        case _:
            return _of_holder(board, actor, command)


def done_before(board: Board, actor: Actor, command: TaskCommand, numbers: Iterable[int]) -> Done:
    """What is answered to a command that was carried out before, and touched these tasks.

    Raises:
        LeaseLost: it claimed one that is not the actor's any more; a yes would be believed.
    """
    tasks = tuple(board.tasks[number] for number in numbers)
    for task in tasks if isinstance(command, ClaimTask) else ():
        if task.holder != actor.holder:
            lost = f"{task.holder} holds it" if task.holder else task.why
            raise LeaseLost(task.label, lost or "nobody holds it")
    return Done(tasks, again=True)


def lapse(board: Board, number: int, holder: str) -> tuple[TaskEvent, ...]:
    """That a claim ran out; nothing when that claim does not stand any more."""
    task = board.tasks.get(number)
    if task is None or task.state not in HELD or task.holder != holder:
        return ()
    return (TaskReleased(number, f"the claim of {holder} ran out: nothing was heard of it"),)


def require_member(board: Board, actor: Actor) -> None:
    """Let only the team ask: members, and the people of its nodes.

    Raises:
        NotAllowed: it is neither; an incarnation that another one took the place of is told so.
    """
    is_of_node = actor.is_home or actor.node in board.nodes
    fenced = board.fenced.get((actor.address.partition("@")[0], actor.node))
    if fenced is not None and not actor.seat:
        raise NotAllowed(
            actor.address, "speak for", f"{board.team}/{fenced.name}",
            hint=f"that seat went on to another incarnation; this one, of term {fenced.term}, is over",
        )  # fmt: skip
    if not is_of_node or not (actor.seat or actor.is_person):
        raise NotAllowed(
            actor.address, "work on the tasks of", board.team,
            hint=f"fleet team show {board.team} lists its members",
        )  # fmt: skip


def may_manage(board: Board, actor: Actor) -> bool:
    """Whether somebody has a say in everything: the lead, and the person at the team's home."""
    return (actor.is_person and actor.is_home) or (actor.seat != "" and actor.seat == board.lead)


def _require_say(board: Board, actor: Actor, task: Task, verb: str) -> None:
    """The lead, the home's person, who wrote the task, and who holds it."""
    if not may_manage(board, actor) and actor.address != task.by and task.holder != actor.holder:
        raise NotAllowed(
            actor.address, verb, task.label, hint="its author, its holder and the lead may"
        )


def _check_links(board: Board, number: int, wanted: Wanted) -> None:
    check_wanted(wanted)
    for other in (*wanted.after, wanted.parent, wanted.found_while):
        if other and other != number:
            board.task(other)
    way = cycle(number, wanted.after, board.tasks)
    if way or wanted.parent == number or _is_above(board, number, wanted.parent):
        shown = " → ".join(f"T{one}" for one in way) or f"T{number} is part of itself"
        raise MalformedRequest(
            f"T{number} would wait for itself: {shown}",
            hint="leave one of them out of --after, or out of --parent",
        )


def _is_above(board: Board, number: int, parent: int) -> bool:
    """Whether a task is among the parents of another one."""
    while parent and parent != number:
        parent = board.tasks[parent].wanted.parent
    return parent == number and parent != 0


def _claim(board: Board, actor: Actor, number: int) -> tuple[TaskEvent, ...]:
    if number == NEXT:
        found = board.next_claimable()
        if found is None:
            raise WrongState(
                "no task can be claimed now", hint="fleet task ls shows what is held, and waits"
            )
        task = found
    else:
        task = board.task(number)
    if task.state in HELD and task.holder != actor.holder:
        raise AlreadyClaimed(task.label, task.holder)
    if task.state in HELD:
        return ()  # theirs already
    if waits := board.waits_for(task):
        raise WrongState(
            f"{task.label} waits for {', '.join(f'T{one}' for one in waits)}",
            hint="fleet task claim without a number takes one that waits for nothing",
        )
    _check_limit(board, actor.seat)
    return _fitting(board, TaskClaimed(task.number, actor.holder))


def _check_limit(board: Board, seat: str) -> None:
    role = board.seats[seat].role if seat in board.seats else ""
    limit = board.limit(role) if role else None
    if limit == 0:
        raise WrongState(f"{seat} takes no tasks", hint="its limit of claims is 0 in the team file")
    if limit and len(held := board.held_by(seat)) >= limit:
        raise WrongState(
            f"{seat} holds {', '.join(task.label for task in held)}; a {role} holds {limit} at once",
            hint="fleet task done, or fleet task release, comes first",
        )


def _assign(board: Board, actor: Actor, number: int, seat: str) -> tuple[TaskEvent, ...]:
    task = board.task(number)
    if not may_manage(board, actor):
        raise NotAllowed(
            actor.address, "assign", task.label, hint=f"{board.lead or 'the home'} does that"
        )
    if seat not in board.seats:
        raise MalformedRequest(
            f"{board.team} has no seat {seat!r} that somebody fills",
            hint=f"one of: {', '.join(sorted(board.seats)) or 'nobody yet'}",
        )
    if task.holder == seat and task.state in HELD:
        return ()
    if waits := board.waits_for(task):
        raise WrongState(f"{task.label} waits for {', '.join(f'T{one}' for one in waits)}")
    claimed = TaskClaimed(number, seat)
    if task.state in HELD:
        return (TaskReleased(number, f"given to {seat} by {actor.address}"), claimed)
    _check_limit(board, seat)
    return _fitting(board, claimed)


def _of_holder(
    board: Board, actor: Actor, command: StartTask | BlockTask | FinishTask | ReleaseTask
) -> tuple[TaskEvent, ...]:
    task = board.task(command.task)
    _require_hold(board, actor, task, command)
    match command:
        case StartTask():
            return (
                () if task.state is TaskState.STARTED else _fitting(board, TaskStarted(task.number))
            )
        case BlockTask(why=why):
            return _fitting(board, TaskBlocked(task.number, _said(why, "a reason")))
        case FinishTask(evidence=evidence):
            return _fitting(board, TaskDone(task.number, _said(evidence, "evidence")))
        case ReleaseTask(why=why):
            return _fitting(board, TaskReleased(task.number, why or f"by {actor.holder}"))
        case _:
            assert_never(command)


def _require_hold(
    board: Board,
    actor: Actor,
    task: Task,
    command: StartTask | BlockTask | FinishTask | ReleaseTask,
) -> None:
    """A late worker must not write over a newer holder; the lead may let go for somebody else."""
    if isinstance(command, ReleaseTask) and may_manage(board, actor) and task.state in HELD:
        return
    if task.state in HELD and task.holder == actor.holder:
        if command.token and command.token != task.token:
            raise LeaseLost(task.label, f"{task.holder} claimed it anew, with token {task.token}")
        return
    if task.state in HELD:
        raise LeaseLost(task.label, f"{task.holder} holds it")
    if task.state is TaskState.OPEN:
        raise LeaseLost(task.label, task.why or "nobody holds it")


def _fitting(board: Board, event: TaskEvent) -> tuple[TaskEvent, ...]:
    """The event, if it can happen to its task now."""
    board.task(event.task).after(event, 0, 0.0)
    return (event,)


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise MalformedRequest(f"{what} has to be given", hint="nobody can follow it up otherwise")
    check_text(text)
    return text


COMMANDS: Mapping[str, type[TaskCommand]] = MappingProxyType(
    {
        "add": AddTask,
        "change": ChangeTask,
        "claim": ClaimTask,
        "assign": AssignTask,
        "start": StartTask,
        "note": NoteTask,
        "block": BlockTask,
        "done": FinishTask,
        "release": ReleaseTask,
        "reopen": ReopenTask,
        "rm": RemoveTask,
    }
)
"""Each command by its verb, as it is typed and as it travels."""
