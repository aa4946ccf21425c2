"""Hosts as network namespaces on one bridge: real sockets, real multicast, cables that can be pulled.

The bridge lives in a namespace of its own, so the host's own network is never touched. Leaving a
``network`` removes all of it. A host may also hang on a bad cable (``tests/netns/wire.py``), which loses,
delays and reorders what it carries as it is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = 24
WIRE = Path(__file__).parents[1] / "netns/wire.py"


def why_not() -> str:
    """What keeps this host from having network namespaces; nothing when it can."""
    for program in ("ip", "nsenter"):
        if shutil.which(program) is None:
            return f"network namespaces need {program} (packages iproute2, util-linux)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"fl-{secrets.token_hex(4)}"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "bridge0", "type", "bridge")
    except AssertionError as error:
        return f"this host makes no network namespaces: {error}"
    finally:
        _remove(name)
    return ""


@dataclass(frozen=True)
class Fault:
    """What a bad cable does to what goes one way: parts of one that are lost, seconds that it takes, and
    up to so many more, each frame its own."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0


CLEAN = Fault()
DEAF = Fault(loss=1.0)


@dataclass
class Network:
    """A switch with hosts on it."""

    switch: str
    hosts: dict[str, str] = field(default_factory=dict)  # name -> namespace
    wires: dict[str, subprocess.Popen[str]] = field(default_factory=dict)  # the bad cables

    def plug_in(self, name: str, *addresses: str, is_bad: bool = False) -> None:
        """A new host with one cable to the switch and these addresses; a bad one obeys ``suffer``."""
        namespace = self.hosts[name] = f"{self.switch}-{len(self.hosts)}"
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        if is_bad:
            self._wire(name)
            _ip("-n", self.switch, "link", "set", f"h{self._port(name)}", "netns", namespace,
                "name", "eth0")  # fmt: skip
        else:
            _ip("-n", self.switch, "link", "add", self._port(name), "type", "veth",
                "peer", "name", "eth0", "netns", namespace)  # fmt: skip
        _ip("-n", self.switch, "link", "set", self._port(name), "master", "bridge0", "up")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        for address in addresses:
            self.add_address(name, address)

    def _wire(self, name: str) -> None:
        self.wires[name] = wire = subprocess.Popen(
            [*_within(self.switch), sys.executable, str(WIRE), f"h{self._port(name)}",
             self._port(name), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert wire.stdout is not None
        assert wire.stdout.readline() == "ready\n"

    def suffer(self, name: str, out: Fault = CLEAN, into: Fault = CLEAN) -> None:
        """From now on a host's bad cable does this to what the host sends, and to what it is sent."""
        wire = self.wires[name]
        assert wire.stdin is not None
        assert wire.stdout is not None
        wire.stdin.write(json.dumps({"out": vars(out), "in": vars(into)}) + "\n")
        wire.stdin.flush()
        assert wire.stdout.readline() == "done\n"

    def on(self, name: str) -> tuple[str, ...]:
        """What a command line begins with to run on this host."""
        return _within(self.hosts[name])

    def add_address(self, name: str, address: str) -> None:
        """Give a host one more address."""
        _ip("-n", self.hosts[name], "address", "add", f"{address}/{PREFIX}", "dev", "eth0")

    def drop_address(self, name: str, address: str) -> None:
        """Take an address from a host."""
        _ip("-n", self.hosts[name], "address", "del", f"{address}/{PREFIX}", "dev", "eth0")

    def cut(self, name: str) -> None:
        """Pull a host's cable out of the switch."""
        _ip("-n", self.switch, "link", "set", self._port(name), "down")

    def heal(self, name: str) -> None:
        """Put it back."""
        _ip("-n", self.switch, "link", "set", self._port(name), "up")

    def down(self, name: str) -> None:
        """A host takes its own network device down: its kernel knows at once."""
        _ip("-n", self.hosts[name], "link", "set", "eth0", "down")

    def up(self, name: str) -> None:
        """And up again."""
        _ip("-n", self.hosts[name], "link", "set", "eth0", "up")

    def _port(self, name: str) -> str:
        return f"p{list(self.hosts).index(name)}"


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A switch without hosts; all that is plugged in is removed at the end."""
    built = Network(f"fl-{secrets.token_hex(4)}")
    try:
        _ip("netns", "add", built.switch)
        _ip("-n", built.switch, "link", "add", "bridge0", "type", "bridge")
        _ip("-n", built.switch, "link", "set", "bridge0", "up")
        yield built
    finally:
        for wire in built.wires.values():
            wire.communicate()  # the end of its input ends it
        for namespace in (*built.hosts.values(), built.switch):
            _remove(namespace)


def _within(namespace: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{namespace}")


def _remove(namespace: str) -> None:
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, check=False, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()}"
