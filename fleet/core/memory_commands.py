"""What may be asked of a team's memory, and what follows from it.

Decided at the team's home alone, like the commands of the task list. Whoever is of the team tells what it
learnt; what everybody has to obey, and what others found, is for the lead and the people at the home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from fleet.core.board import Board
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import NotAllowed
from fleet.core.memory import Finding, Memory
from fleet.core.memory_events import (
    TO_ORDERS,
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    MemoryEvent,
    OrdersSet,
)
from fleet.core.team_commands import Actor, may_manage, require_member


@dataclass(frozen=True, slots=True)
class AddFinding:
    """Remember something. Without a ``role`` it is for the actor's own, or for the whole team when the
    actor has none; ``is_for_team``: for the whole team in any case. ``task`` 0: at none."""

    text: str
    role: str = ""
    tags: tuple[str, ...] = ()
    task: int = 0
    is_for_team: bool = False


@dataclass(frozen=True, slots=True)
class EditFinding:
    """Say it better. ``tags`` None: they stay."""

    finding: int
    text: str
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PromoteFinding:
    """Make it a standing order of its role, or a note of the team; see ``PLACES``."""

    finding: int
    to: str


@dataclass(frozen=True, slots=True)
class SetOrders:
    """The standing orders of a role, or of the whole team, are these. ``seen`` is the number of the last
    entry that their author had before them."""

    text: str
    role: str = ""
    seen: int = 0


@dataclass(frozen=True, slots=True)
class HandOver:
    """Leave a note to the next one in one's own seat."""

    text: str


MemoryCommand = AddFinding | EditFinding | PromoteFinding | SetOrders | HandOver


@dataclass(frozen=True, slots=True)
class Remembered:
    """What came of a command: the number of its entry, and the finding it is about as it stands.
    ``again``: it had been carried out before."""

    entry: int
    finding: Finding | None = None
    again: bool = False


def decide(board: Board, memory: Memory, actor: Actor, command: MemoryCommand) -> MemoryEvent:
    """What follows from a command, now.

    Raises:
        NotAllowed: the actor is not of the team, or this is not theirs to say.
        UnknownFinding, UnknownTask: it is about one that is not there.
        MalformedRequest, MalformedName, UndecodableText, TooLarge: what was given makes no sense, or
            finds no room.
    """
    require_member(board, actor)
    event = _event(board, memory, actor, command)
    memory.check(event)
    return event


def _event(board: Board, memory: Memory, actor: Actor, command: MemoryCommand) -> MemoryEvent:
    match command:
        case AddFinding(text=text, tags=tags, task=task):
            if task:
                board.task(task)
            return FindingAdded(_role_of(board, actor, command), text, tags, task)
        case EditFinding(finding=number, text=text, tags=tags):
            found = memory.finding(number)
            if found.author != actor.address:
                _require_manager(board, actor, "edit", found.label)
            return FindingEdited(number, text, found.tags if tags is None else tags)
        case PromoteFinding(finding=number, to=to):
            found = memory.finding(number)
            _require_manager(board, actor, "promote", found.label)
            return FindingPromoted(number, to, found.role if to == TO_ORDERS else "", found.text)
        case SetOrders(text=text, role=role, seen=seen):
            _require_manager(board, actor, "set the standing orders of", role or board.team)
            return OrdersSet(role, text, min(seen, board.head))
        case HandOver(text=text):
            if not actor.seat:
                raise MalformedRequest(
                    f"{actor.address} fills no seat of {board.team}",
                    hint="a hand-over is from one in a seat to the next one in it",
                )
            return HandedOver(board.seats[actor.seat].role, actor.seat, text)
        case _:
            assert_never(command)


def _role_of(board: Board, actor: Actor, command: AddFinding) -> str:
    """Whose a finding is: a member speaks for its own role or the team, the lead and people for any."""
    own = board.seats[actor.seat].role if actor.seat else ""
    if command.is_for_team:
        return ""
    if command.role and command.role != own and not actor.is_person:
        _require_manager(board, actor, "add findings for", command.role)
    return command.role or own


def _require_manager(board: Board, actor: Actor, verb: str, what: str) -> None:
    if not may_manage(board, actor):
        raise NotAllowed(
            actor.address, verb, what,
            hint=f"{board.lead or 'nobody'} leads {board.team}; people at its home may, too",
        )  # fmt: skip


MEMORY_COMMANDS: Mapping[str, type[MemoryCommand]] = MappingProxyType(
    {
        "memory_add": AddFinding,
        "memory_edit": EditFinding,
        "memory_promote": PromoteFinding,
        "memory_orders": SetOrders,
        "memory_handover": HandOver,
    }
)
"""Each command by its verb, as it travels."""
