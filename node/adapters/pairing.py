"""First contact: a newcomer and its inviter prove one secret to each other.

The newcomer reads the server's certificate without trusting anything, insists that its key is the
one the token names, and pins exactly that certificate. Both MACs cover both certificates as each
side sees them, so nobody in the middle can relay. A TLS certificate under the public pairing root
proves that the newcomer holds its key; everything else is proven by the secret.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import ssl
from dataclasses import dataclass
from hashlib import sha256

import grpc
from cryptography.hazmat.primitives import serialization

from fleet.config import split_address
from fleet.core.errors import FleetError, InvitationRefused, NodeUnreachable
from fleet.core.frames import PROTOCOL
from fleet.core import invitation as inv
from fleet.core.invitation import Invitation, invitation_name, parse_token
from fleet.core.roster import Admit, SignedEntry
from fleet.v1 import pairing_pb2 as pb
from fleet.v1 import pairing_pb2_grpc as rpc
from node.adapters import pki, seal
from node.adapters.channel import CLIENT_OPTIONS, refusal_in

REACH_S = 5.0
ANSWER_S = 20.0
_LABEL = b"fleet pairing v1"
JOINER, INVITER = b"joiner", b"inviter"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the inviter gave, checked."""

    inviter_id: str
    root: bytes
    certificate: bytes
    entries: tuple[SignedEntry, ...]
    addresses: tuple[str, ...]
    discovery_key: bytes = b""


async def join(token: str, key: pki.NodePrivateKey, name: str) -> Welcome:
    """Join the fleet that a token lets us into.

    Raises:
        MalformedRequest: the token is none.
        NodeUnreachable: at no address of the token is its maker.
        InvitationRefused: in the inviter's words.
    """
    invitation = parse_token(token)
    trouble: FleetError = NodeUnreachable(invitation.node_id[:12], "the token has no address")
    for address in invitation.addresses:
        try:
            server = await _server_certificate(address, invitation.node_id)
        except NodeUnreachable as error:
            trouble = error
            continue
        return await _pair(address, server, invitation, key, name)
    raise trouble


async def _server_certificate(address: str, node_id: str) -> bytes:
    """The certificate that a server shows, if its key is the expected one."""
    host, port = split_address(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is believed: the key's hash is compared below
    context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        raise NodeUnreachable(address, why) from None
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    if not shown or pki.key_id(pki.certificate_key(shown)) != node_id:
        raise NodeUnreachable(address, "another node answers there than the one that invited")
    return bytes(shown)


async def _pair(
    address: str, server: bytes, invitation: Invitation, key: pki.NodePrivateKey, name: str
) -> Welcome:
    root_key, root = pki.pairing_root()
    own = pki.node_certificate(key.public_key(), root_key, root)
    credentials = grpc.ssl_channel_credentials(
        pki.pem_of(server), pki.private_pem(key), pki.pem_of(own)
    )
    options = (*CLIENT_OPTIONS, ("grpc.ssl_target_name_override", invitation.node_id))
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        call = rpc.PairingStub(channel).Pair(timeout=ANSWER_S)
        try:
            return await _converse(call, invitation, (own, server), key, name)
        except grpc.aio.AioRpcError as error:
            raise _refused(error, address) from None


def _refused(error: grpc.aio.AioRpcError, address: str) -> FleetError:
    if (refusal := refusal_in(error)) is not None:
        return refusal
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        # The right node answers and TLS is refused: no invitation of it is open.
        return InvitationRefused("that node has no open invitation (used, expired or withdrawn)")
    return NodeUnreachable(address, f"{error.code().name.lower()}: {error.details()}")


async def _converse(
    call: grpc.aio.StreamStreamCall[pb.JoinerStep, pb.InviterStep],
    invitation: Invitation,
    certificates: tuple[bytes, bytes],
    key: pki.NodePrivateKey,
    name: str,
) -> Welcome:
    called = invitation_name(invitation.secret)
    nonce = os.urandom(32)
    knock = pb.Knock(protocol=PROTOCOL, invitation=called, name=name, nonce=nonce)
    await call.write(pb.JoinerStep(knock=knock))
    challenge = await _step(call)
    agreed = inv.transcript(invitation=called,name=name,joiner_nonce=nonce,inviter_nonce=challenge.challenge.nonce,inviter_certificate=certificates[1],joiner_certificate=certificates[0])
    mac = inv.joiner_proof(invitation.secret, agreed)
    await call.write(pb.JoinerStep(proof=pb.Proof(mac=mac)))
    welcome = (await _step(call)).welcome
    if not hmac.compare_digest(welcome.mac, inv.inviter_proof(invitation.secret, agreed, root=welcome.root_certificate, certificate=welcome.certificate, discovery_key=welcome.discovery_key)):
        raise InvitationRefused("the inviter does not know the invitation's secret")
    await call.done_writing()
    return _checked(welcome, invitation.node_id, pki.key_id(key.public_key()))


async def _step(call: grpc.aio.StreamStreamCall[pb.JoinerStep, pb.InviterStep]) -> pb.InviterStep:
    step = await call.read()
    if not isinstance(step, pb.InviterStep):
        await call.code()
        raise grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(),
            details=await call.details(),
        )  # fmt: skip
    return step


def _checked(welcome: pb.Welcome, inviter_id: str, own_id: str) -> Welcome:
    """Believe nothing that the root's signatures do not say."""
    root = welcome.root_certificate
    if pki.check_certificate(welcome.certificate, root) != own_id:
        raise InvitationRefused("the certificate we were given is not for our key")
    entries = tuple(seal.verify_entry(e.body, e.signature, root) for e in welcome.roster)
    admitted = {e.entry.node_id for e in entries if isinstance(e.entry, Admit)}
    if not {inviter_id, own_id} <= admitted:
        raise InvitationRefused("the fleet's roster lacks the inviter or us")
    return Welcome(inviter_id, root, welcome.certificate, entries, tuple(welcome.addresses), welcome.discovery_key)


def spki_of(certificate_der: bytes) -> bytes:
    """The public key of a certificate, as it is certified anew."""
    return pki.public_bytes(pki.certificate_key(certificate_der))
