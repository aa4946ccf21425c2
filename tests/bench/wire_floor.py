"""The floor of the wire: a bare grpc.aio stream with mutual TLS between two processes.

Whatever is queued goes into one frame of the real protocol, the other side reads it and answers with
the ids, nothing is kept, looked up or checked.
``python -m tests.bench.wire_floor FOLDER WIDE TOTAL`` says the rate; it starts its server itself, with
the folder alone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from fleet.core.envelope import Envelope
from fleet.core.frames import Post, Posted, Taken
from fleet.v1 import link_pb2
from fleet.wire.frames import frame_from_wire, frame_to_wire
from node.adapters.credentials import SERVER_OPTIONS, channel_to, server_credentials
from node.adapters.keyring import Keyring
from node.adapters.pki import pem_of
from tests.bench.quiet import quiet

METHOD = "/floor/Stream"
PEER = "p" * 52


class Exchange:
    """The client's end: callers wait until their own message is answered for."""

    def __init__(self) -> None:
        self._queued: list[Posted] = []
        self._sent: dict[str, asyncio.Future[None]] = {}
        self._news = asyncio.Event()

    async def send(self, number: int) -> None:
        """One message and its answer."""
        posted = Posted(_envelope(f"{number:026d}"), 1.0)
        answered = self._sent[posted.envelope.id] = asyncio.get_running_loop().create_future()
        self._queued.append(posted)
        self._news.set()
        await answered

    async def frames(self) -> AsyncIterator[link_pb2.Frame]:
        """What goes out."""
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._queued = self._queued, []
            yield frame_to_wire(Post(tuple(batch)))

    def heard(self, wire: link_pb2.Frame) -> None:
        """What comes back."""
        frame = frame_from_wire(wire, PEER)
        for envelope_id in frame.envelope_ids if isinstance(frame, Taken) else ():
            self._sent.pop(envelope_id).set_result(None)


def _envelope(envelope_id: str) -> Envelope:
    return Envelope(
        envelope_id, "operator@white", PEER, "rin@nova", PEER, "rin", "x" * 200, envelope_id, "",
        0, False, time.time(), 0.0,
    )  # fmt: skip


def rate(folder: Path, wide: int, total: int) -> float:
    """Messages a second with so many in flight; both ends are processes of their own."""
    home = folder / "floor"
    home.mkdir(mode=0o700, exist_ok=True)
    words = [sys.executable, "-m", "tests.bench.wire_floor", str(home), str(wide), str(total)]
    return float(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)


def _client(home: Path, wide: int, total: int) -> float:
    Keyring.open(home)  # made before there are two who would
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.wire_floor", str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            return asyncio.run(_exchange(home, port, wide, total))
        finally:
            server.stdin.close()


async def _exchange(home: Path, port: int, wide: int, total: int) -> float:
    keys = Keyring.open(home)
    channel = channel_to(f"127.0.0.1:{port}", keys.identity, pem_of(keys.certificate), keys.node_id)
    exchange, numbers = Exchange(), iter(range(total))
    async with channel:
        call = channel.stream_stream(
            METHOD,
            request_serializer=link_pb2.Frame.SerializeToString,
            response_deserializer=link_pb2.Frame.FromString,
        )(exchange.frames())

        async def read() -> None:
            async for frame in call:
                exchange.heard(frame)

        async def worker() -> None:
            for number in numbers:
                await exchange.send(number)

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            start_s = time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(wide)))
            took_s = time.perf_counter() - start_s
            reading.cancel()
    return total / took_s


async def _serve(home: Path) -> None:
    keys = Keyring.open(home)

    async def answer(
        frames: AsyncIterator[link_pb2.Frame], _: object
    ) -> AsyncIterator[link_pb2.Frame]:
        async for wire in frames:
            frame = frame_from_wire(wire, PEER)
            batch = frame.posted if isinstance(frame, Post) else ()
            yield frame_to_wire(Taken(tuple(posted.envelope.id for posted in batch), ()))

    server = grpc.aio.server(options=SERVER_OPTIONS)
    handlers = {
        "Stream": grpc.stream_stream_rpc_method_handler(
            answer,
            request_deserializer=link_pb2.Frame.FromString,
            response_serializer=link_pb2.Frame.SerializeToString,
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("floor", handlers),))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(keys.trust))
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    quiet()
    match [Path(sys.argv[1]), *map(int, sys.argv[2:])]:
        case [Path() as home, int(wide), int(total)]:
            print(_client(home, wide, total))
        case [Path() as home, *_]:
            asyncio.run(_serve(home))
