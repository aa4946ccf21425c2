"""An event loop on virtual time: waiting takes no time and makes it later.

Its selector, finding nothing ready, jumps to the next timer. Nothing ready and no timer is a deadlock,
something ready for ever is a livelock, and both are said. What would go to a thread is done at once.
So the same code with the same chance does the same things in the same order, however busy the host is.

What runs in the context of a ``Process`` can be stopped: time passes, nothing of it runs, and then all of
it at once that would have run meanwhile.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DAWN_S = 1_767_225_600.0
"""What calendars say when a virtual loop begins: 2026-01-01, midnight UTC."""
TURNS_LIMIT = 100_000
"""Turns of the loop at one moment, after which nobody believes that it will get later."""


class Deadlock(AssertionError):
    """Everybody waits for somebody else, and nothing is planned that could change that."""


class Livelock(AssertionError):
    """Somebody is busy without end, and so it never gets later."""


class _Jumps(selectors.DefaultSelector):
    """Never waits."""

    now_s = 0.0
    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Deadlock(f"at {self.now_s:.3f} s nothing is ready and no timer is set")
        if not ready and timeout:
            self.now_s += timeout
            self.turns = 0
        self.turns += 1
        if self.turns > TURNS_LIMIT:
            self.turns = 0
            raise Livelock(f"at {self.now_s:.3f} s the loop has turned {self.turns} times")
        return ready


class Process:
    """Tasks that belong together, as one process on some host; it may be stopped for a while."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._left: list[asyncio.Handle] = []

    def context(self) -> Context:
        """Where to create a task that belongs to it; what that creates does, too."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        return context

    def run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Do something in it now."""
        return self.context().run(work, *args)

    def stop(self) -> None:
        """Nothing of it runs from now on."""
        self.is_stopped = True

    def go_on(self) -> None:
        """What would have run since then runs now, in its order."""
        self.is_stopped = False
        left, self._left = self._left, []
        for handle in left:
            asyncio.get_running_loop()._ready.append(handle)  # type: ignore[attr-defined]

    def leave(self, handle: asyncio.Handle) -> None:
        """Something of it would run now."""
        self._left.append(handle)


_PROCESS: ContextVar[Process] = ContextVar("process")


class _Handle(asyncio.Handle):
    """A callback that does not run while its process is stopped."""

    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(_PROCESS)  # type: ignore[attr-defined]
        if process is not None and process.is_stopped:
            process.leave(self)
        else:
            super()._run()


class _Timer(_Handle, asyncio.TimerHandle):
    """The same, later."""

    __slots__ = ()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose seconds cost nothing."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)
        # A jump may miss its timer by the last bit of a float; so close is there.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumps.now_s

    def _call_soon(
        self, callback: Callable[..., object], args: Any, context: Context | None
    ) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        timer.__class__ = _Timer
        return timer

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - a thread hands over whatever was raised in it
            done.set_exception(error)
        return done


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on virtual time; what is still running then is cancelled."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


class VirtualClock:
    """The loop's time, and chance that can be had again (``node.ports.host.Clock``)."""

    def __init__(self, chance: Random | None = None) -> None:
        self._chance = chance or Random(0)
        self._last_ms = 0
        self._low = 0
        self.ahead_s = 0.0
        """How far this host's calendar is ahead of the others'; a step is a change of it."""
        self._read: dict[float, float] = {}

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        now_s = self.now_s()
        wall_s = DAWN_S + now_s + self.ahead_s
        self._read[wall_s] = now_s
        return wall_s

    def since_s(self, wall_s: float) -> float:
        """When the calendar said this, as the loop counts; for what this clock was asked for."""
        return self._read.get(wall_s, wall_s - DAWN_S)

    def new_id(self) -> str:
        now_ms = int(self.wall_s() * 1_000)
        if now_ms > self._last_ms:
            self._last_ms, self._low = now_ms, self._chance.getrandbits(79)
        self._low += 1
        return _base32((self._last_ms << 80) + self._low, _CROCKFORD, 26)

    def token(self) -> str:
        return f"{self._chance.getrandbits(64):016x}"

    def nonce(self) -> str:
        return _base32(self._chance.getrandbits(30), BASE32, 6)

    def dice(self) -> float:
        return self._chance.random()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def _base32(number: int, digits: str, length: int) -> str:
    return "".join(digits[(number >> 5 * place) & 31] for place in reversed(range(length)))
