"""The members of a team, wherever they live: at its home they are started, ended and looked after.

A seat is written down first, and then its node is asked to have somebody in it: this one, or another one
over the link. What was written and not carried out is asked for again, in the same term; where nobody
answers it is not known, and nobody else is started for it elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from fleet.core.address import OPERATOR
from fleet.core.board import Seat
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.frames import AnswerBody, Question, TeamAnswer, TeamAsk
from fleet.core.member import (
    Became,
    Left,
    MemberState,
    SeatAnswer,
    SeatAsk,
    StateAsk,
    UnseatAsk,
)
from fleet.core.reported import left_as_told, state_as_told
from fleet.core.team import agent_name, canonical
from fleet.core.team_events import Seated, Unseated
from fleet.core.team_membership import require_agreed
from fleet.teamlog import said_from_json, said_to_json
from node.engine.chronicle import Chronicle
from node.engine.conditions import Conditions
from node.engine.fleet import Fleet
from node.engine.hosting import Hosting, Place
from node.engine.teams import Teams
from node.faults import fault
from node.ports.host import Clock

PATIENCE_S = 600.0
"""How long a node may take for one member: it may have a large repository to check out."""
_AGAIN_S = 0.25

T = TypeVar("T")


class Members:
    """The members of the teams whose home is this node. ``ask`` carries a question to a linked node."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        hosting: Hosting,
        conditions: Conditions,
        ask: Callable[[str, Question], Awaitable[AnswerBody]],
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._hosting = hosting
        self._conditions = conditions
        self._clock = clock
        self.ask = ask

    async def seat(
        self, team: Chronicle, node_id: str, place: Place, by: str
    ) -> tuple[Seat, Became]:
        """Have an agent of the team's own live in a seat on a node: who fills it then, and whether it was
        started for this. It is on the board when this returns; ``place`` says where things are on this
        node, another one knows that itself.

        Somebody who lives there for this seat already stays, in the same term.

        Raises:
            NotAllowed: that node is not of the team, or has not agreed to it.
            NodeUnreachable: it is away, and nothing was done; or it went away, and the seat stands, since
                somebody may live in it.
            FleetError: it cannot be started; then the seat is as empty as it was.
        """
        self._require_home(team)
        require_agreed(team.board, node_id, place.role)
        self.require_there(node_id)
        agent = agent_name(place.plan.name, place.seat)
        before = team.board.seats.get(place.seat)
        if before is not None and (before.agent, before.node) == (agent, node_id):
            became = await self._have(team, before, place)
            if became is not Became.OVER:
                return before, became
        seated = Seated(place.seat, place.role.name, agent, node_id)
        await self._teams.write(team, by, "", (seated,))
        seat = team.board.seats[place.seat]
        fault("seat:after_commit_before_ask")
        try:
            return seat, await self._have(team, seat, place)
        except NodeUnreachable:
            raise
        except FleetError as error:
            if before is None and team.board.seats.get(place.seat) == seat:
                empty = Unseated(place.seat, f"could not be started: {error.code}")
                await self._teams.write(team, by, "", (empty,))
            raise

    async def _have(self, team: Chronicle, seat: Seat, place: Place) -> Became:
        until_s = self._clock.now_s() + PATIENCE_S
        said = SeatAsk(seat.name, seat.term, canonical(place.plan))
        has_waited = False
        while True:
            if seat.node == self._fleet.me.node_id:
                became = await self._hosting.seat(team.team_id, seat.term, place)
            else:
                answer = await self._ask(team, seat.node, "seat", said, SeatAnswer, until_s)
                became = answer.became
            fault("seat:after_answer")
            if became is Became.FOUND and has_waited:
                return Became.STARTED
            if became is not Became.UNDER_WAY:
                return became
            has_waited = True
            if self._clock.now_s() > until_s:
                raise NodeUnreachable(self._fleet.label(seat.node), "it still starts that member")
            await self._clock.sleep(_AGAIN_S)

    async def unseat(self, team: Chronicle, name: str) -> Left:
        """End the team's own agent in a seat, as ``end`` does.

        Raises:
            WrongState: nobody is in that seat; and as ``end`` says.
        """
        seat = team.board.seats.get(name)
        if seat is None:
            raise WrongState(
                f"nobody is in seat {name!r} of {team.row.name}",
                hint=f"filled: {', '.join(sorted(team.board.seats)) or 'none'}",
            )
        return await self.end(team, seat)

    async def end(self, team: Chronicle, seat: Seat, *, keep: bool = False) -> Left:
        """End the team's own agent in a seat, as it was filled in that term; what is left of it. Its
        worktree goes if nothing would be lost with it, and is kept and named otherwise, or with ``keep``.

        The board is left to the caller: the seat may be given to somebody else in the same breath. Who
        was there before the team (``fleet team add``) is let live.

        Raises:
            WrongState: the seat has gone on since, or the team's home is another node.
            NodeUnreachable: its node is away.
            FleetError: it could not be ended; once more is safe.
        """
        self._require_home(team)
        if not is_own(team, seat):
            return Left()
        if seat.node == self._fleet.me.node_id:
            return await self._hosting.unseat(team.team_id, seat.name, seat.term, keep=keep)
        until_s = self._clock.now_s() + PATIENCE_S
        said = UnseatAsk(seat.name, seat.term, keep)
        return left_as_told(await self._ask(team, seat.node, "unseat", said, Left, until_s))

    async def states(self, team: Chronicle, *, files: bool = True) -> Mapping[str, MemberState]:
        """How everybody is who fills a seat, by seat; all nodes are asked at once. A node that is away, or
        does not answer, is not connected; elsewhere than at home only this node's are looked at.
        ``files``: also what is in their worktrees."""
        nodes: dict[str, list[Seat]] = {}
        me = self._fleet.me.node_id
        for seat in (one for one in team.board.seats.values() if team.is_home or one.node == me):
            nodes.setdefault(seat.node, []).append(seat)
        told = await asyncio.gather(
            *(self._states_on(team, node, there, files=files) for node, there in nodes.items())
        )
        found = {one.seat: one for there in told for one in there}
        return {
            name: found.get(name, MemberState(name, connected=False))
            for name in sorted(team.board.seats)
        }

    async def _states_on(
        self, team: Chronicle, node_id: str, there: Iterable[Seat], *, files: bool
    ) -> list[MemberState]:
        if node_id == self._fleet.me.node_id:
            return [
                await self._conditions.state(team.team_id, seat, seen=True, files=files)
                for seat in there
            ]
        names = tuple(seat.name for seat in there)
        try:
            told = await self._ask(
                team, node_id, "state", StateAsk(names, files), list[MemberState]
            )
        except FleetError:
            return []
        return [state_as_told(one) for one in told if one.seat in names]

    async def _ask(
        self,
        team: Chronicle,
        node_id: str,
        verb: str,
        said: object,
        form: type[T],
        until_s: float = 0,
    ) -> T:
        """Ask a node; once more while it is linked and takes its time, until then."""
        home = str(self._fleet.caller(OPERATOR))
        question = TeamAsk(home, team.team_id, verb, said_to_json(said), "")
        while True:
            try:
                told = await self.ask(node_id, question)
            except NodeUnreachable:
                if not self._is_there(node_id) or self._clock.now_s() > until_s:
                    raise
                continue
            if not isinstance(told, TeamAnswer):
                raise VersionMismatch(f"{self._fleet.label(node_id)} does not answer for teams")
            return said_from_json(told.result, form)

    def _is_there(self, node_id: str) -> bool:
        node = self._fleet.directory.node(node_id)
        return node is not None and node.connected

    def require_there(self, node_id: str) -> None:
        """Insist that a node can be asked now.

        Raises:
            NodeUnreachable: it is away.
        """
        if not self._is_there(node_id):
            raise NodeUnreachable(self._fleet.label(node_id), "there is no link to it now")

    def _require_home(self, team: Chronicle) -> None:
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            raise WrongState(
                f"{team.row.name} is run from its home, {home}",
                hint=f"on {home}: fleet team show {team.row.name}",
            )


def is_own(team: Chronicle, seat: Seat) -> bool:
    """Whether a seat is filled by an agent that was started for it."""
    return seat.agent == f"{team.row.name}.{seat.name}"
