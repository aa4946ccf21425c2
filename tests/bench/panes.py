"""The last stretch: from an envelope's arrival at the recipient's node to bytes read in the pane.

Beside it the same bytes through a bare control client: no database, no look, no guard.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet.core.delivery import State
from fleet.core.envelope import DEFAULT_EXPIRY_S, Envelope
from fleet.core.frames import Posted
from fleet.core.keystrokes import PASTE_BEGIN, PASTE_END
from node.adapters.tmux.control import ControlClient
from node.adapters.tmux.panes import memory_file
from node.engine.node import Node
from node.records import Agent
from tests.bench.figures import Figure
from tests.bench.inside import in_thread, inside
from tests.support.homes import Home, Scene, scene
from tests.support.until import eventually

READER = Path(__file__).with_name("reader.py")
PEER = "p" * 52
TEXT = "x" * 200
SINGLES = 200
WARM = 20
EACH = {1: 200, 10: 40, 100: 8}
"""Messages per pane, by the number of panes."""


def measure() -> Iterator[Figure]:
    """Latency into one pane, in turns with the floor; then rates into 1, 10 and 100 panes."""
    with scene() as stage:
        ours_ms, floor_ms, rates, floor_rate = inside(
            stage, lambda node, home: _work(node, home, stage)
        )
    yield Figure(
        "arrival to bytes in the pane, p50",
        ours_ms,
        "ms",
        floor_ms,
        "bare control client",
        limit=3.0,
    )
    for panes, rate in rates.items():
        yield Figure(
            f"messages into {panes} pane{'s' if panes > 1 else ''}, submitted", rate, "msg/s",
            floor_rate, "bare control client, one at a time", better="higher",
            note="each with Enter and evidence from the screen" if panes == 1 else "",
        )  # fmt: skip


async def _work(
    node: Node, home: Home, stage: Scene
) -> tuple[float, float, dict[int, float], float]:
    first = await Pane.started(node, home, stage, "rin-0")
    ours, floor = await _latencies(node, first)
    rates: dict[int, float] = {}
    panes = [first]
    for count, each in EACH.items():
        while len(panes) < count:
            panes.append(await Pane.started(node, home, stage, f"rin-{len(panes)}"))
        rates[count] = await _rate(node, panes, each)
    return ours * 1e3, floor * 1e3, rates, 1 / floor


class Pane:
    """One agent that runs the reader, and what the reader says."""

    def __init__(self, agent: Agent, said: asyncio.StreamReader) -> None:
        self.agent = agent
        self._said = said

    @staticmethod
    async def started(node: Node, home: Home, stage: Scene, name: str) -> Pane:
        path = stage.folder / f"{name}.pipe"
        os.mkfifo(path)
        said = asyncio.StreamReader()
        file = os.fdopen(os.open(path, os.O_RDWR), "rb")
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), file)
        words = (sys.executable, str(READER), str(path))
        await in_thread(home.ask_with, ("start", name, "--"), words)
        agent = node.agents.known(name)
        return Pane(agent, said)

    async def read_at_s(self) -> float:
        """When the reader read the next text to its end."""
        return float(await self._said.readline())


def _posted(node: Node, name: str) -> Posted:
    envelope_id = node.clock.new_id()
    envelope = Envelope(
        envelope_id, "neo@white", PEER, name, "", name, TEXT, envelope_id, "", 0, False, 0.0, 0.0
    )
    return Posted(envelope, DEFAULT_EXPIRY_S)


async def _latencies(node: Node, pane: Pane) -> tuple[float, float]:
    """Medians of the node's way and of the bare one, in turns."""
    ref = pane.agent.ref
    assert ref is not None
    floor_client = ControlClient(ref.socket, await node.panes.place(ref))
    await floor_client.open()
    ours: list[float] = []
    floor: list[float] = []
    for number in range(WARM + SINGLES):
        began_s = time.monotonic()
        posted = _posted(node, pane.agent.name)
        await node.inbox.accept_batch(PEER, [posted])
        ours.append(await pane.read_at_s() - began_s)
        await eventually(_is_submitted(node, posted), "it is submitted")
        began_s = time.monotonic()
        with memory_file(PASTE_BEGIN + TEXT.encode() + PASTE_END + b"\r") as path:
            await floor_client.ask(
                f"load-buffer -b floor {path} ; paste-buffer -r -d -b floor -t {ref.pane}"
            )
        floor.append(await pane.read_at_s() - began_s)
        if number < WARM:
            ours.clear()
            floor.clear()
    floor_client.close()
    await floor_client.ended()
    return statistics.median(ours), statistics.median(floor)


def _is_submitted(node: Node, posted: Posted) -> Callable[[], bool]:
    def look() -> bool:
        item = node.store.inbox.get(posted.envelope.id)
        return item is not None and item.state is State.SUBMITTED

    return look


async def _rate(node: Node, panes: list[Pane], each: int) -> float:
    batch = [_posted(node, pane.agent.name) for _ in range(each) for pane in panes]
    began_s = time.monotonic()
    await node.inbox.accept_batch(PEER, batch)
    for pane in panes:
        for _ in range(each):
            await pane.read_at_s()
    await eventually(_is_submitted(node, batch[-1]), "all are submitted")
    return len(batch) / (time.monotonic() - began_s)
