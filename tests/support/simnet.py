"""A network in one process: links between engines that are slow, break, and go deaf in one direction.

It carries what TCP would: a link's frames arrive whole, in order and once, or the link ends. Frames
go through the real wire format, so nothing arrives that could not. Keys are ids: who dials is who it
says, and whoever listens at an address is who it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.frames import Frame, Step
from fleet.core.roster import Admit
from fleet.v1 import link_pb2
from fleet.wire.frames import frame_from_wire, frame_to_wire
from node.ports.links import Found

CONNECT_S = 3.0
"""How long a dial waits for an answer that the network has swallowed."""
DEAF_S = 15.0
"""How long a link stands of which one direction is cut: keepalive notices it then."""


STALL_S = 3.0
"""The longest that TCP takes to send a lost packet again and again."""


class Door(Protocol):
    """Who listens at an address."""

    @property
    def node_id(self) -> str: ...

    def authorise(self, node_id: str) -> object:
        """Let a key in.

        Raises:
            FleetError: it is not a member's.
        """
        ...

    def welcome(self, link: SimLink) -> Coroutine[Any, Any, object]:
        """Speak on a link until it ends."""
        ...


class SimLink:
    """One end of a link (``node.ports.links.Link``)."""

    def __init__(self, net: SimNet, own_id: str, peer_id: str, address: str, dialled: bool) -> None:
        self._net = net
        self._own_id = own_id
        self._peer_id = peer_id
        self._address = address
        self._dialled = dialled
        self._under_way: deque[bytes] = deque()
        self._arrived: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._is_stuck = False
        self._refusal: FleetError | None = None
        self.other: SimLink = self
        self.why = ""
        self.last_words: FleetError | None = None
        """The error that ends the link, told to the other end behind all frames."""

    @property
    def peer_id(self) -> str:
        return self._peer_id

    @property
    def dialled(self) -> bool:
        return self._dialled

    @property
    def address(self) -> str:
        return self._address

    @property
    def backlog(self) -> int:
        return len(self._under_way)

    @property
    def ends(self) -> tuple[str, str]:
        """From this end to the other."""
        return self._own_id, self._peer_id

    def send(self, frame: Frame) -> None:
        if self.why or self._is_over:
            return
        self._net.moment(self._own_id, "before send")
        self._under_way.append(frame_to_wire(frame).SerializeToString())
        self._carry()
        self._net.moment(self._own_id, "after send")

    async def receive(self) -> Frame | None:
        while not self.why:
            if self._arrived:
                wire = link_pb2.Frame.FromString(self._arrived.popleft())
                return frame_from_wire(wire, self._peer_id)
            if self._is_over:
                break
            self._news.clear()
            await self._news.wait()
        refusal, self._refusal = self._refusal, None
        if refusal is not None and not self.why:
            raise refusal
        return None

    def close(self, why: str) -> None:
        if not self.why and not self._is_over:
            self.why = why or "closed"
            self._news.set()
            self._carry()

    # --- what the network does ---

    def _carry(self) -> None:
        """Let one more thing arrive a moment later: the first of what is under way, or else the end."""
        loop = asyncio.get_running_loop()
        loop.call_later(
            self._net.delay_s(), self.deliver, context=Context()
        )  # whoever stands still

    def deliver(self) -> None:
        """Move what is under way to the other end, unless this direction is cut."""
        if self._net.is_cut(*self.ends) or self._is_over or self._is_stuck:
            return
        if self._under_way:
            self.other._arrive(self._under_way.popleft())
        elif self.why:
            self.finish(self.last_words)

    def _arrive(self, data: bytes) -> None:
        self._net.note(self.other, data)
        if not self.why:
            self._net.moment(self._own_id, "before receive")
            self._net.heard(self)
            self._arrived.append(data)
            self._news.set()
            self._net.moment(self._own_id, "after receive")

    def finish(self, refusal: FleetError | None = None) -> None:
        """The stream ends at both ends; what arrived before can still be read."""
        self.other._refusal = refusal
        for end in (self, self.other):
            end._is_over = True
            end._news.set()
        self._net.forget(self)

    def desert(self, late_s: float) -> None:
        """This end is lost at once. The other hears of it later, and until then takes what was under
        way to it: behind a link that this end may have opened since."""
        if not self.why and not self._is_over:
            self.why, self._is_stuck = "lost", True
            self._news.set()
            asyncio.get_running_loop().call_later(late_s, self._catch_up)

    def _catch_up(self) -> None:
        self._is_stuck = False
        while self._under_way and not self._is_over and not self._net.is_cut(*self.ends):
            self.deliver()
        if not self._is_over:
            self.finish()

    def lose(self) -> None:
        """The link breaks: what is under way never arrives."""
        self.finish()


class SimNet:
    """Everybody's network. ``delay_s`` is asked for each frame."""

    def __init__(self, chance: Random | None = None, slowest_s: float = 0.002) -> None:
        self._chance = chance or Random(0)
        self.slowest_s = slowest_s
        self.stalls = 0.0
        """How many of the frames are stuck for a while, as a lost packet makes them."""
        self.moment: Callable[[str, str], None] = lambda _node_id, _moment: None
        """Told of the moments before and after a node sends or receives a frame."""
        self.heard: Callable[[SimLink], None] = lambda _end: None
        """Told of each frame that reaches an end of a link."""
        self._doors: dict[str, Door] = {}
        self._links: list[SimLink] = []
        self._cut: set[tuple[str, str]] = set()
        self._still: set[str] = set()
        self.trace: list[str] = []
        """Every frame that arrived, when, and how long it was."""

    def note(self, end: SimLink, data: bytes) -> None:
        """A frame arrived that this end had sent."""
        sender, receiver = (node_id[:6] for node_id in end.ends)
        now_s = asyncio.get_running_loop().time()
        kind = link_pb2.Frame.FromString(data).WhichOneof("frame")
        self.trace.append(f"{now_s:.6f} {sender} {receiver} {kind} {len(data)}")

    def delay_s(self) -> float:
        """How long the next frame takes."""
        stall_s = 0.0
        if self.stalls and self._chance.random() < self.stalls:
            stall_s = STALL_S * self._chance.random()
        return self.slowest_s * (0.5 + self._chance.random() / 2) + stall_s

    # --- who listens ---

    def listen(self, address: str, door: Door) -> None:
        """Serve an address from now on."""
        self._doors[address] = door

    def close(self, address: str) -> None:
        """Nobody listens there any more."""
        self._doors.pop(address, None)

    def at(self, address: str) -> Door | None:
        """Who listens there."""
        return self._doors.get(address)

    def doors(self) -> dict[str, Door]:
        """All that listen, by address: what mDNS would show."""
        return dict(self._doors)

    # --- what goes wrong ---

    def is_cut(self, sender: str, receiver: str) -> bool:
        """Whether nothing goes this way now."""
        return (sender, receiver) in self._cut

    def cut(self, sender: str, receiver: str) -> None:
        """Let nothing through this way; links across it end when keepalive notices."""
        self._cut.add((sender, receiver))
        for link in self._between(sender, receiver):
            asyncio.get_running_loop().call_later(DEAF_S, self._notice, link)

    def _notice(self, link: SimLink) -> None:
        if link in self._links and (self.is_cut(*link.ends) or self.is_cut(*link.other.ends)):
            link.lose()

    def stand_still(self, node_id: str) -> None:
        """A node takes up no link, and answers on none: they end when keepalive notices."""
        self._still.add(node_id)
        for link in self._links:
            if node_id in link.ends:
                asyncio.get_running_loop().call_later(DEAF_S, self._notice_still, link)

    def _notice_still(self, link: SimLink) -> None:
        if link in self._links and self._still.intersection(link.ends):
            link.lose()

    def go_on(self, node_id: str) -> None:
        """It answers again."""
        self._still.discard(node_id)

    def heal(self) -> None:
        """Everything goes through again, beginning with what was stuck."""
        self._cut.clear()
        for link in list(self._links):
            for end in (link, link.other):
                for _ in range(end.backlog + 1):
                    end.deliver()

    def drop(self, one: str, other: str) -> None:
        """Break all links between two nodes."""
        for link in self._between(one, other):
            link.lose()

    def desert(self, one: str, other: str, late_s: float) -> None:
        """A node loses its links to another, which notices that only later."""
        for link in self._between(one, other):
            (link if link.ends[0] == one else link.other).desert(late_s)

    def drop_all(self, node_id: str) -> None:
        """Break all links of a node: it is gone."""
        for link in list(self._links):
            if node_id in link.ends:
                link.lose()

    def _between(self, one: str, other: str) -> list[SimLink]:
        return [link for link in self._links if set(link.ends) == {one, other}]

    # --- links ---

    async def dial(self, caller_id: str, member: Admit, address: str) -> SimLink:
        """Open a link to this very member."""
        door = await self._reach(caller_id, member, address)
        door.authorise(caller_id)
        near = SimLink(self, caller_id, member.node_id, address, dialled=True)
        far = SimLink(self, member.node_id, caller_id, f"{caller_id[:8]}:40000", dialled=False)
        near.other, far.other = far, near
        self._links.append(near)
        loop = asyncio.get_running_loop()
        serving = loop.create_task(door.welcome(far), context=Context())
        serving.add_done_callback(lambda done: _end(far, done))
        return near

    async def _reach(self, caller_id: str, member: Admit, address: str) -> Door:
        await asyncio.sleep(2 * self.delay_s())
        door = self._doors.get(address)
        if door is None:
            raise NodeUnreachable(member.name, f"{address}: connection refused")
        if (
            self.is_cut(caller_id, door.node_id)
            or self.is_cut(door.node_id, caller_id)
            or door.node_id in self._still
        ):
            await asyncio.sleep(CONNECT_S)
            raise NodeUnreachable(member.name, f"{address}: no answer within {CONNECT_S:g} s")
        if door.node_id != member.node_id:
            error = NodeUnreachable(member.name, f"{address}: another node listens there")
            error.layer = "tls"
            raise error
        return door

    def forget(self, link: SimLink) -> None:
        """A link has ended."""
        self._links = [one for one in self._links if one not in {link, link.other}]


def _end(far: SimLink, serving: asyncio.Future[object]) -> None:
    """Whoever served has finished: the link ends, with its refusal if it had one."""
    error = None if serving.cancelled() else serving.exception()
    if isinstance(error, FleetError):
        far.last_words = error
    elif error is not None:
        raise error
    far.close("ended")


@dataclass(frozen=True, slots=True)
class SimDialer:
    """The ``Dialer`` of one node."""

    net: SimNet
    node_id: str

    async def dial(self, member: Admit, address: str) -> SimLink:
        return await self.net.dial(self.node_id, member, address)

    async def probe(self, member: Admit, address: str) -> tuple[Step, ...]:
        """Try a member layer by layer (``node.engine.route.Probe``)."""
        try:
            await self.net._reach(self.node_id, member, address)
        except FleetError as error:
            return (Step(error.layer, "fail", str(error), 0.0, error.code, error.hint),)
        return tuple(Step(layer, "ok", address, 0.0) for layer in ("network", "tls", "rpc"))


class Board:
    """mDNS as a list (``node.ports.links.Discovery``)."""

    trouble = ""

    def __init__(self) -> None:
        self.shown: dict[str, tuple[str, ...]] = {}
        self.sought: list[str] = []
        self.told: Callable[[str], None] = lambda _node_id: None

    def show(self, node_id: str, *addresses: str) -> None:
        """A node is advertised there from now on."""
        self.shown[node_id] = addresses
        self.told(node_id)

    def found(self) -> tuple[Found, ...]:
        return tuple(Found(node_id, where, True) for node_id, where in self.shown.items())

    def seek(self, node_id: str) -> None:
        self.sought.append(node_id)

    async def run(self) -> None:
        await asyncio.Event().wait()
