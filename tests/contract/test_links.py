"""What the engine may rely on of dialling and of links, in the model network and over gRPC and TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import PROTOCOL, Frame, Hello, Post, Posted, Taken
from fleet.core.roster import Admit
from node.adapters.credentials import Identity, ServerTrust, server_credentials
from node.adapters.dialer import GrpcDialer
from node.adapters.pki import der_of, new_root_key, pem_id, pem_of, root_certificate
from node.doors.pairing import PairingService
from node.doors.peer import PeerDoor, PeeringService
from node.ports.links import Dialer, Link
from tests.support.authority import id_of
from tests.support.letters import letter
from tests.support.members import under
from tests.support.simnet import SimDialer, SimLink, SimNet
from tests.support.until import eventually
from tests.support.vtime import play

HELLO = Hello(PROTOCOL, "1", "white", "b" * 16, "e" * 16, ("127.0.0.1:1",), "")
MANY = tuple(Taken((f"01J{number:023d}",)) for number in range(300))


class Listener:
    """The far end: who may come in, and what is said on a link."""

    def __init__(self, node_id: str) -> None:
        self.node_id = node_id
        self.links: list[Link] = []
        self.is_closed_to_all = False
        self.refusal: FleetError | None = None
        self.over = asyncio.Event()

    def authorise(self, node_id: str) -> Admit:
        if self.is_closed_to_all:
            raise NotPaired("node white is not in this fleet's roster")
        return Admit(node_id, "white", b"")

    async def welcome(self, link: Link) -> None:
        self.links.append(link)
        await self.over.wait()
        if self.refusal is not None:
            raise self.refusal

    async def link(self) -> Link:
        """The link that came in last."""
        await eventually(lambda: self.links, "a link came in")
        return self.links[-1]


class Ends:
    """A dialler, and whom it dials."""

    def __init__(self, dialer: Dialer, own_id: str, member: Admit, address: str) -> None:
        self.dialer = dialer
        self.own_id = own_id
        self.member = member
        self.address = address
        self.listener = Listener(member.node_id)

    async def both(self) -> tuple[Link, Link]:
        """Both ends of a link that stands."""
        near = await self.dialer.dial(self.member, self.address)
        return near, await self.listener.link()


Story = Callable[[Ends], Awaitable[None]]
On = Callable[[Story], None]


def on_simnet(story: Story) -> None:
    async def run() -> None:
        net = SimNet()
        white, nova = id_of("white"), id_of("nova")
        ends = Ends(SimDialer(net, white), white, Admit(nova, "nova", b""), "nova:7717")

        class Door:
            node_id = nova
            authorise = staticmethod(ends.listener.authorise)

            def welcome(self, link: SimLink) -> Coroutine[Any, Any, None]:
                return ends.listener.welcome(link)

        net.listen(ends.address, Door())
        await story(ends)
        ends.listener.over.set()

    play(run())


def on_grpc(story: Story) -> None:
    async def run() -> None:
        root = new_root_key()
        root_der = root_certificate(root)
        async with grpc_door(under(root, root_der), root_der) as (ends, white):
            ends.dialer = dialer = GrpcDialer(lambda: white)
            await story(ends)
            ends.listener.over.set()
            await dialer.close()

    asyncio.run(run())


@asynccontextmanager
async def grpc_door(nova: Identity, root_der: bytes) -> AsyncGenerator[tuple[Ends, Identity]]:
    """A peer door that serves links for nova; the identity of another member comes with it."""
    root = new_root_key()
    white = under(root, root_certificate(root))
    member = Admit(pem_id(nova.certificate), "nova", der_of(nova.certificate))
    ends = Ends(cast(Dialer, None), pem_id(white.certificate), member, "")
    door = PeerDoor(ends.listener.authorise)
    door.add(PeeringService(ends.listener.welcome), cast(PairingService, PairingService))
    roots = pem_of(root_der) + pem_of(root_certificate(root))
    trust = ServerTrust(nova, roots)
    port = await door.open("127.0.0.1:0", server_credentials(lambda: trust))
    ends.address = f"127.0.0.1:{port}"
    try:
        yield ends, white
    finally:
        await door.close()


@pytest.fixture(
    params=[
        pytest.param(on_simnet, id="simnet"),
        pytest.param(on_grpc, id="grpc", marks=pytest.mark.api),
    ]
)
def on(request: pytest.FixtureRequest) -> On:
    return request.param  # type: ignore[no-any-return]


async def heard(link: Link, count: int) -> list[Frame | None]:
    return [await link.receive() for _ in range(count)]


def test_both_ends_know_who_is_at_the_other_and_who_dialled(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        assert (near.peer_id, near.dialled) == (ends.member.node_id, True)
        assert (far.peer_id, far.dialled) == (ends.own_id, False)
        assert near.address == ends.address

    on(story)


def test_frames_arrive_whole_and_in_order_both_ways(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        near.send(HELLO)
        for frame in MANY:
            near.send(frame)
            far.send(frame)
        assert await heard(far, 1 + len(MANY)) == [HELLO, *MANY]
        assert await heard(near, len(MANY)) == [*MANY]
        await eventually(lambda: near.backlog == far.backlog == 0, "all is written")

    on(story)


def test_an_envelope_is_of_the_node_that_sent_it_whatever_it_says(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        near.send(Post((Posted(letter(from_node="x" * 52), 7.5),)))
        post = await far.receive()
        assert isinstance(post, Post)
        ((envelope, expires_in_s, _),) = post.posted
        assert (envelope.from_node, envelope.text) == (ends.own_id, "text 1")
        assert expires_in_s == 7.5

    on(story)


@pytest.mark.parametrize("closing", ["near", "far"])
def test_the_other_end_of_a_closed_link_hears_what_was_said_before_and_then_its_end(
    on: On, closing: str
) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        one, other = (near, far) if closing == "near" else (far, near)
        one.send(MANY[0])
        one.close("enough")
        if one is far:  # who serves a link returns when it has closed it
            ends.listener.over.set()
        assert await heard(other, 2) == [MANY[0], None]
        assert await other.receive() is None

    on(story)


def test_a_closed_end_hears_and_says_nothing_more_and_may_be_closed_again(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        far.send(MANY[0])
        near.close("enough")
        near.close("really")
        near.send(MANY[1])
        assert await near.receive() is None
        assert await far.receive() is None

    on(story)


def test_somebody_who_waits_for_a_frame_is_told_of_the_end(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        waiting = asyncio.ensure_future(far.receive())
        near.close("enough")
        assert await waiting is None

    on(story)


def test_who_serves_a_link_ends_it_by_returning(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, far = await ends.both()
        far.send(HELLO)
        ends.listener.over.set()
        assert await heard(near, 2) == [HELLO, None]

    on(story)


def test_a_refusal_comes_in_the_other_nodes_words(on: On) -> None:
    async def story(ends: Ends) -> None:
        near, _ = await ends.both()
        ends.listener.refusal = VersionMismatch("white speaks another protocol", hint="upgrade")
        ends.listener.over.set()
        with pytest.raises(VersionMismatch, match="white speaks another protocol") as told:
            await near.receive()
        assert told.value.hint == "upgrade"
        assert await near.receive() is None

    on(story)


def test_nobody_at_an_address_is_said(on: On) -> None:
    async def story(ends: Ends) -> None:
        with pytest.raises(NodeUnreachable, match="refused"):
            await ends.dialer.dial(ends.member, "127.0.0.1:1")

    on(story)


def test_another_key_at_an_address_is_not_spoken_with(on: On) -> None:
    async def story(ends: Ends) -> None:
        other = under(new_root_key(), root_certificate(new_root_key()))
        stranger = Admit(pem_id(other.certificate), "kai", der_of(other.certificate))
        with pytest.raises(NodeUnreachable) as told:
            await ends.dialer.dial(stranger, ends.address)
        assert told.value.layer == "tls"
        assert ends.listener.links == []

    on(story)


def test_who_is_no_member_is_told_so_and_gets_no_link(on: On) -> None:
    async def story(ends: Ends) -> None:
        ends.listener.is_closed_to_all = True
        with pytest.raises(NotPaired, match="not in this fleet's roster"):
            await ends.dialer.dial(ends.member, ends.address)
        assert ends.listener.links == []

    on(story)
