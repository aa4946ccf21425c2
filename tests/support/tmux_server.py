"""A private tmux server, and our adapter on it.

Its socket lies in a short throw-away folder, it reads no configuration, and it is ended by its own
pid. Programs in its panes are ``sh`` and ``cat``, which start in milliseconds and write down byte for
byte what their terminal gives them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from node.adapters.tmux import TmuxPanes
from node.ports.panes import PaneRef, SpawnSpec
from tests.support.homes import is_zombie
from tests.support.until import GIVE_UP_S, until

PEOPLE = "people"
"""The session of the server that belongs to nobody's node."""
KEEPER, AGENTS = "_fleet-test", "fleet-test"
TOKEN = "0123456789abcdef"

_LISTEN = 'stty raw -echo; printf "$2"; printf ready; exec cat > "$1"'
_BRACKETED = r"\033[?2004h"


@dataclass(frozen=True)
class Listener:
    """A pane whose program writes down every byte."""

    pane: str
    file: Path

    def heard(self) -> bytes:
        """What it was given so far."""
        return self.file.read_bytes()

    def wait_heard(self, count: int) -> bytes:
        """What it was given, once that is at least ``count`` bytes."""
        until(lambda: len(self.heard()) >= count, f"{self.pane} heard {count} bytes")
        return self.heard()


class TmuxServer:
    """One tmux server and what a person does on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "socket")
        self._listeners = 0

    # --- what a person does ---

    def start(self) -> None:
        """Start the server with one session of a person's own."""
        self("new-session", "-d", "-s", PEOPLE, "-x", "100", "-y", "30", "env", "sleep", "infinity")

    def __call__(self, *words: str) -> str:
        """Run one tmux command; what it printed."""
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self.socket, *words],
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, f"tmux {' '.join(words)}: {done.stderr}"
        return done.stdout.rstrip("\n")

    def of(self, pane: str, what: str) -> str:
        """A format of one pane."""
        return self("display-message", "-p", "-t", pane, what)

    @property
    def pid(self) -> int:
        return int(self("display-message", "-p", "#{pid}"))

    def window(self, *program: str) -> str:
        """A window that runs a program as the pane's own process; the pane."""
        return self("new-window", "-d", "-P", "-F", "#{pane_id}", "-t", f"{PEOPLE}:", *program)

    def listener(self, *, bracketed: bool = False) -> Listener:
        """A window with a program that reads raw bytes, ready to read."""
        return self.listening(self.window(*self.listening_program(bracketed=bracketed)))

    def listening_program(self, *, bracketed: bool = False) -> tuple[str, ...]:
        """What a listener runs."""
        self._listeners += 1
        file = self.folder / f"heard-{self._listeners}"
        return ("sh", "-c", _LISTEN, "sh", str(file), _BRACKETED if bracketed else "")

    def listening(self, pane: str) -> Listener:
        """The listener that was started last, once it reads."""
        until(lambda: "ready" in self("capture-pane", "-p", "-t", pane), "the listener is ready")
        return Listener(pane, self.folder / f"heard-{self._listeners}")

    def shell(self) -> str:
        """A window with a person's shell at its prompt."""
        pane = self.window("env", "PS1=$ ", "bash", "--norc", "--noprofile", "-i")
        until(lambda: "$" in self("capture-pane", "-p", "-t", pane), "the shell is ready")
        return pane

    def type(self, pane: str, *keys: str) -> None:
        """Press keys in a pane."""
        self("send-keys", "-t", pane, *keys)

    # --- faults ---

    def kill(self) -> None:
        """End the server without any warning."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: is_zombie(pid), "the server is gone")

    @contextlib.contextmanager
    def stopped(self) -> Iterator[int]:
        """The server stands still meanwhile; its pid."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def control_clients(self) -> list[int]:
        """The pids of our control clients."""
        rows = self("list-clients", "-F", "#{client_control_mode} #{client_pid}").splitlines()
        return [int(row.split()[1]) for row in rows if row.startswith("1 ")]

    # --- our side ---

    def adapter(self) -> TmuxPanes:
        """A node's panes on this server."""
        return TmuxPanes(KEEPER, AGENTS, ("-f", "/dev/null"))

    def spec(self, *argv: str, cwd: str = "", **environment: str) -> SpawnSpec:
        """An agent to start here."""
        return SpawnSpec(self.socket, argv, cwd, "rin", tuple(environment.items()), TOKEN)

    async def bound(self, panes: TmuxPanes, listener: Listener) -> PaneRef:
        """A listener taken as an agent."""
        return await panes.bind(self.socket, listener.pane, TOKEN)


@contextlib.contextmanager
def tmux_server() -> Iterator[TmuxServer]:
    """A server for one test."""
    folder = Path(tempfile.mkdtemp(prefix="fl-", dir="/tmp"))
    server = TmuxServer(folder)
    server.start()
    pid = server.pid
    try:
        yield server
    finally:
        for end in {pid, *_still_there(server)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(end, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _still_there(server: TmuxServer) -> list[int]:
    """A server that was started anew at the same socket."""
    with contextlib.suppress(AssertionError):
        return [server.pid]
    return []


def run(story: Callable[[TmuxServer, TmuxPanes], Awaitable[None]]) -> None:
    """Play a test's story with a server of its own and an adapter on it."""

    async def play(server: TmuxServer) -> None:
        panes = server.adapter()
        try:
            async with asyncio.timeout(GIVE_UP_S):
                await story(server, panes)
        finally:
            await panes.close()

    with tmux_server() as server:
        asyncio.run(play(server))
