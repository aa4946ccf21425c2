"""A team is brought up, from its home: every wanted seat that nobody lives in is filled, and told its job.

Each seat has a node: the role's, or of those that may have it the one with the fewest. All nodes are busy
at once, each with one seat after the other, and what one of them cannot do keeps nobody else waiting. Doing
it again fills what is empty, tells nobody twice, and starts nobody who lives.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.core.address import OPERATOR
from fleet.core.board import Seat
from fleet.core.directory import Presence
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.lineup import in_order
from fleet.core.member import Became
from fleet.core.resolver import shown_presence
from fleet.core.team import ANY_NODE, RolePlan, TeamPlan, agent_name, agreed_digest, seats
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
    """What became of one seat. ``seat`` is None where it stays empty, and ``error`` says why; ``is_done``:
    nothing more will become of it now."""

    name: str
    role: str
    node: str
    is_new: bool = False
    seat: Seat | None = None
    brief: Briefed | None = None
    error: FleetError | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class _Todo:
    """A wanted seat, who fills it, and where it may be filled; ``error`` says why nowhere."""

    name: str
    role: RolePlan
    seat: Seat | None
    nodes: tuple[str, ...] = ()
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
        """Fill what is empty, and wait until everybody has their brief; by seat. ``progress`` is told of each
        seat when it is filled, and once more when that is all.

        Raises:
            WrongState: it is not this node's to bring up, or has no plan.
            MalformedRequest: it has no such role.
        """
        plan = self.plan(team)
        wanted = {s: r for s, r in seats(plan).items() if wish.role in {"", r.name}}
        if not wanted:
            raise MalformedRequest(
                f"{plan.name} has no role {wish.role!r}",
                hint=f"one of: {', '.join(role.name for role in plan.roles)}",
            )
        done: dict[str, Filled] = {}

        async def tell(one: Filled) -> None:
            progress(one)
            done[one.name] = replace(await self._brief(team, plan, one, wish), is_done=True)
            progress(done[one.name])

        async with asyncio.TaskGroup() as briefs, self.turn(team):
            by_node: dict[str, list[_Todo]] = {}
            for one in self._placed(team, plan, wanted, wish):
                by_node.setdefault(one.nodes[0] if one.nodes else "", []).append(one)
            await asyncio.gather(
                *(
                    self._fill_all(
                        caller, team, plan, there, wish, lambda f: briefs.create_task(tell(f))
                    )
                    for there in by_node.values()
                )
            )
        return tuple(done[name] for name in wanted)

    def turn(self, team: Chronicle) -> asyncio.Lock:
        """Seats of a team are filled one after the other."""
        return self._turns.setdefault(team.team_id, asyncio.Lock())

    def plan(self, team: Chronicle) -> TeamPlan:
        """What the team is to be.

        Raises:
            WrongState: it is not this node's to bring up, or has no plan.
        """
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

    # --- where ---

    def _placed(
        self, team: Chronicle, plan: TeamPlan, wanted: Mapping[str, RolePlan], wish: Up
    ) -> list[_Todo]:
        """What is to be done for each seat. Who has no choice of a node counts before those who have."""
        counts = Counter(one.node for one in team.board.seats.values())
        todo: list[_Todo] = []
        for name, role in sorted(wanted.items(), key=lambda one: one[1].node == ANY_NODE):
            one = _Todo(name, role, team.board.seats.get(name))
            try:
                one = replace(one, nodes=self._nodes(team, plan, one, counts, wish))
            except FleetError as error:
                one = replace(one, error=error)
            if one.nodes and one.seat is None:
                counts[one.nodes[0]] += 1
            todo.append(one)
        return todo

    def _nodes(
        self, team: Chronicle, plan: TeamPlan, one: _Todo, counts: Mapping[str, int], wish: Up
    ) -> tuple[str, ...]:
        """The nodes that a seat may be filled on, the first choice first; none for one that is filled.

        Raises:
            NodeUnreachable: it has one already, which is away; or all that may have it are.
            WrongState: somebody who is not the team's to start fills it, and does not live.
            FleetError: the role's node cannot be told; nobody has agreed to the role.
        """
        if one.seat is not None:
            return self._again(plan, one.seat)
        if one.role.node != ANY_NODE:
            return (self._fleet.resolve(f"{OPERATOR}@{one.role.node}").node_id,)
        may = self._willing(team, one.role, wish)
        there = {self._fleet.label(node): node for node in may if self._is_there(node)}
        if not there:
            node = self._fleet.label(may[0])
            raise NodeUnreachable(node, f"and nobody else may have role {one.role.name}")
        order = in_order({label: counts.get(node, 0) for label, node in there.items()})
        return tuple(there[label] for label in order)

    def _again(self, plan: TeamPlan, seat: Seat) -> tuple[str, ...]:
        node = self._fleet.label(seat.node)
        match self._presence(seat):
            case Presence.AWAY:
                raise NodeUnreachable(node, f"{seat.agent} lives there, or will when it is back")
            case Presence.OFFLINE if seat.agent != agent_name(plan.name, seat.name):
                raise WrongState(
                    f"{seat.agent}@{node} fills it, was there before the team, and does not live",
                    hint=f"on {node}: fleet start {seat.agent}; or fleet team drop {plan.name} {seat.name}",
                )
            case Presence.OFFLINE:
                return (seat.node,)
            case _:
                return ()

    def _willing(self, team: Chronicle, role: RolePlan, wish: Up) -> list[str]:
        """The nodes that have agreed to a role as it is, and this one if it has the role's files."""
        own = list[str]()
        lacking: FleetError | None = None
        try:
            checkout_of(role, wish)
            own = [self._fleet.me.node_id]
        except WrongState as error:
            lacking = error
        digest = agreed_digest(role)
        others = [
            n for n, one in team.board.nodes.items() if dict(one.roles).get(role.name) == digest
        ]
        if lacking is not None and not others:
            raise lacking
        return own + others

    def _is_there(self, node_id: str) -> bool:
        node = self._fleet.directory.node(node_id)
        return node is not None and node.connected

    def _presence(self, seat: Seat) -> Presence:
        """How its agent is; ``away`` is not gone: who may live is not started a second time."""
        directory = self._fleet.directory
        for entry in directory.called(seat.agent):
            if entry.node_id == seat.node:
                return shown_presence(directory, entry)
        return Presence.OFFLINE if self._is_there(seat.node) else Presence.AWAY

    # --- who ---

    async def _fill_all(
        self, caller: Caller, team: Chronicle, plan: TeamPlan, there: Iterable[_Todo], wish: Up,
        filled: Callable[[Filled], object],
    ) -> None:  # fmt: skip
        for one in there:
            filled(await self._fill(caller, team, plan, one, wish))

    async def _fill(
        self, caller: Caller, team: Chronicle, plan: TeamPlan, one: _Todo, wish: Up
    ) -> Filled:
        """The first node that lets it live there has it; one that may be at it, and says no more, keeps it."""
        label = self._fleet.label(one.seat.node) if one.seat else one.role.node
        error = one.error
        for node_id in one.nodes:
            label = self._fleet.label(node_id)
            try:
                is_own = node_id == self._fleet.me.node_id
                checkout = checkout_of(one.role, wish) if is_own else ""
                place = Place(plan, one.role, one.name, checkout, wish.socket)
                seat, became = await self._members.seat(team, node_id, place, str(caller))
            except NotAllowed as refused:
                error = refused
            except FleetError as failed:
                error = failed
                break
            else:
                return Filled(one.name, one.role.name, label, became is Became.STARTED, seat)
        stays = team.board.seats.get(one.name)
        return Filled(one.name, one.role.name, label, seat=stays, error=error)

    async def _brief(self, team: Chronicle, plan: TeamPlan, one: Filled, wish: Up) -> Filled:
        """Give a member its first message; once in each of its terms."""
        is_own = one.seat is not None and one.seat.agent == agent_name(plan.name, one.name)
        if one.seat is None or one.error is not None or not is_own:
            return one
        try:
            return replace(one, brief=await self._briefs.brief(team, one.seat, wish.timeout_s))
        except FleetError as error:
            return replace(one, error=error)


def checkout_of(role: RolePlan, wish: Up) -> str:
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
