"""What the node may rely on of its clock, the host's and the virtual one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from fleet.core.envelope import ENVELOPE_ID
from node.adapters.clock import SystemClock
from node.ports.host import Clock
from tests.support.vtime import Deadlock, Livelock, VirtualClock, play

Story = Callable[[Clock], Awaitable[None]]
On = Callable[[Story], None]


def on_virtual(story: Story) -> None:
    async def run() -> None:
        await story(VirtualClock())

    play(run())


def on_system(story: Story) -> None:
    async def run() -> None:
        await story(SystemClock())

    asyncio.run(run())


@pytest.fixture(params=[on_virtual, on_system])
def on(request: pytest.FixtureRequest) -> On:
    return request.param  # type: ignore[no-any-return]


def test_ids_are_well_formed_and_in_the_order_in_which_they_were_made(on: On) -> None:
    async def story(clock: Clock) -> None:
        ids = [clock.new_id() for _ in range(5_000)]
        await clock.sleep(0.002)
        ids += [clock.new_id() for _ in range(10)]
        assert all(ENVELOPE_ID.fullmatch(one) for one in ids)
        assert ids == sorted(set(ids))

    on(story)


def test_tokens_and_nonces_have_their_form_and_do_not_repeat(on: On) -> None:
    async def story(clock: Clock) -> None:
        tokens = {clock.token() for _ in range(500)}
        assert len(tokens) == 500
        assert all(re.fullmatch("[0-9a-f]{16}", token) for token in tokens)
        nonces = {clock.nonce() for _ in range(500)}
        assert len(nonces) > 490
        assert all(re.fullmatch("[a-z2-7]{6}", nonce) for nonce in nonces)

    on(story)


def test_dice_fall_between_0_and_1_and_not_always_alike(on: On) -> None:
    async def story(clock: Clock) -> None:
        thrown = [clock.dice() for _ in range(500)]
        assert 0 <= min(thrown) < 0.1
        assert 0.9 < max(thrown) < 1

    on(story)


def test_sleeping_makes_it_later_by_both_clocks(on: On) -> None:
    async def story(clock: Clock) -> None:
        before = clock.now_s(), clock.wall_s()
        await clock.sleep(0.01)
        assert clock.now_s() - before[0] >= 0.0099
        assert clock.wall_s() - before[1] >= 0.0099

    on(story)


# --- the virtual loop itself -----------------------------------------------------------------------


def test_a_virtual_year_passes_at_once() -> None:
    async def story() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    assert play(story()) == pytest.approx(365 * 86_400)


def test_nothing_ready_and_no_timer_is_said_to_be_a_deadlock() -> None:
    async def story() -> None:
        await asyncio.sleep(2.5)
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"at 2\.500 s"):
        play(story())


def test_work_without_end_at_one_moment_is_said_to_be_a_livelock() -> None:
    async def story() -> None:
        await asyncio.sleep(1.5)
        while True:  # noqa: ASYNC110 - it never gets later
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match=r"at 1\.500 s"):
        play(story())


def test_timers_go_off_in_order_and_at_their_time() -> None:
    async def story() -> list[tuple[str, int]]:
        loop = asyncio.get_running_loop()
        done: list[tuple[str, int]] = []

        def go_off(name: str) -> None:
            done.append((name, round(loop.time())))

        for name, delay_s in (("third", 3), ("first", 1), ("second", 2)):
            loop.call_later(delay_s, go_off, name)
        await asyncio.sleep(4)
        return done

    assert play(story()) == [("first", 1), ("second", 2), ("third", 3)]


def test_work_for_a_thread_is_done_at_once_and_its_errors_are_told() -> None:
    async def story() -> None:
        assert await asyncio.to_thread(sum, (1, 2)) == 3
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        assert asyncio.get_running_loop().time() == 0

    play(story())


def test_the_same_chance_gives_the_same_ids() -> None:
    def three(seed: int) -> list[str]:
        async def story() -> list[str]:
            clock = VirtualClock(Random(seed))
            return [clock.new_id(), clock.token(), clock.nonce()]

        return play(story())

    assert three(1) == three(1) != three(2)
