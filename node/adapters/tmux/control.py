"""One persistent control-mode client of one tmux server: many requests, no process for any.

Every request is a line (or two) followed by a sentinel that prints a token; whatever comes before the
token is the answer. Counting ``%begin`` blocks would not do: commands run by ``if-shell`` add blocks
of their own, and an error drops the rest of its line (tmux 3.3a, seen). The token is random, for a
program could print it and so forge the answer to the next request. An empty line would detach the
client, so none is ever written. ``no-output,ignore-size`` keeps the server from sending what panes
print and from resizing windows to this client.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from itertools import count

from fleet.core.errors.panes import NoTmux
from fleet.core.metrics import Calls

LINE_LIMIT_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16
ANSWER_S = 10.0
_TURNS = 10  # of the loop at least, before an answer is given up
_NOBODY = ("\n", None)  # no line is that


class Blocks:
    """Takes the client's output apart, line by line.

    Only lines inside ``%begin`` and ``%end`` count. Rows of a screen may look like either, so a block
    ends with the line that repeats its numbers, or with the token, which a screen cannot know.
    """

    def __init__(self) -> None:
        self._block = ""
        self._lines: list[str] = []

    def take(self, line: str, token: str) -> list[str] | None:
        """The answer, if this line is the token that ends it."""
        if not self._block:
            self._block = line[len("%begin") :] if line.startswith("%begin ") else ""
        elif line == token:
            lines, self._lines, self._block = self._lines, [], ""
            return lines
        elif line in {f"%end{self._block}", f"%error{self._block}"}:
            self._block = ""
        else:
            self._lines.append(line)
        return None


class ControlClient:
    """A client attached to ``session`` of the server at ``socket``. Requests are pipelined."""

    def __init__(
        self, socket: str, session: str, calls: Calls | None = None, answer_s: float = ANSWER_S
    ) -> None:
        """``calls`` counts what is asked; clients of one node share it. A server that says nothing
        for ``answer_s`` is given up on."""
        self._calls = calls or Calls()
        self._socket = socket
        self._session = session
        self._answer_s = answer_s
        self._is_closed = False
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[str, asyncio.Future[list[str]]]] = deque()
        self._numbers = count(1)
        self._secret = secrets.token_hex(8)

    @property
    def is_open(self) -> bool:
        """Whether the server is still at the other end, as far as is known.

        Not once it was closed, though it may still be read: what comes then answers earlier requests.
        """
        return self._reader is not None and not self._reader.done() and not self._is_closed

    async def open(self) -> None:
        """Attach.

        Raises:
            NoTmux: the server or the session is not there.
        """
        self._process = await asyncio.create_subprocess_exec(
            # -N: to attach would start a server where none is
            "tmux", "-N", "-S", self._socket, "-C", "attach-session",
            "-f", "no-output,ignore-size", "-t", f"={self._session}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}},
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        self._reader = loop.create_task(self._read(), name=f"tmux {self._socket}")
        await self.ask("display-message -p ready")

    async def ask(self, line: str) -> list[str]:
        """Run one control line; the lines it printed.

        Raises:
            NoTmux: the server went away before it answered; whether the line ran is unknown.
        """
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        try:
            said = await self._ask(line)
        except NoTmux:
            self._calls.failed += 1
            raise
        self._calls.took.observe(now_s() - began_s)
        return said

    async def _ask(self, line: str) -> list[str]:
        if self._process is None or self._process.stdin is None or not self.is_open:
            raise NoTmux(f"the tmux server at {self._socket} is gone")
        token = f"fleet-{self._secret}-{next(self._numbers)}"
        answered: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._waiting.append((token, answered))
        self._process.stdin.write(f"{line}\ndisplay-message -p {token}\n".encode())
        try:
            return await self._answer(answered)
        finally:
            answered.cancel()  # nobody waits for it any more

    async def _answer(self, answered: asyncio.Future[list[str]]) -> list[str]:
        """Wait in turns: where the node itself stood still the answer has come and is not read yet,
        and a turn that ran out by that alone is followed by one in which it is.
        """
        for _ in range(_TURNS):
            done, _pending = await asyncio.wait({answered}, timeout=self._answer_s / _TURNS)
            if done:
                return answered.result()
        answered.cancel()
        self.close()
        raise NoTmux(f"the tmux server at {self._socket} does not answer")

    def close(self) -> None:
        """Detach; everybody who still waits is told.

        Killed, not asked: asked to end it would wait for the server, which may stand still.
        """
        self._is_closed = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        self._fail()

    async def ended(self) -> None:
        """Wait until the client's process has been reaped."""
        if self._process is not None:
            await self._process.wait()

    async def _read(self) -> None:
        """A screen is some fifty lines: what has arrived is taken at once, not line by line."""
        stdout = self._process.stdout if self._process else None
        blocks = Blocks()
        rest = b""
        try:
            while stdout is not None and (piece := await stdout.read(_PIECE_BYTES)):
                *whole, rest = (rest + piece).split(b"\n")
                for raw in whole:
                    self._hear(blocks, raw.decode("utf-8", "replace"))
                if len(rest) > LINE_LIMIT_BYTES:
                    self.close()  # a line beyond every limit: nothing after it can be trusted
                    return
        finally:
            self._fail()

    def _hear(self, blocks: Blocks, line: str) -> None:
        token, answered = self._waiting[0] if self._waiting else _NOBODY
        lines = blocks.take(line, token)
        if lines is not None and answered is not None:
            self._waiting.popleft()
            if not answered.done():
                answered.set_result(lines)

    def _fail(self) -> None:
        while self._waiting:
            _, answered = self._waiting.popleft()
            if not answered.done():
                answered.set_exception(NoTmux(f"the tmux server at {self._socket} is gone"))
