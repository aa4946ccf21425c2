"""Panes of this host's tmux servers (``node.ports.Panes``).

Two planes: libtmux starts things (``server.py``), one control client per server looks, pastes and
presses Enter. A pane is always server, ``%id`` and token; session and window names are for people.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Generator

from fleet.core.errors import NoTmux, PaneGone
from fleet.core.keystrokes import Paste
from fleet.core.screen import Look
from node.adapters.tmux import guard, proc
from node.adapters.tmux.control import ControlClient
from node.adapters.tmux.server import Server, installed_version
from node.ports import PaneInfo, PaneRef, SpawnSpec

_FIELDS = (
    "pane_id", "pid", "start_time", "pane_pid", "pane_dead", "pane_input_off", "pane_mode",
    guard.INST, guard.LAST, guard.SUB, "cursor_x", "cursor_y", "pane_tty", "pane_title",
)  # fmt: skip
# The title comes last: it may hold anything, "|" too; no field before it can.
_FORMAT = "|".join(f"#{{{field}}}" for field in _FIELDS)
_GONE = Look(exists=False)


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

    # --- starting ---

    async def spawn(self, spec: SpawnSpec) -> PaneRef:
        """Start a program in a new window and mark its pane."""
        server = self._server(spec.socket)
        pane = await asyncio.to_thread(server.spawn, spec, self._session)
        try:
            return await self.bind(spec.socket, pane, spec.token)
        except PaneGone:
            raise PaneGone(spec.window, f"{spec.argv[0]} ended at once") from None

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
            program in proc.SHELLS,
            fields[guard.INST],
            fields["pane_dead"] == "1",
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
        try:
            client = await self._client(ref.socket, start=False)
        except NoTmux:
            return _GONE
        lines = await client.ask(
            f"display-message -p -t {_checked(ref.pane)} '{_FORMAT}' ; "
            f"capture-pane -p -t {_checked(ref.pane)}"
        )
        fields = _parsed(lines[0]) if lines else {}
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
            last=int(fields[guard.LAST] or 0),
            sub=int(fields[guard.SUB] or 0),
            rows=tuple(lines[1:]),
            cursor_x=int(fields["cursor_x"] or 0),
            cursor_y=int(fields["cursor_y"] or 0),
            title=fields["pane_title"],
            tty=tty,
            unread_bytes=unread,
            foreground=proc.foreground(ref),
        )

    async def paste(self, ref: PaneRef, sequence: int, text: bytes, how: Paste) -> bool:
        """Paste once and mark, in one command list."""
        client = await self._client(ref.socket, start=False)
        with _memory_file(text) as path:
            line = guard.paste_line(ref, sequence, path, how, self._version)
            return guard.SENT in await client.ask(line)

    async def enter(self, ref: PaneRef, sequence: int) -> bool:
        """Press Enter, guarded."""
        client = await self._client(ref.socket, start=False)
        with _memory_file(b"\r") as path:
            line = guard.enter_line(ref, sequence, path, self._version)
            return guard.SENT in await client.ask(line)

    # --- ending ---

    async def release(self, ref: PaneRef) -> None:
        """Take our marks off."""
        with contextlib.suppress(NoTmux):
            client = await self._client(ref.socket, start=False)
            await client.ask(guard.unmark_line(ref))

    async def end(self, ref: PaneRef) -> None:
        """Kill the pane and what is left of the agent's own process group."""
        look = await self.look(ref)
        if look.exists and look.token == ref.token:
            client = await self._client(ref.socket, start=False)
            await client.ask(guard.kill_line(ref))
            await asyncio.to_thread(proc.end_group, ref)

    async def place(self, ref: PaneRef) -> str:
        """The session that shows the pane."""
        client = await self._client(ref.socket, start=False)
        lines = await client.ask(
            f"display-message -p -t {_checked(ref.pane)} '#{{pane_id}}|#{{session_name}}'"
        )
        pane, _, session = (lines[0] if lines else "").partition("|")
        if pane != ref.pane:
            raise PaneGone(ref.pane, "the pane is gone")
        return session

    async def close(self) -> None:
        """Let go of all servers; our keeper sessions go, agents stay."""
        for client in self._clients.values():
            with contextlib.suppress(NoTmux):
                await client.ask(f"kill-session -t ={self._keeper}")
            client.close()
            await client.ended()
        self._terminals.close()

    # --- servers ---

    def _server(self, socket: str) -> Server:
        return Server(socket, self._tmux_args)

    async def _client(self, socket: str, *, start: bool = True) -> ControlClient:
        """The server's control client; opened when needed. ``start`` may start the server."""
        client = self._clients.get(socket)
        if client is not None and client.is_open:
            return client
        async with self._opening.setdefault(socket, asyncio.Lock()):
            client = self._clients.get(socket)
            if client is None or not client.is_open:
                client = await self._opened(socket, start=start)
            return client

    async def _opened(self, socket: str, *, start: bool) -> ControlClient:
        if self._version == (0, 0):
            self._version = await asyncio.to_thread(installed_version)
        server = self._server(socket)
        if not start and not await asyncio.to_thread(server.identity):
            raise NoTmux(f"no tmux server runs at {socket}", hint="fleet start starts one")
        await asyncio.to_thread(server.ensure_session, self._keeper)
        client = ControlClient(socket, self._keeper)
        await client.open()
        self._clients[socket] = client
        return client


def _parsed(line: str) -> dict[str, str]:
    values = line.split("|", len(_FIELDS) - 1)
    return dict(zip(_FIELDS, values, strict=False)) if len(values) == len(_FIELDS) else {}


def _checked(pane: str) -> str:
    if not (pane.startswith("%") and pane[1:].isdigit()):
        raise PaneGone(pane, f"{pane!r} is no pane id; they look like %12")
    return pane


@contextlib.contextmanager
def _memory_file(data: bytes) -> Generator[str]:
    """A file that only exists in memory; tmux reads it by its /proc path while it is open."""
    descriptor = os.memfd_create("fleet")
    try:
        os.write(descriptor, data)
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)
