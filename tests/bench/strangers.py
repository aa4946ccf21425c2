"""Connections that say nothing, to a node with a thousand in its roster: what they cost it, and what a
member's call takes meanwhile.

The node is a real one, in a process of its own, so the processor time is only its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from fleet.paths import Paths
from node.adapters.keyring import Keyring
from node.adapters.pki import new_node_key, public_bytes
from node.store import SqliteStore
from tests.attacks.flood import Card, joined, link, timed
from tests.bench.figures import Figure, percentile
from tests.bench.idle import spent_s
from tests.support.homes import scene
from tests.support.until import until

ROSTER = 1_000
STRANGERS = 200
HELD_S = 2.0
LINKS = 20
MESSAGES = 100


def measure() -> Iterator[Figure]:
    """Processor time of the node for the connections, and a member's latencies while they are held."""
    with scene() as stage:
        white = stage.home("white")
        white.up()
        white.ask("down")
        fill(white.root)
        white.again()
        card = asyncio.run(joined(white.run("invite").out.strip(), "nova"))
        assert len(white.ask("trust")["members"]) >= ROSTER
        pid = white.pid
        settled(pid)
        before_s = spent_s(pid)
        with strangers(card.address):
            time.sleep(HELD_S)  # the measurement itself
            cost_s = spent_s(pid) - before_s
            opened = asyncio.run(opening(card))
            answered = asyncio.run(timed(card, MESSAGES))
    what = f"with {STRANGERS} silent connections"
    note = f"{ROSTER} in the roster"
    yield Figure(
        f"{STRANGERS} silent connections, processor time", cost_s, "s", limit=1.0, note=note
    )
    yield Figure(f"{what}: a member's new link, slowest", max(opened), "ms", limit=100.0, note=note)
    yield Figure(
        f"{what}: a message until it is durable, p99", percentile(answered, 0.99), "ms",
        limit=100.0, note=note,
    )  # fmt: skip


def fill(home: Path) -> None:
    """Let nodes in that nobody will ever meet."""
    keyring = Keyring.open(Paths(home).keys)
    store = SqliteStore(Paths(home).database, keyring.node_id)
    for number in range(ROSTER):
        key = public_bytes(new_node_key().public_key())
        entry, _ = keyring.admit(key, f"n{number}")
        store.book.put_roster(((entry.entry_id, entry.body, entry.signature),))
    store.database.close()


def settled(pid: int) -> None:
    """Wait until a start's work is over."""
    was_s = [spent_s(pid)]

    def is_calm() -> bool:
        time.sleep(0.5)  # a sample of processor time
        was_s.append(spent_s(pid))
        return was_s[-1] - was_s[-2] < 0.02  # two ticks of the kernel's clock

    until(is_calm, "the node is idle")


@contextlib.contextmanager
def strangers(address: str) -> Iterator[None]:
    """Connections that were taken up, and say nothing."""
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as held:
        for _ in range(STRANGERS):
            held.enter_context(socket.create_connection((host, int(port))))
        yield


async def opening(card: Card) -> list[float]:
    """How long each of some links took until the node had said hello, in milliseconds."""
    took: list[float] = []
    for _ in range(LINKS):
        begin_s = time.monotonic()
        async with link(card):
            took.append((time.monotonic() - begin_s) * 1_000)
    return took
