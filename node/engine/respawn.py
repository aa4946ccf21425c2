"""A new incarnation of a member, at the team's home: on the node where it was, or on another one.

The old one is ended first where it can be reached. Where it cannot, the seat goes on without it: with the
new entry in the log it holds nothing and speaks for nobody, and its node ends it as soon as it reads
that (``node/engine/overtaken.py``). Memory and claims are the seat's, so they need not be moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet.core.address import OPERATOR
from fleet.core.board import Seat
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.member import Became, Left
from fleet.core.task import Task
from fleet.core.team import ANY_NODE, RolePlan, seats
from fleet.core.team_membership import reseat
from fleet.core.trust import Caller
from node.engine.briefs import Briefed, Briefs
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.hosting import Place
from node.engine.lineup import Lineup, Up, checkout_of
from node.engine.members import Members
from node.ports.host import Clock
from node.store import SqliteStore


@dataclass(frozen=True, slots=True)
class Again:
    """Who is to have a new incarnation. ``node`` is the id of the node it goes to, empty for where it is;
    the rest is as for bringing a team up."""

    seat: str
    node: str
    checkout: str
    socket: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Respawned:
    """A seat's new incarnation. ``before`` is the old one, if there was any, and ``left`` what is left of
    it: None when its node is away. ``claims`` go on."""

    seat: Seat
    before: Seat | None
    left: Left | None
    claims: tuple[Task, ...]
    brief: Briefed


class Respawns:
    """New incarnations in the teams whose home is this node."""

    def __init__(
        self,
        fleet: Fleet,
        members: Members,
        lineup: Lineup,
        briefs: Briefs,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._members = members
        self._lineup = lineup
        self._briefs = briefs
        self._store = store
        self._clock = clock

    async def respawn(self, caller: Caller, team: Chronicle, wish: Again) -> Respawned:
        """End a member and start its next incarnation, which has its seat, its claims, and its briefing
        as its first message.

        Raises:
            WrongState: the team's home is another node, it has no plan, or the seat's agent is not its own.
            MalformedRequest: there is no such seat.
            NotAllowed: the role does not live on that node, or that has not agreed to it.
            NodeUnreachable: the node that it is to live on is away; nothing was done.
            FleetError: it could not be started, or briefed; the old one is over, and its claims stand:
                once more is safe.
        """
        plan = self._lineup.plan(team)
        async with self._lineup.turn(team):
            before = team.board.seats.get(wish.seat)
            node_id = wish.node or (before.node if before else self._fleet.me.node_id)
            reseat(team.board, plan, wish.seat, node_id)
            role = seats(plan)[wish.seat]
            self._require_fit(role, node_id)
            self._members.require_there(node_id)
            is_here = node_id == self._fleet.me.node_id
            up = Up(role.name, wish.checkout, wish.socket, wish.timeout_s)
            place = Place(
                plan, role, wish.seat, checkout_of(role, up) if is_here else "", wish.socket
            )
            left = await self._ended(team, before, node_id)
            seat, became = await self._members.seat(team, node_id, place, str(caller))
            if became is not Became.STARTED:
                raise WrongState(
                    f"somebody else has started {seat.agent} meanwhile",
                    hint=f"fleet team show {team.row.name}",
                )
        self._audit(team, caller, seat, before, left)
        brief = await self._briefs.brief(team, seat, wish.timeout_s)
        return Respawned(seat, before, left, team.board.held_by(seat.name), brief)

    def _require_fit(self, role: RolePlan, node_id: str) -> None:
        if role.node == ANY_NODE:
            return
        if self._fleet.resolve(f"{OPERATOR}@{role.node}").node_id != node_id:
            raise NotAllowed(
                f"role {role.name}", "live on", self._fleet.label(node_id),
                hint=f'its team file says node = "{role.node}"; "any" lets it move',
            )  # fmt: skip

    async def _ended(self, team: Chronicle, before: Seat | None, node_id: str) -> Left | None:
        """What is left of the old incarnation, and of one that may be left from earlier where the new one
        goes; None when its node is away."""
        if before is None:
            return None
        is_moving = before.node != node_id
        if is_moving:
            await self._members.end(team, replace(before, node=node_id))
        try:
            return await self._members.end(team, before, keep=not is_moving)
        except NodeUnreachable:
            if not is_moving:
                raise
            return None

    def _audit(
        self, team: Chronicle, caller: Caller, seat: Seat, before: Seat | None, left: Left | None
    ) -> None:
        self._store.audit(
            "member respawned", self._clock.wall_s(), team=team.row.name, seat=seat.name,
            term=seat.term, node=self._fleet.label(seat.node), by=str(caller),
            before=self._fleet.label(before.node) if before else "", ended=left is not None,
        )  # fmt: skip
