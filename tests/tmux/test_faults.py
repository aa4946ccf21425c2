"""tmux, its clients and its socket taken away at any moment: once, or known to be unknown."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.errors.panes import NoTmux
from fleet.core.keystrokes import Paste
from node.adapters.tmux import TmuxPanes
from tests.support.homes import is_zombie
from tests.support.tmux_server import TmuxServer, run
from tests.support.until import eventually, until


def test_a_removed_socket_hinders_nothing_and_is_made_again_when_needed() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        pid = tmux.pid
        Path(tmux.socket).unlink()
        assert await panes.paste(ref, 1, b"x", Paste.BRACKETED)
        assert await panes.enter(ref, 1)
        assert agent.wait_heard(2) == b"x\r"
        started = await panes.spawn(tmux.spec("sleep", "infinity"))
        assert (tmux.pid, started.server) == (pid, ref.server)
        assert (await panes.look(started)).exists

    run(story)


def test_a_removed_socket_is_made_again_for_a_client_that_has_to_come_back() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await tmux.bound(panes, tmux.listener())
        (client,) = tmux.control_clients()
        Path(tmux.socket).unlink()
        os.kill(client, signal.SIGKILL)
        await eventually(lambda: is_zombie(client), "our client is gone")
        look = await panes.look(ref)
        assert (look.exists, look.token) == (True, ref.token)

    run(story)


def test_a_process_that_is_no_tmux_server_is_not_signalled() -> None:
    """After a restart of the host the number may be anybody's, and the signal would end it."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await tmux.bound(panes, tmux.listener())
        pane = tmux.window("sleep", "infinity")
        until(lambda: tmux.of(pane, "#{pane_current_command}") == "sleep", "it is no fork of tmux")
        stranger = int(tmux.of(pane, "#{pane_pid}"))
        gone = replace(ref, socket=str(tmux.folder / "gone"), server=f"{stranger}:1")
        assert not (await panes.look(gone)).exists
        assert not is_zombie(stranger)

    run(story)


def test_a_socket_that_leads_to_another_server_by_now_starts_nothing_there() -> None:
    """The new pane's id would be looked for in the old server, and found: somebody else's pane."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        first = tmux.pid
        Path(tmux.socket).unlink()
        tmux.start()
        try:
            with pytest.raises(NoTmux, match="another tmux server"):
                await panes.spawn(tmux.spec("sleep", "infinity"))
            assert len(tmux("list-panes", "-a").splitlines()) == 1
            assert await panes.paste(ref, 1, b"x", Paste.BRACKETED), "the first serves on"
            assert agent.wait_heard(1) == b"x"
        finally:
            os.kill(first, signal.SIGKILL)

    run(story)


def test_a_server_killed_during_a_paste_leaves_it_unknown_and_the_pane_gone() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        ref = await tmux.bound(panes, tmux.listener())
        with tmux.stopped() as pid:
            paste = asyncio.create_task(panes.paste(ref, 1, b"x", Paste.BRACKETED))
            await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(NoTmux):
                await paste
        assert not (await panes.look(ref)).exists

    run(story)


def test_after_a_client_was_killed_during_a_paste_the_mark_tells_what_happened() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        heard = b""
        for number in range(1, 9):
            (client,) = tmux.control_clients()
            with tmux.stopped():
                paste = asyncio.create_task(
                    panes.paste(ref, number, b"%d" % number, Paste.BRACKETED)
                )
                await asyncio.sleep(0)
                if number % 2:
                    os.kill(client, signal.SIGKILL)
            with contextlib.suppress(NoTmux):
                await paste
            if number % 2:
                await eventually(lambda: not tmux.control_clients(), "the killed client is gone")
            if (await panes.look(ref)).last == number:
                heard += b"%d" % number
        assert await panes.paste(ref, 100, b"end", Paste.BRACKETED)
        assert agent.wait_heard(len(heard) + 3) == heard + b"end"
        assert set(b"2468") <= set(heard)

    run(story)


def test_a_paste_that_tmux_comes_to_late_still_finds_its_own_text() -> None:
    """The descriptor's number must not lead to another file by then: another agent's text, a key."""

    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        ref = await tmux.bound(panes, agent)
        with tmux.stopped():
            paste = asyncio.create_task(panes.paste(ref, 1, b"its own", Paste.BRACKETED))
            await asyncio.sleep(0)
            paste.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await paste
            others = [os.memfd_create("other") for _ in range(4)]
            for other in others:
                os.write(other, b"somebody else's")
        until(lambda: tmux.of(agent.pane, "#{@fleet_last}") == "1", "tmux came to it")
        assert agent.wait_heard(7) == b"its own"
        for other in others:
            os.close(other)

    run(story)


@contextlib.contextmanager
def attached(tmux: TmuxServer, columns: int, rows: int) -> Iterator[None]:
    """A person's terminal of this size, attached to their session."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp("tmux", ["tmux", "-S", tmux.socket, "attach-session", "-t", "people"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(terminal, 65536):
                pass

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        size = f"{columns}x{rows}"
        seen = lambda: tmux("list-clients", "-F", "#{client_width}x#{client_height}")  # noqa: E731
        until(lambda: size in seen(), "the terminal is attached")
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        reader.join()
        os.close(terminal)


def test_a_persons_terminal_keeps_its_size_whatever_we_do() -> None:
    async def story(tmux: TmuxServer, panes: TmuxPanes) -> None:
        agent = tmux.listener()
        tmux("select-window", "-t", agent.pane)
        wish = "#{client_width}x#{client_height} #{window_width}x#{window_height}"
        with attached(tmux, 91, 27):
            until(lambda: tmux.of(agent.pane, "#{window_width}") == "91", "the window follows")
            before = tmux("list-clients", "-t", "people", "-F", wish)
            ref = await tmux.bound(panes, agent)
            for number in range(1, 4):
                assert await panes.paste(ref, number, b"x", Paste.NATIVE)
                assert await panes.enter(ref, number)
                await panes.look(ref)
            started = await panes.spawn(tmux.spec("sleep", "infinity"))
            await panes.end(started)
            await panes.close()
            assert tmux("list-clients", "-t", "people", "-F", wish) == before
            assert tmux.of(agent.pane, "#{window_width}x#{window_height}") == "91x26"

    run(story)
