"""The youngest envelopes queued for one node, in memory, so that a live link need not read them back.

The store stays the truth: a tail knows from which row on it is complete, and says so when it is asked
for anything earlier.
"""

from __future__ import annotations

from collections import deque

from fleet.core.envelope import Envelope

LIMIT = 2_048
LIMIT_CHARACTERS = 4 * 1024 * 1024
"""Rows kept, and characters in them. A peer further behind than that is fed from the store."""


class Tail:
    """Rows after ``after``, all of them, in order."""

    def __init__(self, after_seq: int) -> None:
        self._after_seq = after_seq
        self._rows: deque[tuple[int, Envelope]] = deque()
        self._characters = 0

    def add(self, seq: int, envelope: Envelope) -> None:
        """A new row, younger than all others."""
        self._rows.append((seq, envelope))
        self._characters += len(envelope.text)
        while len(self._rows) > LIMIT or self._characters > LIMIT_CHARACTERS:
            self._after_seq = self._pop()

    def drop(self, seq: int) -> None:
        """A row is not queued any more, and nobody took it."""
        self._rows = deque(row for row in self._rows if row[0] != seq)
        self._characters = sum(len(envelope.text) for _, envelope in self._rows)

    def _pop(self) -> int:
        seq, envelope = self._rows.popleft()
        self._characters -= len(envelope.text)
        return seq

    def since(self, seq: int, limit: int) -> list[tuple[int, Envelope]] | None:
        """Up to ``limit`` rows after ``seq``, oldest first; None where only the store knows.

        Rows up to ``seq`` are forgotten: they were handed over.
        """
        if seq < self._after_seq:
            return None
        rows = self._rows
        while rows and rows[0][0] <= seq:
            self._pop()
        self._after_seq = seq
        return [rows[n] for n in range(min(limit, len(rows)))]
