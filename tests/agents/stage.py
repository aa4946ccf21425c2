"""Where the programs run: one real node, one tmux server, one person's terminal, no network.

The programs are started by ``fleet start``, in an environment built from nothing, with an empty home
and dummy keys. What they reach is loopback alone: a network namespace when we are root, else proxies
that lead nowhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.agents.model_server import ModelServer
from tests.agents.programs import Program, as_text, filled
from tests.support.homes import Home, Scene, scene
from tests.support.until import until

COLUMNS, ROWS = 120, 40
TINY_COLUMNS, TINY_ROWS = 40, 12
_ALONE = "AGENTS_ALONE"
_NOWHERE = "http://127.0.0.1:9"
_PROXIES = {
    "http_proxy": _NOWHERE,
    "https_proxy": _NOWHERE,
    "HTTP_PROXY": _NOWHERE,
    "HTTPS_PROXY": _NOWHERE,
    "no_proxy": "127.0.0.1,localhost",
    "NO_PROXY": "127.0.0.1,localhost",
}


def go_alone(words: Sequence[str]) -> None:
    """Become ``python words…`` in a network namespace with only loopback; does nothing when we are
    there already, or when this host does not let us."""
    if os.environ.get(_ALONE) or os.geteuid() != 0:
        return
    inside = 'ip link set lo up && exec "$@"'
    test = subprocess.run(["unshare", "-n", "sh", "-c", inside, "sh", "true"], check=False)
    if test.returncode == 0:
        environment = {**os.environ, _ALONE: "1"}
        command = ["unshare", "-n", "sh", "-c", inside, "sh", sys.executable, *words]
        os.execvpe(command[0], command, environment)


def is_alone() -> bool:
    """Whether the kernel keeps everything but loopback away."""
    return bool(os.environ.get(_ALONE))


class Terminal:
    """A person's terminal, attached to the session that agents run in."""

    def __init__(self, socket: str, pane: str) -> None:
        self._here, there = pty.openpty()
        self._set_size(COLUMNS, ROWS)
        self._process = subprocess.Popen(
            ["tmux", "-S", socket, "attach-session", "-t", pane],
            stdin=there,
            stdout=there,
            stderr=there,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        os.close(there)
        threading.Thread(target=self._read_on, daemon=True).start()

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window's corner."""
        self._set_size(columns, rows)
        os.kill(self._process.pid, signal.SIGWINCH)

    @property
    def is_open(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Close the window."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._here, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read_on(self) -> None:
        """Somebody has to, or tmux waits with its output."""
        with contextlib.suppress(OSError):
            while os.read(self._here, 65_536):
                pass


@dataclass
class Stage:
    """One node and what surrounds it."""

    world: Scene
    home: Home
    server: ModelServer
    terminal: Terminal | None = None

    @property
    def work(self) -> Path:
        """The folder in which programs work."""
        return self.world.folder / "work"

    @property
    def user(self) -> Path:
        """The home of the person."""
        return self.world.folder / "user"

    @property
    def socket(self) -> str:
        return str(next((self.world.folder / "tmux").glob("tmux-*/default")))

    def prepare(self, program: Program, executable: Path) -> Path:
        """Write the program's own files; the command that starts it with its keys."""
        names = {"url": self.server.url(program.name), "work": str(self.work)}
        for path, content in filled(program.files, names).items():
            file = self.user / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(as_text(content))
        environment = filled(program.environment, names)
        command = self.world.folder / "bin" / program.name
        command.parent.mkdir(exist_ok=True)
        exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in environment.items())
        words = shlex.join([str(executable), *program.arguments])
        command.write_text(f'#!/bin/sh\n{exports}exec {words} "$@"\n')
        command.chmod(0o755)
        self.server.knows(program.name, program.tool, by_text=not program.has_tools)
        return command

    def show(self, pane: str) -> None:
        """Have the person's terminal open on a pane."""
        if self.terminal is None or not self.terminal.is_open:
            self.terminal = Terminal(self.socket, pane)
        self.world.tmux("select-window", "-t", pane)
        self.resize(pane, COLUMNS, ROWS)

    def resize(self, pane: str, columns: int, rows: int) -> None:
        """Have the person's terminal be of this size."""
        assert self.terminal is not None
        self.terminal.resize(columns, rows)
        until(
            lambda: (
                self.world.tmux("display-message", "-p", "-t", pane, "#{window_width}").strip()
                == str(columns)
            ),
            f"the window is {columns} columns wide",
        )


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage that takes itself down again, and what the programs left running."""
    with contextlib.ExitStack() as behind, scene() as world:
        behind.callback(end_left, world.folder)
        home = world.home("white")
        if not is_alone():
            home = replace(home, environment={**home.environment, **_PROXIES})
        (world.folder / "work").mkdir()
        server = ModelServer()
        server.start()
        built = Stage(world, home, server)
        try:
            home.up()
            yield built
        finally:
            if built.terminal is not None:
                built.terminal.close()
            server.close()


def end_left(folder: Path) -> None:
    """End what outlives its program, codex's daemon for one: its home is in our folder alone."""
    mark = f"HOME={folder}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "environ").read_bytes().split(b"\0")
            if any(word.startswith(mark) for word in words):
                os.kill(int(process.name), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
