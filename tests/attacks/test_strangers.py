"""A hostile stranger at the port: what it cannot open, hold, fill or wear out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from fleet.core.errors.trust import InvitationRefused, NotPaired
from fleet.core.frames import PROTOCOL
from fleet.core.invitation import invitation_name, parse_token
from fleet.v1 import pairing_pb2
from fleet.wire.frames import frame_to_wire
from node.adapters.credentials import Identity, channel_to, server_credentials
from node.adapters.pki import new_node_key, pem_of, public_bytes
from node.doors.pairing import UNHEARD
from node.doors.peer import PeerDoor
from node.doors.quota import LINES_PER_MINUTE
from node.engine.membership import REFUSALS_TOLD
from tests.attacks.hostile import (
    LINK,
    admitted,
    hello,
    letter,
    linked,
    member_of,
)
from tests.attacks.raw_http2 import http2_call, tls_of
from tests.support.homes import scene
from tests.support.members import (
    Member,
    Refusal,
    Rpc,
    answer_to,
    channel,
    every_rpc,
    let_in,
    named,
    newcomer,
    of_another_fleet,
    run,
    under,
)
from tests.support.until import eventually, until

PAIR = "/fleet.v1.Pairing/Pair"
HELLO = frame_to_wire(hello()).SerializeToString()
KNOCK = pairing_pb2.JoinerStep(
    knock=pairing_pb2.Knock(protocol=PROTOCOL, invitation="0" * 16, name="rin", nonce=b"n" * 32)
).SerializeToString()
PEER_LINK = Rpc(LINK, True, True)


# --- tickets -------------------------------------------------------------------------------------


def call_over_tls(
    context: ssl.SSLContext, address: str, ticket: ssl.SSLSession | None
) -> tuple[bytes, bool, ssl.SSLSession | None]:
    """A call of Link over a resumed session: what is said to it, whether it was resumed, its ticket."""
    host, _, port = address.rpartition(":")
    heard = b""
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, session=ticket) as tls,
    ):
        tls.sendall(http2_call(LINK, host))
        with contextlib.suppress(ConnectionError):
            while b"application/grpc" not in heard and (piece := tls.recv(65_536)):
                heard += piece
        return heard, bool(tls.session_reused), tls.session


def test_a_revoked_member_is_refused_on_a_resumed_tls_session_too(tmp_path: Path) -> None:
    """Resuming skips TLS's own look at the certificate; ours is taken at each call."""

    async def story(white: Member) -> None:
        _, identity = await admitted(white)
        context = tls_of(identity, tmp_path)
        said, _, ticket = await asyncio.to_thread(call_over_tls, context, white.address, None)
        assert b"fleet-admitted" in said
        assert ticket is not None
        said, was_resumed, _ = await asyncio.to_thread(
            call_over_tls, context, white.address, ticket
        )
        assert b"fleet-admitted" in said
        resumed_before = was_resumed
        await white.node.membership.revoke("kai", "stolen")
        said, was_resumed, _ = await asyncio.to_thread(
            call_over_tls, context, white.address, ticket
        )
        assert was_resumed is resumed_before is True, "or this shows nothing"
        assert b"fleet-admitted" not in said
        assert b"was revoked" in said

    run(tmp_path, story, "white")


def test_a_ticket_from_while_the_door_was_open_to_newcomers_opens_nothing(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        await white.node.membership.invite(60)
        context = tls_of(newcomer(), tmp_path)
        said, _, ticket = await asyncio.to_thread(call_over_tls, context, white.address, None)
        assert b"not in this fleet" in said
        said, _, _ = await asyncio.to_thread(call_over_tls, context, white.address, ticket)
        assert b"fleet-admitted" not in said

    run(tmp_path, story, "white")


# --- who calls -----------------------------------------------------------------------------------


def test_no_key_that_is_not_in_the_roster_gets_an_answer_from_any_rpc(tmp_path: Path) -> None:
    """All callers there are, at all methods there are, while the door for newcomers is open."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        gone, revoked = await admitted(white, "gone")
        await white.node.membership.revoke(gone.name, "")
        await white.node.membership.invite(60)
        root, root_der = white.keyring._membership.root_key, white.keyring.root_certificate
        assert root is not None
        callers = {
            "nobody": None,
            "a newcomer": newcomer(),
            "another fleet": of_another_fleet(),
            "self-made, with a member's name": named(nova.id),
            "self-made, with our own name": named(white.id),
            "signed by the root, never admitted": under(root, root_der),
            "signed by the root, with a member's name": named(nova.id, root, root_der),
            "revoked": revoked,
        }
        for who, identity in callers.items():
            for rpc in every_rpc():
                how = await answer_to(white, identity, rpc, b"" if rpc.path == LINK else KNOCK)
                assert isinstance(how, Refusal), f"{who} at {rpc.path}"
                assert how.error is None or isinstance(how.error, (NotPaired, InvitationRefused))

    run(tmp_path, story, "white", "nova")


# --- what is held ----------------------------------------------------------------------------------


async def parked(white: Member, stack: AsyncExitStack, identity: Identity, count: int) -> list[Any]:
    """Calls of Pair that never say anything, on one connection."""
    to = await stack.enter_async_context(channel(white, identity))
    return [to.stream_stream(PAIR)() for _ in range(count)]


def test_silent_callers_do_not_keep_a_newcomer_out(tmp_path: Path) -> None:
    """They used to hold all places there were for ten seconds each."""

    async def story(white: Member, nova: Member) -> None:
        token, _ = await white.node.membership.invite(60)
        async with AsyncExitStack() as stack:
            calls = [c for _ in range(4) for c in await parked(white, stack, newcomer(), 20)]
            reads = [asyncio.ensure_future(call.read()) for call in calls]
            await eventually(
                lambda: sum(read.done() for read in reads) >= len(calls) - UNHEARD,
                "those who were silent for longest had to go",
            )
            await nova.node.membership.join(token)
            for call in calls:
                call.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    run(tmp_path, story, "white", "nova")


def test_a_knock_that_names_no_invitation_holds_no_place(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        token, _ = await white.node.membership.invite(60)
        for _ in range(30):
            how = await answer_to(white, newcomer(), Rpc(PAIR, True, True), KNOCK)
            assert isinstance(how, Refusal)
            assert "no such invitation" in how.details
        await nova.node.membership.join(token)

    run(tmp_path, story, "white", "nova")


def test_a_used_token_that_is_tried_again_and_again_is_told_a_few_times(tmp_path: Path) -> None:
    """Whoever found it in somebody's notes could fill the audit log with it."""

    async def story(white: Member, nova: Member) -> None:
        token, _ = await white.node.membership.invite(60)
        await nova.node.membership.join(token)
        secret = parse_token(token).secret
        knock = pairing_pb2.Knock(
            protocol=PROTOCOL, invitation=invitation_name(secret), name="rin", nonce=b"n" * 32
        )
        said = pairing_pb2.JoinerStep(knock=knock).SerializeToString()
        for _ in range(3 * REFUSALS_TOLD):
            how = await answer_to(white, newcomer(), Rpc(PAIR, True, True), said)
            assert isinstance(how, Refusal)
            assert "used by nova" in how.details
        assert len(white.audit("invitation refused")) == REFUSALS_TOLD

    run(tmp_path, story, "white", "nova")


def test_the_log_is_not_filled_by_whoever_calls_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(white: Member) -> None:
        gone, identity = await admitted(white, "gone")
        await white.node.membership.revoke(gone.name, "")
        capsys.readouterr()
        async with channel_to(
            white.address, identity, pem_of(white.keyring.certificate), white.id
        ) as to:
            for _ in range(3 * LINES_PER_MINUTE):
                with pytest.raises(grpc.aio.AioRpcError):
                    await to.stream_stream(LINK)().read()
        assert 0 < capsys.readouterr().out.count("call ended") <= LINES_PER_MINUTE

    run(tmp_path, story, "white")


# --- slow and wrong beginnings ---------------------------------------------------------------------


def test_who_never_finishes_a_handshake_is_hung_up_on_and_holds_nobody_up(tmp_path: Path) -> None:

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        host, _, port = white.address.rpartition(":")
        held: list[socket.socket] = []
        try:
            for number in range(200):
                one = socket.create_connection((host, int(port)))
                held.append(one)
                one.sendall(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
            assert white.is_linked(nova)
            who, identity = await admitted(white)
            async with linked(white, who, identity) as kai:
                await kai.post(letter())
            for one in held:
                one.setblocking(False)
            await eventually(lambda: all(is_closed(one) for one in held), "all were hung up on")
        finally:
            for one in held:
                one.close()

    run(tmp_path, story, "white", "nova")


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(4_096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


GARBAGE = {
    "plain http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "http/2 without tls": http2_call(LINK, "x"),
    "ssh": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "a record of the largest size": b"\x16\x03\x03\x40\x00" + bytes(16_384),
    "zeros": bytes(100_000),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_tls_is_hung_up_on(tmp_path: Path, kind: str) -> None:
    async def story(white: Member) -> None:
        host, _, port = white.address.rpartition(":")
        for _ in range(20):
            with socket.create_connection((host, int(port))) as one:
                with contextlib.suppress(OSError):
                    one.sendall(GARBAGE[kind])
                one.setblocking(False)
                await eventually(partial(is_closed, one), "hung up")
        async with member_of(white) as kai:
            assert (await kai.post(letter())).taken.envelope_ids

    run(tmp_path, story, "white")


FILES = 256


def test_connections_leave_the_node_files_enough_for_its_own_work() -> None:
    """Used up to the last one, neither its database nor tmux nor the local door could work."""
    with scene() as stage:
        home = stage.home("white")
        few = replace(home, prefix=("prlimit", f"--nofile={FILES}:{FILES}"))
        host, _, port = few.up()["listen"].rpartition(":")
        files = Path(f"/proc/{home.pid}/fd")
        before = len(list(files.iterdir()))
        held: list[socket.socket] = []
        try:
            held += [socket.create_connection((host, int(port))) for _ in range(400)]
            most = 0

            def is_over() -> bool:
                """All were hung up on: at once, or in five seconds for having said nothing."""
                nonlocal most
                most = max(most, len(list(files.iterdir())))
                return all(map(is_closed, held))

            for one in held:
                one.setblocking(False)
            until(lambda: is_over() or most > before + 100, "it took as many as it takes")
            for number in range(3):
                sent = home.ask("send", "operator@white", f"still there {number}")
                assert sent["state"] == "accepted"
            until(is_over, "all are hung up on")
            assert most < before + FILES // 2 + 16, "half of them, and what our own calls opened"
        finally:
            for one in held:
                one.close()


def test_a_thousand_members_make_a_bare_connection_no_dearer(tmp_path: Path) -> None:
    """Under a second of processor time for 200 of them; the roster is not what TLS is given."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        root = white.keyring._membership.root_key
        assert root is not None
        public = [public_bytes(new_node_key().public_key()) for _ in range(1_000)]
        for number, key in enumerate(public):
            entry, _ = white.keyring.admit(key, f"n{number}")
            white.node.fleet.roster.merge((entry,))
        assert len(white.node.fleet.roster.entries()) >= 1_000
        _, identity = await admitted(white)
        host, _, port = white.address.rpartition(":")
        loop = asyncio.get_running_loop()
        begin_s = time.process_time()
        held = [socket.create_connection((host, int(port))) for _ in range(200)]
        at_s = loop.time()
        how = await answer_to(white, identity, Rpc(LINK, True, True), HELLO)
        took_s = loop.time() - at_s
        for one in held:
            one.close()
        assert not isinstance(how, Refusal)
        spent_s = time.process_time() - begin_s
        print(
            f"{spent_s:.3f} s of CPU for 200 connections; a call meanwhile {took_s * 1_000:.0f} ms"
        )
        assert spent_s < 1.0

    run(tmp_path, story, "white", "nova")


def test_connections_beyond_the_limit_are_hung_up_on_at_once(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        door = PeerDoor(white.node.fleet.authorise, connections=5)
        port = await door.open("127.0.0.1:0", server_credentials(white.keyring.trust))
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
        try:
            for one in held:
                one.setblocking(False)
            await eventually(lambda: sum(map(is_closed, held)) == 7, "all but five are closed")
            assert sum(map(is_closed, held)) == 7, "and these are still in their handshake"
        finally:
            for one in held:
                one.close()
            await door.close()

    run(tmp_path, story, "white")
