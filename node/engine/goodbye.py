"""A member says goodbye to its team, itself and once: on its own node, carried to the team's home.

What follows, its claims free again and its note kept for who comes next, is written down there together
with its word. Ending its program is for ``farewell.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.memory_events import HandedOver
from fleet.core.parting import say
from fleet.core.team_commands import require_member
from fleet.core.trust import Caller
from fleet.teamlog import said_from_json, said_to_json
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.homeward import Homeward
from node.engine.teams import Teams
from node.store import SqliteStore

BYE = "bye"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """What a member says, as it travels to the home."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What its goodbye did: the tasks that went back, and whether it had been said before."""

    seat: str
    released: tuple[int, ...] = ()
    again: bool = False


class Goodbyes:
    """The goodbyes of this node's members, and at home those of all."""

    def __init__(self, teams: Teams, homeward: Homeward, fleet: Fleet, store: SqliteStore) -> None:
        self._teams = teams
        self._homeward = homeward
        self._fleet = fleet
        self._store = store
        self.heard: Callable[[Chronicle, str], None] = lambda _team, _seat: None

    async def bye(self, caller: Caller, team: Chronicle, note: str) -> Said:
        """A member says goodbye: written down at the team's home when this returns.

        Raises:
            FleetError: as ``say`` says, and as the memory demands of the note; NodeUnreachable when the
                home is away: once more finds out whether it counts.
        """
        if team.is_home:
            return await self._say(caller, team, note)
        said = said_to_json(Goodbye(note))
        try:
            result = await self._homeward.ask(caller, team, BYE, said, "", "")
        except NodeUnreachable as error:
            home = self._fleet.label(team.row.home)
            error.hint = f"{team.row.name} lives on {home}; say it again until it counts"
            raise
        return said_from_json(result, Said)

    async def answer(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A member on another node says goodbye.

        Raises:
            UnknownTeam: this node is not its home.
            FleetError: as ``bye``.
        """
        team, caller = self._homeward.asked(node_id, question)
        said = await self._say(caller, team, said_from_json(question.arguments, Goodbye).note)
        return TeamAnswer(said_to_json(said), team.board.head)

    async def _say(self, caller: Caller, team: Chronicle, note: str) -> Said:
        actor = self._teams.actor(team.board, caller)
        require_member(team.board, actor)
        events = say(team.board, actor, note)
        for event in events:
            if isinstance(event, HandedOver):
                team.memory.check(event)
        if not events:
            await self._store.commit()  # whoever says it again is answered once it is durable, too
            return Said(actor.seat, team.board.farewells[actor.seat].released, again=True)
        await self._teams.write(team, actor.address, "", events)
        log.info("goodbye said", team=team.row.name, seat=actor.seat)
        self.heard(team, actor.seat)
        return Said(actor.seat, team.board.farewells[actor.seat].released)
