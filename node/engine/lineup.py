"""A team is brought up, at its home: every wanted seat that nobody lives in is filled, and told its job.

A seat is written down after its agent was started, and briefed after that. Doing it again fills what is
empty, tells nobody twice, and starts nobody who lives.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.core.address import OPERATOR
from fleet.core.board import Seat
from fleet.core.directory import Presence
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.lineup import place
from fleet.core.member import Became
from fleet.core.resolver import shown_presence
from fleet.core.team import ANY_NODE, RolePlan, TeamPlan, agent_name, seats
from fleet.core.trust import Caller
from node.engine.briefs import Briefed, Briefs
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.hosting import Place
from node.engine.members import Members
from node.engine.plans import plan_of


@dataclass(frozen=True, slots=True)
class Up:
    """What is to be brought up: all roles or one. ``checkout`` is the folder on this host of repositories
    that the plan names by an address, ``socket`` the tmux server."""

    role: str
    checkout: str
    socket: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of one seat. ``seat`` is None where it stays empty, and ``error`` says why."""

    name: str
    role: str
    node: str
    is_new: bool = False
    seat: Seat | None = None
    brief: Briefed | None = None
    error: FleetError | None = None


Progress = Callable[[Filled], None]


class Lineup:
    """Brings up the teams whose home is this node."""

    def __init__(self, fleet: Fleet, members: Members, briefs: Briefs) -> None:
        self._fleet = fleet
        self._members = members
        self._briefs = briefs
        self._turns: dict[str, asyncio.Lock] = {}

    async def up(
        self, caller: Caller, team: Chronicle, wish: Up, progress: Progress
    ) -> tuple[Filled, ...]:
        """Fill what is empty, then wait until everybody has their brief; by seat.

        Raises:
            WrongState: it is not this node's to bring up, or has no plan.
            MalformedRequest: it has no such role.
        """
        plan = self._plan(team)
        wanted = {s: r for s, r in seats(plan).items() if wish.role in {"", r.name}}
        if not wanted:
            raise MalformedRequest(
                f"{plan.name} has no role {wish.role!r}",
                hint=f"one of: {', '.join(role.name for role in plan.roles)}",
            )
        async with self._turns.setdefault(team.team_id, asyncio.Lock()):
            filled: list[Filled] = []
            for name, role in wanted.items():
                one = await self._fill(caller, team, plan, name, role, wish)
                progress(one)
                filled.append(one)
        briefed = await asyncio.gather(*(self._brief(team, plan, f, wish) for f in filled))
        return tuple(briefed)

    def _plan(self, team: Chronicle) -> TeamPlan:
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            raise WrongState(
                f"{team.row.name} is brought up from its home, {home}",
                hint=f"on {home}: fleet team up {team.row.name}",
            )
        plan = plan_of(team)
        if plan is None:
            raise WrongState(
                f"{team.row.name} has no plan that can be read here",
                hint="fleet team apply team.toml writes one",
            )
        return plan

    async def _fill(
        self, caller: Caller, team: Chronicle, plan: TeamPlan, name: str, role: RolePlan, wish: Up
    ) -> Filled:
        seat = team.board.seats.get(name)
        if seat is not None and self._presence(seat) is not Presence.OFFLINE:
            return Filled(name, role.name, self._fleet.label(seat.node), seat=seat)
        node = None
        try:
            node = place(role, self._nodes(team, role, seat))
            if node is None:
                raise self._nowhere(plan, role)
            checkout = _checkout(role, wish)
            at = Place(plan, role, name, checkout, wish.socket)
            me = self._fleet.me.node_id
            seat, became = await self._members.seat(team, me, at, str(caller))
        except FleetError as error:
            return Filled(name, role.name, node or role.node, error=error)
        return Filled(name, role.name, node, is_new=became is Became.STARTED, seat=seat)

    def _presence(self, seat: Seat) -> Presence:
        """How its agent is; ``away`` is not gone: who may live is not started a second time."""
        directory = self._fleet.directory
        for entry in directory.called(seat.agent):
            if entry.node_id == seat.node:
                return shown_presence(directory, entry)
        node = directory.node(seat.node)
        return Presence.OFFLINE if node is None or node.connected else Presence.AWAY

    def _nodes(self, team: Chronicle, role: RolePlan, seat: Seat | None) -> Mapping[str, int]:
        """The nodes that may have a seat of this role, and how many each has. So far it is this one.

        Raises:
            UnknownNode, AmbiguousName: the role's node cannot be told.
        """
        me = self._fleet.me.node_id
        wanted = (
            me if role.node == ANY_NODE else self._fleet.resolve(f"{OPERATOR}@{role.node}").node_id
        )
        if wanted != me or (seat is not None and seat.node != me):
            return {}
        counts = Counter(one.node for one in team.board.seats.values())
        return {self._fleet.label(me) if role.node == ANY_NODE else role.node: counts[me]}

    def _nowhere(self, plan: TeamPlan, role: RolePlan) -> NotAllowed:
        return NotAllowed(
            f"{plan.name}@{self._fleet.me.name}", "start agents on", role.node,
            hint=f'with node = "{self._fleet.me.name}" or "any" in the team file they live here',
        )  # fmt: skip

    async def _brief(self, team: Chronicle, plan: TeamPlan, one: Filled, wish: Up) -> Filled:
        """Give a member its first message; once in each of its terms."""
        if one.seat is None or one.seat.agent != agent_name(plan.name, one.name):
            return one
        try:
            return replace(one, brief=await self._briefs.brief(team, one.seat, wish.timeout_s))
        except FleetError as error:
            return replace(one, error=error)


def _checkout(role: RolePlan, wish: Up) -> str:
    """The folder on this host with a role's repository.

    Raises:
        WrongState: it is not said where that is.
    """
    if not role.repository or role.repository.startswith(("/", "~/")):
        return str(Path(role.repository).expanduser()) if role.repository else ""
    if not wish.checkout:
        raise WrongState(
            f"where {role.repository} is on this host is not said",
            hint="fleet team up --checkout DIR",
        )
    return wish.checkout
