"""Stories about one pane, played on the model tmux and on a real one; and what may happen to the pane."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fleet.core.errors.panes import NoTmux
from fleet.core.keystrokes import Paste, pasted
from node.ports.panes import PaneRef
from tests.support.stages import OTHER_TOKEN, FakeStage, Stage, seen
from tests.support.tmux_stage import tmux_stage
from tests.support.vtime import play

Story = Callable[[Stage], Awaitable[None]]
On = Callable[[Story], None]
HELLO = pasted("hello\nyou", Paste.BRACKETED)


def on_fake(story: Story) -> None:
    async def run() -> None:
        await story(FakeStage())

    play(run())


def on_tmux(story: Story) -> None:
    async def run() -> None:
        async with tmux_stage() as stage:
            await story(stage)

    asyncio.run(run())


async def bind_again(stage: Stage, ref: PaneRef) -> None:
    await stage.panes.bind(stage.socket, ref.pane, OTHER_TOKEN)


async def respawn(stage: Stage, ref: PaneRef) -> None:
    stage.respawn(ref.pane)


async def die(stage: Stage, ref: PaneRef) -> None:
    stage.keep_dead(ref.pane)
    stage.end_program(ref.pane)
    await seen(stage, ref, lambda look: look.dead)


async def switch_off(stage: Stage, ref: PaneRef) -> None:
    stage.switch_input_off(ref.pane)


async def release(stage: Stage, ref: PaneRef) -> None:
    await stage.panes.release(ref)


async def close(stage: Stage, ref: PaneRef) -> None:
    stage.close(ref.pane)


async def restart(stage: Stage, ref: PaneRef) -> None:
    """Another server whose pane has the same id, and the node has noticed that the old one is gone."""
    stage.restart_server(ref.pane)
    for _ in range(2_000):
        with contextlib.suppress(NoTmux):
            await stage.panes.look(ref)
            return
        await asyncio.sleep(0.005)


Spoil = Callable[[Stage, PaneRef], Awaitable[None]]


SPOILS: tuple[Spoil, ...] = (bind_again, respawn, die, switch_off, release, close, restart)
