"""What a tmux suite needs of a tmux, and the model as one; the real one is in ``tmux_stage.py``.

What people and programs do is the same word on both, so that one suite can be run on each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from fleet.core.look import Look
from node.ports.panes import PaneRef, Panes, SpawnSpec
from tests.support.model_tmux import Server, Tmux
from tests.support.panes import FakePanes
from tests.support.programs import Chat
from tests.support.until import eventually

Story = Callable[["Stage"], Awaitable[None]]
TOKEN, OTHER_TOKEN = "0123456789abcdef", "fedcba9876543210"
SESSION = "fleet-test"


class Stage(Protocol):
    """One tmux server, and a program called chat: it has a prompt, and notes its turns."""

    panes: Panes
    socket: str
    chat_name: str
    """What the chat program's process is called."""

    def life(self) -> Panes:
        """A new life of the node: it knows nothing, and looks at the same server."""
        ...

    def spec(self, program: str) -> SpawnSpec:
        """Start chat, or busy (which reads nothing for a second after each turn), or anything else."""
        ...

    def window(self, *programs: str) -> str:
        """A pane that a person opened: chat, bash, or bash and chat on it."""
        ...

    def beside(self, pane: str) -> str:
        """A second chat in the same window."""
        ...

    def turns(self, pane: str) -> list[str]:
        """What the pane's chat was given, turn by turn."""
        ...

    def type(self, pane: str, text: str) -> None:
        """A person types, without Enter."""
        ...

    def press_enter(self, pane: str) -> None:
        """A person presses Enter."""
        ...

    def enter_mode(self, pane: str) -> None:
        """A person scrolls."""
        ...

    def switch_input_off(self, pane: str) -> None:
        """As ``select-pane -d`` does."""
        ...

    def synchronise(self, pane: str) -> None:
        """Keys go to every pane of the window."""
        ...

    def end_program(self, pane: str) -> None:
        """The program in front ends by itself."""
        ...

    def keep_dead(self, pane: str) -> None:
        """The pane stays when its program ends."""
        ...

    def respawn(self, pane: str) -> None:
        """Chat once more in the same pane, as another process."""
        ...

    def close(self, pane: str) -> None:
        """A person closes the pane."""
        ...

    def kill_server(self) -> None:
        """The server dies."""
        ...

    def restart_server(self, pane: str) -> None:
        """The server dies, and another one has chat in a pane of the same id."""
        ...

    def start_of(self, pid: int) -> int:
        """When a process started (its tick); 0 when there is none."""
        ...

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Let time pass until something is true."""
        ...


async def spawned(stage: Stage) -> PaneRef:
    """Chat as an agent, at its prompt."""
    ref = await stage.panes.spawn(stage.spec("chat"))
    await seen(stage, ref, lambda look: look.cursor_row.startswith(">"))
    return ref


async def seen(stage: Stage, ref: PaneRef, wanted: Callable[[Look], object]) -> Look:
    """Look until the pane looks as wanted."""
    look = await stage.panes.look(ref)
    for _ in range(2_000):
        if wanted(look):
            return look
        await asyncio.sleep(0.005)
        look = await stage.panes.look(ref)
    raise AssertionError(f"never looked as wanted: {look}")


class Busy(Chat):
    """Reads nothing for a second after each turn."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        super().__init__(argv)
        self.took = self._work

    def _work(self, _text: str) -> None:
        self.reads = False
        asyncio.get_running_loop().call_later(1.0, lambda: self.set(reads=True))


class FakeStage:
    """The model tmux."""

    chat_name = "chat"
    socket = "/tmp/tmux-model/default"

    def __init__(self) -> None:
        self._tmux = Tmux()
        self._tmux.installed["busy"] = Busy
        self._windows = 0
        self.panes: Panes = self.life()

    def life(self) -> Panes:
        return FakePanes(self._tmux, SESSION)

    def spec(self, program: str) -> SpawnSpec:
        return SpawnSpec(self.socket, (program,), "", "agent", (), TOKEN)

    def window(self, *programs: str) -> str:
        self._windows += 1
        made = [self._tmux.installed[program]((program,)) for program in programs]
        return self._tmux.window(self.socket, *made, window=f"window {self._windows}").id

    def beside(self, pane: str) -> str:
        window = self._server.known(pane).window
        return self._tmux.window(self.socket, Chat(), window=window).id

    def turns(self, pane: str) -> list[str]:
        front = self._server.known(pane).front
        return front.turns if isinstance(front, Chat) else []

    def type(self, pane: str, text: str) -> None:
        self._server.type(pane, text.encode())

    def press_enter(self, pane: str) -> None:
        self._server.type(pane, b"\r")

    def enter_mode(self, pane: str) -> None:
        self._server.known(pane).mode = "copy-mode"

    def switch_input_off(self, pane: str) -> None:
        self._server.known(pane).input_off = True

    def synchronise(self, pane: str) -> None:
        self._server.synchronised.add(self._server.known(pane).window)

    def end_program(self, pane: str) -> None:
        self._chat(pane).ended = True

    def keep_dead(self, pane: str) -> None:
        self._server.known(pane).remains = True

    def respawn(self, pane: str) -> None:
        self._tmux.respawn(self._server.known(pane), Chat())

    def close(self, pane: str) -> None:
        self._server.close(self._server.known(pane))

    def kill_server(self) -> None:
        self._tmux.kill(self.socket)

    def restart_server(self, pane: str) -> None:
        self.kill_server()
        while self._tmux.window(self.socket, Chat()).id != pane:
            pass

    def start_of(self, pid: int) -> int:
        return next((p.start for p in self._tmux.processes if p.pid == pid and not p.ended), 0)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await eventually(condition, what)

    @property
    def _server(self) -> Server:
        return self._tmux.server(self.socket)

    def _chat(self, pane: str) -> Chat:
        front = self._server.known(pane).front
        assert isinstance(front, Chat)
        return front
