"""Calls about a team's tasks: put on the list, claimed, worked on, finished, looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from fleet.core.errors.requests import MalformedRequest
from fleet.core.ruling import Ruling
from fleet.core.task import OVER, Task, TaskState, Wanted
from fleet.core.team_commands import (
    NEXT,
    AddTask,
    AssignTask,
    BlockTask,
    ChangeTask,
    ClaimTask,
    FinishTask,
    NoteTask,
    ReleaseTask,
    RemoveTask,
    ReopenTask,
    StartTask,
    TaskCommand,
)
from fleet.outcomes import EXIT_REACHED
from node.doors import teamviews
from node.doors.calls.call import Ask, Calls, Count, Who, takes
from node.engine.chronicle import Chronicle

_LABEL = re.compile(r"(?:(?P<team>[a-z0-9._~-]+)/)?t?(?P<number>[1-9][0-9]{0,8})", re.IGNORECASE)


class AddArgs(msgspec.Struct):
    title: str
    text: str = ""
    paths: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    size: str = ""
    after: tuple[str, ...] = ()
    parent: str = ""
    found_while: str = ""
    acceptance: str = ""
    team: str = ""
    key: str = ""


class ChangeArgs(msgspec.Struct):
    task: str
    title: str | None = None
    text: str | None = None
    paths: tuple[str, ...] | None = None
    wants: tuple[str, ...] | None = None
    size: str | None = None
    after: tuple[str, ...] | None = None
    parent: str | None = None
    acceptance: str | None = None
    team: str = ""
    key: str = ""


class TaskArgs(msgspec.Struct):
    task: str = ""
    team: str = ""
    key: str = ""
    token: Count = 0


class SaidArgs(msgspec.Struct):
    task: str
    text: str = ""
    team: str = ""
    key: str = ""
    token: Count = 0


class AssignArgs(msgspec.Struct):
    task: str
    seat: str
    team: str = ""
    key: str = ""


class TasksArgs(msgspec.Struct):
    team: str = ""
    state: str = ""
    holder: str = ""
    all: bool = False
    limit: Count = 200


def meant(ask: Ask, task: str, team: str) -> tuple[Chronicle, int]:
    """The team and the number that ``T12``, ``12`` or ``site/T12`` means.

    Raises:
        MalformedRequest: it is no number of a task.
        UnknownTeam, AmbiguousName: as ``Teams.named``.
    """
    found = _LABEL.fullmatch(task.strip())
    if found is None:
        raise MalformedRequest(f"{task!r} is no task", hint="T12, 12, or site/T12 for a team's")
    return ask.node.teams.named(found["team"] or team, ask.caller), int(found["number"])


def _numbers(ask: Ask, team: Chronicle, tasks: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(_number(ask, team, one) for one in tasks)


def _number(ask: Ask, team: Chronicle, task: str) -> int:
    if not task:
        return 0
    other, number = meant(ask, task, ask.node.teams.label(team))
    if other is not team:
        raise MalformedRequest(f"{task} is a task of another team than {team.row.name}")
    return number


async def _command(ask: Ask, team: Chronicle, command: TaskCommand, key: str) -> None:
    done = await ask.node.teams.command(ask.caller, team, command, key)
    (one, *_) = done.tasks
    ask.answer.result({**teamviews.task(team, one), "again": done.again}, EXIT_REACHED)


@takes(AddArgs)
async def _add(ask: Ask, args: AddArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    wanted = Wanted(
        args.title.strip(), args.text, args.paths, args.wants, args.size.lower(),
        _numbers(ask, team, args.after), _number(ask, team, args.parent),
        _number(ask, team, args.found_while), args.acceptance,
    )  # fmt: skip
    await _command(ask, team, AddTask(wanted), args.key)


@takes(ChangeArgs)
async def _change(ask: Ask, args: ChangeArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    was = team.board.task(number).wanted
    told: dict[str, Any] = {
        name: value
        for name in ("title", "text", "paths", "wants", "size", "acceptance")
        if (value := getattr(args, name)) is not None
    }
    if args.after is not None:
        told["after"] = _numbers(ask, team, args.after)
    if args.parent is not None:
        told["parent"] = _number(ask, team, args.parent)
    if not told:
        raise MalformedRequest(
            "nothing is said of what changes", hint="a --title, a --text, …: what is not said stays"
        )
    await _command(ask, team, ChangeTask(number, replace(was, **told)), args.key)


@takes(TaskArgs)
async def _claim(ask: Ask, args: TaskArgs) -> None:
    if not args.task:
        team, number = ask.node.teams.named(args.team, ask.caller), NEXT
    else:
        team, number = meant(ask, args.task, args.team)
    await _command(ask, team, ClaimTask(number), args.key)


@takes(AssignArgs)
async def _assign(ask: Ask, args: AssignArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, AssignTask(number, args.seat.rpartition("/")[2].lower()), args.key)


@takes(TaskArgs)
async def _start(ask: Ask, args: TaskArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, StartTask(number, args.token), args.key)


@takes(SaidArgs)
async def _note(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, NoteTask(number, args.text), args.key)


@takes(SaidArgs)
async def _block(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, BlockTask(number, args.text, args.token), args.key)


@takes(SaidArgs)
async def _done(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, FinishTask(number, args.text, args.token), args.key)


@takes(SaidArgs)
async def _release(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, ReleaseTask(number, args.text, args.token), args.key)


@takes(SaidArgs)
async def _reopen(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, ReopenTask(number, args.text), args.key)


@takes(SaidArgs)
async def _rm(ask: Ask, args: SaidArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    await _command(ask, team, RemoveTask(number, args.text), args.key)


def _filter(team: Chronicle, args: TasksArgs) -> Callable[[Task], bool]:
    """Which tasks are meant. ``waiting`` is open behind what is not done, ``free`` can be claimed.

    Raises:
        MalformedRequest: there is no such state.
    """
    states = {state.value for state in TaskState} | {"waiting", "free", ""}
    if args.state not in states:
        raise MalformedRequest(
            f"{args.state!r} is no state of a task", hint=", ".join(sorted(states - {""}))
        )
    board, holder = team.board, args.holder.rpartition("/")[2]

    def fits(one: Task) -> bool:
        if holder and one.holder not in {holder, args.holder}:
            return False
        match args.state:
            case "":
                return args.all or one.state not in OVER
            case "free":
                return board.is_claimable(one)
            case "waiting":
                return one.state is TaskState.OPEN and bool(board.waits_for(one))
            case state:
                return one.state.value == state

    return fits


@takes(TasksArgs)
async def _tasks(ask: Ask, args: TasksArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    wanted = _filter(team, args)
    found: list[Task] = []
    for one in team.board.tasks.values():
        if wanted(one):
            found.append(one)
            if len(found) == args.limit:
                break
    ask.answer.result([teamviews.task(team, one) for one in found], EXIT_REACHED)


@takes(TaskArgs)
async def _task(ask: Ask, args: TaskArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    ask.node.teams.require_reader(team, ask.caller)
    one = team.board.task(number)
    told = teamviews.task(team, one)
    told["history"] = teamviews.history(team, number)
    decided, offer = team.offers.decided(number), team.offers.of(number)
    told["decision"] = (
        teamviews.ruling(ask.node, msgspec.json.decode(decided.decision, type=Ruling))
        if decided
        else None
    )
    told["offered_to"] = offer.seat if offer else ""
    told["side_finds"] = [
        t.label for t in team.board.tasks.values() if t.wanted.found_while == number
    ]
    ask.answer.result(told, EXIT_REACHED)


CALLS: Calls = {
    "task_add": (Who.ANYONE, _add),
    "task_change": (Who.ANYONE, _change),
    "task_claim": (Who.ANYONE, _claim),
    "task_assign": (Who.ANYONE, _assign),
    "task_start": (Who.ANYONE, _start),
    "task_note": (Who.ANYONE, _note),
    "task_block": (Who.ANYONE, _block),
    "task_done": (Who.ANYONE, _done),
    "task_release": (Who.ANYONE, _release),
    "task_reopen": (Who.ANYONE, _reopen),
    "task_rm": (Who.ANYONE, _rm),
    "tasks": (Who.ANYONE, _tasks),
    "task": (Who.ANYONE, _task),
}
