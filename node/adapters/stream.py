"""A link over one gRPC stream, at either end: two pumps between the stream and two queues.

The engine never waits for the network to send, and never meets gRPC when it receives. The pumps are
the only ones who touch the stream; ending one ends the link.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc
import structlog

from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest
from fleet.core.frames import Frame
from fleet.wire.errors import error_from_bytes
from fleet.wire.frames import frame_from_wire, frame_to_wire

ERROR_KEY = "fleet-error-bin"
"""Trailing metadata of a refused call: the error itself, so that it is rebuilt as it was."""

ADMITTED_KEY = "fleet-admitted"
"""Initial metadata of a stream that was let in. gRPC makes up empty ones for a refused call, which is
not yet known to have ended then."""

ADMISSION_KEY = "fleet-admission-bin"
"""Metadata of a call: the signed admission of a caller whose key follows another one. Whoever was away
meanwhile does not know it yet."""

UNREAD_FRAMES = 8
"""Frames taken off the stream before the engine asks for them; then the sender has to wait."""
BACKLOG_LIMIT = 4_096
"""A peer that leaves this many frames unread is not reading."""
LAST_WORDS_S = 0.5
"""How long a closing link goes on writing what was queued before."""

log = structlog.get_logger()


class Stream(Protocol):
    """Either end of a gRPC stream; ``grpc.aio.EOF`` is read at its end."""

    def read(self) -> Awaitable[Any]: ...

    def write(self, message: Any, /) -> Awaitable[None]: ...


class StreamLink:
    """A ``Link`` whose frames are carried by ``pump``."""

    def __init__(self, peer_id: str, address: str, *, dialled: bool) -> None:
        self._peer_id = peer_id
        self._address = address
        self._dialled = dialled
        self._out: deque[Frame] = deque()
        self._in: deque[Frame] = deque()
        self._to_write = asyncio.Event()
        self._to_read = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = asyncio.Event()
        self._over = False
        self._refusal: FleetError | None = None
        self.why = ""
        """Why this end closed it; empty while it has not."""

    @property
    def peer_id(self) -> str:
        """The peer's node id, proven by TLS."""
        return self._peer_id

    @property
    def dialled(self) -> bool:
        """Whether this side dialled."""
        return self._dialled

    @property
    def address(self) -> str:
        """host:port of the other end."""
        return self._address

    @property
    def backlog(self) -> int:
        """Frames given to ``send`` and not yet written."""
        return len(self._out)

    def send(self, frame: Frame) -> None:
        """Queue a frame; nothing is known of its arrival. After the link closed it is dropped."""
        if self.why or self._over:
            return
        if len(self._out) >= BACKLOG_LIMIT:
            self.close("the other side does not read")
            return
        self._out.append(frame)
        self._to_write.set()

    async def receive(self) -> Frame | None:
        """The next frame, or None when the link has ended.

        Raises:
            FleetError: the far node refused, in its own words; said once.
        """
        while not self.why:
            if self._in:
                self._room.set()
                return self._in.popleft()
            if self._over:
                break
            self._to_read.clear()
            await self._to_read.wait()
        refusal, self._refusal = self._refusal, None
        if refusal is not None and not self.why:
            raise refusal
        return None

    def close(self, why: str) -> None:
        """End the link at once; the other side is told why. Closing twice is no error."""
        if not self.why and not self._over:
            self.why = why or "closed"
            self._in.clear()
            self._to_write.set()
            self._to_read.set()
            self._room.set()
            self._closed.set()

    # --- the pumps ---

    async def pump(self, stream: Stream) -> None:
        """Carry frames both ways until this end closes the link or the other end is gone."""
        pumps = {
            asyncio.create_task(self._read(stream), name="link reader"),
            asyncio.create_task(self._write(stream), name="link writer"),
            asyncio.create_task(self._hang_up(), name="link end"),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            try:
                for end in await asyncio.gather(*pumps, return_exceptions=True):
                    self._note(end)
            finally:  # not before it is known how: whoever waits for a frame is to hear of a refusal
                self._over = True
                self._to_read.set()

    async def _read(self, stream: Stream) -> None:
        """Ends at the end of the stream, whoever ended it and how."""
        while (message := await stream.read()) is not grpc.aio.EOF:
            while len(self._in) >= UNREAD_FRAMES and not self.why:
                self._room.clear()
                await self._room.wait()
            if self.why:
                await asyncio.Event().wait()  # the writer ends the link
            self._in.append(frame_from_wire(message, self._peer_id))
            self._to_read.set()

    async def _write(self, stream: Stream) -> None:
        """Ends when the link is closed, after the last words."""
        while self._out or not self.why:
            while self._out:
                await self._write_first(stream)
            self._to_write.clear()
            if not self.why:
                await self._to_write.wait()

    async def _hang_up(self) -> None:
        """Ends when the last words should be over: whoever does not read them keeps no stream open."""
        await self._closed.wait()
        await asyncio.sleep(LAST_WORDS_S)
        if self._out:
            log.debug("last words cut off", peer=self._peer_id[:12], frames=len(self._out))

    async def _write_first(self, stream: Stream) -> None:
        await stream.write(frame_to_wire(self._out[0]))
        self._out.popleft()

    def _note(self, end: BaseException | None) -> None:
        match end:
            case None | asyncio.CancelledError():
                pass
            case MalformedRequest():
                log.warning("peer makes no sense", peer=self._peer_id[:12], detail=str(end))
                self.why = self.why or str(end)
            case grpc.aio.AioRpcError():
                self._refusal = self._refusal or refusal_in(end)
                log.debug(
                    "link ended", peer=self._peer_id[:12], status=end.code().name,
                    detail=end.details(),
                )  # fmt: skip
            case grpc.RpcError() | grpc.aio.BaseError():
                log.debug("link broke", peer=self._peer_id[:12], detail=str(end))
            case _:
                log.error("link failed", peer=self._peer_id[:12], exc_info=end)


def refusal_in(error: grpc.aio.AioRpcError) -> FleetError | None:
    """The error with which the far node refused a call, in its words."""
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_KEY and isinstance(value, bytes):
            return error_from_bytes(value)
    return None


Serve = Callable[[StreamLink], Awaitable[object]]


async def carry(link: StreamLink, stream: Stream, serve: Serve, running: set[Any]) -> None:
    """Pump a link that was dialled from the other side while ``serve`` speaks on it.

    When the stream goes, ``serve`` sees its link end and comes to its own end; it is not cancelled
    in the middle of what it does. ``running`` holds it meanwhile.

    Raises:
        FleetError: ``serve`` ended with it, and the stream still stands to say so.
    """
    serving = asyncio.ensure_future(serve(link))
    running.add(serving)
    serving.add_done_callback(running.discard)
    serving.add_done_callback(lambda _: link.close("ended"))
    try:
        await link.pump(stream)
    except asyncio.CancelledError:
        serving.add_done_callback(_note_lost)
        raise
    await serving


def _note_lost(serving: asyncio.Future[object]) -> None:
    """What ended after its stream did; there is nobody left to tell."""
    if serving.cancelled() or (error := serving.exception()) is None:
        return
    if isinstance(error, FleetError):
        log.info("link not taken up", error=error.code, detail=str(error))
    else:
        log.error("link failed", exc_info=error)
