"""Panes in every state that makes tmux lose, redirect or misread input: nothing goes astray."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.keystrokes import PASTE_BEGIN, PASTE_END, Paste, pasted
from node.adapters.tmux import TmuxPanes
from tests.support.tmux_server import PEOPLE, TmuxServer, run
from tests.support.until import until

TEXT = "one\ntwo"
PASTED = PASTE_BEGIN + TEXT.encode() + PASTE_END


def test_a_paste_into_a_dead_pane_is_refused_and_the_server_lives() -> None:
    """Such a paste crashes tmux 3.3a, and every agent with it."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        tmux("set-option", "-g", "remain-on-exit", "on")
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        pid = tmux.pid
        tmux("respawn-pane", "-k", "-t", agent.pane, "true")
        until(lambda: tmux.of(agent.pane, "#{pane_dead}") == "1", "the pane is dead")
        # As if it were this very process that died: only being dead is left to refuse it.
        ref = replace(ref, pane_pid=int(tmux.of(agent.pane, "#{pane_pid}")))
        look = await panes.look(ref)
        assert (look.exists, look.dead, look.token) == (True, True, ref.token)
        assert not await panes.paste(ref, 1, PASTED, Paste.BRACKETED)
        assert not await panes.enter(ref, 1)
        assert tmux.pid == pid

    run(story)


def test_a_pane_whose_input_is_off_refuses_until_it_is_on_again() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        tmux("select-pane", "-d", "-t", agent.pane)
        assert (await panes.look(ref)).input_off
        assert not await panes.paste(ref, 1, PASTED, Paste.BRACKETED)
        tmux("select-pane", "-e", "-t", agent.pane)
        assert await panes.paste(ref, 1, PASTED, Paste.BRACKETED)
        assert agent.wait_heard(len(PASTED)) == PASTED
        tmux("select-pane", "-d", "-t", agent.pane)
        assert not await panes.enter(ref, 1), "nor Enter"
        assert (await panes.look(ref)).sub == 0

    run(story)


def test_in_a_synchronised_window_only_the_agents_own_pane_hears_paste_and_enter() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        program = tmux.listening_program()
        sibling = tmux.listening(
            tmux("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", agent.pane, *program)
        )
        tmux("set-option", "-w", "-t", agent.pane, "synchronize-panes", "on")
        ref = await tmux.bound(panes, agent)
        assert await panes.paste(ref, 1, PASTED, Paste.BRACKETED)
        assert await panes.enter(ref, 1)
        assert agent.wait_heard(len(PASTED) + 1) == PASTED + b"\r"
        tmux.type(sibling.pane, "-l", "x")  # and by now it would have heard more than this
        assert sibling.wait_heard(1) == b"x"

    run(story)


MODES = {
    "copy-mode": ("copy-mode", "-t"),
    "view-mode": ("run-shell", "-t"),
    "tree-mode": ("choose-tree", "-t"),
    "clock-mode": ("clock-mode", "-t"),
}


@pytest.mark.parametrize("mode", MODES)
def test_beneath_a_mode_the_paste_arrives_framed_and_the_person_stays_in_it(mode: str) -> None:
    """``send-keys Enter`` and ``paste-buffer -p`` would act on the mode."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener(bracketed=True)
        ref = await tmux.bound(panes, agent)
        tmux(*MODES[mode], agent.pane, *(["echo seen"] if mode == "view-mode" else []))
        until(lambda: tmux.of(agent.pane, "#{pane_mode}") == mode, f"the pane is in {mode}")
        look = await panes.look(ref)
        assert look.mode == mode
        assert look.cursor_row.startswith("ready"), "the program's own screen is what is read"
        assert await panes.paste(ref, 1, PASTED, Paste.BRACKETED)
        assert await panes.enter(ref, 1)
        assert agent.wait_heard(len(PASTED) + 1) == PASTED + b"\r"
        assert tmux.of(agent.pane, "#{pane_mode}") == mode

    run(story)


@pytest.mark.parametrize("mode", MODES)
def test_a_paste_that_tmux_is_to_frame_leaves_the_mode_and_is_framed(mode: str) -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener(bracketed=True)
        ref = await tmux.bound(panes, agent)
        tmux(*MODES[mode], agent.pane, *(["echo seen"] if mode == "view-mode" else []))
        until(lambda: tmux.of(agent.pane, "#{pane_mode}") == mode, f"the pane is in {mode}")
        assert await panes.paste(ref, 1, pasted(TEXT, Paste.NATIVE), Paste.NATIVE)
        assert agent.wait_heard(len(PASTED)) == PASTED
        assert tmux.of(agent.pane, "#{pane_mode}") == ""

    run(story)


def test_a_program_that_did_not_ask_for_brackets_gets_none_from_tmux() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        assert await panes.paste(ref, 1, pasted(TEXT, Paste.NATIVE), Paste.NATIVE)
        assert await panes.enter(ref, 1)
        assert agent.wait_heard(len(TEXT) + 1) == TEXT.encode() + b"\r"

    run(story)


def test_a_pane_is_found_wherever_it_is_moved_zoomed_and_renamed() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent, other = tmux.listener(), tmux.listener()
        ref = await tmux.bound(panes, agent)
        tmux("new-session", "-d", "-s", "elsewhere", "env", "sleep", "infinity")
        steps = (
            ("rename-window", "-t", agent.pane, "another"),
            ("join-pane", "-d", "-s", agent.pane, "-t", other.pane),
            ("resize-pane", "-Z", "-t", agent.pane),
            ("resize-pane", "-Z", "-t", other.pane),
            ("rename-session", "-t", PEOPLE, "renamed"),
            ("break-pane", "-d", "-s", agent.pane, "-t", "elsewhere:"),
            ("swap-pane", "-d", "-s", agent.pane, "-t", other.pane),
        )
        for number, step in enumerate(steps, start=1):
            tmux(*step)
            assert await panes.paste(ref, number, b"%d" % number, Paste.BRACKETED), step
            assert await panes.enter(ref, number), step
        assert agent.wait_heard(2 * len(steps)) == b"1\r2\r3\r4\r5\r6\r7\r"
        assert other.heard() == b""
        assert await panes.place(ref) == "renamed"

    run(story)


def test_a_respawned_pane_is_another_life_and_refused() -> None:
    """Its mark and its id are still there; its process is not."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        assert await panes.paste(ref, 1, b"first", Paste.BRACKETED)
        tmux("respawn-pane", "-k", "-t", agent.pane, *tmux.listening_program())
        next_life = tmux.listening(agent.pane)
        assert tmux.of(agent.pane, "#{@fleet_inst}") == ref.token
        look = await panes.look(ref)
        assert (look.exists, look.token) == (True, "")
        assert not await panes.enter(ref, 1)
        assert not await panes.paste(ref, 2, b"second", Paste.BRACKETED)
        assert next_life.heard() == b""

    run(story)


def test_a_pane_of_the_same_id_in_another_life_of_tmux_is_refused() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        tmux.kill()
        tmux.start()
        stranger = tmux.listener()
        assert stranger.pane == agent.pane, "ids begin at %0 again"
        with contextlib.suppress(NoTmux):  # the first to ask may meet the old server's end
            await panes.look(ref)
        assert not (await panes.look(ref)).exists
        assert not await panes.paste(ref, 1, b"text", Paste.BRACKETED)
        await panes.release(ref)
        await panes.end(ref)
        assert stranger.heard() == b""
        assert tmux.of(stranger.pane, "#{pane_dead}") == "0"

    run(story)


def test_a_pane_that_carries_another_token_is_neither_typed_into_nor_closed() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        taken = await panes.bind(tmux.socket, agent.pane, "f" * 16)
        assert (await panes.look(ref)).token == "f" * 16
        assert not await panes.paste(ref, 1, b"text", Paste.BRACKETED)
        await panes.release(ref)
        await panes.end(ref)
        assert await panes.paste(taken, 1, b"x", Paste.BRACKETED)
        assert agent.wait_heard(1) == b"x"

    run(story)


def test_a_released_pane_is_as_if_it_never_was_an_agent() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        assert await panes.paste(ref, 1, b"x", Paste.BRACKETED)
        await panes.release(ref)
        assert "fleet" not in tmux("show-options", "-p", "-t", agent.pane)
        assert not await panes.paste(ref, 2, b"y", Paste.BRACKETED)
        assert agent.wait_heard(1) == b"x"

    run(story)


def test_marks_that_somebody_else_has_set_do_not_break_a_look() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        for mark in ("@fleet_last", "@fleet_sub"):
            for value in ("not a number", "1|2", "²", "9" * 5_000, "-1", "a\nb"):
                tmux("set-option", "-p", "-t", agent.pane, mark, value)
                await panes.look(ref)
            tmux("set-option", "-p", "-t", agent.pane, mark, "0")
        tmux("set-option", "-p", "-t", agent.pane, "@fleet_inst", "a|b|c")
        assert (await panes.look(ref)).token != ref.token
        assert not await panes.paste(ref, 1, b"x", Paste.BRACKETED)

    run(story)


@pytest.mark.parametrize(
    "target", ["%99999", "%0 ; kill-server ; display-message -p", "people:0", "", "%", "=people"]
)
def test_only_a_panes_own_id_finds_a_pane(target: str) -> None:
    """Left alone, tmux would take the nearest match, or the current pane."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        for ask in (panes.inspect(tmux.socket, target), panes.bind(tmux.socket, target, "a" * 16)):
            with pytest.raises(PaneGone):
                await ask
        assert "fleet" not in tmux("show-options", "-p", "-t", f"{PEOPLE}:0.0")

    run(story)
