"""Agents that are started: without a shell, exactly as asked, and ended with all they began."""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.errors.requests import MalformedRequest
from fleet.core.keystrokes import Paste
from fleet.core.look import Foreground
from node.adapters.tmux import TmuxPanes
from tests.support.homes import is_zombie
from tests.support.tmux_server import AGENTS, KEEPER, PEOPLE, TOKEN, TmuxServer, run
from tests.support.until import eventually, until


def words_of(pid: int) -> list[str]:
    raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    return raw.removesuffix(b"\0").decode().split("\0")


def runs(pid: int, program: str) -> bool:
    """Whether the process has become this program; before that it is tmux's own fork."""
    return Path(words_of(pid)[0]).name == program


def variables_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().removesuffix(b"\0").decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs)


ODD_WORDS = (
    "end;", ";", "#(touch canary)", "#{pane_id}", "a b", "", "$HOME", "'single'", '"double"',
    "`id`", "\\", "a\nb", "%1", "-t", "ü漢", "*", "a=b", "{", "}", "~",
)  # fmt: skip


def test_an_agent_is_the_panes_own_process_with_its_words_as_they_were_said() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        tmux("set-option", "-g", "default-shell", "/bin/false")
        script = 'printf "%s\\0" "$@" > words; exec sleep infinity'
        spec = tmux.spec("sh", "-c", script, "sh", *ODD_WORDS, "last;", cwd=str(tmux.folder))
        ref = await panes.spawn(spec)
        file = tmux.folder / "words"
        until(lambda: file.exists() and b"last;" in file.read_bytes(), "the words are written")
        assert file.read_bytes().decode().split("\0")[:-1] == [*ODD_WORDS, "last;"]
        assert ref.agent_pid == ref.pane_pid
        until(lambda: words_of(ref.pane_pid) == ["sleep", "infinity"], "no shell is beneath")
        assert not (tmux.folder / "canary").exists()

    run(story)


def test_an_agent_is_given_its_environment_and_none_of_tmux_is_lost() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        said = {
            "FLEET_HOME": "/tmp/a home; #(id) $HOME;",
            "FLEET_AGENT": "rin",
            "FLEET_NODE": "white",
            "FLEET_TEAM": "",
            "FLEET_ROLE": "",
        }
        for _ in range(2):  # the first makes the session, the second a window in it
            ref = await panes.spawn(tmux.spec("sleep", "infinity", **said))
            until(partial(runs, ref.pane_pid, "sleep"), "it runs")
            given = variables_of(ref.pane_pid)
            assert {key: given[key] for key in said} == said
            assert given["TMUX_PANE"] == ref.pane
            assert given["TMUX"].split(",")[0] == tmux.socket
            await panes.release(ref)

    run(story)


@pytest.mark.parametrize(
    "folder",
    ["plain", "#(touch ran)", "#{pane_id}", "100%d", "a#[b", "a##[b", "#", "##", "ends in;", "a b"],
)
def test_the_folder_an_agent_starts_in_is_taken_literally(folder: str) -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        wanted = tmux.folder / "d" / folder
        wanted.mkdir(parents=True)
        for _ in range(2):
            ref = await panes.spawn(tmux.spec("sleep", "infinity", cwd=str(wanted)))
            until(partial(runs, ref.pane_pid, "sleep"), "it runs")
            assert Path(f"/proc/{ref.pane_pid}/cwd").readlink() == wanted
            await panes.release(ref)
        assert not list(tmux.folder.rglob("ran"))

    run(story)


def test_a_program_named_by_a_path_is_found_from_where_the_agent_starts() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        program = tmux.folder / "bin" / "agent"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\nexec sleep infinity\n")
        program.chmod(0o755)
        ref = await panes.spawn(tmux.spec("bin/agent", cwd=str(tmux.folder)))
        assert (await panes.look(ref)).exists
        with pytest.raises(MalformedRequest, match="bin/agent"):
            await panes.spawn(tmux.spec("bin/agent", cwd="/"))

    run(story)


def test_a_program_that_is_not_there_leaves_nothing_behind() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        with pytest.raises(MalformedRequest, match="no-such-program"):
            await panes.spawn(tmux.spec("no-such-program"))
        assert tmux("list-sessions", "-F", "#{session_name}") == PEOPLE

    run(story)


def test_a_program_that_ends_at_once_is_said_to_have_or_seen_to_be_gone() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        for _ in range(10):
            try:
                ref = await panes.spawn(tmux.spec("true"))
            except PaneGone as error:
                assert "true ended at once" in str(error)  # noqa: PT017 - either way is right
            else:
                ended = partial(is_zombie, ref.pane_pid)
                await eventually(ended, "it has ended")
                while (look := await panes.look(ref)).exists:
                    assert look.foreground is not Foreground.AGENT

    run(story)


def test_a_window_of_its_own_leaves_the_person_where_they_were() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        first = await panes.spawn(tmux.spec("sleep", "infinity"))
        before = tmux("display-message", "-p", "-t", f"{AGENTS}:", "#{window_id}")
        second = await panes.spawn(tmux.spec("sleep", "infinity"))
        assert tmux("display-message", "-p", "-t", f"{AGENTS}:", "#{window_id}") == before
        assert tmux.of(second.pane, "#{window_name}") == "rin"
        assert await panes.place(first) == await panes.place(second) == AGENTS

    run(story)


FAMILY = """
trap '' HUP
printf ready
sh -c 'trap "" HUP TERM; echo $$ > stubborn; exec sleep infinity' &
set -m
sh -c 'trap "" HUP; echo $$ > background; exec sleep infinity' &
wait; wait; wait
"""
"""Ignores the hang-up of a closed pane, with one child that ignores SIGTERM too, and one in a group of
its own."""


def test_an_end_takes_the_whole_family_also_those_that_ignore_the_hang_up() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await panes.spawn(tmux.spec("bash", "-c", FAMILY, cwd=str(tmux.folder)))
        files = [tmux.folder / "stubborn", tmux.folder / "background"]
        until(lambda: all(f.exists() and f.read_text().strip() for f in files), "all run")
        pids = [ref.agent_pid, *(int(file.read_text()) for file in files)]
        assert os.getpgid(pids[1]) != os.getpgid(pids[2])
        await panes.end(ref)
        until(lambda: all(map(is_zombie, pids)), "none is left")
        assert not (await panes.look(ref)).exists

    run(story)


def test_an_end_of_an_agent_that_has_ended_ends_what_it_left_and_nobody_else() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        tmux("set-option", "-g", "remain-on-exit", "on")
        script = "sh -c 'trap \"\" HUP; echo $$ > left; exec sleep infinity' & until [ -s left ]; do :; done; read x"
        ref = await panes.spawn(tmux.spec("bash", "-c", script, cwd=str(tmux.folder)))
        neighbour = tmux.listener()
        until((tmux.folder / "left").exists, "the child runs")
        tmux.type(ref.pane, "Enter")
        until(lambda: tmux.of(ref.pane, "#{pane_dead}") == "1", "the agent has ended")
        left = int((tmux.folder / "left").read_text())
        try:
            await panes.end(ref)
            until(lambda: is_zombie(left), "what it left is ended")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        tmux.type(neighbour.pane, "x")
        assert neighbour.wait_heard(1) == b"x"

    run(story)


def test_to_adopt_in_a_server_that_does_not_run_starts_none() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        other = str(tmux.folder / "other")
        with pytest.raises(NoTmux, match="no tmux server runs"):
            await panes.inspect(other, "%0")
        assert not Path(other).exists()

    run(story)


def test_what_a_person_would_adopt_is_told_with_its_program_and_words() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        shell = tmux.shell()
        info = await panes.inspect(tmux.socket, shell)
        assert (info.program, info.is_shell, info.dead) == ("bash", True, False)
        tmux.type(shell, "sleep 1000", "Enter")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "sleep", "it is in front")
        info = await panes.inspect(tmux.socket, shell)
        assert (info.program, info.argv, info.is_shell) == ("sleep", ("sleep", "1000"), False)
        ref = await panes.bind(tmux.socket, shell, TOKEN)
        assert ref.agent_pid != ref.pane_pid
        assert (await panes.inspect(tmux.socket, shell)).token == TOKEN

    run(story)


def test_a_shell_that_comes_back_under_an_agent_is_seen() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        shell = tmux.shell()
        tmux.type(shell, "sleep 1000", "Enter")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "sleep", "it is in front")
        ref = await panes.bind(tmux.socket, shell, TOKEN)
        assert (await panes.look(ref)).foreground is Foreground.AGENT
        tmux.type(shell, "C-c")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "bash", "the shell is back")
        assert (await panes.look(ref)).foreground is Foreground.SHELL
        tmux.type(shell, "sleep 1001", "Enter")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "sleep", "something else runs")
        assert (await panes.look(ref)).foreground is Foreground.SHELL, "the agent is no more"

    run(story)


@pytest.mark.parametrize("how", [Paste.BRACKETED, Paste.LINES])
def test_an_agent_that_ended_since_the_last_look_leaves_its_shell_nothing_to_run(
    how: Paste,
) -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        shell = tmux.shell()
        tmux.type(shell, "sleep 1000", "Enter")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "sleep", "it is in front")
        ref = await panes.bind(tmux.socket, shell, TOKEN)
        assert await panes.paste(ref, 1, b"x", how)
        tmux.type(shell, "C-c")
        until(lambda: tmux.of(shell, "#{pane_current_command}") == "bash", "the shell is back")
        canary = tmux.folder / "canary"
        assert not await panes.paste(ref, 2, b"touch %b\r" % bytes(canary), how)
        assert not await panes.enter(ref, 1)
        tmux.type(shell, "echo done", "Enter")
        until(lambda: "\ndone" in tmux("capture-pane", "-p", "-t", shell), "the shell went on")
        assert not canary.exists()

    run(story)


def test_a_shell_within_a_shell_may_be_an_agent() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        pane = tmux.shell()
        tmux.type(pane, "PS1='inner> ' bash --norc --noprofile -i", "Enter")
        until(lambda: "\ninner>" in tmux("capture-pane", "-p", "-t", pane), "it is in front")
        ref = await panes.bind(tmux.socket, pane, TOKEN)
        assert ref.agent_pid != ref.pane_pid
        assert await panes.paste(ref, 1, b"echo $((6 * 7))", Paste.LINES)
        assert await panes.enter(ref, 1)
        until(lambda: "\n42" in tmux("capture-pane", "-p", "-t", pane), "it was run")

    run(story)


def test_letting_go_takes_our_own_session_and_leaves_the_agents() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await panes.spawn(tmux.spec("sleep", "infinity"))
        sessions = tmux("list-sessions", "-F", "#{session_name}").splitlines()
        assert sorted(sessions) == [KEEPER, AGENTS, PEOPLE]
        await panes.close()
        assert tmux("list-sessions", "-F", "#{session_name}").splitlines() == [AGENTS, PEOPLE]
        assert tmux.control_clients() == []
        assert tmux.of(ref.pane, "#{pane_dead}") == "0"
        assert await panes.paste(ref, 1, b"x", Paste.BRACKETED), "and may be taken up again"

    run(story)


def test_letting_go_takes_our_session_also_when_our_client_was_killed() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        await panes.spawn(tmux.spec("sleep", "infinity"))
        (client,) = tmux.control_clients()
        os.kill(client, signal.SIGKILL)
        until(lambda: not tmux.control_clients(), "our client is gone")
        await panes.close()
        assert KEEPER not in tmux("list-sessions", "-F", "#{session_name}")

    run(story)
