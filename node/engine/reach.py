"""How far down the outbox each node may have seen: what may be elsewhere cannot be ended here.

A row that was shown to its recipient's node may be in its inbox, even when the answer was lost with
the link or with our own life. So before rows are shown a bound is durable that covers them. It runs
ahead of them, that it need not be written for each batch, and is drawn back when the link ends; a
crash in between makes some rows count as shown that were not, never the reverse.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from fleet.core.errors.store import StoreFailed
from node.store import SqliteStore

AHEAD = 4_096
"""Rows for which one write is enough."""


class Reach:
    """One bound per node, in rows of the outbox."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        # What is written from now on was shown to nobody, whatever an earlier life ran ahead.
        newest = store.outbox.last_seq
        self._shown = {node: min(seq, newest) for node, seq in store.outbox.reaches().items()}
        self._durable = dict(self._shown)
        self._extending: dict[str, asyncio.Future[None]] = {}

    def shown(self, node_id: str) -> int:
        """Rows up to this one may be at the node; none after it is."""
        return self._shown.get(node_id, 0)

    def durable(self, node_id: str) -> int:
        """Rows up to this one may be shown now."""
        return self._durable.get(node_id, 0)

    def show(self, node_id: str, seq: int) -> None:
        """Rows up to ``seq``, which is within ``durable``, are being shown."""
        self._shown[node_id] = max(seq, self.shown(node_id))

    def extend(self, node_id: str, seq: int, then: Callable[[str], None]) -> None:
        """Let rows up to ``seq`` and some more be shown; ``then`` is called once that is durable."""
        if node_id in self._extending:
            return
        bound = seq + AHEAD
        self._store.outbox.put_reach(node_id, bound)
        group = self._extending[node_id] = self._store.commit()

        def done(group: asyncio.Future[None]) -> None:
            del self._extending[node_id]
            if group.exception() is None:
                self._durable[node_id] = bound
                then(node_id)

        group.add_done_callback(done)

    def follow(self, old: str, new: str) -> None:
        """A node goes on under another id; the store says so already."""
        for bounds in (self._shown, self._durable):
            bounds[new] = max(bounds.pop(old, 0), bounds.get(new, 0))

    def draw_back(self, node_id: str) -> None:
        """The link has ended: nothing more is shown on it. If the disk fails the bound stays ahead."""
        if self.durable(node_id) != self.shown(node_id):
            self._durable[node_id] = self.shown(node_id)
            with contextlib.suppress(StoreFailed):
                self._store.outbox.put_reach(node_id, self.shown(node_id))
                self._store.commit_soon()
