"""The inviter's side of pairing.

An invitation is good for one proof: it is burnt on disk before the proof is answered, right or
wrong. The newcomer's key is the one that TLS proved. Its own side is in ``node/adapters/pairing.py``.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from hmac import compare_digest
from typing import Protocol

from fleet.core.address import parse_name
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.trust import InvitationRefused
from fleet.core.frames import LATEST_PROTOCOL, PROTOCOL
from fleet.core.invitation import inviter_proof, joiner_proof, transcript
from fleet.core.roster import SignedEntry
from fleet.v1 import pairing_pb2
from fleet.wire.roster import entries_to_wire
from node.adapters.pairing import NONCE_BYTES
from node.adapters.pki import certificate_key, public_bytes
from node.doors.interceptors import Context, address_of, certificate_of
from node.faults import fault

PATIENCE_S = 10.0
"""For a whole pairing; a program is at the other end, not a person."""
AT_ONCE = 8
"""Newcomers under way who named an open invitation; only who saw its token can."""
UNHEARD = 16
"""Callers who have said nothing yet; anybody with a key can call while an invitation is open. One more,
and who has been silent for longest has to go: a newcomer of ours says its first word at once."""

Welcome = tuple[bytes, bytes, tuple[SignedEntry, ...], tuple[str, ...]]


class Invitations(Protocol):
    """What pairing needs of the engine."""

    def secret_of(self, name: str, address: str) -> bytes:
        """The secret of an open invitation; the operator is told who came with one that is not.

        Raises:
            InvitationRefused: it is used, expired, or none of ours.
        """
        ...

    async def burn(self, name: str, ended: str, address: str, *, is_proven: bool) -> None:
        """End an invitation for good, and tell the operator how and from where.

        From the call on ``secret_of`` refuses; on return that is on disk.
        """
        ...

    async def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        """Let a newcomer in who proved an invitation; its admission and certificate (DER)."""
        ...

    def welcome(self) -> Welcome:
        """Root certificate (DER), discovery key, roster and own addresses."""
        ...


class PairingService:
    """Lets in who proves an invitation."""

    def __init__(self, invitations: Invitations, own_certificate: Callable[[], bytes]) -> None:
        """``own_certificate`` is what TLS shows of this node now (DER)."""
        self._invitations = invitations
        self._own_certificate = own_certificate
        self._under_way = 0
        self._unheard: list[asyncio.Timeout] = []

    async def Pair(
        self, request_iterator: AsyncIterator[pairing_pb2.JoinerStep], context: Context
    ) -> None:
        """Knock, challenge, proof, welcome."""
        try:
            async with asyncio.timeout(PATIENCE_S) as patience:
                await self._pair(context, patience)
        except TimeoutError:
            raise InvitationRefused("there was no proof in time") from None

    async def _first_word(self, context: Context, patience: asyncio.Timeout) -> pairing_pb2.Knock:
        """What a caller begins with, unless too many others call before it says anything."""
        if len(self._unheard) >= UNHEARD:
            self._unheard.pop(0).reschedule(asyncio.get_running_loop().time())
        self._unheard.append(patience)
        try:
            return (await _next(context)).knock
        finally:
            if patience in self._unheard:
                self._unheard.remove(patience)

    async def _pair(self, context: Context, patience: asyncio.Timeout) -> None:
        knock = await self._first_word(context, patience)
        self._check(knock, address_of(context))
        if self._under_way >= AT_ONCE:
            raise InvitationRefused("too many are knocking at once; try again")
        self._under_way += 1
        try:
            await self._prove(context, knock)
        finally:
            self._under_way -= 1

    def _check(self, knock: pairing_pb2.Knock, address: str) -> None:
        if not PROTOCOL <= knock.protocol <= LATEST_PROTOCOL:
            raise VersionMismatch(
                f"the inviter speaks protocol {PROTOCOL} to {LATEST_PROTOCOL}, this node {knock.protocol}",
                hint="install the same version of fleet on both hosts",
            )
        parse_name(knock.name)
        self._invitations.secret_of(knock.invitation, address)

    async def _prove(self, context: Context, knock: pairing_pb2.Knock) -> None:
        certificate, address = certificate_of(context), address_of(context)
        nonce = secrets.token_bytes(NONCE_BYTES)
        challenge = pairing_pb2.Challenge(nonce=nonce)
        await context.write(pairing_pb2.InviterStep(challenge=challenge))
        proof = (await _next(context)).proof
        seen = transcript(
            invitation=knock.invitation,
            name=knock.name,
            joiner_nonce=knock.nonce,
            inviter_nonce=nonce,
            inviter_certificate=self._own_certificate(),
            joiner_certificate=certificate,
        )
        secret = await self._burn(knock, proof, seen, address)
        welcome = await self._welcome(certificate, knock.name, secret, seen)
        await context.write(pairing_pb2.InviterStep(welcome=welcome))

    async def _burn(
        self, knock: pairing_pb2.Knock, proof: pairing_pb2.Proof, seen: bytes, address: str
    ) -> bytes:
        """The invitation's secret, proven by this newcomer and good for nobody else any more."""
        # Asked again: another newcomer may have used it while this one was making its proof. Nothing
        # is waited for between here and the burning.
        secret = self._invitations.secret_of(knock.invitation, address)
        right = compare_digest(proof.mac, joiner_proof(secret, seen))
        ended = f"used by {knock.name}" if right else "withdrawn after a wrong proof"
        await self._invitations.burn(knock.invitation, ended, address, is_proven=right)
        fault("pair:after_code_burn")
        if not right:
            raise InvitationRefused("the proof was wrong; the invitation is withdrawn")
        return secret

    async def _welcome(
        self, certificate: bytes, name: str, secret: bytes, seen: bytes
    ) -> pairing_pb2.Welcome:
        key = public_bytes(certificate_key(certificate))
        _, given = await self._invitations.admit(key, name)
        root, discovery_key, entries, addresses = self._invitations.welcome()
        mac = inviter_proof(secret, seen, root=root, certificate=given, discovery_key=discovery_key)
        return pairing_pb2.Welcome(
            mac=mac,
            root_certificate=root,
            certificate=given,
            discovery_key=discovery_key,
            roster=entries_to_wire(entries),
            addresses=addresses,
        )


async def _next(context: Context) -> pairing_pb2.JoinerStep:
    step = await context.read()
    if not isinstance(step, pairing_pb2.JoinerStep):
        raise InvitationRefused("the newcomer left in the middle")
    return step
