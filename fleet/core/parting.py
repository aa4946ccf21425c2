"""Bringing a team down: who is asked to leave, who may answer, and what follows from it.

The home's person asks, each member answers for itself alone, and the home writes down what follows. A
decision is a tuple of events, all or none; an empty one says that it is so already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.core.board import Board
from fleet.core.envelope import Receipt
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.farewell import ANSWERED, Behind, Farewell, Stage
from fleet.core.memory_events import HandedOver, tidy
from fleet.core.task import TaskReleased
from fleet.core.team_commands import Actor
from fleet.core.team_events import Event, FarewellAsked, FarewellSaid, FarewellTakenBack, Unseated

ENDING_S = 30.0
"""How long a call waits for who has answered to be ended, after the deadline."""
_WHY_CHARS = 200


@dataclass(frozen=True, slots=True)
class Parting:
    """One seat on its way out, as of now. Without a ``farewell`` somebody has filled it anew. ``holds``
    are the tasks it has claimed still, ``error`` is what was in the way last."""

    seat: str
    role: str
    agent: str
    node: str
    farewell: Farewell | None
    stage: Stage | None
    letter: Receipt | None
    holds: tuple[int, ...]
    behind: Behind
    error: FleetError | None


def ask(board: Board, names: Iterable[str], now_s: float, until_s: float) -> tuple[Event, ...]:
    """Ask seats to take their leave: those that were not asked, or did not answer in time."""
    asked: list[Event] = []
    for name in names:
        seat, farewell = board.seats[name], board.farewells.get(name)
        if farewell is None or farewell.at(now_s) is Stage.SILENT:
            asked.append(FarewellAsked(name, seat.term, until_s))
    return tuple(asked)


def stay(board: Board, names: Iterable[str]) -> tuple[FarewellTakenBack, ...]:
    """Take it back, as far as nobody has answered: they stay."""
    asked = (board.farewells.get(name) for name in names)
    return tuple(
        FarewellTakenBack(one.seat, one.term) for one in asked if one and one.stage is Stage.ASKED
    )


def say(board: Board, actor: Actor, note: str) -> tuple[Event, ...]:
    """A member says goodbye: its claims are free again, and its note is for who comes next.

    Raises:
        MalformedRequest: the actor fills no seat.
        WrongState: nobody has asked it to leave.
    """
    seat = board.seats.get(actor.seat)
    if seat is None:
        raise MalformedRequest(
            f"{actor.address} fills no seat of {board.team}",
            hint="a member says goodbye for itself, in its own pane: fleet whoami tells who you are",
        )
    farewell = board.farewells.get(seat.name)
    if farewell is None:
        raise WrongState(
            f"nobody has asked {board.team}/{seat.name} to leave",
            hint="fleet task release lets go of a task; fleet team down asks the members to leave",
        )
    if farewell.stage in ANSWERED:
        return ()
    held, kept = board.held_by(seat.name), tidy(note)
    why = f"{seat.name} said goodbye" + (f": {_first_line(kept)}" if kept else "")
    said = FarewellSaid(seat.name, seat.term, tuple(task.number for task in held))
    return (
        *((HandedOver(seat.role, seat.name, kept),) if kept else ()),
        *(TaskReleased(task.number, why) for task in held),
        said,
    )


def empty(board: Board, name: str, why: str, behind: Behind) -> tuple[Event, ...]:
    """A member is ended and its seat empty; what it still held is free again."""
    held = board.held_by(name)
    unseated = Unseated(
        name, why, tuple(task.number for task in held),
        behind.folder, behind.branch, behind.unsaved, behind.unpushed,
    )  # fmt: skip
    return (*(TaskReleased(task.number, why) for task in held), unseated)


def request(board: Board, farewell: Farewell, for_s: float) -> str:
    """What a member is asked with: what to save where, and how to answer.

    Never a word of others': what is in it was made here.
    """
    held = ", ".join(task.label for task in board.held_by(farewell.seat))
    claims = f" Your claims ({held}) go back to the list with it." if held else ""
    return (
        f"The team {board.team} is being brought down. You, {board.team}/{farewell.seat}, have"
        f" {for_s:.0f} s to save your work:\n\n"
        "1. Commit what is worth keeping, also if it is half done. Nothing of yours is deleted.\n"
        '2. Write down what you learnt: fleet memory add "…"\n'
        "3. Then, as the last thing you do, say goodbye, with a note for whoever comes next in your"
        ' seat: fleet team bye --note "where it stands, and what comes next"\n\n'
        f"Goodbye is your answer: your program is ended soon after it, and not before.{claims}"
        " Begin nothing new."
    )


def reprieve(team: str, seat: str) -> str:
    """What a member is told that has read that it is to leave, and stays."""
    return (
        f"The team {team} stays up after all. You, {team}/{seat}, need not leave: no goodbye is"
        " wanted any more. Go on with what you were at."
    )


def is_settled(partings: Iterable[Parting], left_s: float) -> bool:
    """Whether waiting longer is not wanted, or cannot help."""
    partings = tuple(partings)
    stages = {one.stage for one in partings}
    if not stages & {Stage.ASKED, Stage.SAID}:
        return True
    is_ending = any(one.stage is Stage.SAID and one.error is None for one in partings)
    return left_s <= 0 and (not is_ending or left_s < -ENDING_S)


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WHY_CHARS else f"{line[: _WHY_CHARS - 1]}…"
