"""tmux panes on this host, and where texts go that are too long for one paste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fleet.core.keystrokes import Paste
from fleet.core.look import Look


@dataclass(frozen=True, slots=True)
class PaneRef:
    """One incarnation's pane: enough to find it again and to notice that it is another.

    ``socket`` is the tmux server's socket path; ``server`` its pid and start time, which tell a
    restarted server whose pane ids begin at ``%0`` again. ``agent_pid`` with ``agent_start`` (clock
    ticks since boot, from /proc) is the process the agent was when it was bound.
    """

    socket: str
    server: str
    pane: str
    pane_pid: int
    agent_pid: int
    agent_start: int
    token: str


@dataclass(frozen=True, slots=True)
class SpawnSpec:
    """An agent to start: argv runs as the pane's own process, never through a shell.

    ``environment`` is added to the tmux server's. ``window`` is a name of our own making.
    """

    socket: str
    argv: tuple[str, ...]
    cwd: str
    window: str
    environment: tuple[tuple[str, str], ...]
    token: str


@dataclass(frozen=True, slots=True)
class PaneInfo:
    """A pane before it is adopted: its foreground program and argv, its title, and the mark it may
    carry."""

    pane: str
    pane_pid: int
    program: str
    argv: tuple[str, ...]
    is_shell: bool
    token: str
    dead: bool
    title: str = ""


class Panes(Protocol):
    """tmux panes on this host. Every method may raise ``NoTmux``; then nothing is known."""

    async def spawn(self, spec: SpawnSpec) -> PaneRef:
        """Start a program in a new window and mark its pane with the token.

        Raises:
            NoTmux: tmux is missing, too old, or refused.
            MalformedRequest: there is no such program.
            PaneGone: the program ended at once.
        """
        ...

    async def find(self, socket: str, token: str) -> PaneRef | None:
        """The pane of a program that was started with this token, bound to it, whoever lived to hear of it;
        None when none runs. It may start the server."""
        ...

    async def inspect(self, socket: str, pane: str) -> PaneInfo:
        """What runs in a pane.

        Raises:
            PaneGone: there is no such pane.
        """
        ...

    async def bind(self, socket: str, pane: str, token: str) -> PaneRef:
        """Mark an existing pane with the token and remember its foreground program.

        Raises:
            PaneGone: there is no such pane.
        """
        ...

    async def look(self, ref: PaneRef) -> Look:
        """Everything about the pane at one moment, in one round trip.

        A pane or a server that is gone, or a server that is another one, is ``exists=False``.
        """
        ...

    async def paste(
        self,
        ref: PaneRef,
        sequence: int,
        text: bytes,
        how: Paste,
        *,
        cursor_x: int | None = None,
    ) -> bool:
        """Paste once, and set the pane's ``last`` mark to ``sequence``, in one tmux command list.

        The list refuses (False, proven untyped) unless pane, token, liveness and input are as
        expected, ``last`` < ``sequence``, and the cursor stands in column ``cursor_x``, if given: a
        draft or a question that came up since the last look has moved it. An exception means that
        the outcome is unknown; the marks tell.
        """
        ...

    async def enter(self, ref: PaneRef, sequence: int, *, cursor_x: int | None = None) -> bool:
        """Press Enter once more, guarded: ``last`` must equal ``sequence``, and the cursor's column
        ``cursor_x``, if given. Sets ``sub``.

        False: refused, nothing pressed.
        """
        ...

    async def release(self, ref: PaneRef) -> None:
        """Take our marks off the pane; the program goes on. A pane that is gone is no error."""
        ...

    async def end(self, ref: PaneRef) -> None:
        """Kill the pane and end what is left of everything that ran in it.

        Does nothing when the pane no longer carries the token.
        """
        ...

    async def place(self, ref: PaneRef) -> str:
        """The session that shows the pane, for attaching."""
        ...

    async def close(self) -> None:
        """Let go of all servers; agents stay."""
        ...


class Spill(Protocol):
    """Where texts go that are too long for one paste."""

    async def shorten(self, envelope_id: str, text: str) -> str:
        """Keep the text in a file of its own; what is typed instead: its first lines, path, size
        and digest.

        Raises:
            StoreFailed: it could not be written.
        """
        ...
