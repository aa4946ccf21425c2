"""The peer door: one port, gRPC over mutual TLS, two services.

``Peering.Link`` hands a stream to the engine. ``Pairing.Pair`` lets a newcomer prove an invitation,
which is burnt before its proof is answered. Who may come this far is in ``interceptors.py``.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import grpc

from fleet.core.errors import InvitationRefused, MalformedRequest, PortInUse, VersionMismatch
from fleet.core.frames import PROTOCOL
from fleet.core.roster import SignedEntry
from fleet.v1 import link_pb2, link_pb2_grpc, pairing_pb2, pairing_pb2_grpc
from fleet.wire import entries_to_wire
from fleet.core import invitation as inv
from node.adapters import pairing
from node.adapters.channel import SERVER_OPTIONS, StreamLink
from node.doors.interceptors import Authorise, Guard, certificate_of, node_id_of
from node.ports import Link

Context = Any
CLOSE_S = 2.0


class Invitations(Protocol):
    """What pairing needs of the engine."""

    def secret_of(self, name: str) -> bytes: ...

    async def burn(self, name: str, ended: str, address: str) -> None: ...

    async def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]: ...

    def welcome(self) -> tuple[bytes, tuple[SignedEntry, ...], tuple[str, ...]]: ...


class PeeringService(link_pb2_grpc.PeeringServicer):
    """Streams of members."""

    def __init__(self, serve: Callable[[Link], Awaitable[object]]) -> None:
        self._serve = serve

    async def Link(
        self, request_iterator: AsyncIterator[link_pb2.Frame], context: Context
    ) -> None:
        """One link, for as long as it lasts."""
        link = StreamLink(node_id_of(context), address_of(context.peer()), dialled=False)
        pump = asyncio.get_running_loop().create_task(link.pump(context.read, context.write))
        try:
            await self._serve(link)
        finally:
            link.close("ended")
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        await context.abort(grpc.StatusCode.ABORTED, link.closed_because)


class PairingService(pairing_pb2_grpc.PairingServicer):
    """Newcomers with an invitation."""

    def __init__(self, invitations: Invitations, own_certificate: Callable[[], bytes]) -> None:
        self._invitations = invitations
        self._own_certificate = own_certificate

    async def Pair(
        self, request_iterator: AsyncIterator[pairing_pb2.JoinerStep], context: Context
    ) -> None:
        """Challenge, proof, welcome."""
        theirs = certificate_of(context)
        knock = (await _next(context)).knock
        if knock.protocol != PROTOCOL:
            raise VersionMismatch(f"the newcomer speaks protocol {knock.protocol}, not {PROTOCOL}")
        self._invitations.secret_of(knock.invitation)
        nonce = os.urandom(32)
        challenge = pairing_pb2.Challenge(nonce=nonce)
        await context.write(pairing_pb2.InviterStep(challenge=challenge))
        mac = (await _next(context)).proof.mac
        agreed = inv.transcript(invitation=knock.invitation,name=knock.name,joiner_nonce=knock.nonce,inviter_nonce=nonce,inviter_certificate=self._own_certificate(),joiner_certificate=theirs)
        # Asked again: another newcomer may have used it while this one was thinking.
        secret = self._invitations.secret_of(knock.invitation)
        right = hmac.compare_digest(mac, inv.joiner_proof(secret, agreed))
        ended = "used" if right else "ended by a wrong proof"
        await self._invitations.burn(knock.invitation, ended, address_of(context.peer()))
        if not right:
            raise InvitationRefused("the proof is wrong; the invitation is ended")
        await context.write(await self._welcome(secret, agreed, theirs, knock.name))

    async def _welcome(
        self, secret: bytes, agreed: bytes, theirs: bytes, name: str
    ) -> pairing_pb2.InviterStep:
        _, certificate = await self._invitations.admit(pairing.spki_of(theirs), name)
        root, dk, entries, addresses = self._invitations.welcome()
        return pairing_pb2.InviterStep(
            welcome=pairing_pb2.Welcome(
                mac=inv.inviter_proof(secret, agreed, root=root, certificate=certificate, discovery_key=dk),
                root_certificate=root,
                certificate=certificate,
                discovery_key=dk,
                roster=entries_to_wire(entries),
                addresses=addresses,
            )
        )


async def _next(context: Context) -> pairing_pb2.JoinerStep:
    step = await context.read()
    if not isinstance(step, pairing_pb2.JoinerStep):
        raise MalformedRequest("the newcomer left in the middle")
    return step


class PeerDoor:
    """The server on this node's port."""

    def __init__(self, authorise: Authorise) -> None:
        self._server = grpc.aio.server(interceptors=(Guard(authorise),), options=SERVER_OPTIONS)

    def add(self, peering: PeeringService, pairing_service: PairingService) -> None:
        """Register the services."""
        link_pb2_grpc.add_PeeringServicer_to_server(peering, self._server)
        pairing_pb2_grpc.add_PairingServicer_to_server(pairing_service, self._server)

    async def open(self, listen: str, credentials: grpc.ServerCredentials) -> int:
        """Serve; the port that was bound.

        Raises:
            PortInUse: somebody else has it.
        """
        try:
            port = self._server.add_secure_port(listen, credentials)
        except RuntimeError:
            raise PortInUse(listen) from None
        if port == 0:
            raise PortInUse(listen)
        await self._server.start()
        return port

    async def close(self) -> None:
        """Stop, cutting what is left after a moment."""
        await self._server.stop(CLOSE_S)


def address_of(peer: str) -> str:
    """gRPC's word for the other end (``ipv4:host:port``) as host:port."""
    return peer.partition(":")[2].replace("%5B", "[").replace("%5D", "]")
