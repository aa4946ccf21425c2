"""How much an outbox takes: envelopes and bytes of text that wait, for one node and for all of them.

Counted in memory from what the store holds; what was taken back with its group is read again. Whoever
finds no room is told so before anything is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.config import OutboxLimits
from fleet.core.errors.store import MailboxFull
from node.store import SqliteStore


@dataclass(slots=True)
class Load:
    """What waits: envelopes, and the bytes of their texts in UTF-8."""

    messages: int = 0
    size_bytes: int = 0


class Room:
    """What waits for each node, and for all together."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.limits = OutboxLimits()
        self._loads: dict[str, Load] | None = None  # read from the store at first use
        self._all = Load()

    def forget(self) -> None:
        """What was counted is wrong: a group was taken back."""
        self._loads = None

    def waiting(self, node_id: str) -> int:
        """How many envelopes wait for a node."""
        return self._load(node_id).messages

    def check(self, node_id: str, label: str, size_bytes: int) -> None:
        """Whether one more of this size may wait.

        Raises:
            MailboxFull: it may not; which limit, and whose.
        """
        load, limits = self._load(node_id), self.limits
        for where, waits, most, most_bytes in (
            (f"the outbox for {label}", load, limits.peer_messages, limits.peer_bytes),
            ("the outbox for all nodes", self._all, limits.messages, limits.bytes),
        ):
            if waits.messages >= most:
                raise MailboxFull(where, most)
            if waits.size_bytes + size_bytes > most_bytes:
                raise MailboxFull(where, most_bytes, "bytes of text")

    def count(self, node_id: str, messages: int, size_bytes: int) -> None:
        """As many more wait for a node, or fewer; the store says so already."""
        if self._loads is None:
            return
        for load in (self._load(node_id), self._all):
            load.messages += messages
            load.size_bytes += size_bytes

    def _load(self, node_id: str) -> Load:
        if self._loads is None:
            self._loads = {n: Load(*sizes) for n, *sizes in self._store.outbox.loads()}
            loads = self._loads.values()
            self._all = Load(sum(x.messages for x in loads), sum(x.size_bytes for x in loads))
        return self._loads.setdefault(node_id, Load())


def size_of(text: str) -> int:
    """The bytes of a text as they are stored."""
    return len(text) if text.isascii() else len(text.encode())
