"""Opens links to members: TLS that trusts exactly one certificate, the member's own.

A failure says which layer it was. gRPC does not tell, so after one the same address is tried again
with plain sockets, where every step has its own error.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import grpc

from fleet.config import split_address
from fleet.core.errors.base import FleetError, Layer
from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import Hello, Step
from fleet.core.link import agreed
from fleet.core.roster import Admit, SignedEntry
from fleet.v1 import link_pb2, link_pb2_grpc
from fleet.wire.frames import frame_from_wire
from fleet.wire.roster import signed_to_bytes
from node.adapters.credentials import Identity, channel_to
from node.adapters.pki import certificate_key, key_id, pem_of
from node.adapters.stream import ADMISSION_KEY, ADMITTED_KEY, Stream, StreamLink, refusal_in

CONNECT_S = 3.0
"""For each of: TCP, TLS, the stream. A node that needs longer is tried again soon."""
ANSWER_S = 2 * CONNECT_S

Attempt = Callable[[Admit, str], Awaitable[str]]
_Call = grpc.aio.StreamStreamCall[link_pb2.Frame, link_pb2.Frame]


class GrpcDialer:
    """The ``Dialer`` of a node."""

    def __init__(
        self,
        identity: Callable[[], Identity],
        introduction: Callable[[], SignedEntry | None] = lambda: None,
    ) -> None:
        """Both are asked at each dial: they change when the node joins a fleet. ``introduction`` is the
        word by which this node's key follows another one, if it does."""
        self._identity = identity
        self._introduction = introduction
        self._carrying: dict[asyncio.Task[None], StreamLink] = {}

    async def dial(self, member: Admit, address: str) -> StreamLink:
        """Connect to exactly this member's key at host:port.

        Raises:
            NodeUnreachable: nobody answers there, or it is not that key.
            NotPaired: the other side does not count us as a member.
        """
        channel = self._channel(member, address)
        try:
            call = await self._open(channel, member, address)
        except BaseException:
            await channel.close()
            raise
        link = StreamLink(member.node_id, address, dialled=True)
        carrying = asyncio.create_task(_carry(link, call, channel), name=f"link {address}")
        self._carrying[carrying] = link
        carrying.add_done_callback(self._carrying.pop)
        return link

    async def probe(self, member: Admit, address: str) -> tuple[Step, ...]:
        """Try a member layer by layer, as far as it goes, and leave no link behind."""
        steps: list[Step] = []
        walk: tuple[tuple[Layer, Attempt], ...] = (
            ("network", _try_tcp),
            ("tls", _try_tls),
            ("rpc", self._try_stream),
        )
        loop = asyncio.get_running_loop()
        for layer, attempt in walk:
            start_s = loop.time()
            try:
                detail, failed = await attempt(member, address), None
            except FleetError as error:
                detail, failed = str(error), error
            ms = round((loop.time() - start_s) * 1_000, 3)
            if failed is not None:
                steps.append(Step(failed.layer, "fail", detail, ms, failed.code, failed.hint))
                break
            steps.append(Step(layer, "ok", detail, ms))
        return tuple(steps)

    async def close(self) -> None:
        """End all links that were dialled, after their last words."""
        for link in self._carrying.values():
            link.close("the node stops")
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _channel(self, member: Admit, address: str) -> grpc.aio.Channel:
        return channel_to(address, self._identity(), pem_of(member.certificate), member.node_id)

    async def _open(self, channel: grpc.aio.Channel, member: Admit, address: str) -> _Call:
        """A stream that the other side has let in: it says so at once."""
        own = self._introduction()
        metadata = ((ADMISSION_KEY, signed_to_bytes(own)),) if own else ()
        call: _Call = link_pb2_grpc.PeeringStub(channel).Link(metadata=metadata)
        try:
            async with asyncio.timeout(ANSWER_S):
                told = await call.initial_metadata()
                if any(key == ADMITTED_KEY for key, _ in told):
                    return call
                refusal = await _status(call)
        except TimeoutError:
            call.cancel()
            refusal = None
        if refusal is not None:
            raise refusal
        await _try_tcp(member, address)
        await _try_tls(member, address)
        raise _unreachable(member, address, "it does not let this node's certificate in", "tls")

    async def _try_stream(self, member: Admit, address: str) -> str:
        """A stream of its own, as far as the other side's hello."""
        channel = self._channel(member, address)
        try:
            call = await self._open(channel, member, address)
            async with _within(member, address, "it does not say hello", "rpc"):
                first = await call.read()
            hello = (
                frame_from_wire(first, member.node_id)
                if isinstance(first, link_pb2.Frame)
                else None
            )
            if not isinstance(hello, Hello) or agreed(hello) is None:
                raise VersionMismatch(
                    f"{member.name} speaks another protocol",
                    hint="install the same version of fleet on both hosts",
                )
            return f"{hello.name} says hello, build {hello.build}"
        except grpc.aio.AioRpcError as error:
            raise refusal_in(error) or _unreachable(member, address, "it ended", "rpc") from None
        finally:
            await channel.close()


async def _carry(link: StreamLink, call: _Call, channel: grpc.aio.Channel) -> None:
    try:
        await link.pump(cast(Stream, call))
    finally:
        call.cancel()
        await channel.close()


async def _status(call: _Call) -> FleetError | None:
    """Why a call ended before it began, in the other side's words if it has any."""
    try:
        await call.read()
    except grpc.aio.AioRpcError as error:
        refusal = refusal_in(error)
        if refusal is None and error.code() is grpc.StatusCode.PERMISSION_DENIED:
            return NotPaired(error.details() or "the other node refused")
        return refusal
    return None


# --- plain sockets: what exactly does not work -----------------------------------------------------------


async def _try_tcp(member: Admit, address: str) -> str:
    host, port = split_address(address)
    async with _within(member, address, "no answer", "network"):
        _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return f"{address} accepts connections"


async def _try_tls(member: Admit, address: str) -> str:
    async with _within(member, address, "no TLS answer", "tls"):
        shown = await shown_certificate(address)
    if key_id(certificate_key(shown)) != member.node_id:
        raise _unreachable(member, address, "another node listens there", "tls")
    return f"the key is that of {member.name}"


async def shown_certificate(address: str) -> bytes:
    """The certificate (DER) of whoever listens there and has its key; nothing is said to it.

    Raises:
        OSError: nobody listens, or it is not TLS 1.3.
    """
    host, port = split_address(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what is shown is compared by key, by the caller
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return bytes(shown)


@asynccontextmanager
async def _within(member: Admit, address: str, slow: str, layer: Layer) -> AsyncGenerator[None]:
    """Socket errors inside, and taking too long, as the failure of a layer."""
    try:
        async with asyncio.timeout(CONNECT_S):
            yield
    except TimeoutError:
        raise _unreachable(member, address, f"{slow} within {CONNECT_S:g} s", layer) from None
    except OSError as error:
        raise _unreachable(member, address, socket_trouble(error), layer) from None


def socket_trouble(error: OSError) -> str:
    """What went wrong on a socket, in the kernel's or OpenSSL's words."""
    if isinstance(error, ssl.SSLError) or not error.errno or error.errno < 0:
        return error.strerror or str(error)
    return os.strerror(error.errno).lower()


def _unreachable(member: Admit, address: str, why: str, layer: Layer) -> FleetError:
    error: FleetError = NodeUnreachable(member.name, f"{address}: {why}")
    error.layer = layer
    return error
