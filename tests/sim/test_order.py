"""What one sends to one arrives in order, whatever is refused, taken back or lost in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fleet.core.delivery import State
from tests.sim.test_found import linked
from tests.support.checkers import check
from tests.support.disk import BUSY
from tests.support.host import Host
from tests.support.world import World, play_world

LARGE = "x" * 200_000
"""So large that each goes into a batch of its own."""


async def shown_but_not_taken(
    world: World, *texts: str, expires_s: float = 86_400.0
) -> tuple[Host, Host]:
    """Two nodes: what the first sent to rin has reached the second, which died before its commit."""
    white, nova = await linked(world)
    nova.disk.lag_s = 1.0
    for text in texts:
        await white.call("send", to="rin@nova", text=text, timeout_s=0.0, expires_s=expires_s)
    await asyncio.sleep(0.1)
    nova.crash()
    nova.disk.mend()
    return white, nova


def at_commit_of(host: Host, text: str, when: str, action: Callable[[], None]) -> None:
    """Let something happen, once, when an envelope is about to be committed to an inbox, or just was."""

    def look(moment: str) -> None:
        if moment == f"{when} commit" and text in received(host):
            host.disk.at = host.at
            action()

    host.disk.at = look


def received(host: Host) -> dict[str, State]:
    with host.store() as store:
        return {item.envelope.text: item.state for item in store.inbox.recent("", 9, dead=False)}


def told(host: Host) -> dict[str, State]:
    with host.store() as store:
        return {row.envelope.text: row.state for row in store.outbox.recent(9, dead=False)}


def test_what_was_refused_is_refused_by_every_later_life_of_the_node() -> None:
    async def story(world: World) -> None:
        white, nova = await shown_but_not_taken(world, "one", expires_s=60.0)
        await white.call("send", to="rin@nova", text="two", timeout_s=0.0)
        white.clock.ahead_s += 3_600.0
        at_commit_of(nova, "two", "after", nova.crash)  # before it has answered
        nova.up()
        await world.until(lambda: nova.node is None, "it has refused one, and taken two")
        white.clock.ahead_s -= 3_600.0
        nova.up()
        await world.settle()
        assert told(white) == {"one": State.EXPIRED, "two": State.SUBMITTED}

    play_world(story, check)


def test_what_a_taken_back_commit_found_no_room_for_has_no_turn_before_the_others() -> None:
    async def story(world: World) -> None:
        white, nova = await linked(world)
        nova.crash()
        for text in ("one", "two", "three"):
            await white.call("send", to="rin@nova", text=text, timeout_s=0.0)
        nova.room = 1
        at_commit_of(nova, "one", "before", lambda: nova.disk.fail_once(BUSY, 0))
        nova.up()
        await world.settle()
        assert set(told(white).values()) == {State.SUBMITTED}

    play_world(story, check)


def test_a_batch_that_was_looked_into_while_another_was_taken_back_does_not_overtake_it() -> None:
    async def story(world: World) -> None:
        one, two = f"one {LARGE}", f"two {LARGE}"
        white, nova = await shown_but_not_taken(world, one, two)
        at_commit_of(nova, one, "before", lambda: nova.disk.fail_once(BUSY, 0))
        nova.up()
        await world.settle()
        assert set(told(white).values()) == {State.SUBMITTED}

    play_world(story, check)
