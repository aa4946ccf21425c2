"""Opens links to members: TLS that trusts exactly one certificate, the member's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import grpc

from fleet.config import split_address
from fleet.core.errors import FleetError, Layer, NodeUnreachable
from fleet.core.frames import Step
from fleet.core.roster import Admit
from fleet.v1 import link_pb2_grpc as rpc
from node.adapters import pki
from node.adapters.channel import CLIENT_OPTIONS, StreamLink
from node.ports import Link

REACH_S = 3.0

Identity = Callable[[], tuple[bytes, bytes]]


class GrpcDialer:
    """Links from this node to others (``node.ports.Dialer``)."""

    def __init__(self, identity: Identity) -> None:
        """``identity`` gives our key and certificate (PEM); they change when we join a fleet."""
        self._identity = identity
        self._pumps: set[asyncio.Task[None]] = set()

    async def dial(self, member: Admit, address: str) -> Link:
        """Connect to exactly this member's key at host:port."""
        await _reach(member, address)
        channel = self._channel(member, address)
        try:
            await _ready(channel, member)
        except BaseException:
            await channel.close()
            raise
        link = StreamLink(member.node_id, address, dialled=True)
        pump = asyncio.get_running_loop().create_task(self._run(channel, link))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        return link

    async def close(self) -> None:
        """End all links that were dialled."""
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _run(self, channel: grpc.aio.Channel, link: StreamLink) -> None:
        try:
            call = rpc.PeeringStub(channel).Link()
            try:
                await link.pump(call.read, call.write)
            finally:
                call.cancel()
        finally:
            link.close("ended")
            await channel.close()

    def _channel(self, member: Admit, address: str) -> grpc.aio.Channel:
        idn = self._identity(); key, own = idn.key, idn.certificate
        credentials = grpc.ssl_channel_credentials(pki.pem_of(member.certificate), key, own)
        options = (*CLIENT_OPTIONS, ("grpc.ssl_target_name_override", member.node_id))
        return grpc.aio.secure_channel(address, credentials, options)

    async def probe(self, member: Admit, address: str) -> tuple[Step, ...]:
        """Try a member layer by layer: network, tls, rpc as far as they go."""
        steps: list[Step] = []
        channel = self._channel(member, address)
        try:
            await _timed(steps, "network", f"{address} accepts", _reach(member, address))
            await _timed(steps, "tls", "the key in the roster", _ready(channel, member))
        except FleetError:
            return tuple(steps)
        finally:
            await channel.close()
        return tuple(steps)


async def _timed(steps: list[Step], layer: Layer, detail: str, work: object) -> None:
    start_s = time.monotonic()
    try:
        await work  # type: ignore[misc]
    except FleetError as error:
        ms = round((time.monotonic() - start_s) * 1_000, 3)
        steps.append(Step(layer, "fail", str(error), ms, error.code, error.hint))
        raise
    steps.append(Step(layer, "ok", detail, round((time.monotonic() - start_s) * 1_000, 3)))


async def _reach(member: Admit, address: str) -> None:
    """Whether anybody listens there."""
    host, port = split_address(address)
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise NodeUnreachable(member.name, f"no answer from {address}") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise NodeUnreachable(member.name, f"{address}: {why.lower()}") from None
    writer.close()


async def _ready(channel: grpc.aio.Channel, member: Admit) -> None:
    """Whether the one who listens holds the member's key."""
    try:
        async with asyncio.timeout(REACH_S):
            await channel.channel_ready()
    except TimeoutError:
        error = NodeUnreachable(member.name, "whoever answers does not hold its key")
        error.layer = "tls"
        raise error from None
