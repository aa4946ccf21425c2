"""Node to node, durable at both ends: outbox synced, one mutual-TLS stream, inbox synced.

Beside it the same number of bytes over a bare batched stream that keeps nothing, and a file that is
appended to and synced once a message.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from fleet.core.delivery import State
from fleet.core.trust import Caller
from node.engine.node import Node
from node.engine.outbox import Wish
from tests.bench import wire_floor
from tests.bench.figures import Figure
from tests.bench.inside import in_thread, inside, join
from tests.support.homes import Home, Scene, scene
from tests.support.until import eventually

TEXT = "x" * 200
SINGLES = 300
MANY = 8_000  # a round's two runs stay below what one node may have waiting for an agent
WIDE = 256
ROUNDS = 5


def measure() -> Iterator[Figure]:
    """Rates and latencies, medians of several rounds taken in turns with the floors."""
    with scene() as stage:
        one_ms, rates, eight, raw, synced = inside(stage, lambda node, _: _work(node, stage))
    yield Figure("durable node to node, one at a time, p50", one_ms, "ms", limit=3.0)
    yield Figure(
        f"durable node to node, {WIDE} in flight", statistics.median(rates), "msg/s",
        raw, "bare mTLS stream", limit=1 / 3, better="higher",
        note=f"must be over 12,000 on a quiet machine; best round {max(rates):,.0f}",
    )  # fmt: skip
    yield Figure(
        f"durable node to node, eight senders, {WIDE} in flight", statistics.median(eight), "msg/s",
        raw, "bare mTLS stream", better="higher",
    )  # fmt: skip
    yield Figure(
        "durable rate against one sync a message", statistics.median(rates), "msg/s",
        synced, "append + fdatasync", better="higher",
    )  # fmt: skip


async def _work(node: Node, stage: Scene) -> tuple[float, list[float], list[float], float, float]:
    nova = await join(node, stage, "nova")
    for number in range(ROUNDS + 1):
        await _sleeper(node, nova, f"rin-{number}")
    operator = [node.fleet.caller("operator")]
    eight = [node.fleet.caller(f"agent-{n}") for n in range(8)]
    warm_to = f"rin-{ROUNDS}@nova"
    await _rate(node, operator, warm_to, MANY // 4)
    one_ms = await _single(node, operator[0], warm_to)
    rates, rates_of_eight, raw, synced = [], [], [], []
    for to in (f"rin-{number}@nova" for number in range(ROUNDS)):
        rates.append(await _rate(node, operator, to, MANY))
        raw.append(await in_thread(wire_floor.rate, stage.folder, WIDE, MANY * 2))
        rates_of_eight.append(await _rate(node, eight, to, MANY))
        synced.append(await in_thread(_append, stage.folder))
    return one_ms, rates, rates_of_eight, statistics.median(raw), statistics.median(synced)


async def _sleeper(node: Node, nova: Home, name: str) -> None:
    """An agent that is known and not running: envelopes are accepted, and nothing is typed."""
    await in_thread(nova.ask_with, ("start", name, "--"), ("sleep", "1000"))
    await eventually(lambda: node.fleet.directory.called(name), f"{name} is known")
    await in_thread(nova.ask, "stop", name)


async def _accepted(node: Node, caller: Caller, to: str) -> None:
    """One envelope, until the recipient's node has it on its disk and this node knows."""
    receipt = await node.outbox.send(caller, Wish(to, TEXT))
    watch = node.events.watch(receipt)
    try:
        while watch.receipt.last.state is State.QUEUED:
            await watch.next()
    finally:
        node.events.unwatch(watch)


async def _single(node: Node, caller: Caller, to: str) -> float:
    took = []
    for _ in range(SINGLES):
        start_s = time.perf_counter()
        await _accepted(node, caller, to)
        took.append(time.perf_counter() - start_s)
    return statistics.median(took) * 1e3


async def _rate(node: Node, callers: list[Caller], to: str, total: int) -> float:
    numbers = iter(range(total))

    async def sender(caller: Caller) -> None:
        for _ in numbers:
            await _accepted(node, caller, to)

    start_s = time.perf_counter()
    await asyncio.gather(*(sender(callers[n % len(callers)]) for n in range(WIDE)))
    return total / (time.perf_counter() - start_s)


def _append(folder: Path) -> float:
    """Messages a second into a file that is synced after each."""
    count = 500
    file = os.open(folder / "append", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        start_s = time.perf_counter()
        for _ in range(count):
            os.write(file, TEXT.encode())
            os.fdatasync(file)
        return count / (time.perf_counter() - start_s)
    finally:
        os.close(file)
