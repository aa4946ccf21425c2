"""Hosts as network namespaces on one bridge: real sockets, real multicast, cables that can be pulled.

The bridge lives in a namespace of its own, so the host's own network is never touched. Leaving a
``network`` removes all of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

PREFIX = 24


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


@dataclass
class Network:
    """A switch with hosts on it."""

    switch: str
    hosts: dict[str, str] = field(default_factory=dict)  # name -> namespace

    def plug_in(self, name: str, *addresses: str) -> None:
        """A new host with one cable to the switch and these addresses."""
        namespace = self.hosts[name] = f"{self.switch}-{len(self.hosts)}"
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", self.switch, "link", "add", self._port(name), "type", "veth",
            "peer", "name", "eth0", "netns", namespace)  # fmt: skip
        _ip("-n", self.switch, "link", "set", self._port(name), "master", "bridge0", "up")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        for address in addresses:
            self.add_address(name, address)

    def on(self, name: str) -> tuple[str, ...]:
        """What a command line begins with to run on this host."""
        return ("nsenter", f"--net=/run/netns/{self.hosts[name]}")

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
        for namespace in (*built.hosts.values(), built.switch):
            _remove(namespace)


def _remove(namespace: str) -> None:
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, check=False, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()}"
