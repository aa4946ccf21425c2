"""Pairing over real TLS: one proof for each invitation, right or wrong, and the inviter is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import InvitationRefused
from fleet.core.frames import LATEST_PROTOCOL, PROTOCOL
from fleet.core.invitation import (
    Invitation,
    invitation_name,
    joiner_proof,
    make_token,
    parse_token,
    transcript,
)
from fleet.v1 import pairing_pb2, pairing_pb2_grpc
from node.adapters import pairing
from node.adapters.credentials import Identity
from node.adapters.pki import der_of, new_node_key, node_key_from
from node.adapters.stream import refusal_in
from tests.support.members import Member, are_linked, channel, let_in, members, newcomer, run
from tests.support.until import eventually

NONCE = b"n" * 32


class Knocker:
    """A newcomer that can be made to lie; what it says is up to the test."""

    def __init__(self, white: Member, identity: Identity, call: Any) -> None:
        self.white = white
        self.identity = identity
        self.call = call

    async def knock(self, secret: bytes, name: str = "rin") -> bytes:
        """Name the invitation; the inviter's nonce."""
        knock = pairing_pb2.Knock(
            protocol=PROTOCOL, invitation=invitation_name(secret), name=name, nonce=NONCE
        )
        await self.call.write(pairing_pb2.JoinerStep(knock=knock))
        return (await self.answer()).challenge.nonce

    def proof_of(self, secret: bytes, inviter_nonce: bytes, name: str = "rin") -> bytes:
        """The right proof for this caller and this nonce."""
        seen = transcript(
            invitation=invitation_name(secret),
            name=name,
            joiner_nonce=NONCE,
            inviter_nonce=inviter_nonce,
            inviter_certificate=self.white.keyring.certificate,
            joiner_certificate=der_of(self.identity.certificate),
        )
        return joiner_proof(secret, seen)

    async def prove(self, mac: bytes) -> pairing_pb2.Welcome:
        """Show a proof; what the inviter hands over."""
        await self.call.write(pairing_pb2.JoinerStep(proof=pairing_pb2.Proof(mac=mac)))
        return (await self.answer()).welcome

    async def answer(self) -> pairing_pb2.InviterStep:
        """The inviter's next word; its own error when it refuses."""
        try:
            answer = await self.call.read()
        except grpc.aio.AioRpcError as error:
            raise refusal_in(error) or error from None
        assert isinstance(answer, pairing_pb2.InviterStep)
        return answer


@asynccontextmanager
async def at(white: Member, identity: Identity | None = None) -> AsyncGenerator[Knocker]:
    who = identity or newcomer()
    async with channel(white, who) as to:
        yield Knocker(white, who, pairing_pb2_grpc.PairingStub(to).Pair())


async def invitation(white: Member, expires_s: float = 60) -> tuple[str, bytes]:
    token, _ = await white.node.membership.invite(expires_s)
    return token, parse_token(token).secret


async def turned_away(white: Member, token: str, why: str) -> None:
    """This token lets nobody in any more, by the command's own way."""
    with pytest.raises(InvitationRefused, match=why):
        await pairing.join(token, new_node_key(), "late")


def test_the_right_proof_is_welcome(tmp_path: Path) -> None:
    """Or the refusals below would say nothing."""

    async def story(white: Member) -> None:
        _, secret = await invitation(white)
        async with at(white) as rin:
            welcome = await rin.prove(rin.proof_of(secret, await rin.knock(secret)))
            assert welcome.certificate
        assert [e["node"] for e in white.audit("node admitted")] == ["rin"]

    run(tmp_path, story, "white")


def test_a_wrong_proof_burns_the_invitation_and_the_inviter_is_told(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        token, secret = await invitation(white)
        async with at(white) as liar:
            await liar.knock(secret)
            with pytest.raises(InvitationRefused, match="proof was wrong"):
                await liar.prove(b"\0" * 32)
        (told,) = white.audit("invitation ended")
        assert told["how"] == "withdrawn after a wrong proof"
        assert str(told["address"]).startswith("127.0.0.1:")
        await turned_away(white, token, "withdrawn after a wrong proof")
        assert white.audit("node admitted") == []
        assert len(white.node.fleet.roster.members()) == 1

    run(tmp_path, story, "white")


def test_a_wrong_secret_names_no_invitation_and_burns_nothing(tmp_path: Path) -> None:
    """Guessing costs the guesser; the invitation that a person holds stays good."""

    async def story(white: Member, nova: Member) -> None:
        token, _ = await invitation(white)
        told = parse_token(token)
        guess = make_token(Invitation(told.node_id, b"\0" * 16, told.addresses))
        await turned_away(white, guess, "no such invitation")
        assert white.audit("invitation ended") == white.audit("invitation refused") == []
        await nova.node.membership.join(token)
        assert nova.keyring.fleet_id == white.keyring.fleet_id

    run(tmp_path, story, "white", "nova")


def test_a_used_token_is_refused_and_the_inviter_is_told_who_came_from_where(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        token, secret = await invitation(white)
        await nova.node.membership.join(token)
        await turned_away(white, token, "used by nova")
        await eventually(lambda: white.audit("invitation refused"), "it is in the audit log")
        (told,) = white.audit("invitation refused")
        assert (told["invitation"], told["why"]) == (invitation_name(secret), "was used by nova")
        assert str(told["address"]).startswith("127.0.0.1:")
        assert len(white.node.fleet.roster.members()) == 2

    run(tmp_path, story, "white", "nova")


def test_an_expired_token_is_refused_and_the_inviter_is_told(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        token, secret = await invitation(white, expires_s=0.05)

        async def has_expired() -> bool:
            try:
                async with at(white) as late:
                    await late.knock(secret)
            except InvitationRefused as error:
                return "has expired" in str(error)
            return False

        async with asyncio.timeout(20):
            while not await has_expired():
                pass
        await turned_away(white, token, "it has expired")
        await eventually(lambda: white.audit("invitation refused"), "it is in the audit log")
        assert white.audit("invitation refused")[0]["why"] == "has expired"
        assert white.audit("node admitted") == []

    run(tmp_path, story, "white")


def test_a_proof_seen_before_is_worth_nothing_with_another_nonce(tmp_path: Path) -> None:
    """Everything that was said on one connection, said again on the next: the nonce is new."""

    async def story(white: Member) -> None:
        token, secret = await invitation(white)
        who = newcomer()
        async with at(white, who) as first:
            proof = first.proof_of(secret, await first.knock(secret))
        async with at(white, who) as again:
            await again.knock(secret)
            with pytest.raises(InvitationRefused, match="proof was wrong"):
                await again.prove(proof)
        await turned_away(white, token, "withdrawn")

    run(tmp_path, story, "white")


def test_a_proof_is_good_for_the_certificate_it_was_made_with_and_no_other(tmp_path: Path) -> None:
    """Whoever sits in between cannot take a newcomer's proof for itself."""

    async def story(white: Member) -> None:
        token, secret = await invitation(white)
        async with at(white) as thief:
            nonce = await thief.knock(secret)
            victim = Knocker(white, newcomer(), None)
            with pytest.raises(InvitationRefused, match="proof was wrong"):
                await thief.prove(victim.proof_of(secret, nonce))
        await turned_away(white, token, "withdrawn")

    run(tmp_path, story, "white")


def test_a_proof_is_good_for_the_name_it_was_made_with_and_no_other(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        _, secret = await invitation(white)
        async with at(white) as liar:
            nonce = await liar.knock(secret, "rin")
            with pytest.raises(InvitationRefused, match="proof was wrong"):
                await liar.prove(liar.proof_of(secret, nonce, "boss"))

    run(tmp_path, story, "white")


def test_of_two_newcomers_with_one_token_only_the_first_proof_counts(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        _, secret = await invitation(white)
        async with at(white) as slow, at(white) as quick:
            slow_proof = slow.proof_of(secret, await slow.knock(secret, "rin"))
            quick_proof = quick.proof_of(secret, await quick.knock(secret, "rin"))
            assert (await quick.prove(quick_proof)).certificate
            with pytest.raises(InvitationRefused, match="used by rin"):
                await slow.prove(slow_proof)
        assert len(white.node.fleet.roster.members()) == 2

    run(tmp_path, story, "white")


def test_a_revoked_key_does_not_come_back_with_a_fresh_invitation(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await white.node.membership.revoke("nova", "laptop lost")
        token, _ = await invitation(white)
        key = node_key_from(nova.keyring.identity.key)
        with pytest.raises(InvitationRefused, match="revoked for good"):
            await pairing.join(token, key, "nova")
        assert white.node.fleet.roster.member(nova.id) is None

    run(tmp_path, story, "white", "nova")


@pytest.mark.parametrize(
    ("knock", "error"),
    [
        (pairing_pb2.Knock(), "version_mismatch"),
        (pairing_pb2.Knock(protocol=LATEST_PROTOCOL + 1, name="rin"), "version_mismatch"),
        (pairing_pb2.Knock(protocol=PROTOCOL, name=""), "malformed_name"),
        (pairing_pb2.Knock(protocol=PROTOCOL, name="../\x1b[2J"), "malformed_name"),
        (pairing_pb2.Knock(protocol=PROTOCOL, name="rin", invitation="%"), "invitation_refused"),
    ],
)
def test_a_knock_that_makes_no_sense_is_refused_by_name_and_burns_nothing(
    tmp_path: Path, knock: pairing_pb2.Knock, error: str
) -> None:
    async def story(white: Member, nova: Member) -> None:
        token, _ = await invitation(white)
        async with at(white) as odd:
            await odd.call.write(pairing_pb2.JoinerStep(knock=knock))
            with pytest.raises(FleetError) as refused:
                await odd.answer()
            assert refused.value.code == error
            assert "\x1b" not in str(refused.value)
        await nova.node.membership.join(token)

    run(tmp_path, story, "white", "nova")


def test_a_newcomer_says_nothing_to_a_key_that_its_token_does_not_name(tmp_path: Path) -> None:
    async def story(white: Member, other: Member, nova: Member) -> None:
        _, secret = await invitation(white)
        await other.node.membership.invite(60)
        elsewhere = make_token(Invitation(white.id, secret, (other.address,)))
        with pytest.raises(NodeUnreachable, match="nothing was said") as refused:
            await nova.node.membership.join(elsewhere)
        assert refused.value.layer == "tls"
        assert other.audit("invitation refused") == []
        before = nova.keyring.fleet_id
        both = make_token(Invitation(white.id, secret, (other.address, white.address)))
        await nova.node.membership.join(both)
        assert before != nova.keyring.fleet_id == white.keyring.fleet_id

    run(tmp_path, story, "white", "other", "nova")


def test_a_plain_member_cannot_invite_and_its_key_opens_no_door(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        with pytest.raises(FleetError) as refused:
            await nova.node.membership.invite(60)
        assert refused.value.code == "not_allowed"
        forged = make_token(Invitation(nova.id, b"s" * 16, (nova.address,)))
        with pytest.raises(InvitationRefused):
            await pairing.join(forged, new_node_key(), "late")

    run(tmp_path, story, "white", "nova")


def test_a_node_in_a_fleet_with_others_joins_no_second_one(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, other: Member) -> None:
        await let_in(white, nova)
        token, _ = await invitation(other)
        with pytest.raises(WrongState):
            await nova.node.membership.join(token)
        again, _ = await invitation(white)
        with pytest.raises(InvitationRefused, match="in that fleet already"):
            await nova.node.membership.join(again)
        assert nova.keyring.fleet_id == white.keyring.fleet_id
        assert other.audit("invitation ended") == [], "nothing was asked"

    run(tmp_path, story, "white", "nova", "other")


def test_a_node_that_ended_in_the_middle_of_joining_is_a_member_when_it_comes_back(
    tmp_path: Path,
) -> None:
    """Its keys had moved, its database had not: once that made a home that never started again."""

    async def story(white: Member) -> None:
        async with members(tmp_path, "nova") as (nova,):
            token, _ = await invitation(white)
            await nova.keyring.join(token, "nova")
        async with members(tmp_path, "nova") as (nova,):
            assert nova.node.membership.fleet_id == white.keyring.fleet_id
            await eventually(partial(are_linked, white, nova), "they have a link")
            assert [e["fleet"] for e in nova.audit("fleet joined")] == [white.keyring.fleet_id]
        async with members(tmp_path, "nova") as (nova,):
            assert len(nova.audit("fleet joined")) == 1, "finished once"
            await eventually(partial(are_linked, white, nova), "and again later")

    run(tmp_path, story, "white")


def test_a_damaged_token_is_refused_before_anything_is_dialled(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        token, _ = await invitation(white)
        for damaged in ("", "hello", token[:-30], token[:60], token.replace("fleet1", "fleet9")):
            with pytest.raises(MalformedRequest, match="not an invitation"):
                await nova.node.membership.join(damaged)

    run(tmp_path, story, "white", "nova")
