"""Everything that goes wrong in a storm, one method each, as chance has it.

A fault is told to the world's journal, so that a failing seed can tell its story. What people do that
is in the node's way (a draft, a question, a program that they end) counts as a fault, too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from tests.support.disk import BROKEN, BUSY, FULL
from tests.support.host import SOCKET, Host
from tests.support.model_tmux import Pane
from tests.support.panes import Moment
from tests.support.programs import Chat
from tests.support.world import World

T = TypeVar("T")

Fault = Callable[[Host], Awaitable[None]]
_REQUESTS = ("look", "paste", "paste", "enter", "enter", "spawn", "bind", "release", "end")


class Faults:
    """The faults of one world. ``hosts`` are those that they may happen to."""

    def __init__(self, world: World, hosts: Callable[[], list[Host]]) -> None:
        self._world = world
        self._chance = world.chance
        self._hosts = hosts
        self.happened: Counter[str] = Counter()
        self.spared: Host | None = None
        """Whose database is not put back."""
        self._every: tuple[Fault, ...] = (
            self._crash, self._crash_at, self._crash_at, self._crash_soon, self._crash_soon,
            self._crash_soon, self._crash_soon, self._stop, self._lose, self._lose,
            self._break, self._break, self._desert, self._desert, self._cut, self._slow, self._stall,
            self._slow_disk, self._full_disk, self._bad_write, self._bad_write,
            self._ask, self._ask_at_paste, self._draft, self._type_at, self._busy, self._swallow,
            self._deafen, self._stop_reading, self._quit, self._die, self._die, self._tell_late,
            self._mode, self._input_off, self._reuse, self._kill_tmux, self._step_clock,
            self._step_clock_and_back, self._suspend, self._suspend, self._restore,
        )  # fmt: skip

    async def one(self) -> None:
        """Something goes wrong somewhere, unless that host is down already."""
        host = self.host()
        if host.node is not None:
            fault = self.pick(self._every)
            self.happened[fault.__name__.strip("_")] += 1
            await fault(host)

    def host(self) -> Host:
        """Any host."""
        return self.pick(self._hosts())

    def pick(self, what: list[T] | tuple[T, ...]) -> T:
        """Any of them."""
        return self._chance.choice(what)

    def some_s(self, most_s: float = 5.0) -> float:
        """A while."""
        return self._chance.random() * most_s

    # --- the node ---

    def _up(self, host: Host) -> None:
        if host.node is None:
            host.up()
            self._world.tell(host.key, "up again")

    def _dies(self, host: Host, when: str) -> Callable[[], None]:
        def die() -> None:
            if host.node is not None:
                self._world.tell(host.key, f"crash {when}")
                host.crash()

        return die

    async def _crash(self, host: Host) -> None:
        self._dies(host, "")()
        await asyncio.sleep(self.some_s())
        self._up(host)

    async def _crash_at(self, host: Host) -> None:
        """Around a request to tmux."""
        moment, request = self.pick(list(Moment)), self.pick(_REQUESTS)
        host.panes.when(request, moment, self._dies(host, f"{moment.value} {request}"))
        await asyncio.sleep(self.some_s())
        self._up(host)

    async def _crash_soon(self, host: Host) -> None:
        """Around any effect that it has: a request, a commit, a frame, a file."""
        count = self._chance.randrange(1, 120)
        host.at_moment(count, lambda moment: self._dies(host, moment)())
        await asyncio.sleep(self.some_s(3.0))
        self._up(host)

    async def _stop(self, host: Host) -> None:
        """It is stopped as one should, and may die of that."""
        self._world.tell(host.key, "down")
        await host.down()
        await asyncio.sleep(self.some_s())
        self._up(host)

    async def _suspend(self, host: Host) -> None:
        """It stands still, longer perhaps than its peers and its own timers wait, and goes on."""
        process, still_s = host.process, self.some_s(self.pick((0.2, 2.0, 20.0)))
        if process.is_stopped:
            return
        self._world.tell(host.key, f"stands still for {still_s:.1f} s")
        host.stand_still()
        await asyncio.sleep(still_s)
        if host.process is process:
            host.go_on()

    async def _step_clock_and_back(self, host: Host) -> None:
        """Somebody sets it, and somebody sets it right."""
        step_s, wrong_s = self.pick((-86_400.0, -7_200.0, 7_200.0)), self.some_s()
        self._world.tell(host.key, f"the clock is wrong by {step_s:g} s for {wrong_s:.1f} s")
        host.clock.ahead_s += step_s
        await asyncio.sleep(wrong_s)
        host.clock.ahead_s -= step_s

    async def _step_clock(self, host: Host) -> None:
        step_s = self.pick((-86_400.0, -3_600.0, -30.0, 30.0, 3_600.0))
        self._world.tell(host.key, f"the clock steps by {step_s:g} s")
        host.clock.ahead_s += step_s

    # --- tmux ---

    async def _lose(self, host: Host) -> None:
        moment, request = self.pick(list(Moment)), self.pick(_REQUESTS)
        self._world.tell(host.key, f"no answer to the next {request}, lost {moment.value} it")
        host.panes.fail(request, moment)

    async def _kill_tmux(self, host: Host) -> None:
        self._world.tell(host.key, "tmux dies")
        host.tmux.kill(SOCKET)
        for _ in range(self._chance.randrange(5)):
            host.tmux.window(SOCKET, Chat())

    async def _mode(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            pane.mode = "copy-mode"

    async def _input_off(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            pane.input_off = True
            await asyncio.sleep(self.some_s())
            pane.input_off = False

    async def _reuse(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            self._world.tell(host.key, f"another program in {pane.id}")
            host.tmux.respawn(pane, Chat())

    # --- the network ---

    async def _break(self, host: Host) -> None:
        other = self.host()
        self._world.tell(host.key, f"the link with {other.key} breaks")
        self._world.net.drop(host.node_id, other.node_id)

    async def _desert(self, host: Host) -> None:
        other, late_s = self.host(), self.some_s(8.0)
        self._world.tell(host.key, f"loses {other.key}, which notices {late_s:.1f} s later")
        self._world.net.desert(host.node_id, other.node_id, late_s)

    async def _cut(self, host: Host) -> None:
        other = self.host()
        ways = "both ways" if (is_both := self._chance.random() < 0.5) else "one way"
        self._world.tell(host.key, f"is cut off from {other.key}, {ways}")
        self._world.net.cut(host.node_id, other.node_id)
        if is_both:
            self._world.net.cut(other.node_id, host.node_id)
        await asyncio.sleep(self.some_s(20.0))
        self._world.net.heal()

    async def _slow(self, host: Host) -> None:
        self._world.net.slowest_s = self.pick((0.001, 0.01, 0.2))

    async def _stall(self, host: Host) -> None:
        self._world.net.stalls = self.pick((0.01, 0.1))
        await asyncio.sleep(self.some_s())
        self._world.net.stalls = 0.0

    # --- the disk ---

    async def _restore(self, host: Host) -> None:
        """Somebody puts an older copy of the database back: once in a storm, and not of a newcomer, whose
        copy may be of another fleet, nor of who is ``spared``. It is of a moment at which something waits, if there is one."""
        if self._world.former or host.key not in self._world.founders or host is self.spared:
            return
        for _ in range(20):
            if not host.waiting():
                await asyncio.sleep(0.1)
        host.copy()
        self._world.tell(host.key, "the database is copied")
        await asyncio.sleep(self.some_s(4.0))
        if self._world.former:
            return
        self._dies(host, "for the copy")()
        self._world.put_back(host)
        self._world.tell(host.key, "the copy is put back")
        await asyncio.sleep(self.some_s())
        self._up(host)

    async def _slow_disk(self, host: Host) -> None:
        host.disk.lag_s = self.pick((0.005, 0.05, 0.5))
        self._world.tell(host.key, f"a commit takes {host.disk.lag_s:g} s")
        await asyncio.sleep(self.some_s())
        host.disk.lag_s = 0.0

    async def _full_disk(self, host: Host) -> None:
        self._world.tell(host.key, "the disk is full")
        host.disk.trouble = FULL
        await asyncio.sleep(self.some_s(2.0))
        host.disk.trouble = 0
        self._world.tell(host.key, "the disk has room")

    async def _bad_write(self, host: Host) -> None:
        code, after = self.pick((FULL, BROKEN, BUSY)), self._chance.randrange(40)
        self._world.tell(host.key, f"after {after} writes one fails ({code})")
        host.disk.fail_once(code, after)

    # --- programs, and people at them ---

    async def _for_a_while(
        self, host: Host, now: Mapping[str, object], then: Mapping[str, object]
    ) -> None:
        program = self._program(host)
        if program is not None and program.is_known and program.reads:  # a stuck one does nothing
            self._world.tell(host.key, f"{program.name} {program.pid} is now {dict(now)}")
            program.set(**now)
            await asyncio.sleep(self.some_s(8.0))
            program.set(**then)

    async def _ask(self, host: Host) -> None:
        await self._for_a_while(host, {"question": "Allow it?"}, {"question": ""})

    async def _ask_at_paste(self, host: Host) -> None:
        then = {"asks_after_paste": "", "question": ""}
        await self._for_a_while(host, {"asks_after_paste": "Allow it?"}, then)

    async def _draft(self, host: Host) -> None:
        program = self._program(host)
        if program is not None and not program.draft:
            program.keys(b"half a thought")
            await asyncio.sleep(self.some_s(8.0))
            program.keys(b"\r")

    async def _type_at(self, host: Host) -> None:
        """Somebody types, or presses Enter, in the moment before we do."""
        keys, request = self.pick((b"x", b"\r")), self.pick(("paste", "enter"))

        def type_keys() -> None:
            if (program := self._program(host)) is not None:
                self._world.tell(host.key, f"{keys!r} typed into {program.name} {program.pid}")
                program.keys(keys)

        host.panes.when(request, Moment.BEFORE, type_keys)

    async def _busy(self, host: Host) -> None:
        await self._for_a_while(host, {"busy": True}, {"busy": False})

    async def _swallow(self, host: Host) -> None:
        await self._for_a_while(host, {"swallows": 2}, {"swallows": 0})

    async def _deafen(self, host: Host) -> None:
        await self._for_a_while(host, {"deaf": True}, {"deaf": False})

    async def _stop_reading(self, host: Host) -> None:
        await self._for_a_while(host, {"reads": False}, {"reads": True})

    async def _tell_late(self, host: Host) -> None:
        """What it took is told to its hook or transcript late, or too late to be waited for."""
        late_s = self.pick((0.1, 0.6, 3.0, 12.0))
        await self._for_a_while(host, {"tells_after_s": late_s}, {"tells_after_s": 0.0})

    async def _quit(self, host: Host) -> None:
        if (program := self._program(host)) is not None:
            self._world.tell(host.key, f"{program.name} {program.pid} ends")
            program.set(ended=True)

    async def _die(self, host: Host) -> None:
        dies_on = self.pick(("paste", "half a paste", "enter"))
        await self._for_a_while(host, {"dies_on": dies_on}, {"dies_on": ""})

    def _program(self, host: Host) -> Chat | None:
        pane = self._pane(host)
        front = pane.front if pane else None
        return front if isinstance(front, Chat) else None

    def _pane(self, host: Host) -> Pane | None:
        panes = host.tmux.all_panes()
        return self.pick(panes) if panes else None
