"""A model tmux, as far as the node can tell it from a real one.

What tmux 3.3a was seen to do, it does: pane ids begin at ``%0`` with each server, options of a pane
outlive its program and die with the server, a pane closes with its last program or stays as a dead
one, and a mode keeps keys from the program but not pastes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.keystrokes import PASTE_BEGIN, PASTE_END
from fleet.core.look import Foreground
from node.ports.panes import PaneRef
from tests.support.programs import INSTALLED, Program

INST = "@fleet_inst"


@dataclass(slots=True)
class Pane:
    """One pane. ``programs`` are its processes, each started by the one below; the last has the
    terminal. ``remains`` keeps it, dead, after the last of them."""

    id: str
    programs: list[Program]
    pid: int
    session: str
    window: str
    options: dict[str, str] = field(default_factory=dict)
    started_as: str = ""  # the token that its program was given
    input_off: bool = False
    mode: str = ""
    remains: bool = False

    @property
    def front(self) -> Program | None:
        """Whose terminal it is now."""
        alive = [program for program in self.programs if not program.ended]
        return alive[-1] if alive else None

    @property
    def dead(self) -> bool:
        return self.front is None

    def give(self, data: bytes) -> None:
        """Bytes for whoever reads the terminal."""
        if self.front is not None:
            self.front.keys(data)

    def seen_from(self, ref: PaneRef) -> Foreground:
        """Whose program has the terminal, from where the bound agent stands."""
        agent = next((program for program in self.programs if program.pid == ref.agent_pid), None)
        if self.dead and ref.agent_pid == ref.pane_pid:
            return Foreground.OTHER
        if agent is None or agent.ended:
            return Foreground.SHELL
        return Foreground.AGENT if self.front is agent else Foreground.OTHER


class Server:
    """One server and its panes; another one after a restart."""

    def __init__(self, socket: str, pid: int, start: int) -> None:
        self.socket = socket
        self.identity = f"{pid}:{start}"
        self.alive = True
        self.synchronised: set[str] = set()
        self._panes: dict[str, Pane] = {}
        self._numbers = 0

    def panes(self) -> list[Pane]:
        """All that are there."""
        self._reap()
        return list(self._panes.values())

    def pane(self, pane_id: str) -> Pane | None:
        """The pane, if it is there (still)."""
        self._reap()
        return self._panes.get(pane_id)

    def known(self, pane_id: str) -> Pane:
        """The pane.

        Raises:
            PaneGone: it is not there.
        """
        pane = self.pane(pane_id)
        if pane is None:
            raise PaneGone(pane_id, f"there is no pane {pane_id}")
        return pane

    def add(self, program: Program, session: str, window: str) -> Pane:
        """A new pane with a program as its own process."""
        pane = Pane(f"%{self._numbers}", [program], program.pid, session, window)
        self._numbers += 1
        self._panes[pane.id] = pane
        return pane

    def close(self, pane: Pane) -> None:
        """Close a pane and end what runs in it."""
        for program in pane.programs:
            program.ended = True
        pane.remains = False
        self._reap()

    def type(self, pane_id: str, data: bytes) -> None:
        """Keys from a person: a mode eats them, and a synchronised window multiplies them."""
        pane = self.known(pane_id)
        together = pane.window in self.synchronised
        for one in self.panes():
            typed = one is pane or (together and one.window == pane.window)
            if typed and not one.mode and not one.input_off:
                one.give(data)

    def _reap(self) -> None:
        for pane in list(self._panes.values()):
            pane.programs = [p for p in pane.programs if not p.ended] or pane.programs[:1]
            if pane.dead and not pane.remains:
                del self._panes[pane.id]


class Tmux:
    """All servers of one host, by socket. A person may do to them what people do."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._pids = 100
        self.processes: list[Program] = []
        self.installed: dict[str, Callable[[tuple[str, ...]], Program]] = dict(INSTALLED)

    def run(self, program: Program) -> Program:
        """Give a program a process."""
        self._pids += 1
        program.pid, program.start = self._pids, 10 * self._pids
        self.processes.append(program)
        return program

    def server(self, socket: str, *, start: bool = False) -> Server:
        """The server at a socket.

        Raises:
            NoTmux: none runs there, and none was to be started.
        """
        server = self._servers.get(socket)
        if server is None and not start:
            raise NoTmux(f"no tmux server runs at {socket}")
        if server is None:
            self._pids += 1
            server = self._servers[socket] = Server(socket, self._pids, 10 * self._pids)
        return server

    def all_panes(self) -> list[Pane]:
        """Every pane of every server."""
        return [pane for server in self._servers.values() for pane in server.panes()]

    def window(self, socket: str, *programs: Program, window: str = "person") -> Pane:
        """A pane that a person opened, each program started by the one before it."""
        owner, *started = (self.run(program) for program in programs)
        pane = self.server(socket, start=True).add(owner, "main", window)
        pane.programs += started
        return pane

    def respawn(self, pane: Pane, program: Program) -> None:
        """Another program as the pane's own process: its options stay."""
        for old in pane.programs:
            old.ended = True
        pane.programs = [self.run(program)]
        pane.pid = program.pid

    def kill(self, socket: str) -> None:
        """The server dies, and all its panes with it."""
        server = self._servers.pop(socket, None)
        if server is not None:
            server.alive = False
            for pane in server.panes():
                server.close(pane)


def framed(data: bytes, program: Program | None) -> bytes:
    """A paste that tmux frames, if the program asked for that."""
    if program is None or not program.bracketed:
        return data
    return PASTE_BEGIN + data + PASTE_END
