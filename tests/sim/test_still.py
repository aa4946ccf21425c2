"""A node that stands still while it types concludes nothing from the time in which it saw nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.panes import Moment
from tests.support.programs import Chat
from tests.support.world import World, play_world

STILL_S = 30.0
"""Longer than every limit of a profile."""


async def at_rin(world: World) -> tuple[Host, Chat]:
    """A host, and the program of its agent rin, ready."""
    (nova,) = await world.fleet("nova")
    await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
    await asyncio.sleep(0.1)
    return nova, nova.program("rin")


async def end_of(host: Host, text: str) -> str:
    """Send it to rin; its state when all has had its time."""
    sent = await host.call("send", to="rin", text=text, wait="queued")
    await asyncio.sleep(3 * STILL_S)
    shown = await host.call("show", id=sent.result["id"])
    return str(shown.result["state"])


def still_after_a_look(
    host: Host, meanwhile: Callable[[], object], still_s: float = STILL_S
) -> None:
    """Let the node stand still when tmux has answered its next look and it has not read the answer."""

    def stand_still() -> None:
        host.stand_still()
        loop = asyncio.get_running_loop()
        loop.call_later(still_s / 2, meanwhile)
        loop.call_later(still_s, host.go_on)

    host.panes.when("look", Moment.AFTER, stand_still)


def test_evidence_that_comes_while_the_node_stands_still_is_seen() -> None:
    """It was called unconfirmed for the time that had passed, though the program had taken it."""

    async def story(world: World) -> None:
        nova, program = await at_rin(world)

        def entered() -> None:
            program.set(swallows=0)
            still_after_a_look(nova, lambda: program.keys(b"\r"))

        program.set(swallows=1)  # it shows nothing of Enter, until somebody presses it again
        nova.panes.when("enter", Moment.AFTER, entered)
        assert await end_of(nova, "hear me") == "submitted"
        assert len(program.turns) == 1

    play_world(story, check)


def test_a_text_that_was_hidden_before_the_node_stood_still_is_not_called_removed() -> None:
    """Given up for the time that had passed, it stood in the input for ever, and nothing came after it."""

    async def story(world: World) -> None:
        nova, program = await at_rin(world)
        hidden: list[str] = []

        def hide() -> None:
            hidden.append(program.draft)
            program.set(draft="")

        def pasted() -> None:
            nova.panes.when("look", Moment.AFTER, hide)
            nova.panes.when("look", Moment.AFTER, lambda: None)  # it is noticed
            still_after_a_look(nova, lambda: program.set(draft=hidden[0]))

        nova.panes.when("paste", Moment.AFTER, pasted)
        assert await end_of(nova, "one") == "submitted"
        assert await end_of(nova, "two") == "submitted"
        assert len(program.turns) == 2

    play_world(story, check)


def test_enter_is_not_pressed_again_for_what_was_seen_before_the_node_stood_still() -> None:
    """A person pressed it meanwhile, and the cursor stands in the same column of a question now."""

    async def story(world: World) -> None:
        nova, program = await at_rin(world)

        def sent_by_hand() -> None:
            program.keys(b"\r")
            program.set(question="Allow it all ?")  # as long as our last row
            asyncio.get_running_loop().call_later(4.0, lambda: program.set(question=""))

        def almost_a_second_later() -> None:
            still_after_a_look(nova, sent_by_hand, still_s=3.0)  # evidence is waited for longer

        def entered() -> None:
            asyncio.get_running_loop().call_later(0.99, almost_a_second_later)

        program.set(swallows=1)
        nova.panes.when("enter", Moment.AFTER, entered)
        assert await end_of(nova, "hear me") == "submitted"
        assert program.answers == []
        assert len(program.turns) == 1

    play_world(story, check)


def test_enter_is_not_pressed_for_what_was_seen_before_the_node_stood_still() -> None:
    async def story(world: World) -> None:
        nova, program = await at_rin(world)

        def asked() -> None:
            program.set(question="Allow it all ?")
            asyncio.get_running_loop().call_later(STILL_S, lambda: program.set(question=""))

        def pasted() -> None:
            nova.panes.when("look", Moment.AFTER, lambda: None)  # the text is shown
            still_after_a_look(nova, asked)

        nova.panes.when("paste", Moment.AFTER, pasted)
        assert await end_of(nova, "hear me") == "submitted"
        assert program.answers == []

    play_world(story, check)
