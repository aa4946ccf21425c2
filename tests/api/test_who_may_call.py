"""Default deny: every RPC there is, and everybody who might try it at a node's port."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import grpc
import pytest

from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.trust import InvitationRefused, NotPaired
from fleet.core.frames import PROTOCOL
from fleet.v1 import link_pb2, pairing_pb2
from node.adapters.credentials import Identity
from node.adapters.dialer import GrpcDialer
from tests.support.members import (
    Member,
    Refusal,
    Rpc,
    answer_to,
    every_rpc,
    let_in,
    named,
    newcomer,
    of_another_fleet,
    run,
    under,
)

RPCS = tuple(every_rpc())
PAIR = "/fleet.v1.Pairing/Pair"
KNOCK = pairing_pb2.JoinerStep(
    knock=pairing_pb2.Knock(protocol=PROTOCOL, invitation="0" * 16, name="rin", nonce=b"n" * 32)
).SerializeToString()
WORDS = {PAIR: KNOCK}
"""What a call says first, so that it is the caller and not the word that is refused."""


async def refused(server: Member, who: Identity | None, rpc: Rpc) -> Refusal:
    """How the server refuses this caller; answering is a failure."""
    answer = await answer_to(server, who, rpc, WORDS.get(rpc.path, b""))
    assert isinstance(answer, Refusal), f"{rpc.path} answered: {answer!r}"
    return answer


async def not_through_tls(server: Member, who: Identity | None) -> None:
    """Nobody's code sees this caller, whatever it calls."""
    for rpc in (*RPCS, Rpc("/fleet.v1.Peering/NoSuchMethod", False, False)):
        how = await refused(server, who, rpc)
        assert (how.status, how.error) == (grpc.StatusCode.UNAVAILABLE, None), rpc.path


def test_the_protocol_has_the_rpcs_that_this_file_knows() -> None:
    """A new one has to be thought about here: is it for members only?"""
    assert {rpc.path for rpc in RPCS} == {"/fleet.v1.Peering/Link", PAIR}


def test_a_member_may_call_every_rpc(tmp_path: Path) -> None:
    """Or the refusals below would say nothing."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        for rpc in RPCS:
            answer = await answer_to(white, nova.keyring.identity, rpc, WORDS.get(rpc.path, b""))
            if rpc.path == PAIR:
                assert isinstance(answer, Refusal)
                assert isinstance(answer.error, InvitationRefused)
            else:
                assert isinstance(answer, bytes)
                assert link_pb2.Frame.FromString(answer).hello.name == "white"

    run(tmp_path, story, "white", "nova")


def test_without_a_client_certificate_every_rpc_is_denied_in_tls(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        await white.node.membership.invite(60)
        await not_through_tls(white, None)

    run(tmp_path, story, "white")


def test_a_strangers_certificate_is_denied_in_tls_whatever_it_calls(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        await not_through_tls(white, newcomer())
        await white.node.membership.invite(60)
        await not_through_tls(white, named("a" * 52))
        await not_through_tls(white, named(white.id))

    run(tmp_path, story, "white")


def test_a_member_of_another_fleet_is_denied_in_tls_whatever_it_calls(tmp_path: Path) -> None:
    async def story(white: Member, other: Member) -> None:
        await not_through_tls(white, other.keyring.identity)
        await not_through_tls(white, of_another_fleet())
        await white.node.membership.invite(60)
        await not_through_tls(white, other.keyring.identity)

    run(tmp_path, story, "white", "other")


def test_while_an_invitation_is_open_a_stranger_may_pair_and_nothing_else(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        await white.node.membership.invite(60)
        for rpc in RPCS:
            how = await refused(white, newcomer(), rpc)
            if rpc.path == PAIR:
                assert isinstance(how.error, InvitationRefused)
                assert "no such invitation" in how.details
            else:
                assert how.status is grpc.StatusCode.FAILED_PRECONDITION
                assert isinstance(how.error, NotPaired)

    run(tmp_path, story, "white")


def test_a_revoked_members_certificate_opens_nothing(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await white.node.membership.revoke("nova", "laptop lost")
        for rpc in RPCS:
            how = await refused(white, nova.keyring.identity, rpc)
            if rpc.path == PAIR:
                assert isinstance(how.error, InvitationRefused)
            else:
                assert isinstance(how.error, NotPaired)
                assert "was revoked from this fleet (laptop lost)" in how.details

    run(tmp_path, story, "white", "nova")


def test_a_member_that_the_roster_does_not_know_is_denied_though_the_root_signed_it(
    tmp_path: Path,
) -> None:
    """TLS alone lets it in: who is a member is decided by the roster, for each call."""

    async def story(white: Member) -> None:
        root = white.keyring._membership.root_key
        assert root is not None
        for rpc in RPCS:
            how = await refused(white, under(root, white.keyring.root_certificate), rpc)
            assert isinstance(how.error, InvitationRefused if rpc.path == PAIR else NotPaired)

    run(tmp_path, story, "white")


def test_a_members_name_over_another_key_is_nobody(tmp_path: Path) -> None:
    """Authorised by the hash of the key; what a certificate calls itself is never read."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        root = white.keyring._membership.root_key
        assert root is not None
        liar = named(nova.id, root, white.keyring.root_certificate)
        for rpc in RPCS:
            how = await refused(white, liar, rpc)
            assert isinstance(how.error, InvitationRefused if rpc.path == PAIR else NotPaired)

    run(tmp_path, story, "white", "nova")


def test_a_method_that_does_not_exist_is_denied_like_one_that_does(tmp_path: Path) -> None:
    """A stranger does not learn which methods there are."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await white.node.membership.invite(60)
        ghost = Rpc("/fleet.v1.Peering/NoSuchMethod", True, True)
        assert isinstance((await refused(white, newcomer(), ghost)).error, NotPaired)
        member = await refused(white, nova.keyring.identity, ghost)
        assert member.status is grpc.StatusCode.UNIMPLEMENTED

    run(tmp_path, story, "white", "nova")


# --- TLS 1.2 -----------------------------------------------------------------------------------


def http2_call(path: str, authority: str) -> bytes:
    """The beginning of an HTTP/2 connection and one gRPC call on it (RFC 9113, RFC 7541)."""
    fields = {
        b":method": b"POST", b":scheme": b"https", b":path": path.encode(),
        b":authority": authority.encode(), b"te": b"trailers",
        b"content-type": b"application/grpc",
    }  # fmt: skip
    block = b"".join(
        b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
        for name, value in fields.items()
    )
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    headers = len(block).to_bytes(3, "big") + b"\x01\x04" + (1).to_bytes(4, "big") + block
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers


def asked_over(version: ssl.TLSVersion, server: Member, who: Identity, folder: Path) -> bytes:
    """Everything the server says to a call over exactly this TLS, up to its word on the call."""
    pem = folder / f"{version.name}.pem"
    pem.write_bytes(who.key + who.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(pem)
    host, _, port = server.address.rpartition(":")
    heard = b""
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain) as tls,
    ):
        assert tls.version() == version.name.replace("_", ".")
        tls.sendall(http2_call("/fleet.v1.Peering/Link", host))
        while b"application/grpc" not in heard and (piece := tls.recv(65_536)):
            heard += piece
    return heard


def test_tls_1_2_is_refused_even_to_a_member(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        who = nova.keyring.identity
        new = await asyncio.to_thread(asked_over, ssl.TLSVersion.TLSv1_3, white, who, tmp_path)
        assert b"nothing older" not in new
        assert b"application/grpc" in new
        old = await asyncio.to_thread(asked_over, ssl.TLSVersion.TLSv1_2, white, who, tmp_path)
        assert b"nodes speak TLS 1.3 with each other, nothing older" in old
        assert b"grpc-status\x0216" in old, "unauthenticated"

    run(tmp_path, story, "white", "nova")


# --- the other direction: whom a node dials ------------------------------------------------------


def test_the_dialer_refuses_a_server_with_another_key_than_its_target(tmp_path: Path) -> None:
    """Also one of the same fleet: the target is a key, not a fleet."""

    async def story(white: Member, nova: Member, mba: Member) -> None:
        await let_in(white, nova, mba)
        for wrong in (white, mba):
            with pytest.raises(NodeUnreachable, match="another node listens there") as refused:
                await white.dialer.dial(nova.admit, wrong.address)
            assert refused.value.layer == "tls"

    run(tmp_path, story, "white", "nova", "mba")


def test_the_dialer_refuses_a_server_that_shows_its_targets_name_over_another_key(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        root = white.keyring._membership.root_key
        assert root is not None
        liar = named(nova.id, root, white.keyring.root_certificate)
        reached: list[str] = []

        async def listen(request: object, context: object) -> None:
            reached.append("a call")

        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    "fleet.v1.Peering", {"Link": grpc.stream_stream_rpc_method_handler(listen)}
                )
            ]
        )
        port = server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials([(liar.key, liar.certificate)])
        )
        await server.start()
        try:
            with pytest.raises(NodeUnreachable) as refused:
                await white.dialer.dial(nova.admit, f"127.0.0.1:{port}")
            assert refused.value.layer == "tls"
            assert reached == []
        finally:
            await server.stop(None)

    run(tmp_path, story, "white", "nova")


def test_the_dialer_says_which_layer_it_was(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{nobody.getsockname()[1]}"
            with pytest.raises(NodeUnreachable) as silent:
                await white.dialer.dial(nova.admit, address)
        assert silent.value.layer == "network"
        stranger = await _dialled_by_stranger(white, nova)
        assert isinstance(stranger, NodeUnreachable)
        assert (stranger.layer, "certificate" in str(stranger)) == ("tls", True)
        steps = await white.dialer.probe(nova.admit, nova.address)
        assert [(s.layer, s.verdict) for s in steps] == [
            ("network", "ok"), ("tls", "ok"), ("rpc", "ok"),
        ]  # fmt: skip

    run(tmp_path, story, "white", "nova")


async def _dialled_by_stranger(white: Member, nova: Member) -> Exception | None:
    """What a node of another fleet is told by its own dialer when it tries ours."""
    dialer = GrpcDialer(of_another_fleet)
    try:
        await dialer.dial(nova.admit, nova.address)
    except (NodeUnreachable, NotPaired, VersionMismatch) as error:
        return error
    finally:
        await dialer.close()
    return None
