"""Links between members over real TLS: how they are cut, what they carry, what they survive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from fleet.core.directory import AgentEntry, Presence
from fleet.core.errors.base import Candidate, FleetError
from fleet.core.errors.names import AmbiguousName
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import (
    PROTOCOL,
    AnswerBody,
    DirectoryWord,
    Frame,
    Hello,
    PeekAsk,
    Question,
    RosterWord,
)
from fleet.core.roster import Admit
from fleet.v1 import link_pb2, link_pb2_grpc
from fleet.wire.frames import frame_to_wire
from node.adapters.credentials import FRAME_LIMIT_BYTES, Identity, channel_to, server_credentials
from node.adapters.pki import new_node_key, new_root_key, node_key_from, pem_of, public_bytes
from node.adapters.seal import sign_entry
from node.adapters.stream import StreamLink, refusal_in
from node.doors.newcomers import Newcomers
from node.doors.pairing import PairingService
from node.doors.peer import PeerDoor, PeeringService
from tests.support.members import (
    Member,
    Refusal,
    Rpc,
    answer_to,
    let_in,
    meet,
    members,
    run,
    under,
)
from tests.support.until import eventually

LINK = Rpc("/fleet.v1.Peering/Link", True, True)
SECRET = "the password is xyzzy"
HELLO = Hello(PROTOCOL, "0", "kai", "b" * 16, "e" * 16, ("127.0.0.1:9",), "")
TWO = (
    Candidate("rin@nova", "nova", "online", "2026-11-23T10:00:00.000Z"),
    Candidate("rin@mba", "mba", "away", ""),
)


# --- revoking ------------------------------------------------------------------------------------


def test_revoking_a_connected_member_cuts_its_link_for_good_and_it_learns_so(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, mba: Member) -> None:
        await let_in(white, nova, mba)
        await meet(nova, mba)
        await white.node.membership.revoke("nova", "laptop lost")
        await eventually(lambda: not white.is_linked(nova), "its link is cut")
        await eventually(lambda: not mba.is_linked(nova), "by the other member too")
        await eventually(lambda: not nova.is_linked(white), "it sees that itself")
        assert nova.node.fleet.roster.revoked(nova.id) is not None, "it was told why"
        await eventually(
            lambda: isinstance(nova.node.peers.keeper.trouble.get(white.id), NotPaired),
            "it came back, and was refused",
        )
        assert "revoked" in str(nova.node.peers.keeper.trouble[white.id])
        for other in (white, mba):
            with pytest.raises(NotPaired, match=r"revoked from this fleet \(laptop lost\)"):
                await nova.dialer.dial(other.admit, other.address)
        assert not white.is_linked(nova)
        assert not mba.is_linked(nova)
        assert white.is_linked(mba), "nobody else lost a link"
        assert [e["node"] for e in white.audit("node revoked")] == ["nova"]

    run(tmp_path, story, "white", "nova", "mba")


def test_a_stream_that_a_revoked_member_holds_open_is_cut_too(tmp_path: Path) -> None:
    """Its own program may ignore everything it is told; this end closes."""

    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity) as call:
            await eventually(lambda: white.node.peers.session(kai.node_id), "kai is linked")
            await white.node.membership.revoke("kai", "")
            with pytest.raises(grpc.aio.AioRpcError):
                await read_to_the_end(call)
        assert white.node.peers.session(kai.node_id) is None
        how = await answer_to(white, identity, LINK)
        assert isinstance(how, Refusal)
        assert isinstance(how.error, NotPaired)

    run(tmp_path, story, "white")


def test_what_was_revoked_while_a_member_was_away_holds_when_it_comes_back(tmp_path: Path) -> None:
    """And members that were not there are told by those that were."""

    async def story(white: Member, nova: Member, mba: Member) -> None:
        await let_in(white, nova, mba)
        await meet(nova, mba)
        white.node.peers.session(mba.id).link.close("cut by the test")  # type: ignore[union-attr]
        await white.node.membership.revoke("nova", "")
        await eventually(lambda: mba.node.fleet.roster.revoked(nova.id), "mba knows")
        await eventually(lambda: not mba.is_linked(nova), "and has cut the link")

    run(tmp_path, story, "white", "nova", "mba")


def test_an_address_from_the_configuration_is_tried_like_one_that_was_learnt(
    tmp_path: Path,
) -> None:
    """Two members that a third let in do not know where the other is, without mDNS."""
    home = tmp_path / "mba"
    home.mkdir(mode=0o700)

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        (home / "config.toml").write_text(f'[peers]\nnova = ["{nova.address}"]\n')
        async with members(tmp_path, "mba") as (mba,):
            await let_in(white, mba)
            await eventually(lambda: mba.is_linked(nova) and nova.is_linked(mba), "linked")
            assert nova.address in mba.node.peers.keeper.addresses_of(nova.id)

    run(tmp_path, story, "white", "nova")


# --- errors in their own words -------------------------------------------------------------------


def test_an_ambiguous_name_crosses_a_link_with_its_candidates(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)

        async def torn(_node_id: str, _question: Question) -> AnswerBody:
            raise AmbiguousName("rin", TWO)

        nova.node.peers.answer = torn
        with pytest.raises(AmbiguousName) as told:
            await white.node.peers.ask(nova.id, PeekAsk("operator@white", "rin", 0))
        same = AmbiguousName("rin", TWO)
        assert str(told.value) == str(same)
        assert (told.value.hint, told.value.layer) == (same.hint, same.layer)
        assert told.value.candidates == TWO

    run(tmp_path, story, "white", "nova")


def test_a_refused_call_carries_its_error_whole(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async def torn(_link: StreamLink) -> None:
            raise AmbiguousName("rin", TWO)

        async with door(white, torn) as address:
            how = await called(white, address)
        assert isinstance(how.error, AmbiguousName)
        assert how.error.candidates == TWO
        assert str(how.error) == how.details == str(AmbiguousName("rin", TWO))
        assert how.status is grpc.StatusCode.FAILED_PRECONDITION

    run(tmp_path, story, "white")


def test_an_error_too_large_for_the_trailers_loses_candidates_and_not_its_class(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        many = tuple(Candidate(f"rin@{'n' * 50}{n}", "n" * 50, "online", "") for n in range(200))

        async def torn(_link: StreamLink) -> None:
            raise AmbiguousName("rin", many)

        async with door(white, torn) as address:
            how = await called(white, address)
        assert isinstance(how.error, AmbiguousName)
        assert set(how.error.candidates) <= set(many)

    run(tmp_path, story, "white")


def test_what_a_bug_says_stays_on_the_node_that_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(white: Member) -> None:
        async def broken(_link: StreamLink) -> None:
            raise RuntimeError(SECRET)

        async with door(white, broken) as address:
            how = await called(white, address)
        assert how.status is grpc.StatusCode.INTERNAL
        assert isinstance(how.error, FleetError)
        assert SECRET not in f"{how.details} {how.error} {how.error.hint}"
        number = how.details.partition("number ")[2].partition(")")[0]
        assert number
        logged = capsys.readouterr().out
        assert SECRET in logged
        assert number in logged

    run(tmp_path, story, "white")


def test_a_bug_met_by_a_peers_question_is_answered_at_once_and_without_its_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)

        async def broken(_node_id: str, _question: Question) -> AnswerBody:
            raise RuntimeError(SECRET)

        nova.node.peers.answer = broken
        with pytest.raises(FleetError) as told:
            await white.node.peers.ask(nova.id, PeekAsk("operator@white", "rin", 0))
        assert SECRET not in f"{told.value} {told.value.hint}"
        assert told.value.code == "fleet_error", "an answer, not the end of patience"
        assert SECRET in capsys.readouterr().out
        assert white.is_linked(nova)

    run(tmp_path, story, "white", "nova")


# --- what makes no sense -------------------------------------------------------------------------

GARBAGE = {
    "an empty frame": b"",
    "bytes that are no frame": b"\x0a\xff\xff\xff\xff",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "an oversized frame": b"\x12\x80\x80\x80\x04" + bytes(FRAME_LIMIT_BYTES),
    "an agent with a presence that is not known": b"\x1a\x0c\x12\x0a\x0a\x01a\x1a\x05dozes",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_frame_that_makes_no_sense_closes_that_link_and_no_other(
    tmp_path: Path, kind: str
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        session = white.node.peers.session(nova.id)
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity) as call:
            await eventually(lambda: white.node.peers.session(kai.node_id), "kai is linked")
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await said_to_the_end(call, GARBAGE[kind])
        assert ended.value.code() is not grpc.StatusCode.OK
        assert "Traceback" not in (ended.value.details() or "")
        await eventually(lambda: white.node.peers.session(kai.node_id) is None, "kai is gone")
        assert white.node.peers.session(nova.id) is session, "nobody else lost a link"
        async with linked(white, kai, identity):
            await eventually(lambda: white.node.peers.session(kai.node_id), "kai comes again")

    run(tmp_path, story, "white", "nova")


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"\x0a\x02\x08\x63", grpc.StatusCode.UNIMPLEMENTED),  # hello, protocol 99
        (b"\x12\x00", grpc.StatusCode.UNIMPLEMENTED),  # a roster word before any hello
        (b"", grpc.StatusCode.ABORTED),
    ],
)
def test_a_link_that_does_not_begin_with_our_hello_is_not_taken_up(
    tmp_path: Path, first: bytes, status: grpc.StatusCode
) -> None:
    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity, first) as call:
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await read_to_the_end(call)
        assert ended.value.code() is status
        assert white.node.peers.session(kai.node_id) is None

    run(tmp_path, story, "white")


def test_a_roster_entry_that_the_root_did_not_sign_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    """A plain member cannot admit anybody, nor put anybody out."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        kai, identity = await admitted(white, "kai")
        before = white.node.fleet.roster.digest()
        friend = new_node_key()
        forged = sign_entry(
            Admit("a" * 52, "friend", public_bytes(friend.public_key())), new_root_key()
        )
        async with linked(white, kai, identity) as call:
            await say(call, RosterWord((forged,)))
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await read_to_the_end(call)
        assert isinstance(refusal_in(ended.value), NotPaired)
        assert white.node.fleet.roster.digest() == before
        assert white.is_linked(nova)

    run(tmp_path, story, "white", "nova")


def test_a_peer_speaks_for_its_own_agents_only(tmp_path: Path) -> None:
    """Whatever it says, the node part of its directory is the key that TLS proved."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity) as call:
            claimed = AgentEntry("rin", nova.id, "claude", Presence.ONLINE, 1)
            await say(call, DirectoryWord(full=True, agents=(claimed,)))
            await eventually(lambda: len(white.node.fleet.directory) == 1, "it was heard")
            assert str(white.node.fleet.resolve("rin")) == "rin@kai"

    run(tmp_path, story, "white", "nova")


# --- a member whose program is the test ------------------------------------------------------------


async def admitted(white: Member, name: str) -> tuple[Admit, Identity]:
    """A member of white's fleet that runs nowhere, and what it shows in TLS."""
    root = white.keyring._membership.root_key
    assert root is not None
    identity = under(root, white.keyring.root_certificate)
    key = node_key_from(identity.key)
    entry, _ = await white.node.membership.admit(public_bytes(key.public_key()), name)
    assert isinstance(entry.entry, Admit)
    return entry.entry, identity


@asynccontextmanager
async def linked(
    white: Member, who: Admit, identity: Identity, first: bytes | None = None
) -> AsyncGenerator[Any]:
    """Its link, on which bytes are written and read as they are."""
    pinned = pem_of(white.keyring.certificate)
    async with channel_to(white.address, identity, pinned, white.id) as channel:
        call: Any = channel.stream_stream(LINK.path)()
        hello = frame_to_wire(HELLO).SerializeToString()
        await call.write(hello if first is None else first)
        yield call
        call.cancel()
    assert who.node_id


async def say(call: Any, frame: Frame) -> None:
    await call.write(frame_to_wire(frame).SerializeToString())


async def said_to_the_end(call: Any, said: bytes) -> None:
    """Say something and read all that comes; the link may be closed before everything is said."""
    with contextlib.suppress(asyncio.InvalidStateError):
        await call.write(said)
    await read_to_the_end(call)


async def read_to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


@asynccontextmanager
async def door(
    white: Member, serve: Callable[[StreamLink], Awaitable[None]]
) -> AsyncGenerator[str]:
    """Another peer door of a node, with links served in the test's way; host:port."""
    another = PeerDoor(white.node.fleet.authorise)
    newcomers = Newcomers(white.node, white.keyring)
    another.add(PeeringService(serve), PairingService(newcomers, lambda: b""))
    port = await another.open("127.0.0.1:0", server_credentials(white.keyring.trust))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await another.close()


async def called(white: Member, address: str) -> Refusal:
    """How a member's link to such a door ends."""
    _, identity = await admitted(white, "kai")
    async with channel_to(
        address, identity, pem_of(white.keyring.certificate), white.id
    ) as channel:
        call = link_pb2_grpc.PeeringStub(channel).Link()
        await call.write(link_pb2.Frame())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await read_to_the_end(call)
        error = ended.value
        return Refusal(error.code(), error.details() or "", refusal_in(error))
