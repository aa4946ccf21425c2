"""A member whose program is the test: its key is in the roster, and it says whatever it likes.

And raw TLS, for what no gRPC client would do.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from fleet.core.envelope import Envelope
from fleet.core.frames import PROTOCOL, Ask, Frame, Hello, Post, Posted, Question
from fleet.core.roster import Admit
from fleet.v1 import link_pb2
from fleet.wire.frames import frame_to_wire
from node.adapters.clock import SystemClock
from node.adapters.credentials import Identity, channel_to
from node.adapters.pki import node_key_from, pem_of, public_bytes
from node.adapters.stream import refusal_in
from tests.support.members import Member, Refusal, under
from tests.support.until import GIVE_UP_S, eventually

LINK = "/fleet.v1.Peering/Link"
DAY_S = 86_400.0

_clock = SystemClock()
new_id = _clock.new_id


async def admitted(white: Member, name: str = "kai") -> tuple[Admit, Identity]:
    """A member of white's fleet that runs nowhere, and what it shows in TLS."""
    root = white.keyring._membership.root_key
    assert root is not None
    identity = under(root, white.keyring.root_certificate)
    key = node_key_from(identity.key)
    entry, _ = await white.node.membership.admit(public_bytes(key.public_key()), name)
    assert isinstance(entry.entry, Admit)
    return entry.entry, identity


def hello(**other: Any) -> Hello:
    """What a link begins with."""
    return replace(Hello(PROTOCOL, "0", "kai", "b" * 16, "e" * 16, (), ""), **other)


class Hostile:
    """Its end of one link."""

    def __init__(self, white: Member, who: Admit, identity: Identity, call: Any) -> None:
        self.white = white
        self.id = who.node_id
        self.identity = identity
        self.call = call
        self.heard: list[link_pb2.Frame] = []
        self.ended: Refusal | None = None

    async def say(self, said: Frame | link_pb2.Frame | bytes) -> None:
        """Say it, as far as anybody still listens."""
        if not isinstance(said, bytes):
            wire = said if isinstance(said, link_pb2.Frame) else frame_to_wire(said)
            said = wire.SerializeToString()
        try:
            await self.call.write(said)
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            return

    async def read(self) -> link_pb2.Frame | None:
        """The next frame; None when the link has ended, and then ``ended`` says how."""
        try:
            data = await self.call.read()
        except grpc.aio.AioRpcError as error:
            self.ended = Refusal(error.code(), error.details() or "", refusal_in(error))
            return None
        if data is grpc.aio.EOF:
            return None
        frame = link_pb2.Frame.FromString(data)
        self.heard.append(frame)
        return frame

    async def hear(self, kind: str) -> link_pb2.Frame:
        """The next frame of a kind."""
        while (frame := await self.read()) is not None:
            if frame.WhichOneof("frame") == kind:
                return frame
        raise AssertionError(f"no {kind}: the link ended: {self.ended}")

    async def to_the_end(self) -> Refusal:
        """Read until the other side has ended the link; how."""
        while await self.read() is not None:
            pass
        assert self.ended is not None, "it ended without a word"
        return self.ended

    async def post(self, *envelopes: Envelope, expires_in_s: float = DAY_S) -> link_pb2.Frame:
        """Offer envelopes; the answer."""
        await self.say(Post(tuple(Posted(one, expires_in_s) for one in envelopes)))
        return await self.hear("taken")

    async def ask(self, question: Question, number: int = 1) -> link_pb2.Answer:
        """Ask something; the answer."""
        await self.say(Ask(number, question))
        return (await self.hear("answer")).answer

    def is_linked(self) -> bool:
        """Whether the victim counts this link as standing."""
        return self.white.node.peers.session(self.id) is not None


@asynccontextmanager
async def linked(
    white: Member, who: Admit, identity: Identity, first: Frame | None = None
) -> AsyncGenerator[Hostile]:
    """A link on which it has said hello, and which the victim has taken up."""
    pinned = pem_of(white.keyring.certificate)
    async with channel_to(white.address, identity, pinned, white.id) as channel:
        call: Any = channel.stream_stream(LINK)()
        hostile = Hostile(white, who, identity, call)
        await hostile.say(first or hello())
        if first is None:
            await eventually(hostile.is_linked, "the hostile member is linked")
        async with asyncio.timeout(GIVE_UP_S):
            yield hostile
        call.cancel()


@asynccontextmanager
async def member_of(white: Member, name: str = "kai") -> AsyncGenerator[Hostile]:
    """A new member that turns out to be hostile, with a link."""
    who, identity = await admitted(white, name)
    async with linked(white, who, identity) as hostile:
        yield hostile


def letter(text: str = "hi", to: str = "operator", **other: Any) -> Envelope:
    """An envelope as a sender's node tells it."""
    one = new_id()
    made = Envelope(
        one, "neo@kai", "", to, "", to, text, thread=one, reply_to="", hops=0, raw=False,
        created_at_s=0.0, expires_at_s=0.0,
    )  # fmt: skip
    return made._replace(**other)


def wire_of(*envelopes: Envelope) -> link_pb2.Frame:
    """A post as it travels, to be spoilt."""
    return frame_to_wire(Post(tuple(Posted(one, DAY_S) for one in envelopes)))


def resident_mb() -> float:
    """How much memory this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
