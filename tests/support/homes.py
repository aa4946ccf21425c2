"""Throw-away homes with real nodes, driven through the real command line.

Everything a scene starts lives in one short temporary folder: homes, the tmux server's socket, the
recorders' files. Leaving the scene ends the nodes and the tmux server by their own process ids.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.until import until

FLEET = Path(sys.executable).with_name("fleet")
LOOPBACK = "127.0.0.1:0"
UP = ("up", "--no-mdns", "--listen", LOOPBACK)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON value."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Home:
    """One node's home, and how to run commands on it."""

    name: str
    root: Path
    environment: dict[str, str]
    prefix: tuple[str, ...] = ()  # what command lines begin with, to run on another host

    def run(
        self, *words: str, stdin: str | bytes | None = None, cwd: str | Path | None = None
    ) -> Said:
        """Run a command to its end."""
        done = subprocess.run(
            [*self.prefix, str(FLEET), *words],
            env=self.environment,
            cwd=cwd,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ask(self, *words: str) -> Any:
        """Run a command that has to succeed; its JSON."""
        said = self.run(*words, "--json")
        assert said.code == 0, f"fleet {' '.join(words)}: {said}"
        return said.json

    def ask_with(self, words: Sequence[str], program: Sequence[str]) -> Any:
        """Run a command that takes a program behind ``--`` and has to succeed; its JSON."""
        said = self.run(*words[:-1], "--json", "--", *program)
        assert said.code == 0, f"fleet {' '.join(words)}: {said}"
        return said.json

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command and leave it running."""
        return subprocess.Popen(
            [*self.prefix, str(FLEET), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def up(self, *words: str) -> Any:
        """Start the node on loopback, without mDNS."""
        return self.ask("up", "--name", self.name, "--listen", LOOPBACK, "--no-mdns", *words)

    def again(self) -> Any:
        """Start the node again, as it was."""
        return self.ask("up", "--no-mdns")

    def sees(self, name: str) -> bool:
        """Whether this node has a link with the node of that name."""
        return any(n["node"] == name and n["state"] == "connected" for n in self.ask("nodes"))

    @property
    def pid(self) -> int:
        """The node's process."""
        return int(self.ask("status")["pid"])

    def kill(self) -> None:
        """End the node without any warning, as a power cut would."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists() or is_zombie(pid), "the node is gone")

    def state_of(self, envelope_id: str) -> str:
        """An envelope's state as this home knows it."""
        return str(self.ask("show", envelope_id)["state"])


def is_zombie(pid: int) -> bool:
    """Whether a process has ended and only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@dataclass(frozen=True)
class Scene:
    """Several homes on one host, and one tmux server of their own."""

    folder: Path

    def home(self, name: str) -> Home:
        """A home of this name; nothing in it until its node is up."""
        environment = {
            "PATH": f"{FLEET.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder / "user"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "FLEET_HOME": str(self.folder / name),
            "TMUX_TMPDIR": str(self.folder / "tmux"),
        }
        return Home(name, self.folder / name, environment)

    def pair(self, first: str = "white", second: str = "nova") -> tuple[Home, Home]:
        """Two nodes, up and joined, each knowing that the other is there."""
        one, other = self.home(first), self.home(second)
        one.up()
        other.up()
        self.join(one, other)
        return one, other

    def join(self, inviter: Home, joiner: Home) -> None:
        """Let one node into the other's fleet and wait until both see each other."""
        token = inviter.run("invite")
        assert token.code == 0, token
        joined = joiner.run("join", token.out.strip())
        assert joined.code == 0, joined
        self.wait_linked(inviter, joiner)

    def wait_linked(self, one: Home, other: Home) -> None:
        """Wait until both nodes have a link to each other."""
        for here, there in ((one, other), (other, one)):
            until(partial(here.sees, there.name), f"{here.name} is linked with {there.name}")

    def wait_known(self, home: Home, *addresses: str) -> None:
        """Wait until a home's directory holds these agents, online."""
        until(
            lambda: (
                set(addresses)
                <= {a["address"] for a in home.ask("ls") if a["state"] not in {"offline", "away"}}
            ),
            f"{home.name} knows {addresses}",
        )

    def tmux(self, *words: str) -> str:
        """One command to the scene's tmux server."""
        socket = next((self.folder / "tmux").glob("tmux-*/default"))
        done = subprocess.run(
            ["tmux", "-S", str(socket), *words], capture_output=True, check=True, text=True
        )
        return done.stdout


@contextlib.contextmanager
def scene(names: Sequence[str] = ()) -> Iterator[Scene]:
    """A scene that cleans up after itself; ``names`` are homes to bring up at once."""
    folder = Path(tempfile.mkdtemp(prefix="fl-", dir="/tmp"))
    for part in ("tmux", "user"):
        (folder / part).mkdir(mode=0o700)
    stage = Scene(folder)
    try:
        for name in names:
            stage.home(name).up()
        yield stage
    finally:
        _end_nodes(folder)
        _end_tmux(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end_nodes(folder: Path) -> None:
    for run in folder.glob("*/run"):
        home = Scene(folder).home(run.parent.name)
        if home.run("down").code != 0:
            for pid in _processes_of(str(run.parent)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _processes_of(home: str) -> list[int]:
    """Nodes that serve exactly this home, by their own command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if home in words and "node" in words:
            found.append(int(entry.name))
    return found


def _end_tmux(folder: Path) -> None:
    for socket in (folder / "tmux").glob("tmux-*/*"):
        done = subprocess.run(
            ["tmux", "-S", str(socket), "display-message", "-p", "#{pid}"],
            capture_output=True,
            check=False,
            text=True,
        )
        if done.stdout.strip().isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(done.stdout), signal.SIGKILL)
