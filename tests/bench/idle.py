"""A node that has nothing to do: the share of a core it takes, and its memory.

Two agents live on it and one peer is connected, so it looks at panes, keeps a link alive and listens
for mDNS as an ordinary one does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.homes import LOOPBACK, Home, scene
from tests.support.recording import Recording

WATCHED_S = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> Iterator[Figure]:
    """Processor time over a while, and resident memory at its end."""
    with scene() as stage:
        white, nova = stage.home("white"), stage.home("nova")
        white.ask("up", "--name", "white", "--listen", LOOPBACK)
        nova.up()
        stage.join(white, nova)
        names = [
            Recording(stage.folder / f"{name}.jsonl").start(white, name) for name in ("rin", "kai")
        ]
        stage.wait_known(nova, *names)
        pid = _pid(white)
        began_s, before_s = time.monotonic(), spent_s(pid)
        time.sleep(WATCHED_S)  # the measurement itself
        share = (spent_s(pid) - before_s) / (time.monotonic() - began_s)
        memory = _resident_mb(pid)
    yield Figure("idle node, share of a core", share * 100, "%", limit=1.0)
    yield Figure("idle node, memory", memory, "MB", limit=90.0)


def _pid(home: Home) -> int:
    return int(home.ask("status")["pid"])


def spent_s(pid: int) -> float:
    """The processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel does not tell the memory of the node")
