"""What is seen of a pane, and how an agent's life in it ends, on the model tmux and on a real one: so the model cannot lie."""

from __future__ import annotations

import pytest

from fleet.core.errors.panes import PaneGone
from fleet.core.look import Foreground
from tests.support.pane_stories import On, Spoil, bind_again, close, release, respawn, restart
from tests.support.stages import OTHER_TOKEN, SESSION, TOKEN, Stage, seen, spawned

# --- looking -----------------------------------------------------------------------------------


def test_what_a_person_types_stands_on_the_cursors_row(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.type(ref.pane, "half a thought")
        look = await seen(stage, ref, lambda look: "thought" in look.cursor_row)
        assert look.cursor_row == "> half a thought"
        assert look.cursor_x == len(look.cursor_row)

    on(story)


def test_input_that_is_switched_off_is_seen(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert not (await stage.panes.look(ref)).input_off
        stage.switch_input_off(ref.pane)
        assert (await stage.panes.look(ref)).input_off

    on(story)


def test_bytes_that_the_program_has_not_read_are_counted(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await stage.panes.spawn(stage.spec("busy"))
        await seen(stage, ref, lambda look: look.cursor_row.startswith(">"))
        assert (await stage.panes.look(ref)).unread_bytes == 0
        stage.type(ref.pane, "first")
        stage.press_enter(ref.pane)
        await stage.until(lambda: stage.turns(ref.pane), "a turn")
        stage.type(ref.pane, "while it works")
        look = await seen(stage, ref, lambda look: look.unread_bytes)
        assert look.unread_bytes == len("while it works")
        await seen(stage, ref, lambda look: not look.unread_bytes)

    on(story)


@pytest.mark.parametrize("spoil", [close, restart])
def test_a_pane_that_is_gone_does_not_exist(on: On, spoil: Spoil) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await spoil(stage, ref)
        assert not (await stage.panes.look(ref)).exists

    on(story)


def test_a_server_that_is_gone_has_no_panes(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.kill_server()
        assert not (await stage.life().look(ref)).exists

    on(story)


def test_a_pane_with_another_process_has_lost_its_token(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        stage.respawn(ref.pane)
        look = await stage.panes.look(ref)
        assert (look.exists, look.token) == (True, "")

    on(story)


# --- ending ------------------------------------------------------------------------------------


def test_a_released_program_goes_on_unmarked(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await stage.panes.release(ref)
        info = await stage.panes.inspect(stage.socket, ref.pane)
        assert (info.token, info.dead) == ("", False)
        stage.type(ref.pane, "still here")
        await seen(stage, ref, lambda look: "still here" in look.cursor_row)

    on(story)


def test_somebody_elses_marks_are_not_taken_off(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await bind_again(stage, ref)
        await stage.panes.release(ref)
        assert (await stage.panes.inspect(stage.socket, ref.pane)).token == OTHER_TOKEN

    on(story)


def test_an_ended_agents_pane_and_process_are_gone(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.window("bash")  # something else keeps the server up
        ref = await spawned(stage)
        await stage.panes.end(ref)
        assert not (await stage.panes.look(ref)).exists
        assert not stage.start_of(ref.agent_pid)

    on(story)


@pytest.mark.parametrize("spoil", [bind_again, respawn, release])
def test_what_is_not_this_incarnation_is_not_ended(on: On, spoil: Spoil) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await spoil(stage, ref)
        await stage.panes.end(ref)
        assert not (await stage.panes.inspect(stage.socket, ref.pane)).dead

    on(story)


def test_letting_go_of_what_is_gone_is_no_error(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.window("bash")
        ref = await spawned(stage)
        stage.close(ref.pane)
        await stage.panes.release(ref)
        await stage.panes.end(ref)
        stage.kill_server()
        life = stage.life()
        await life.release(ref)
        await life.end(ref)

    on(story)


def test_the_place_of_an_agent_is_its_session(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.window("bash")
        ref = await spawned(stage)
        assert await stage.panes.place(ref) == SESSION
        stage.close(ref.pane)
        with pytest.raises(PaneGone):
            await stage.panes.place(ref)

    on(story)


def test_agents_outlive_the_node(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        await stage.panes.close()
        look = await stage.life().look(ref)
        assert (look.exists, look.token, look.foreground) == (True, TOKEN, Foreground.AGENT)

    on(story)
