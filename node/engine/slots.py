"""The counters of teams: a number each time, unique and growing, from the team's home alone."""

from __future__ import annotations

from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.slots import Taken, TakeSlot, take
from fleet.core.team_commands import require_member
from fleet.core.trust import Caller
from fleet.teamlog import said_from_json, said_to_json
from node.engine.chronicle import Chronicle
from node.engine.homeward import Homeward
from node.engine.teams import Teams
from node.store import SqliteStore

VERB = "slot_take"


class Slots:
    """The counters of all teams of this node."""

    def __init__(self, teams: Teams, homeward: Homeward, store: SqliteStore) -> None:
        self._teams = teams
        self._homeward = homeward
        self._store = store

    async def take(self, caller: Caller, team: Chronicle, command: TakeSlot, key: str) -> Taken:
        """Take a number; durable when this returns, and given to nobody else, ever.

        Raises:
            NotAllowed: the caller is not of the team.
            NodeUnreachable: the home is away; numbers come from nowhere else.
            FleetError: as ``take`` of the core says.
        """
        if team.is_home:
            return await self._carry_out(caller, team, command, key)
        away = "numbers come from there alone"
        result = await self._homeward.ask(caller, team, VERB, said_to_json(command), key, away)
        return said_from_json(result, Taken)

    async def answer(self, node_id: str, ask: TeamAsk) -> TeamAnswer:
        """At the home: give a node of the team a number for one of its agents or people.

        Raises:
            UnknownTeam: this node is not its home.
            FleetError: as ``take`` says.
        """
        team, caller = self._homeward.asked(node_id, ask)
        taken = await self._carry_out(
            caller, team, said_from_json(ask.arguments, TakeSlot), ask.key
        )
        return TeamAnswer(said_to_json(taken), team.board.head)

    async def _carry_out(
        self, caller: Caller, team: Chronicle, command: TakeSlot, key: str
    ) -> Taken:
        actor = self._teams.actor(team.board, caller)
        require_member(team.board, actor)
        keys = self._homeward.keys(caller, VERB, key)
        before = next((t for one in keys if (t := team.board.slot_of(one)) is not None), None)
        if before is not None:
            await self._store.commit()  # whoever asks again is answered once it is durable, too
            return Taken(before.slot, before.number, again=True)
        event = take(team.board.slots, command)
        await self._teams.write(team, actor.address, keys[0] if key else "", (event,))
        return Taken(event.slot, event.number)
