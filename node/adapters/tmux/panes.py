"""Panes of this host's tmux servers (``node.ports.panes.Panes``).

Two planes: libtmux starts things (``server.py``), one control client per server looks, pastes and
presses Enter. A pane is always server, ``%id`` and token; session and window names are for people.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Generator

from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.keystrokes import Paste
from fleet.core.look import Look
from fleet.core.metrics import Calls
from fleet.core.profile import SHELLS
from node.adapters.tmux import guard, proc
from node.adapters.tmux.control import ControlClient
from node.adapters.tmux.server import IDENTITY, Server, installed_version
from node.faults import fault
from node.ports.panes import PaneInfo, PaneRef, SpawnSpec

_FIELDS = (
    "pane_id", "pid", "start_time", "pane_pid", "pane_dead", "pane_input_off", "pane_mode",
    guard.INST, guard.LAST, guard.SUB, "cursor_x", "cursor_y", "pane_tty", "pane_title",
)  # fmt: skip
# The title comes last: it may hold anything, "|" too; no field before it can.
_FORMAT = "|".join(f"#{{{field}}}" for field in _FIELDS)
_GONE = Look(exists=False)
_DIGITS = 18
_CALL_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10)


class TmuxPanes:
    """Every tmux server that agents of this node live in."""

    def __init__(self, keeper: str, session: str, tmux_args: tuple[str, ...] = ()) -> None:
        """``keeper`` names our own session, ``session`` the one that agents' windows go into."""
        self._keeper = keeper
        self._session = session
        self._tmux_args = tmux_args
        self._clients: dict[str, ControlClient] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._terminals = proc.Terminals()
        self._version = (0, 0)
        self.calls = Calls(*_CALL_S)

    # --- starting ---

    async def spawn(self, spec: SpawnSpec) -> PaneRef:
        """Start a program in a new window and mark its pane."""
        server = self._server(spec.socket)
        server.program(spec)  # before anything is started
        await _check_door(await self._client(spec.socket, start=True), server)
        pane = await asyncio.to_thread(server.spawn, spec, self._session)
        try:
            return await self.bind(spec.socket, pane, spec.token)
        except PaneGone:
            raise PaneGone(spec.window, f"{spec.argv[0]} ended at once") from None

    async def find(self, socket: str, token: str) -> PaneRef | None:
        """The pane of a program that was started with this token."""
        client = await self._client(socket, start=True)
        form = f"#{{pane_id}}|#{{pane_pid}}|#{{{guard.INST}}}"
        for row in await client.ask(f"list-panes -a -F '{form}'"):
            pane, _, rest = row.partition("|")
            pid, _, mark = rest.partition("|")
            if mark == token or proc.was_started_as(_number(pid), token):
                with contextlib.suppress(PaneGone):
                    return await self.bind(socket, pane, token)
        return None

    async def inspect(self, socket: str, pane: str) -> PaneInfo:
        """What runs in a pane."""
        fields = await self._fields(await self._client(socket), pane)
        front = proc.in_front(int(fields["pane_pid"]))
        program = front.program if front else ""
        return PaneInfo(
            pane,
            int(fields["pane_pid"]),
            program,
            proc.argv(front.pid) if front else (),
            program in SHELLS,
            fields[guard.INST],
            fields["pane_dead"] == "1",
            fields["pane_title"],
        )

    async def bind(self, socket: str, pane: str, token: str) -> PaneRef:
        """Mark an existing pane and remember its foreground program."""
        client = await self._client(socket)
        fields = await self._fields(client, pane)
        pane_pid = int(fields["pane_pid"])
        front = proc.in_front(pane_pid)
        if front is None or fields["pane_dead"] == "1":
            raise PaneGone(pane, f"the program in {pane} has ended")
        await client.ask(guard.mark_line(pane, token))
        server = f"{fields['pid']}:{fields['start_time']}"
        return PaneRef(socket, server, pane, pane_pid, front.pid, front.start, token)

    async def _fields(self, client: ControlClient, pane: str) -> dict[str, str]:
        lines = await client.ask(f"display-message -p -t {_checked(pane)} '{_FORMAT}'")
        fields = _parsed(lines[0]) if lines else {}
        if fields.get("pane_id") != pane:
            raise PaneGone(pane, f"there is no pane {pane}")
        return fields

    # --- the hot path ---

    async def look(self, ref: PaneRef) -> Look:
        """Everything about the pane at one moment."""
        if not (lines := await self._looked(ref)):
            return _GONE
        fields = _parsed(lines[0])
        server = f"{fields.get('pid')}:{fields.get('start_time')}"
        if fields.get("pane_id") != ref.pane or server != ref.server:
            return _GONE
        tty, unread = self._terminals.read(fields["pane_tty"], ref.pane_pid)
        return Look(
            exists=True,
            token=fields[guard.INST] if fields["pane_pid"] == str(ref.pane_pid) else "",
            dead=fields["pane_dead"] == "1",
            input_off=fields["pane_input_off"] == "1",
            mode=fields["pane_mode"],
            last=_number(fields[guard.LAST]),
            sub=_number(fields[guard.SUB]),
            rows=tuple(lines[1:]),
            cursor_x=_number(fields["cursor_x"]),
            cursor_y=_number(fields["cursor_y"]),
            title=fields["pane_title"],
            tty=tty,
            unread_bytes=unread,
            foreground=proc.foreground(ref),
        )

    async def _looked(self, ref: PaneRef) -> list[str]:
        """The pane's fields and rows, as tmux prints them; nothing when no server is there."""
        line = (
            f"display-message -p -t {_checked(ref.pane)} '{_FORMAT}' ; "
            f"capture-pane -p -t {_checked(ref.pane)}"
        )
        if not (client := await self._attached(ref)):
            return []
        try:
            return await client.ask(line)
        except NoTmux:  # perhaps only our client ended, and to look twice does no harm
            again = await self._attached(ref)
            return await again.ask(line) if again else []

    async def paste(
        self,
        ref: PaneRef,
        sequence: int,
        text: bytes,
        how: Paste,
        *,
        cursor_x: int | None = None,
    ) -> bool:
        """Paste once and mark, in one command list."""
        client = await self._client(ref.socket)
        with memory_file(text) as path:
            fault("tmux:after_load")
            line = guard.paste_line(ref, sequence, path, how, self._now(ref, cursor_x))
            return _was_sent(await client.ask(line))

    async def enter(self, ref: PaneRef, sequence: int, *, cursor_x: int | None = None) -> bool:
        """Press Enter, guarded."""
        client = await self._client(ref.socket)
        with memory_file(b"\r") as path:
            fault("tmux:before_enter")
            line = guard.enter_line(ref, sequence, path, self._now(ref, cursor_x))
            return _was_sent(await client.ask(line))

    def _now(self, ref: PaneRef, cursor_x: int | None) -> guard.Now:
        return guard.Now(self._version, proc.shell_beneath(ref), cursor_x)

    # --- ending ---

    async def release(self, ref: PaneRef) -> None:
        """Take our marks off."""
        with contextlib.suppress(NoTmux):
            client = await self._client(ref.socket)
            await client.ask(guard.unmark_line(ref))

    async def end(self, ref: PaneRef) -> None:
        """Kill the pane and what is left of everything that ran in it."""
        look = await self.look(ref)
        if look.exists and look.token == ref.token:
            client = await self._client(ref.socket)
            members = await asyncio.to_thread(proc.in_session, ref.pane_pid)
            if look.dead and any(member.pid == ref.pane_pid for member in members):
                members = ()  # the number has been given to somebody else
            await client.ask(guard.kill_line(ref))
            await asyncio.to_thread(proc.end, members)

    async def place(self, ref: PaneRef) -> str:
        """The session that shows the pane."""
        client = await self._client(ref.socket)
        lines = await client.ask(
            f"display-message -p -t {_checked(ref.pane)} '#{{pane_id}}|#{{session_name}}'"
        )
        pane, _, session = (lines[0] if lines else "").partition("|")
        if pane != ref.pane:
            raise PaneGone(ref.pane, "the pane is gone")
        return session

    async def close(self) -> None:
        """Let go of all servers; our keeper sessions go, agents stay."""
        for socket, client in self._clients.items():
            await _ended(client)
            with contextlib.suppress(NoTmux):
                await asyncio.to_thread(self._server(socket).end_session, self._keeper)
        self._terminals.close()

    # --- servers ---

    def trouble(self) -> str:
        """Why no agent can be started or typed to at this moment, or nothing. Starts no process."""
        if shutil.which("tmux") is None:
            return "not installed; agents need tmux 3.2 or newer"
        if not any(client.is_open for client in self._clients.values()):
            return (
                "no server is in use yet; fleet start starts one, fleet adopt takes a pane of yours"
            )
        return ""

    def _server(self, socket: str) -> Server:
        return Server(socket, self._tmux_args)

    async def _attached(self, ref: PaneRef) -> ControlClient | None:
        """The client of a pane's server; None when no server is there any more."""
        server = self._server(ref.socket)
        if not self._is_attached(ref.socket) and not server.runs():
            await asyncio.to_thread(server.revive, int(ref.server.partition(":")[0]))
        try:
            return await self._client(ref.socket)
        except NoTmux:
            if server.runs():
                raise
            return None

    def _is_attached(self, socket: str) -> bool:
        client = self._clients.get(socket)
        return client is not None and client.is_open

    async def _client(self, socket: str, *, start: bool = False) -> ControlClient:
        """The server's control client; opened when needed. ``start`` may start the server.

        Raises:
            NoTmux: no server is there, or it does not answer.
        """
        async with self._opening.setdefault(socket, asyncio.Lock()):
            if not self._is_attached(socket):
                await self._open(socket, start=start)
            return self._clients[socket]

    async def _open(self, socket: str, *, start: bool) -> None:
        if self._version == (0, 0):
            self._version = await asyncio.to_thread(installed_version)
        server = self._server(socket)
        if not start and not server.runs():
            raise NoTmux(f"no tmux server runs at {socket}", hint="fleet start starts one")
        await asyncio.to_thread(server.ensure_session, self._keeper)
        if before := self._clients.pop(socket, None):
            await _ended(before)
        client = ControlClient(socket, self._keeper, self.calls)
        try:
            await client.open()
        except NoTmux:
            await _ended(client)
            raise
        self._clients[socket] = client


async def _ended(client: ControlClient) -> None:
    client.close()
    await client.ended()


async def _check_door(client: ControlClient, server: Server) -> None:
    """The socket has to lead to the server that our client is attached to: a window made in one
    server would be looked for in the other. A socket that was removed is made again.

    Raises:
        NoTmux: it leads to another server.
    """
    (ours,) = await client.ask(f"display-message -p '{IDENTITY}'")
    if await asyncio.to_thread(server.identity) == ours:
        return
    await asyncio.to_thread(server.revive, int(ours.partition(":")[0]))
    if await asyncio.to_thread(server.identity) != ours:
        raise NoTmux(
            f"{server.socket} leads to another tmux server than the one that agents live in",
            hint="end one of the two servers, then fleet down and fleet up",
        )


def _parsed(line: str) -> dict[str, str]:
    values = line.split("|", len(_FIELDS) - 1)
    return dict(zip(_FIELDS, values, strict=False)) if len(values) == len(_FIELDS) else {}


def _was_sent(said: list[str]) -> bool:
    """What a guarded line answered; anything but its two words is tmux's own complaint."""
    if guard.SENT in said or guard.REFUSED in said:
        return guard.SENT in said
    raise NoTmux(f"tmux could not do it: {' '.join(said) or 'it said nothing'}")


def _number(said: str) -> int:
    """A number that tmux says; a mark may have been set by anybody, and then counts as none."""
    return int(said) if said.isdecimal() and len(said) <= _DIGITS else 0


def _checked(pane: str) -> str:
    if not (pane.startswith("%") and pane[1:].isdigit()):
        raise PaneGone(pane, f"{pane!r} is no pane id; they look like %12")
    return pane


@contextlib.contextmanager
def memory_file(data: bytes) -> Generator[str]:
    """A file that only exists in memory; tmux reads it by its /proc path while it is open.

    It stays open when the outcome is unknown: tmux may still come to the line that names the path,
    and the descriptor's number must not lead to another file by then.
    """
    descriptor = os.memfd_create("fleet")
    os.write(descriptor, data)
    yield f"/proc/{os.getpid()}/fd/{descriptor}"
    os.close(descriptor)
