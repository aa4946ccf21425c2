"""The resolver with a thousand, a hundred thousand and a million agents."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from fleet.core.address import parse_query
from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence
from fleet.core.resolver import resolve
from tests.bench.figures import Figure, median_of

T = TypeVar("T")
_LOOKUPS = 20_000
_NODES = 100


def measure() -> Iterator[Figure]:
    """Look-up, update and memory at three sizes."""
    for size in (1_000, 100_000, 1_000_000):
        directory, bytes_each = _filled(size)
        step = max(1, size // _LOOKUPS)
        queries = [parse_query(f"agent-{n}") for n in range(0, size, step)][:_LOOKUPS]
        entries = [directory.called(query.agent)[0] for query in queries]
        limit = 3.0 if size == 1_000_000 else 0.0
        yield Figure(
            f"resolve, {size:,} agents",
            median_of(5, partial(_each_us, queries, partial(resolve, directory=directory))),
            "us",
            limit=limit,
        )
        yield Figure(
            f"update, {size:,} agents",
            median_of(5, partial(_each_us, entries, directory.put)),
            "us",
        )
        yield Figure(
            f"memory, {size:,} agents", bytes_each, "B/agent", limit=250.0 if limit else 0.0
        )


def _filled(size: int) -> tuple[Directory, float]:
    gc.collect()
    tracemalloc.start()
    directory = Directory()
    for node in range(_NODES):
        directory.put_node(NodeEntry(f"{node:052d}", f"node-{node}", connected=True, seen_at_s=0.0))
    ids = [node.node_id for node in directory.nodes()]
    for number in range(size):
        entry = AgentEntry(
            f"agent-{number}", ids[number % _NODES], "generic", Presence.ONLINE, number << 16
        )
        directory.put(entry)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return directory, used / size


def _each_us(items: Sequence[T], work: Callable[[T], object]) -> float:
    start_s = time.perf_counter()
    for item in items:
        work(item)
    return (time.perf_counter() - start_s) / len(items) * 1e6
