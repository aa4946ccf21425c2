"""The peer door: one port, gRPC over mutual TLS, two services.

``Peering.Link`` hands a member's stream to the engine as a link; ``Pairing.Pair`` is in
``node/doors/pairing.py``. Who gets this far is decided in ``node/doors/interceptors.py``.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import structlog

from fleet.config import split_address
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import PortInUse, StartFailed
from fleet.core.roster import SignedEntry
from fleet.v1 import link_pb2, link_pb2_grpc, pairing_pb2_grpc
from fleet.wire.frames import CODEC_IS_FAST
from node.adapters.credentials import SERVER_OPTIONS
from node.adapters.descriptors import CONNECTIONS
from node.adapters.stream import ADMITTED_KEY, Serve, Stream, StreamLink, carry
from node.doors.interceptors import Authorise, Context, Guard, Introduce, address_of, caller_of, end
from node.doors.pairing import PairingService as PairingService

CLOSE_S = 1.0

log = structlog.get_logger()


def _not_heard(_node_id: str, _word: SignedEntry) -> None:
    return


class PeeringService:
    """Links that other members dialled."""

    def __init__(self, serve: Serve) -> None:
        """``serve`` speaks on a link until it ends; a ``FleetError`` from it goes to the peer."""
        self._serve = serve
        self._running: set[asyncio.Future[Any]] = set()

    async def Link(self, request_iterator: AsyncIterator[link_pb2.Frame], context: Context) -> None:
        """One link, for as long as it lasts."""
        link = StreamLink(caller_of(context), address_of(context), dialled=False)
        await context.send_initial_metadata(((ADMITTED_KEY, "1"),))
        await carry(link, cast(Stream, context), self._serve, self._running)
        await end(context, grpc.StatusCode.ABORTED, link.why)

    async def close(self) -> None:
        """Wait for all that still speak on links which have ended."""
        await asyncio.gather(*self._running, return_exceptions=True)


class PeerDoor:
    """The server on this node's port."""

    def __init__(
        self,
        authorise: Authorise,
        connections: int = CONNECTIONS,
        introduce: Introduce = _not_heard,
    ) -> None:
        """``connections``: how many there may be at one time, those in their handshake included.
        ``introduce`` is told what a caller whose key is new says of itself."""
        options = [*SERVER_OPTIONS, ("grpc.max_allowed_incoming_connections", connections)]
        self._server = grpc.aio.server(interceptors=(Guard(authorise, introduce),), options=options)
        self._peering: PeeringService | None = None

    def add(self, peering: PeeringService, pairing: PairingService) -> None:
        """Serve these."""
        self._peering = peering
        link_pb2_grpc.add_PeeringServicer_to_server(
            cast(link_pb2_grpc.PeeringServicer, peering), self._server
        )
        pairing_pb2_grpc.add_PairingServicer_to_server(
            cast(pairing_pb2_grpc.PairingServicer, pairing), self._server
        )

    async def open(self, listen: str, credentials: grpc.ServerCredentials) -> int:
        """Listen on host:port; the port, which is a free one when 0 was asked for.

        Raises:
            PortInUse: somebody else listens there.
            StartFailed: the address is not ours, or not allowed.
        """
        if not CODEC_IS_FAST:
            log.warning("protobuf is slow here", remedy="install a wheel of protobuf with upb")
        try:
            port = self._server.add_secure_port(listen, credentials)
        except RuntimeError:
            raise _why_not(listen) from None
        await self._server.start()
        return port

    async def close(self) -> None:
        """Stop listening; what is under way is cut after a moment."""
        await self._server.stop(CLOSE_S)
        if self._peering is not None:
            await self._peering.close()


def _why_not(listen: str) -> FleetError:
    """Why an address cannot be listened on; gRPC does not tell, so the kernel is asked."""
    host, port = split_address(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return PortInUse(listen)
            return _cannot(listen, error.strerror or str(error))
    return _cannot(listen, "gRPC does not say why")


def _cannot(listen: str, why: str) -> StartFailed:
    hint = "choose an address of this host: fleet up --listen HOST:PORT; 0.0.0.0 is all of them"
    return StartFailed(f"cannot listen on {listen}: {why}", hint=hint)
