"""The ``Panes`` port over the model tmux, and everything that can go wrong with a request.

A request, once made, is carried out whether or not its caller lives to see the answer, as one is that
was written to a tmux client. ``when`` lets something happen just before or just after a request's
effect: an error whose outcome is unknown to the caller, or the end of the whole node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import NoTmux, PaneGone
from fleet.core.errors.requests import MalformedRequest
from fleet.core.keystrokes import Paste
from fleet.core.look import Look
from node.ports.panes import PaneInfo, PaneRef, SpawnSpec
from tests.support.model_tmux import INST, Pane, Server, Tmux, framed
from tests.support.programs import Chat, Program

T = TypeVar("T")

LAST, SUB = "@fleet_last", "@fleet_sub"
LAG_S = 0.0003
"""Each way, between a node and its tmux server."""


class Moment(Enum):
    """When something happens to a request."""

    BEFORE = "before"  # it never reaches tmux
    AFTER = "after"  # it is done, and its answer is lost


@dataclass(frozen=True, slots=True)
class Typed:
    """What a program was given through us: a paste, or Enter (``data`` is empty)."""

    at_s: float
    token: str  # the incarnation that it was meant for
    program: Program
    sequence: int
    data: bytes
    asked_s: float | None
    """Since when a question was open on its screen then, of a kind that its profile knows."""


class FakePanes:
    """One node's view of its host's tmux servers."""

    def __init__(self, tmux: Tmux, session: str = "fleet") -> None:
        self._tmux = tmux
        self._session = session
        self._plans: dict[tuple[str, Moment], list[Callable[[], None]]] = {}
        self.gone = False
        """The node behind it has died: nothing it still asks for reaches tmux."""
        self.at: Callable[[str], None] = lambda _moment: None
        """Told of the moments before and after each request's effect."""
        self.born: Callable[[str, Program], None] = lambda _token, _program: None
        self.typed: Callable[[Typed], None] = lambda _typed: None

    def when(self, request: str, moment: Moment, action: Callable[[], None]) -> None:
        """Let something happen around the next request of this name, once."""
        self._plans.setdefault((request, moment), []).append(action)

    def fail(self, request: str, moment: Moment) -> None:
        """Let the next request of this name end in an error that says nothing of its effect."""

        def lost() -> None:
            raise NoTmux(f"the answer to {request} is lost")

        self.when(request, moment, lost)

    def forget_plans(self) -> None:
        """Nothing is to happen any more."""
        self._plans.clear()

    # --- starting ---

    async def spawn(self, spec: SpawnSpec) -> PaneRef:
        def spawn(server: Server) -> PaneRef:
            made = self._tmux.installed.get(spec.argv[0].rpartition("/")[2])
            if made is None:
                raise MalformedRequest(f"there is no program {spec.argv[0]} to start")
            program = self._tmux.run(made(spec.argv))
            pane = server.add(program, self._session, spec.window)
            if server.pane(pane.id) is None:
                raise PaneGone(spec.window, f"{spec.argv[0]} ended at once")
            pane.started_as = spec.token
            return self._bound(server, pane, spec.token)

        return await self._request("spawn", spec.socket, spawn, start=True)

    async def find(self, socket: str, token: str) -> PaneRef | None:
        def find(server: Server) -> PaneRef | None:
            for pane in server.panes():
                if token in {pane.started_as, pane.options.get(INST)} and not pane.dead:
                    return self._bound(server, pane, token)
            return None

        return await self._request("find", socket, find, start=True)

    async def inspect(self, socket: str, pane: str) -> PaneInfo:
        def inspect(server: Server) -> PaneInfo:
            found = server.known(pane)
            front = found.front
            name = front.name if front else ""
            argv = front.argv if front else ()
            token = found.options.get(INST, "")
            return PaneInfo(pane, found.pid, name, argv, name == "bash", token, found.dead)

        return await self._request("inspect", socket, inspect)

    async def bind(self, socket: str, pane: str, token: str) -> PaneRef:
        def bind(server: Server) -> PaneRef:
            found = server.known(pane)
            if found.dead:
                raise PaneGone(pane, f"the program in {pane} has ended")
            return self._bound(server, found, token)

        return await self._request("bind", socket, bind)

    def _bound(self, server: Server, pane: Pane, token: str) -> PaneRef:
        front = pane.front or pane.programs[0]
        pane.options.update({INST: token, LAST: "0", SUB: "0"})
        self.born(token, front)
        return PaneRef(
            server.socket, server.identity, pane.id, pane.pid, front.pid, front.start, token
        )

    # --- the hot path ---

    async def look(self, ref: PaneRef) -> Look:
        def look(server: Server) -> Look:
            pane = server.pane(ref.pane)
            if pane is None or server.identity != ref.server:
                return Look(exists=False)
            return _seen(pane, ref)

        try:
            self._tmux.server(ref.socket)
        except NoTmux:
            return Look(exists=False)
        return await self._request("look", ref.socket, look)

    async def paste(
        self,
        ref: PaneRef,
        sequence: int,
        text: bytes,
        how: Paste,
        *,
        cursor_x: int | None = None,
    ) -> bool:
        def paste(server: Server) -> bool:
            pane = _expected(server, ref)
            if pane is None or int(pane.options.get(LAST, "0")) >= sequence:
                return False
            if cursor_x not in {None, _seen(pane, ref).cursor_x}:
                return False
            data = text
            if how is Paste.NATIVE:
                pane.mode, data = "", framed(text, pane.front)
            pane.options[LAST] = str(sequence)
            self._give(pane, ref, sequence, text, data)
            return True

        return await self._request("paste", ref.socket, paste)

    async def enter(self, ref: PaneRef, sequence: int, *, cursor_x: int | None = None) -> bool:
        def enter(server: Server) -> bool:
            pane = _expected(server, ref)
            if pane is None or int(pane.options.get(LAST, "0")) != sequence:
                return False
            if cursor_x not in {None, _seen(pane, ref).cursor_x}:
                return False
            pane.options[SUB] = str(sequence)
            self._give(pane, ref, sequence, b"", b"\r")
            return True

        return await self._request("enter", ref.socket, enter)

    def _give(self, pane: Pane, ref: PaneRef, sequence: int, text: bytes, data: bytes) -> None:
        front = pane.front
        assert front is not None, "a paste into a dead pane ends tmux 3.3a"
        now_s = asyncio.get_running_loop().time()
        asked_s = front.asked_s if isinstance(front, Chat) and front.is_known else None
        self.typed(Typed(now_s, ref.token, front, sequence, text, asked_s))
        pane.give(data)

    # --- ending ---

    async def release(self, ref: PaneRef) -> None:
        def release(server: Server) -> None:
            pane = server.pane(ref.pane)
            if pane is not None and pane.options.get(INST) == ref.token:
                for mark in (INST, LAST, SUB):
                    pane.options.pop(mark, None)

        await self._unless_gone("release", ref, release)

    async def end(self, ref: PaneRef) -> None:
        def end(server: Server) -> None:
            pane = server.pane(ref.pane)
            if pane is not None and _is_same(pane, ref):
                server.close(pane)

        await self._unless_gone("end", ref, end)

    async def place(self, ref: PaneRef) -> str:
        def place(server: Server) -> str:
            return server.known(ref.pane).session

        return await self._request("place", ref.socket, place)

    async def close(self) -> None:
        """Agents stay."""

    # --- requests ---

    async def _unless_gone(self, name: str, ref: PaneRef, work: Callable[[Server], None]) -> None:
        try:
            await self._request(name, ref.socket, work)
        except NoTmux:
            return

    async def _request(
        self, name: str, socket: str, work: Callable[[Server], T], *, start: bool = False
    ) -> T:
        """Ask the server, which answers a moment later."""
        self._happen(name, Moment.BEFORE)
        if self.gone:
            raise NoTmux("this node is dead")
        server = self._tmux.server(socket, start=start)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[T] = loop.create_future()
        # The server does it, though the node may stand still meanwhile.
        loop.call_later(LAG_S, self._carry_out, name, server, work, answered, context=Context())
        answer = await answered
        await asyncio.sleep(LAG_S)
        return answer

    def _carry_out(
        self, name: str, server: Server, work: Callable[[Server], T], answered: asyncio.Future[T]
    ) -> None:
        try:
            if not server.alive:
                raise NoTmux(f"the tmux server at {server.socket} is gone")
            answer = work(server)
            self._happen(name, Moment.AFTER)
        except FleetError as error:
            if not answered.done():
                answered.set_exception(error)
            return
        if not answered.done():
            answered.set_result(answer)

    def _happen(self, name: str, moment: Moment) -> None:
        if not self.gone:
            self.at(f"{moment.value} {name}")
        plans = self._plans.get((name, moment))
        if plans:
            plans.pop(0)()


def _expected(server: Server, ref: PaneRef) -> Pane | None:
    """The pane, when everything about it is as when it was bound."""
    pane = server.pane(ref.pane)
    if pane is None or pane.dead or pane.input_off:
        return None
    return pane if _is_same(pane, ref) else None


def _is_same(pane: Pane, ref: PaneRef) -> bool:
    return pane.options.get(INST) == ref.token and pane.pid == ref.pane_pid


def _seen(pane: Pane, ref: PaneRef) -> Look:
    front = pane.front or pane.programs[0]
    row = front.rows[-1] if front.rows else ""
    return Look(
        exists=True,
        token=pane.options.get(INST, "") if pane.pid == ref.pane_pid else "",
        dead=pane.dead,
        input_off=pane.input_off,
        mode=pane.mode,
        last=int(pane.options.get(LAST, "0")),
        sub=int(pane.options.get(SUB, "0")),
        # tmux does not capture the blanks at the end of a row.
        rows=tuple(text.rstrip() for text in front.rows),
        cursor_x=len(row),
        cursor_y=max(0, len(front.rows) - 1),
        tty=front.tty,
        unread_bytes=len(front.unread),
        foreground=pane.seen_from(ref),
    )
