"""News for those who wait and watch: envelopes that move, and everything the audit log gets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from fleet.core.delivery import State
from fleet.core.envelope import Entry, Receipt

T = TypeVar("T")
_KEPT = 1_000  # events a slow watcher may lag behind before it loses the oldest
_NEW = frozenset({"envelope queued", "envelope taken"})  # what the audit log calls a first state


class Move(NamedTuple):
    """An envelope's timeline grew; ``news`` is empty for one that is new here. ``sent``: it is the
    outbox's."""

    envelope_id: str
    news: tuple[Entry, ...]
    sent: bool = False


class Watch(Generic[T]):
    """A watcher's own queue; ``next`` waits for what has not been seen yet."""

    def __init__(self) -> None:
        self._waiting: deque[T] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()

    def put(self, item: T) -> None:
        """Give the watcher something new."""
        self._waiting.append(item)
        self._news.set()

    async def next(self) -> T:
        """The oldest thing not yet seen; waits for one."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class EnvelopeWatch:
    """One envelope's receipt, growing."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self._seen = receipt
        self._waiter: asyncio.Future[None] | None = None

    def grow(self, news: tuple[Entry, ...], cleaned: int) -> None:
        """Add timeline entries. That it was accepted is told before it is durable here, and again
        when the disk lost it."""
        if news and news[0].state is State.ACCEPTED is self.receipt.last.state:
            news = news[1:]
        timeline = (*self.receipt.timeline, *news)
        self.receipt = Receipt(self.receipt.envelope, timeline, cleaned)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Receipt:
        """The receipt after it grew; one waits at a time."""
        if self._seen is self.receipt:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._seen = self.receipt
        return self.receipt


class Events:
    """Who watches what. Publishing to nobody costs a dict look-up."""

    def __init__(self) -> None:
        self._envelopes: dict[str, list[EnvelopeWatch]] = {}
        self._log: list[Callable[[dict[str, object]], None]] = []
        self._moves: list[Callable[[Move], None]] = []

    def watched(self, envelope_id: str) -> bool:
        """Whether anybody waits for this envelope; others need no receipt built."""
        return envelope_id in self._envelopes

    def watch(self, receipt: Receipt) -> EnvelopeWatch:
        """Follow an envelope from what is known of it now."""
        watch = EnvelopeWatch(receipt)
        self._envelopes.setdefault(receipt.envelope.id, []).append(watch)
        return watch

    def unwatch(self, watch: EnvelopeWatch) -> None:
        """Stop following it."""
        envelope_id = watch.receipt.envelope.id
        left = [w for w in self._envelopes.get(envelope_id, []) if w is not watch]
        if left:
            self._envelopes[envelope_id] = left
        else:
            self._envelopes.pop(envelope_id, None)

    def moved(
        self, envelope_id: str, news: tuple[Entry, ...], cleaned: int = 0, *, sent: bool = False
    ) -> None:
        """An envelope's timeline grew, durably."""
        for watch in self._envelopes.get(envelope_id, ()):
            watch.grow(news, cleaned)
        for tell in self._moves:
            tell(Move(envelope_id, news, sent))

    def follow_moves(self) -> Watch[Move]:
        """Follow every envelope from now on."""
        watch: Watch[Move] = Watch()
        self._moves.append(watch.put)
        return watch

    def unfollow_moves(self, watch: Watch[Move]) -> None:
        """Stop following them."""
        self._moves.remove(watch.put)

    def follow_log(self) -> Watch[dict[str, object]]:
        """Follow the audit log from now on."""
        watch: Watch[dict[str, object]] = Watch()
        self._log.append(watch.put)
        return watch

    def unfollow_log(self, watch: Watch[dict[str, object]]) -> None:
        """Stop following it."""
        self._log.remove(watch.put)

    def tap(self, log: Callable[[dict[str, object]], None], moves: Callable[[Move], None]) -> None:
        """Tell a counter of every event and move from now on, at once and for good."""
        self._log.append(log)
        self._moves.append(moves)

    def logged(self, told: Iterable[dict[str, object]]) -> None:
        """Audit events that are durable now."""
        for event in told if self._log or self._moves else ():
            for tell_event in self._log:
                tell_event(event)
            for tell in self._moves if event["kind"] in _NEW else ():
                tell(Move(str(event["id"]), ()))
