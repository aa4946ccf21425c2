"""One gRPC stream as a link, and the options that both ends need.

Option names are strings and a wrong one is silently ignored, so each of these has a test of its
effect or a measured reason (grpcio 1.85): proxies would swallow calls within a LAN; without
keep-alive a dead link goes unnoticed for minutes; a server that is not told of it kills such a client
for "too many pings"; with port sharing a second process could steal connections.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import grpc

from fleet.core.errors import FleetError
from fleet.core.frames import Frame
from fleet.v1 import link_pb2
from fleet.wire import error_from_bytes, frame_from_wire, frame_to_wire

MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024
_INBOUND_FRAMES = 64
ERROR_KEY = "fleet-error-bin"

_BOTH: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
    ("grpc.max_metadata_size", 16_384),
)
CLIENT_OPTIONS = (
    *_BOTH,
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
SERVER_OPTIONS = (
    *_BOTH,
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)

Read = Callable[[], Awaitable[object]]
Write = Callable[[link_pb2.Frame], Awaitable[None]]


class StreamLink:
    """A link over one bidirectional stream (``node.ports.Link``), whichever end we are."""

    def __init__(self, peer_id: str, address: str, *, dialled: bool) -> None:
        self.peer_id = peer_id
        self.address = address
        self.dialled = dialled
        self.closed_because = ""
        self._out: deque[Frame] = deque()
        self._in: asyncio.Queue[Frame | FleetError | None] = asyncio.Queue(_INBOUND_FRAMES)
        self._work = asyncio.Event()
        self._closed = asyncio.Event()

    @property
    def backlog(self) -> int:
        """Frames not written yet."""
        return len(self._out)

    def send(self, frame: Frame) -> None:
        """Queue a frame."""
        if not self._closed.is_set():
            self._out.append(frame)
            self._work.set()

    async def receive(self) -> Frame | None:
        """The next frame; None at the end."""
        if self._closed.is_set():
            return None
        received = await self._in.get()
        if isinstance(received, FleetError):
            raise received
        return received

    def close(self, why: str) -> None:
        """End the link at once."""
        if not self._closed.is_set():
            self.closed_because = why
            self._closed.set()
            self._work.set()
            while not self._in.empty():
                self._in.get_nowait()
            self._in.put_nowait(None)

    async def pump(self, read: Read, write: Write) -> None:
        """Move frames both ways until the link is closed or the other side ends."""
        reading = asyncio.get_running_loop().create_task(self._read(read))
        try:
            while not self._closed.is_set():
                await self._work.wait()
                self._work.clear()
                while self._out and not self._closed.is_set():
                    await write(frame_to_wire(self._out.popleft()))
        except (grpc.RpcError, asyncio.InvalidStateError):
            self.close("the other side is gone")
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, read: Read) -> None:
        try:
            while isinstance(message := await read(), link_pb2.Frame):
                await self._in.put(frame_from_wire(message, self.peer_id))
            self.close("the other side ended it")
        except grpc.aio.AioRpcError as error:
            if (refusal := refusal_in(error)) is not None:
                await self._in.put(refusal)
            else:
                self.close(error.details() or "the other side is gone")
        except FleetError as error:
            await self._in.put(error)
        except (grpc.RpcError, asyncio.InvalidStateError):
            self.close("the other side is gone")


def refusal_in(error: grpc.aio.AioRpcError) -> FleetError | None:
    """The far node's own words, when the call ended with some."""
    metadata: Sequence[tuple[str, object]] = tuple(error.trailing_metadata() or ())
    for key, value in metadata:
        if key == ERROR_KEY and isinstance(value, bytes):
            return error_from_bytes(value)
    return None
