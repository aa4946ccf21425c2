"""A newcomer's side of pairing.

It reads the certificate of whoever answers at the token's address, says nothing unless that is the
very key the token names, and then speaks to the holder of that certificate only. What it is given in
the end is believed as far as the proof and the root's signatures go. The inviter's side is in
``node/doors/pairing.py``.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from hmac import compare_digest

import grpc

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.trust import InvitationRefused, NotPaired
from fleet.core.frames import PROTOCOL
from fleet.core.invitation import (
    Invitation,
    invitation_name,
    inviter_proof,
    joiner_proof,
    parse_token,
    transcript,
)
from fleet.core.roster import Roster, SignedEntry
from fleet.v1 import pairing_pb2, pairing_pb2_grpc
from node.adapters.credentials import Identity, channel_to
from node.adapters.dialer import shown_certificate, socket_trouble
from node.adapters.pki import (
    NodeKey,
    certificate_key,
    check_certificate,
    check_root,
    key_id,
    node_certificate,
    pairing_root,
    pem_of,
    private_pem,
)
from node.adapters.seal import verify_entry
from node.adapters.stream import refusal_in

CONNECT_S = 3.0
ANSWER_S = 10.0
NONCE_BYTES = 32

_Call = grpc.aio.StreamStreamCall[pairing_pb2.JoinerStep, pairing_pb2.InviterStep]


@dataclass(frozen=True, slots=True)
class Given:
    """What the inviter handed over, all of it checked. Certificates are DER."""

    inviter_id: str
    root: bytes
    issuer: bytes
    certificate: bytes
    discovery_key: bytes
    entries: tuple[SignedEntry, ...]
    addresses: tuple[str, ...]


async def join(token: str, key: NodeKey, name: str) -> Given:
    """Prove the token's secret to its inviter, at the first of its addresses where that one is.

    Raises:
        MalformedRequest: the token is damaged.
        InvitationRefused: in the inviter's words, or because it could not prove the secret.
        NodeUnreachable: the inviter is at none of the addresses.
    """
    invitation = parse_token(token)
    trouble: FleetError | None = None
    for address in invitation.addresses:
        try:
            certificate = await _meet(invitation, address)
        except NodeUnreachable as error:
            trouble = error
            continue
        return await _Newcomer(invitation, key, name, certificate).pair(address)
    raise trouble or NodeUnreachable(invitation.node_id[:12], "the token holds no address")


async def _meet(invitation: Invitation, address: str) -> bytes:
    """The inviter's certificate, if it is the inviter who answers there."""
    label = f"the inviter {invitation.node_id[:12]}"
    try:
        async with asyncio.timeout(CONNECT_S):
            certificate = await shown_certificate(address)
    except TimeoutError:
        raise NodeUnreachable(label, f"{address}: no answer within {CONNECT_S:g} s") from None
    except OSError as error:
        raise NodeUnreachable(label, f"{address}: {socket_trouble(error)}") from None
    try:
        shown = key_id(certificate_key(certificate))
    except NotPaired as error:
        shown = str(error)
    if shown != invitation.node_id:
        wrong: FleetError = NodeUnreachable(
            label, f"{address}: another node answers there, nothing was said"
        )
        wrong.layer = "tls"
        raise wrong
    return certificate


class _Newcomer:
    """One attempt, with the inviter's key already met."""

    def __init__(
        self, invitation: Invitation, key: NodeKey, name: str, inviter_certificate: bytes
    ) -> None:
        self._invitation = invitation
        self._name = name
        self._node_id = key_id(key.public_key())
        self._inviter_certificate = inviter_certificate
        self._certificate = node_certificate(key.public_key(), *pairing_root())
        self._identity = Identity(private_pem(key), pem_of(self._certificate))
        self._nonce = secrets.token_bytes(NONCE_BYTES)

    async def pair(self, address: str) -> Given:
        inviter_id = self._invitation.node_id
        pinned = pem_of(self._inviter_certificate)
        async with channel_to(address, self._identity, pinned, inviter_id) as channel:
            call: _Call = pairing_pb2_grpc.PairingStub(channel).Pair(timeout=ANSWER_S)
            try:
                return self._checked(*await self._converse(call))
            except grpc.aio.AioRpcError as error:
                raise refusal_in(error) or _unanswered(inviter_id, error) from None
            except asyncio.InvalidStateError:  # the call ended while something was being said
                raise await _ending(call, inviter_id) from None

    async def _converse(self, call: _Call) -> tuple[bytes, pairing_pb2.Welcome]:
        secret = self._invitation.secret
        knock = pairing_pb2.Knock(
            protocol=PROTOCOL,
            invitation=invitation_name(secret),
            name=self._name,
            nonce=self._nonce,
        )
        await call.write(pairing_pb2.JoinerStep(knock=knock))
        challenge = (await _next(call)).challenge
        seen = transcript(
            invitation=knock.invitation,
            name=self._name,
            joiner_nonce=self._nonce,
            inviter_nonce=challenge.nonce,
            inviter_certificate=self._inviter_certificate,
            joiner_certificate=self._certificate,
        )
        proof = pairing_pb2.Proof(mac=joiner_proof(secret, seen))
        await call.write(pairing_pb2.JoinerStep(proof=proof))
        return seen, (await _next(call)).welcome

    def _checked(self, seen: bytes, welcome: pairing_pb2.Welcome) -> Given:
        mac = inviter_proof(
            self._invitation.secret,
            seen,
            root=welcome.root_certificate,
            certificate=welcome.certificate,
            discovery_key=welcome.discovery_key,
        )
        if not compare_digest(mac, welcome.mac):
            raise InvitationRefused("the other side could not prove that it made the invitation")
        root = welcome.root_certificate
        check_root(root)
        entries = tuple(verify_entry(e.body, e.signature, root) for e in welcome.roster)
        roster = Roster(entries)
        own = roster.admission(self._node_id)
        if own is None or roster.member(self._invitation.node_id) is None:
            raise InvitationRefused("the roster that was given lacks the inviter or this node")
        issuer = own.issuer or root
        if check_certificate(welcome.certificate, issuer) != self._node_id:
            raise InvitationRefused("the certificate that was given is for another key")
        return Given(
            self._invitation.node_id,
            root,
            issuer,
            welcome.certificate,
            welcome.discovery_key,
            entries,
            tuple(welcome.addresses),
        )


async def _next(call: _Call) -> pairing_pb2.InviterStep:
    """The inviter's next word; ``AioRpcError`` when it ended the call instead."""
    step = await call.read()
    if not isinstance(step, pairing_pb2.InviterStep):
        raise InvitationRefused("the inviter left in the middle; look at its log")
    return step


async def _ending(call: _Call, inviter_id: str) -> FleetError:
    try:
        await _next(call)
    except grpc.aio.AioRpcError as error:
        return refusal_in(error) or _unanswered(inviter_id, error)
    except InvitationRefused as error:
        return error
    return InvitationRefused("the inviter left in the middle; look at its log")


def _unanswered(inviter_id: str, error: grpc.aio.AioRpcError) -> FleetError:
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        # TLS with the inviter's own key has just worked, so it is we who were not let in.
        return InvitationRefused("no invitation of that node is open: used, expired or withdrawn")
    label = f"the inviter {inviter_id[:12]}"
    return NodeUnreachable(label, f"{error.code().name.lower()}: {error.details()}")
