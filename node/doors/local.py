"""The local door: a unix socket in a 0700 directory, one line of JSON per request.

The kernel says who calls. The boundary is (host, uid): another user's connection is closed unheard.
A caller that runs inside an agent's pane is that agent; anybody else is the operator.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.requests import MalformedRequest
from fleet.core.trust import Caller
from fleet.outcomes import outcome_of

REQUEST_LIMIT_BYTES = 4 * 1024 * 1024
"""One line. A text of the largest size still fits when every byte of it is escaped."""
_PATH_LIMIT = 100  # a socket address holds about 108 bytes

log = structlog.get_logger()


class Request(msgspec.Struct):
    """One call."""

    call: str
    args: dict[str, object] = msgspec.field(default_factory=dict)


class Answer:
    """What a call answers through. ``write`` never waits: answers are small, callers read."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def progress(self, seen: object) -> None:
        """Something seen while waiting."""
        self._line({"progress": seen})

    def item(self, item: object) -> None:
        """One element of a stream."""
        self._line({"item": item})

    def result(self, result: object, exit_code: int) -> None:
        """The end, as wanted or not."""
        self._line({"result": result, "exit": exit_code})

    def error(self, error: FleetError) -> None:
        """The end, with an error."""
        self._line({"error": error_json(error), "exit": outcome_of(error).exit_code})

    async def sent(self) -> None:
        """Wait until the caller has taken most of it; a stream does so between items.

        Raises:
            ConnectionError: the caller is gone.
        """
        await self._writer.drain()

    def _line(self, value: object) -> None:
        self._writer.write(msgspec.json.encode(value) + b"\n")


Handler = Callable[[Caller, Request, Answer], Awaitable[None]]
Attest = Callable[[int], Caller]


def error_json(error: FleetError) -> dict[str, object]:
    """An error as every path shows it."""
    return {
        "code": error.code,
        "message": str(error),
        "hint": error.hint,
        "layer": error.layer,
        "candidates": [
            {"address": c.address, "node": c.node, "state": c.state, "last_seen": c.last_seen}
            for c in error.candidates
        ],
    }


_TURNS = 8
"""Of the loop, in which asyncio hands over who has connected already: it takes three. A server that is
closed before that forgets them, and they would wait for a process that may well live on."""


class LocalDoor:
    """Serves one home's socket."""

    def __init__(self, path: Path, attest: Attest, handler: Handler) -> None:
        self._path = path
        self._attest = attest
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def open(self) -> None:
        """Take the socket's place. The caller holds the home's lock, so a file there is stale."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self._path.unlink(missing_ok=True)
            sock.bind(short_path(self._path, folder))
        except OSError as error:
            sock.close()
            raise StartFailed(f"cannot serve {self._path}: {error.strerror}") from error
        finally:
            os.close(folder)
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(
            self._connected, sock=sock, limit=REQUEST_LIMIT_BYTES
        )

    async def close(self) -> None:
        """Stop taking calls; those under way are ended, and who comes in this very moment is hung up on."""
        self._is_closed = True
        self._path.unlink(missing_ok=True)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:  # it came in that very moment: a node that ends would never answer it
            writer.close()
            return
        task = asyncio.current_task()
        if task is not None:
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            log.debug("caller gone")
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pid, uid = peer_of(writer)
        if uid != os.getuid():
            return
        answer = Answer(writer)
        while line := await _line_of(reader, answer):
            try:
                await self._handler(self._attest(pid), _request_in(line), answer)
            except FleetError as error:
                answer.error(error)
            except ConnectionError:
                raise
            except Exception:
                log.exception("call failed")
                answer.error(FleetError("the node met a bug", hint="its log has the details"))
            await writer.drain()


def _request_in(line: bytes) -> Request:
    try:
        return msgspec.json.decode(line, type=Request)
    except msgspec.DecodeError as error:
        raise MalformedRequest(f"the request is not understood: {error}") from None


async def _line_of(reader: asyncio.StreamReader, answer: Answer) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # over the limit
        answer.error(MalformedRequest(f"a request is over {REQUEST_LIMIT_BYTES} bytes"))
        return b""


def short_path(path: Path, folder: int) -> str:
    """The path as it fits into a socket address; ``folder`` is an open descriptor of its parent."""
    whole = str(path)
    return whole if len(whole.encode()) <= _PATH_LIMIT else f"/proc/self/fd/{folder}/{path.name}"


def peer_of(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """The pid and uid of the connected process, as the kernel recorded them at connect."""
    sock = writer.get_extra_info("socket")
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid
