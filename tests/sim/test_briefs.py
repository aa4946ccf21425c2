"""A member is given its briefing before all else, and not kept waiting for one that does not come."""

from __future__ import annotations

import asyncio

from node.engine.agents import BRIEF_S
from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.world import World, play_world


async def waiting(world: World) -> Host:
    """A node with a member that is about to be started, and a letter that waits for it."""
    (white,) = await world.fleet("white")
    await white.call("start", name="rin", socket=SOCKET, command=("chat",))
    await asyncio.sleep(1)
    white.up_node.agents.await_brief("rin")
    await white.call("send", to="rin", text="hello", timeout_s=0.0)
    return white


def test_nothing_is_typed_before_the_briefing_and_all_else_right_after_it() -> None:
    async def story(world: World) -> None:
        white = await waiting(world)
        await asyncio.sleep(BRIEF_S - 1)
        assert not white.typed
        white.up_node.agents.brief_is_there("rin")
        await asyncio.sleep(0.5)
        assert white.typed

    play_world(story, check)


def test_a_briefing_that_does_not_come_is_not_waited_for_without_end() -> None:
    async def story(world: World) -> None:
        white = await waiting(world)
        await asyncio.sleep(BRIEF_S + 1)
        assert white.typed

    play_world(story, check)
