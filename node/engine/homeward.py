"""What only a team's home can do, asked from any of its nodes; and who it is that asks, at the home."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.teams import UnknownTeam
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.team_commands import require_member
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.teams import Teams


class Homeward:
    """The way to the homes of teams."""

    def __init__(self, teams: Teams, fleet: Fleet) -> None:
        self._teams = teams
        self._fleet = fleet

    async def ask(
        self, caller: Caller, team: Chronicle, verb: str, arguments: bytes, key: str, away: str
    ) -> bytes:
        """Have the home of a team carry something out; what came of it. ``away`` says what
        cannot be done while it is not there.

        Raises:
            NotAllowed: the caller is not of the team.
            NodeUnreachable: the home is away: nothing was written, or that is not known; the same key
                again finds out.
            FleetError: what the home said.
        """
        require_member(team.board, self._teams.actor(team.board, caller))
        question = TeamAsk(str(caller), team.team_id, verb, arguments, key)
        try:
            told = await self._teams.ask(team.row.home, question)
        except NodeUnreachable as error:
            error.hint = (
                f"{team.row.name} lives on {self._fleet.label(team.row.home)}: {away};"
                " with the same --key a command counts once"
            )
            raise
        if not isinstance(told, TeamAnswer):
            raise VersionMismatch("the team's home does not answer for teams")
        return told.result

    def asked(self, node_id: str, ask: TeamAsk) -> tuple[Chronicle, Caller]:
        """At the home: the team that is meant, and who asks.

        Raises:
            UnknownTeam: this node is not its home.
        """
        team = self._teams.by_id(ask.team)
        if team is None or not team.is_home:
            raise UnknownTeam(ask.team[:16])
        return team, self._fleet.peer_caller(ask.caller, node_id)

    def keys(self, caller: Caller, verb: str, key: str) -> Sequence[str]:
        """Under which names a command may have been written down: also those of the ids that the
        caller's node had before. The first is the one to write; none without a key."""
        ids = self._fleet.roster.lineage(caller.node_id) if key else ()
        return [f"{caller.agent}@{node_id}/{verb}:{key}" for node_id in ids]
