"""What is typed into a pane, and what never is, on the model tmux and on a real one: so the model cannot lie."""

from __future__ import annotations

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import NoTmux
from fleet.core.keystrokes import Paste, pasted
from node.ports.panes import PaneRef
from tests.support.pane_stories import HELLO, SPOILS, On, Spoil
from tests.support.stages import TOKEN, Stage, seen, spawned


def test_a_paste_and_enter_are_one_turn_and_leave_their_marks(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        before = await stage.panes.look(ref)
        assert await stage.panes.paste(ref, 7, HELLO, Paste.BRACKETED)
        look = await seen(stage, ref, lambda look: look.cursor_row.endswith("you"))
        assert (look.last, look.sub) == (7, 0)
        assert look.cursor_y > before.cursor_y
        assert stage.turns(ref.pane) == []
        assert await stage.panes.enter(ref, 7)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["hello\nyou"]
        look = await seen(stage, ref, lambda look: look.cursor_row.strip() == ">")
        assert (look.last, look.sub) == (7, 7)

    on(story)


def test_nothing_is_typed_where_the_cursor_has_moved(on: On) -> None:
    """A draft or a question that came up since the look."""

    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        look = await seen(stage, ref, lambda look: look.cursor_row.strip() == ">")
        x = look.cursor_x
        assert not await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED, cursor_x=x + 1)
        assert (await stage.panes.look(ref)).last == 0
        assert await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED, cursor_x=x)
        look = await seen(stage, ref, lambda look: look.cursor_row.endswith("you"))
        assert not await stage.panes.enter(ref, 1, cursor_x=x)
        assert stage.turns(ref.pane) == []
        assert await stage.panes.enter(ref, 1, cursor_x=look.cursor_x)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["hello\nyou"]

    on(story)


def test_tmux_frames_a_native_paste_for_a_program_that_asked_for_it(on: On) -> None:
    """Unframed, the CR in it would be Enter."""

    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 1, b"one\rtwo", Paste.NATIVE)
        assert await stage.panes.enter(ref, 1)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["one\rtwo"]

    on(story)


def test_lines_that_end_in_enter_are_turns_of_their_own(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 1, pasted("one\ntwo", Paste.LINES), Paste.LINES)
        assert await stage.panes.enter(ref, 1)
        await stage.until(lambda: len(stage.turns(ref.pane)) > 1, "two turns")
        assert stage.turns(ref.pane) == ["one", "two"]

    on(story)


def test_a_new_life_of_the_node_finds_the_marks_of_the_old_one(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 3, HELLO, Paste.BRACKETED)
        life = stage.life()
        assert (await life.look(ref)).last == 3
        assert not await life.paste(ref, 3, HELLO, Paste.BRACKETED)
        assert await life.enter(ref, 3)
        assert (await stage.panes.look(ref)).sub == 3
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["hello\nyou"]

    on(story)


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_number_that_is_not_newer_is_not_pasted(on: On, sequence: int) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 2, HELLO, Paste.BRACKETED)
        assert not await stage.panes.paste(ref, sequence, b"again", Paste.BRACKETED)
        assert (await stage.panes.look(ref)).last == 2
        assert await stage.panes.enter(ref, 2)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["hello\nyou"]

    on(story)


@pytest.mark.parametrize("sequence", [1, 3])
def test_enter_is_pressed_for_the_newest_paste_only(on: On, sequence: int) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 2, HELLO, Paste.BRACKETED)
        assert not await stage.panes.enter(ref, sequence)
        look = await seen(stage, ref, lambda look: look.cursor_row.endswith("you"))
        assert (look.last, look.sub) == (2, 0)
        assert stage.turns(ref.pane) == []

    on(story)


@pytest.mark.parametrize("spoil", SPOILS)
def test_nothing_is_pasted_into_a_pane_that_is_not_as_it_was_bound(on: On, spoil: Spoil) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await spoil(stage, ref)
        assert not await stage.panes.paste(ref, 1, b"to somebody else\r", Paste.BRACKETED)
        assert (await stage.panes.look(ref)).last == 0
        assert await untouched(stage, ref)

    on(story)


@pytest.mark.parametrize("spoil", SPOILS)
def test_enter_is_not_pressed_in_a_pane_that_is_not_as_it_was_bound(on: On, spoil: Spoil) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED)
        await seen(stage, ref, lambda look: look.cursor_row.endswith("you"))
        await spoil(stage, ref)
        assert not await stage.panes.enter(ref, 1)
        assert (await stage.panes.look(ref)).sub == 0
        assert await untouched(stage, ref)

    on(story)


async def untouched(stage: Stage, ref: PaneRef) -> bool:
    """Whether what is in the pane now has had no turn, also a moment later."""
    try:
        info = await stage.panes.inspect(stage.socket, ref.pane)
    except FleetError:
        return True
    return info.dead or stage.turns(ref.pane) == []


def test_without_a_server_nothing_is_typed_and_nothing_is_known(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.kill_server()
        with pytest.raises(NoTmux):
            await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED)
        with pytest.raises(NoTmux):
            await stage.panes.enter(ref, 1)

    on(story)


def test_a_mode_is_left_alone_beneath_a_framed_paste(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.enter_mode(ref.pane)
        assert (await stage.panes.look(ref)).mode == "copy-mode"
        assert await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED)
        assert await stage.panes.enter(ref, 1)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["hello\nyou"]
        assert (await stage.panes.look(ref)).mode == "copy-mode"

    on(story)


def test_a_mode_is_left_for_a_paste_that_tmux_frames(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.enter_mode(ref.pane)
        assert await stage.panes.paste(ref, 1, b"one\rtwo", Paste.NATIVE)
        assert (await stage.panes.look(ref)).mode == ""
        assert await stage.panes.enter(ref, 1)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        assert stage.turns(ref.pane) == ["one\rtwo"]

    on(story)


def test_enter_does_not_reach_the_other_panes_of_a_synchronised_window(on: On) -> None:
    async def story(stage: Stage) -> None:
        pane = stage.window("chat")
        other = stage.beside(pane)
        stage.type(other, "half a thought")
        ref = await stage.panes.bind(stage.socket, pane, TOKEN)
        stage.synchronise(pane)
        assert await stage.panes.paste(ref, 1, HELLO, Paste.BRACKETED)
        assert await stage.panes.enter(ref, 1)
        await stage.until(lambda: stage.turns(pane), "a turn")
        assert (stage.turns(pane), stage.turns(other)) == (["hello\nyou"], [])
        stage.press_enter(pane)  # a person's Enter does reach it
        await stage.until(lambda: stage.turns(other), "the person's turn")
        assert stage.turns(other) == ["half a thought"]

    on(story)
