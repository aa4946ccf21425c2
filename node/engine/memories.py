"""Teams' memory on this node: what is told to it, decided at the home, and what a new incarnation is given.

A command goes the way of the task list's: decided by the home, one after the other, counted once by its
key, answered once it is durable. Reading needs no home: every node of the team has the whole memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.core.address import NODE_ITSELF
from fleet.core.briefing import BUDGET_CHARS, briefing
from fleet.core.briefing_parts import OpenTask, Unread, parts_of
from fleet.core.errors.names import UnknownAgent
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.lineup import job
from fleet.core.memory_commands import MemoryCommand, Remembered, decide
from fleet.core.task import OVER, Task
from fleet.core.team import RolePlan, seats
from fleet.core.team_commands import require_member
from fleet.core.trust import Caller
from fleet.teamlog import (
    command_to_json,
    memory_command_from_json,
    remembered_from_json,
    remembered_to_json,
    verb_of,
)
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.homeward import Homeward
from node.engine.plans import plan_of
from node.engine.remembering import Remembering
from node.engine.teams import Teams
from node.store import SqliteStore


@dataclass(frozen=True, slots=True)
class Place:
    """Whom a briefing is for. ``agent`` and ``node`` are empty while nobody fills the seat."""

    seat: str
    role: str
    agent: str = ""
    node: str = ""


class Memories:
    """The memory of all teams of this node."""

    def __init__(
        self,
        teams: Teams,
        homeward: Homeward,
        fleet: Fleet,
        store: SqliteStore,
        remembering: Remembering,
    ) -> None:
        self._teams = teams
        self._homeward = homeward
        self._fleet = fleet
        self._store = store
        self.remembering = remembering
        self.search = remembering.search

    # --- commands ---

    async def command(
        self, caller: Caller, team: Chronicle, command: MemoryCommand, key: str
    ) -> Remembered:
        """Have a command carried out by the team's home, which may be here.

        Raises:
            FleetError: as ``decide`` says; NodeUnreachable when the home is away: nothing was written,
                or that is not known; the same key again finds out.
        """
        if team.is_home:
            return await self._carry_out(caller, team, command, key)
        away = "what it remembers can be read here, and nothing be added"
        result = await self._homeward.ask(
            caller, team, verb_of(command), command_to_json(command), key, away
        )
        return remembered_from_json(result)

    async def answer(self, node_id: str, ask: TeamAsk) -> TeamAnswer:
        """Carry out what a node of the team asks for one of its agents or people.

        Raises:
            UnknownTeam: this node is not its home.
            FleetError: as ``decide`` says.
        """
        team, caller = self._homeward.asked(node_id, ask)
        command = memory_command_from_json(ask.verb, ask.arguments)
        remembered = await self._carry_out(caller, team, command, ask.key)
        return TeamAnswer(remembered_to_json(remembered), team.board.head)

    async def _carry_out(
        self, caller: Caller, team: Chronicle, command: MemoryCommand, key: str
    ) -> Remembered:
        board, memory = team.board, team.memory
        actor = self._teams.actor(board, caller)
        require_member(board, actor)
        keys = self._homeward.keys(caller, verb_of(command), key)
        entry = next((said for one in keys if (said := board.said_of(one))), 0)
        is_again = bool(entry)
        if is_again:
            await self._store.commit()  # whoever asks again is answered once it is durable, too
        else:
            event = decide(board, memory, actor, command)
            whole = keys[0] if key else ""
            (happened,) = await self._teams.write(team, actor.address, whole, (event,))
            entry = happened.seq
        number = getattr(command, "finding", entry)
        return Remembered(entry, team.memory.known(number), again=is_again)

    # --- briefings ---

    async def briefing(self, team: Chronicle, name: str, budget_chars: int = 0) -> str:
        """What a new incarnation in a seat is given, as things stand on this node: the same text for the
        same state. Without a budget it is as long as the team file lets that role's be.

        Raises:
            UnknownAgent: the team has no such seat or role.
            MalformedRequest: the budget is too small for anything.
        """
        if team.is_home:
            await self.remembering.look(team)
        place = self.place(team, name)
        plan = plan_of(team)
        role = seats(plan).get(place.seat) if plan else None
        usual = role.limits.briefing_chars if role else BUDGET_CHARS
        parts = parts_of(
            team.memory, place.role, place.seat, _tasks(team, place.seat), self._unread(place),
            job(plan, role, place.seat) if plan and role else "",
        )  # fmt: skip
        return briefing(parts, budget_chars or usual)

    def place(self, team: Chronicle, name: str) -> Place:
        """The seat that is meant: one that somebody fills, one of the team file, or a role's first.

        Raises:
            UnknownAgent: there is none.
        """
        seat = team.board.seats.get(name)
        if seat is not None:
            return Place(seat.name, seat.role, seat.agent, seat.node)
        plan = plan_of(team)
        planned: Mapping[str, RolePlan] = seats(plan) if plan else {}
        if name in planned:
            return Place(name, planned[name].name)
        if name in team.memory.roles():
            return Place(name, name)
        known = sorted({*team.board.seats, *planned, *team.memory.roles()})
        raise UnknownAgent(
            f"{team.row.name}/{name}", tuple(f"{team.row.name}/{one}" for one in known)
        )

    def is_here(self, place: Place) -> bool:
        """Whether messages for whoever fills the seat wait on this node."""
        return place.node == self._fleet.me.node_id

    def _unread(self, place: Place) -> Iterator[Unread]:
        """What waits for the agent; not what nodes say themselves, such as a briefing."""
        if not self.is_here(place):
            return
        for item in self._store.inbox.open(place.agent):
            envelope = item.envelope
            if item.approved and not envelope.sender.startswith(f"{NODE_ITSELF}@"):
                yield Unread(envelope.id, envelope.sender, item.timeline[0].at_s, envelope.text)


def _tasks(team: Chronicle, seat: str) -> Iterator[OpenTask]:
    for task in team.board.tasks.values():
        if task.state not in OVER:
            yield _open(task, seat)


def _open(task: Task, seat: str) -> OpenTask:
    wanted = task.wanted
    done_when = f"Done when: {wanted.acceptance}" if wanted.acceptance else ""
    text = "\n\n".join(filter(None, (wanted.text, done_when)))
    return OpenTask(
        task.number, wanted.title, task.state.value, task.holder, task.holder == seat, text,
        wanted.paths,
    )  # fmt: skip
