"""How an agent comes into a pane, on the model tmux and on a real one: so the model cannot lie."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.look import Foreground
from tests.support.pane_stories import On
from tests.support.stages import OTHER_TOKEN, TOKEN, Stage, seen, spawned

# --- starting ----------------------------------------------------------------------------------


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


def test_a_started_program_is_found_by_its_token_also_when_its_mark_is_not_there(on: On) -> None:
    async def story(stage: Stage) -> None:
        assert await stage.panes.find(stage.socket, TOKEN) is None
        ref = await spawned(stage)
        await stage.panes.spawn(replace(stage.spec("chat"), token=OTHER_TOKEN))
        await stage.panes.release(ref)  # as one whose node died before it set the mark
        assert (await stage.panes.look(ref)).token == ""
        found = await stage.panes.find(stage.socket, TOKEN)
        assert found == ref
        assert (await stage.panes.look(ref)).token == TOKEN
        await stage.panes.end(ref)
        assert await stage.panes.find(stage.socket, TOKEN) is None

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


# --- adopting ----------------------------------------------------------------------------------


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
