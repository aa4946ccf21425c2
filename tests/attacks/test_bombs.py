"""What is small on the wire and large behind it, or large already: refused before it is anything."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest

from node.adapters.credentials import FRAME_LIMIT_BYTES, channel_to
from node.adapters.pki import pem_of
from tests.attacks.hostile import LINK, admitted, letter, member_of, resident_mb
from tests.attacks.raw_http2 import data_frame, http2_call, tls_of
from tests.support.members import Member, let_in, run
from tests.support.until import eventually

GREW_MB = 48.0
"""What a node may grow by while it refuses; it has no room of the bomb's size."""


def over_tls(context: ssl.SSLContext, address: str, said: bytes) -> bytes:
    """Say it over TLS as it is; everything that is answered until the other end is tired of it."""
    host, _, port = address.rpartition(":")
    heard = b""
    with (
        socket.create_connection((host, int(port)), timeout=2) as plain,
        context.wrap_socket(plain) as tls,
    ):
        try:
            tls.sendall(said)
            while b"grpc-status" not in heard and (piece := tls.recv(65_536)):
                heard += piece
        except OSError:
            pass
    return heard


def test_a_compressed_frame_that_unfolds_to_more_than_a_frame_is_refused(tmp_path: Path) -> None:
    """56 MB of zeros in 56 kB: what fits in before anybody has read."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        _, identity = await admitted(white)
        bomb = gzip.compress(bytes(56 * 2**20), 9)
        said = http2_call(LINK, "x", (b"grpc-encoding", b"gzip")) + data_frame(bomb, squeezed=True)
        before_mb = resident_mb()
        for _ in range(4):
            heard = await asyncio.to_thread(
                over_tls, tls_of(identity, tmp_path), white.address, said
            )
            assert b"grpc-status" in heard
            assert b"fleet-error" not in heard
        assert resident_mb() - before_mb < GREW_MB
        assert white.is_linked(nova)

    run(tmp_path, story, "white", "nova")


@pytest.mark.parametrize("size", [FRAME_LIMIT_BYTES + 1, 64 * 2**20])
def test_a_frame_over_the_limit_is_refused_by_its_length(tmp_path: Path, size: int) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            before_mb = resident_mb()
            await kai.say(b"\x22" + bytes(size))
            how = await kai.to_the_end()
            assert how.status in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL}
            assert resident_mb() - before_mb < GREW_MB + 2 * size / 2**20, "the sender's own copy"

    run(tmp_path, story, "white")


def test_a_length_that_is_never_filled_holds_no_memory(tmp_path: Path) -> None:
    """Headers of frames that say 4 GiB, and nothing behind them."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        _, identity = await admitted(white)
        said = http2_call(LINK, "x") + data_frame(b"\x22" * 100, length=2**32 - 1)
        before_mb = resident_mb()
        for _ in range(10):
            heard = await asyncio.to_thread(
                over_tls, tls_of(identity, tmp_path), white.address, said
            )
            assert b"grpc-status\x018" in heard or b"larger than max" in heard
        assert resident_mb() - before_mb < GREW_MB
        assert white.is_linked(nova)

    run(tmp_path, story, "white", "nova")


@pytest.mark.parametrize("count", [1, 500])
def test_metadata_beyond_what_a_call_needs_is_refused(tmp_path: Path, count: int) -> None:
    async def story(white: Member) -> None:
        _, identity = await admitted(white)
        more: Any = tuple((f"x-{n}", "v" * (20_000 // count)) for n in range(count))
        async with channel_to(
            white.address, identity, pem_of(white.keyring.certificate), white.id
        ) as to:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await to.stream_stream(LINK)(metadata=more).read()
        assert refused.value.code() in {
            grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE,
        }  # fmt: skip
        assert not white.node.peers._sessions

    run(tmp_path, story, "white")


def test_a_headers_block_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    """CONTINUATION after CONTINUATION (CVE-2024-27316 and its like)."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        _, identity = await admitted(white)
        whole = http2_call(LINK, "x")
        # The same headers without END_HEADERS, and then pieces of a header that has no end.
        start = whole.index(b"\x01\x04\x00\x00\x00\x01")
        said = whole[: start + 1] + b"\x00" + whole[start + 2 :]
        more = b"\x00\x40\x00\x09\x00\x00\x00\x00\x01" + b"\x00\x01x\x7f\x81\xff\x03"
        said += (more + b"v" * (0x4000 - 7)) * 2_000
        before_mb = resident_mb()
        await asyncio.to_thread(over_tls, tls_of(identity, tmp_path), white.address, said)
        assert resident_mb() - before_mb < GREW_MB + 64, "32 MB are the test's own"
        async with member_of(white, "lee") as lee:
            assert (await lee.post(letter())).taken.envelope_ids

    run(tmp_path, story, "white", "nova")


def test_streams_that_are_opened_and_reset_at_once_hold_nobody_up(tmp_path: Path) -> None:
    """Rapid reset (CVE-2023-44487): each costs the attacker a few bytes."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        _, identity = await admitted(white)
        said = http2_call(LINK, "x")
        block = said[said.index(b"\x01\x04\x00\x00\x00\x01") - 3 :]
        for number in range(3, 4_003, 2):
            stream = number.to_bytes(4, "big")
            said += (
                block[:5]
                + stream
                + block[9:]
                + b"\x00\x00\x04\x03\x00"
                + stream
                + b"\x00\x00\x00\x08"
            )
        await asyncio.to_thread(over_tls, tls_of(identity, tmp_path), white.address, said)
        async with member_of(white, "lee") as lee:
            assert (await lee.post(letter())).taken.envelope_ids
        assert white.is_linked(nova)
        await eventually(lambda: len(asyncio.all_tasks()) < 80, "nothing is left of them")

    run(tmp_path, story, "white", "nova")
