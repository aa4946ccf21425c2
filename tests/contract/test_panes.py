"""What the port promises of panes, on the model tmux and on a real one: so the model cannot lie."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.keystrokes import Paste, pasted
from fleet.core.look import Foreground
from node.ports.panes import PaneRef
from tests.support.stages import (
    OTHER_TOKEN,
    SESSION,
    TOKEN,
    FakeStage,
    Stage,
    seen,
    spawned,
)
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


@pytest.fixture(
    params=[
        pytest.param(on_fake, id="fake"),
        pytest.param(on_tmux, id="tmux", marks=pytest.mark.tmux),
    ]
)
def on(request: pytest.FixtureRequest) -> On:
    return request.param  # type: ignore[no-any-return]


# --- starting ------------------------------------------------------------------------------------


def test_a_started_program_is_the_panes_own_process_and_carries_the_mark(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert (ref.token, ref.socket) == (TOKEN, stage.socket)
        assert ref.agent_pid == ref.pane_pid > 0
        look = await stage.panes.look(ref)
        assert (look.exists, look.token, look.dead) == (True, TOKEN, False)
        assert (look.last, look.sub) == (0, 0)
        assert look.foreground is Foreground.AGENT

    on(story)


def test_two_started_programs_have_panes_of_their_own(on: On) -> None:
    async def story(stage: Stage) -> None:
        one = await spawned(stage)
        other = await stage.panes.spawn(replace(stage.spec("chat"), token=OTHER_TOKEN))
        assert (one.pane, one.agent_pid) != (other.pane, other.agent_pid)
        assert one.server == other.server
        assert (await stage.panes.look(one)).token == TOKEN
        assert (await stage.panes.look(other)).token == OTHER_TOKEN

    on(story)


def test_a_program_that_is_not_there_is_said(on: On) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(FleetError, match="no-such-program"):
            await stage.panes.spawn(stage.spec("no-such-program"))

    on(story)


def test_a_program_that_ends_at_once_leaves_nothing_that_looks_alive(on: On) -> None:
    async def story(stage: Stage) -> None:
        await spawned(stage)
        spec = replace(stage.spec("stillborn"), token=OTHER_TOKEN)
        try:
            ref = await stage.panes.spawn(spec)
        except PaneGone:
            return
        await seen(stage, ref, lambda look: not look.exists)  # it ended a moment later

    on(story)


# --- adopting ------------------------------------------------------------------------------------


def test_inspecting_names_the_program_in_front_and_not_the_shell_beneath(on: On) -> None:
    async def story(stage: Stage) -> None:
        pane = stage.window("bash", "chat")
        info = await stage.panes.inspect(stage.socket, pane)
        assert (info.pane, info.token, info.dead) == (pane, "", False)
        assert (info.program, info.is_shell) == (stage.chat_name, False)
        assert info.argv

    on(story)


def test_inspecting_a_bare_shell_says_that_it_is_one(on: On) -> None:
    async def story(stage: Stage) -> None:
        info = await stage.panes.inspect(stage.socket, stage.window("bash"))
        assert (info.program, info.is_shell) == ("bash", True)

    on(story)


def test_inspecting_an_agents_pane_shows_its_mark(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await spawned(stage)
        assert (await stage.panes.inspect(stage.socket, ref.pane)).token == TOKEN

    on(story)


def test_a_bound_pane_is_marked_and_its_agent_is_the_program_in_front(on: On) -> None:
    async def story(stage: Stage) -> None:
        pane = stage.window("bash", "chat")
        ref = await stage.panes.bind(stage.socket, pane, TOKEN)
        assert ref.agent_pid != ref.pane_pid
        look = await stage.panes.look(ref)
        assert (look.token, look.last, look.sub) == (TOKEN, 0, 0)
        assert look.foreground is Foreground.AGENT

    on(story)


def test_when_an_adopted_program_ends_its_shell_is_in_front(on: On) -> None:
    async def story(stage: Stage) -> None:
        ref = await stage.panes.bind(stage.socket, stage.window("bash", "chat"), TOKEN)
        stage.end_program(ref.pane)
        look = await seen(stage, ref, lambda look: look.foreground is Foreground.SHELL)
        assert (look.exists, look.token) == (True, TOKEN)

    on(story)


def test_a_program_started_over_an_adopted_shell_is_somebody_else(on: On) -> None:
    async def story(stage: Stage) -> None:
        pane = stage.window("bash", "chat")
        over = await stage.panes.bind(stage.socket, pane, TOKEN)
        start = stage.start_of(over.pane_pid)
        beneath = replace(over, agent_pid=over.pane_pid, agent_start=start)  # as if bound before
        assert (await stage.panes.look(beneath)).foreground is Foreground.OTHER

    on(story)


def test_a_pane_that_is_not_there_is_said(on: On) -> None:
    async def story(stage: Stage) -> None:
        stage.window("bash")
        with pytest.raises(PaneGone):
            await stage.panes.inspect(stage.socket, "%99")
        with pytest.raises(PaneGone):
            await stage.panes.bind(stage.socket, "%99", TOKEN)

    on(story)


def test_adopting_starts_no_server(on: On) -> None:
    """It would find only the pane that keeps the server up."""

    async def story(stage: Stage) -> None:
        stage.kill_server()
        with pytest.raises(NoTmux):
            await stage.panes.inspect(stage.socket, "%0")
        with pytest.raises(NoTmux):
            await stage.panes.bind(stage.socket, "%0", TOKEN)

    on(story)


def test_a_dead_pane_is_inspected_as_dead_and_not_bound(on: On) -> None:
    async def story(stage: Stage) -> None:
        pane = stage.window("chat")
        stage.keep_dead(pane)
        stage.end_program(pane)
        await died(stage, pane)
        with pytest.raises(PaneGone):
            await stage.panes.bind(stage.socket, pane, TOKEN)

    on(story)


async def died(stage: Stage, pane: str) -> None:
    """Wait until a pane is seen to be dead."""
    for _ in range(2_000):
        if (await stage.panes.inspect(stage.socket, pane)).dead:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{pane} did not die")


# --- typing --------------------------------------------------------------------------------------


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


# --- looking -------------------------------------------------------------------------------------


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


# --- ending --------------------------------------------------------------------------------------


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
