"""Walks the way a message would take, layer by layer, and types nothing.

It is the real path: the same resolver, roster, link, store, look and gate that a send uses. The
first layer that fails is named with its error and remedy; what lies behind it is skipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from fleet.core.address import OPERATOR, Address, parse_query
from fleet.core.delivery import HoldReason
from fleet.core.errors.base import LAYER_OF, LAYERS, Candidate, FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.panes import AgentAsking, AgentNotReady, PaneGone
from fleet.core.errors.tree import every_error
from fleet.core.frames import ProbeAsk, Step, StepsAnswer
from fleet.core.moment import iso_time
from fleet.core.roster import Admit
from fleet.core.screen import gate
from fleet.core.trust import Caller
from node.engine.agents import Agents
from node.engine.fleet import Fleet
from node.engine.peers import Peers
from node.engine.permits import Permits
from node.ports.host import Clock
from node.store import SqliteStore

WAY_THERE = ("network", "tls", "rpc")
WAY_IN = ("store", "tmux", "pane", "agent")

Probe = Callable[[Admit, str], Awaitable[tuple[Step, ...]]]
"""Tries a member at host:port without opening a link: network, tls and rpc as far as they go."""


@dataclass(slots=True)
class Route:
    """A walked route. ``error`` is what the failing layer would answer to a send."""

    query: str
    address: Address | None = None
    candidates: tuple[Candidate, ...] = ()
    steps: list[Step] = field(default_factory=list)
    error: FleetError | None = None

    @property
    def remedy(self) -> str:
        """What to do about the failing layer; empty when none failed."""
        return next((s.remedy for s in self.steps if s.verdict == "fail"), "")


class Router:
    """Walks from this node, and walks this node's part for others."""

    def __init__(
        self,
        fleet: Fleet,
        agents: Agents,
        peers: Peers,
        permits: Permits,
        store: SqliteStore,
        clock: Clock,
        probe: Probe,
    ) -> None:
        self._fleet = fleet
        self._permits = permits
        self._agents = agents
        self._peers = peers
        self._store = store
        self._clock = clock
        self._probe = probe

    async def walk(self, caller: Caller, to: str, *, ask_far_node: bool) -> Route:
        """Walk from here to the agent's input."""
        route = Route(to)
        try:
            address = await self._find(route, to)
            if address.node_id == self._fleet.me.node_id:
                self._skip(route, WAY_THERE, "on this node")
                route.steps.extend(await self.inside(caller, address.agent))
            else:
                await self._reach(route, address.node_id)
                await self._ask(route, caller, address, ask_far_node=ask_far_node)
        except FleetError as error:
            route.error = error
            route.candidates = error.candidates
        if route.error is None:
            route.error = next((_error_of(s) for s in route.steps if s.verdict == "fail"), None)
        walked = {step.layer for step in route.steps}
        self._skip(route, [layer for layer in LAYERS if layer not in walked], "not reached")
        return route

    async def _find(self, route: Route, to: str) -> Address:
        async with _Walk(self, route, "input") as walk:
            query = parse_query(to)
            walk.detail = f"read as {query}"
        route.steps.append(Step("local-node", "ok", f"{self._fleet.me.name} serves", 0.0))
        async with _Walk(self, route, "name") as walk:
            address = self._fleet.resolve(to)
            walk.detail = f"exactly one: {address}"
        route.address = address
        async with _Walk(self, route, "directory") as walk:
            walk.detail = self._freshness(address.node_id)
        async with _Walk(self, route, "trust") as walk:
            self._fleet.authorise(address.node_id)
            walk.detail = f"{address.node} is in the roster"
        return address

    def _freshness(self, node_id: str) -> str:
        node = self._fleet.directory.node(node_id)
        if node is None or node_id == self._fleet.me.node_id:
            return "this node's own word"
        if node.connected:
            return f"{node.name}'s own word, kept up to date"
        return f"{node.name}'s last word, of {iso_time(node.seen_at_s) or 'an earlier life'}"

    async def _reach(self, route: Route, node_id: str) -> None:
        session = self._peers.session(node_id)
        if session is not None:
            route.steps.append(Step("network", "ok", f"link with {session.link.address}", 0.0))
            route.steps.append(Step("tls", "ok", "mutual, the key in the roster", 0.0))
            return
        addresses = self._peers.keeper.addresses_of(node_id)
        label = self._fleet.label(node_id)
        async with _Walk(self, route, "network"):
            if not addresses:
                raise NodeUnreachable(label, "no address of it is known")
        route.steps.pop()
        best: tuple[Step, ...] = ()
        for address in addresses:
            steps = await self._probe(self._fleet.authorise(node_id), address)
            reached = sum(step.verdict == "ok" for step in steps)
            best = steps if not best or reached > sum(s.verdict == "ok" for s in best) else best
        route.steps.extend(best)
        if failed := next((s for s in best if s.verdict == "fail"), None):
            raise _error_of(failed)
        raise NodeUnreachable(label, "it answers, but the link is not up yet")

    async def _ask(
        self, route: Route, caller: Caller, address: Address, *, ask_far_node: bool
    ) -> None:
        if not ask_far_node:
            route.steps.append(Step("rpc", "ok", "the stream is open", 0.0))
            self._skip(route, WAY_IN, f"at {address.node}; ask it with --probe")
            return
        async with _Walk(self, route, "rpc") as walk:
            answer = await self._peers.ask(address.node_id, ProbeAsk(str(caller), address.agent))
            walk.detail = f"{address.node} answered"
        if isinstance(answer, StepsAnswer):
            route.steps.extend(answer.steps)

    # --- the last part, on the recipient's node ---

    async def inside(self, caller: Caller, name: str) -> tuple[Step, ...]:
        """This node's part of the way to one of its agents."""
        route = Route(name)
        try:
            await self._inside(route, caller, name)
        except FleetError as error:
            route.error = error
        return tuple(route.steps)

    async def _inside(self, route: Route, caller: Caller, name: str) -> None:
        async with _Walk(self, route, "store") as walk:
            self._store.database.put_meta("checked", iso_time(self._clock.wall_s()).encode())
            await self._store.commit()
            walk.detail = "the database writes and syncs"
        if name == OPERATOR:
            self._skip(route, WAY_IN[1:], "a person's inbox has no pane")
            return
        agent = self._agents.known(name)
        try:
            self._permits.message(caller, agent, raw=False)
        except FleetError as error:
            route.steps.append(Step("trust", "fail", str(error), 0.0, error.code, error.hint))
            raise
        async with _Walk(self, route, "tmux") as walk:
            if agent.ref is None:
                raise PaneGone(f"{name}@{self._fleet.me.name}", "the agent is not running")
            look = await self._agents.look(agent)
            walk.detail = f"the server at {agent.ref.socket} answers"
        profile = self._agents.profile(agent)
        hold = gate(profile, look, agent.ref.token, profile.mode_grace_s)
        async with _Walk(self, route, "pane") as walk:
            if hold is not None and hold.reason is HoldReason.OFFLINE:
                raise PaneGone(f"{name}@{self._fleet.me.name}", hold.detail)
            walk.detail = f"{agent.ref.pane} is this incarnation's"
        async with _Walk(self, route, "agent") as walk:
            if hold is not None:
                raise _not_ready(f"{name}@{self._fleet.me.name}", hold.reason, hold.detail)
            walk.detail = f"takes input ({look.tty} terminal)"

    def _skip(self, route: Route, layers: tuple[str, ...] | list[str], why: str) -> None:
        route.steps.extend(Step(layer, "skipped", why, 0.0) for layer in layers)

    def now_ms(self) -> float:
        """For timing a step."""
        return self._clock.now_s() * 1_000


class _Walk:
    """Times one layer and notes how it went; a ``FleetError`` inside becomes its verdict."""

    def __init__(self, router: Router, route: Route, layer: str) -> None:
        self._router = router
        self._route = route
        self._layer = layer
        self._start_ms = router.now_ms()
        self.detail = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        ms = round(self._router.now_ms() - self._start_ms, 3)
        if isinstance(error, FleetError):
            self._route.steps.append(
                Step(self._layer, "fail", str(error), ms, error.code, error.hint)
            )
        elif error is None:
            self._route.steps.append(Step(self._layer, "ok", self.detail, ms))


def _not_ready(address: str, reason: HoldReason, detail: str) -> FleetError:
    if reason is HoldReason.DIALOG:
        return AgentAsking(address, detail)
    return AgentNotReady(
        f"{address} cannot take input now ({reason}): {detail}",
        hint=f"a message is held until it can; look: fleet peek {address}",
    )


def _error_of(step: Step) -> FleetError:
    layer = LAYER_OF.get(step.layer, "rpc")
    return every_error().get(step.error, FleetError).rebuilt(step.detail, step.remedy, layer, ())
