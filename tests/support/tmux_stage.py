"""A real tmux server of its own as a stage (``stages.py``); chat is ``recorder.py``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from node.adapters.tmux import TmuxPanes
from node.adapters.tmux.proc import process
from node.ports.panes import Panes, SpawnSpec
from tests.support.recording import PROGRAM
from tests.support.stages import SESSION, TOKEN
from tests.support.tmux_server import TmuxServer, tmux_server
from tests.support.until import eventually, until


class TmuxStage:
    """What people and programs do on a real server."""

    chat_name = Path(sys.executable).name

    def __init__(self, server: TmuxServer) -> None:
        self._server = server
        self.socket = server.socket
        self.lives: list[TmuxPanes] = []
        self.panes: Panes = self.life()

    def life(self) -> Panes:
        panes = TmuxPanes(f"_keeper-{len(self.lives)}", SESSION, ("-f", "/dev/null"))
        self.lives.append(panes)
        return panes

    def spec(self, program: str) -> SpawnSpec:
        known = {"chat": self._chat(), "busy": self._chat("--busy 1"), "stillborn": ("true",)}
        argv = known.get(program, (program,))
        return SpawnSpec(self.socket, argv, "", "agent", (), TOKEN)

    def window(self, *programs: str) -> str:
        if programs[0] != "bash":
            pane = self._server.window("env", *self._chat())
            return self._shows(pane, "> ")
        pane = self._server.shell()
        if programs[1:]:
            self.type(pane, self._recorder())
            self.press_enter(pane)
            self._shows(pane, "> ")
        return pane

    def beside(self, pane: str) -> str:
        split = ("split-window", "-d", "-t", pane, "-P", "-F", "#{pane_id}")
        return self._shows(self._server(*split, "env", *self._chat()), "> ")

    def turns(self, pane: str) -> list[str]:
        file = self._file(pane)
        lines = file.read_text().splitlines() if file.exists() else []
        return [str(json.loads(line)["text"]) for line in lines]

    def type(self, pane: str, text: str) -> None:
        self._server.type(pane, "-l", text)

    def press_enter(self, pane: str) -> None:
        self._server.type(pane, "Enter")

    def enter_mode(self, pane: str) -> None:
        self._server("copy-mode", "-t", pane)

    def switch_input_off(self, pane: str) -> None:
        self._server("select-pane", "-d", "-t", pane)

    def synchronise(self, pane: str) -> None:
        self._server("set-option", "-w", "-t", pane, "synchronize-panes", "on")

    def end_program(self, pane: str) -> None:
        owner = process(int(self._server.of(pane, "#{pane_pid}")))
        assert owner is not None
        os.kill(owner.terminal_group, signal.SIGKILL)

    def keep_dead(self, pane: str) -> None:
        self._server("set-option", "-w", "-t", pane, "remain-on-exit", "on")

    def respawn(self, pane: str) -> None:
        self._file(pane).unlink(missing_ok=True)
        self._server("respawn-pane", "-k", "-t", pane, "env", *self._chat())
        self._shows(pane, "> ")

    def close(self, pane: str) -> None:
        self._server("kill-pane", "-t", pane)

    def kill_server(self) -> None:
        self._server.kill()

    def restart_server(self, pane: str) -> None:
        self.kill_server()
        for file in self._server.folder.glob("*.jsonl"):
            file.unlink()
        self._server.start()
        while self.window("chat") != pane:
            pass

    def start_of(self, pid: int) -> int:
        found = process(pid)
        return found.start if found else 0

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await eventually(condition, what)

    # --- chat ---

    def _chat(self, options: str = "") -> tuple[str, ...]:
        return ("sh", "-c", f"exec {self._recorder()} {options}")

    def _recorder(self) -> str:
        """The command of a recorder whose file is called as its pane."""
        return f'{sys.executable} {PROGRAM} "{self._server.folder}/$TMUX_PANE.jsonl"'

    def _file(self, pane: str) -> Path:
        return self._server.folder / f"{pane}.jsonl"

    def _shows(self, pane: str, row: str) -> str:
        """The pane, once it shows this."""
        capture = ("capture-pane", "-p", "-t", pane)
        until(lambda: row.strip() in self._server(*capture), f"{pane} shows {row}")
        return pane


@asynccontextmanager
async def tmux_stage() -> AsyncGenerator[TmuxStage]:
    """A stage that is gone when it is left."""
    with tmux_server() as server:
        stage = TmuxStage(server)
        try:
            yield stage
        finally:
            for panes in stage.lives:
                with contextlib.suppress(Exception):
                    await panes.close()
