"""A real node inside this process, so that its clocks and its loop can be read; peers are other
processes, started through the command line."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from node.daemon import Daemon, Options
from node.engine.node import Node
from tests.bench.quiet import quiet
from tests.support.homes import Home, Scene
from tests.support.until import eventually

T = TypeVar("T")
NAME = "white"


def inside(stage: Scene, work: Callable[[Node, Home], Awaitable[T]]) -> T:
    """Serve a home in this process, do some work beside it, stop it; what the work gave."""
    home = stage.home(NAME)
    for name in ("TMUX_TMPDIR", "FLEET_HOME"):
        os.environ[name] = home.environment[name]
    os.environ.pop("TMUX", None)
    quiet()

    async def serve() -> T:
        daemon = Daemon(Options(Path(home.root), NAME, "127.0.0.1:0", mdns=False))
        gc.freeze()
        ready: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(daemon.run(ready.set_result))
            node = await ready
            try:
                return await work(node, home)
            finally:
                node.stopping.set()
                await serving

    try:
        return asyncio.run(serve())
    finally:
        gc.unfreeze()


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Run something that blocks, a command mostly, while the node goes on."""
    return await asyncio.to_thread(work, *arguments)


async def join(node: Node, stage: Scene, name: str) -> Home:
    """Another node, up, a member, and linked with the one in this process."""
    other = stage.home(name)
    await in_thread(other.up)
    token, _ = await node.membership.invite(60.0)
    await in_thread(other.ask, "join", token)
    await eventually(
        lambda: any(node.peers.session(peer.node_id) for peer in node.fleet.others()), "linked"
    )
    return other
