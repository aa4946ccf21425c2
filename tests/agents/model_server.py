"""A model on loopback that says little, keeps every word it is sent, and does as the stage tells it.

Each program talks to a path of its own. A program's model answers at once; or goes on until it is
released, so that the program stays at work; or asks once for a shell command, so that the program
asks its person. The record is what cells are judged by.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.agents.dialects import Asked, Dialect, Event, dialect_of

PIECE_S = 0.1
"""Between two pieces of an answer that goes on: a model that talks, not one that hangs."""
_HEAD_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a program, and whether the conversation itself asks, not some helper of it."""

    number: int
    asked: Asked
    is_main: bool


@dataclass(slots=True)
class _Mood:
    """What one program's model does."""

    holds: bool = False
    command: str = ""
    tool: str = ""
    by_text: bool = False
    requests: list[Request] = field(default_factory=list)
    answering: set[int] = field(default_factory=set)


class ModelServer:
    """Serves in a thread of its own from ``start`` to ``close``; all methods may be called from any
    thread."""

    def __init__(self) -> None:
        self._moods: dict[str, _Mood] = defaultdict(_Mood)
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="model server", daemon=True)
        self._done: asyncio.Event
        self._port = 0

    def start(self) -> None:
        """Begin to listen; a free port of its own."""
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """End, whatever is still asked."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    # --- what the stage says ---

    def url(self, program: str) -> str:
        """Where this program finds its model."""
        return f"http://127.0.0.1:{self._port}/{program}"

    def knows(self, program: str, tool: str, *, by_text: bool) -> None:
        """How this program's model asks for a shell command; ``by_text``: it is offered no tools."""
        self._moods[program].tool, self._moods[program].by_text = tool, by_text

    def hold(self, program: str) -> None:
        """From now on answers go on until ``release``."""
        self._moods[program].holds = True

    def release(self, program: str) -> None:
        """Let answers come to their end, now and from now on."""
        self._moods[program].holds = False

    def ask_for(self, program: str, command: str) -> None:
        """The next answer asks for this shell command, once."""
        self._moods[program].command = command

    def requests(self, program: str) -> list[Request]:
        """All that came so far, in order."""
        return [*self._moods[program].requests]

    def is_answering(self, program: str) -> bool:
        """Whether an answer is being written."""
        return bool(self._moods[program].answering)

    # --- the wire ---

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._done = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._done.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                method, path, body = await _read(reader)
                await self._answer(writer, method, path, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a program ends its connection when it likes
        except asyncio.CancelledError:
            pass  # the server ends; asyncio's streams would print it as an error
        finally:
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, method: str, path: str, body: dict[str, Any]
    ) -> None:
        program, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        dialect = dialect_of(rest) if method == "POST" else None
        if dialect is None:
            _write_json(writer, *_aside(method, rest))
            await writer.drain()
            return
        asked, mood = dialect.read(rest, body), self._moods[program]
        is_main = asked.is_streamed and (bool(asked.tools) or mood.by_text)
        self._count += 1
        number = self._count
        mood.requests.append(Request(number, asked, is_main))
        if not asked.is_streamed:
            _write_json(writer, 200, dialect.whole(body, "ok"))
            await writer.drain()
            return
        mood.answering.add(number)
        try:
            await self._stream(_Stream(writer), dialect, mood, body, mood.requests[-1])
        finally:
            mood.answering.discard(number)

    async def _stream(
        self, stream: _Stream, dialect: Dialect, mood: _Mood, body: dict[str, Any], request: Request
    ) -> None:
        number = request.number
        command = mood.command if request.is_main and not request.asked.has_result else ""
        for event in dialect.begin(number, body):
            await stream.send(event)
        said = ""
        if command:
            mood.command = ""
        if command and not mood.by_text:
            for event in dialect.call(number, mood.tool, command):
                await stream.send(event)
        else:
            text = f"Please run:\n\n```bash\n{command}\n```\n" if command else f"ok {number} "
            async for piece in _pieces(mood, text, is_main=request.is_main):
                said += piece
                for event in dialect.piece(number, piece):
                    await stream.send(event)
        for event in dialect.end(number, said, called=bool(command) and not mood.by_text):
            await stream.send(event)
        await stream.end()


async def _pieces(mood: _Mood, text: str, *, is_main: bool) -> AsyncIterator[str]:
    yield text
    count = 1
    while mood.holds and is_main:
        await asyncio.sleep(PIECE_S)
        count = count * 48_271 % 0x7FFFFFFF  # a model that repeats itself is stopped by its program
        yield f"{count} "


class _Stream:
    """Server-sent events over one chunked answer."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )

    async def send(self, event: Event) -> None:
        name, data = event
        head = f"event: {name}\n" if name else ""
        text = f"{head}data: {json.dumps(data) if data else '[DONE]'}\n\n".encode()
        self._writer.write(b"%x\r\n%s\r\n" % (len(text), text))
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, Any]]:
    """One request: method, path, JSON; anything else as body is read past."""
    line, *rows = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ", 2)
    head = {
        key.strip().lower(): value.strip() for key, _, value in (r.partition(":") for r in rows)
    }
    body = b""
    if "content-length" in head:
        body = await reader.readexactly(int(head["content-length"]))
    elif head.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).partition(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    if head.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    try:
        said = json.loads(body or b"{}")
    except ValueError:
        said = {}
    return method, path, said if isinstance(said, dict) else {}


def _aside(method: str, path: str) -> tuple[int, dict[str, Any]]:
    """What is asked beside the conversation: which models there are, how long a text is."""
    if path.endswith(("/count_tokens", ":countTokens")):
        return 200, {"input_tokens": 10, "totalTokens": 10}
    if path.endswith("/models"):
        return 200, {"object": "list", "data": [{"id": "fake", "object": "model"}], "models": []}
    return (200 if method == "GET" else 404), {}


def _write_json(writer: asyncio.StreamWriter, status: int, said: dict[str, Any]) -> None:
    data = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
