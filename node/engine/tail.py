"""The youngest envelopes queued for one node, in memory, so that a live link need not read them back.

The store stays the truth: a tail knows from which row on it is complete, and says so when it is asked
for anything earlier.
"""

from __future__ import annotations

from collections import deque

from fleet.core.envelope import Envelope

LIMIT = 2_048
"""Rows kept. A peer further behind than that is fed from the store."""


class Tail:
    """Rows after ``after``, all of them, in order."""

    def __init__(self, after_seq: int) -> None:
        self._after_seq = after_seq
        self._rows: deque[tuple[int, Envelope]] = deque()

    def add(self, seq: int, envelope: Envelope) -> None:
        """A new row, younger than all others."""
        if len(self._rows) >= LIMIT:
            self._after_seq = self._rows.popleft()[0]
        self._rows.append((seq, envelope))

    def drop(self, seq: int) -> None:
        """A row is not queued any more, and nobody took it."""
        self._rows = deque(row for row in self._rows if row[0] != seq)

    def since(self, seq: int, limit: int) -> list[tuple[int, Envelope]] | None:
        """Up to ``limit`` rows after ``seq``, oldest first; None where only the store knows.

        Rows up to ``seq`` are forgotten: they were handed over.
        """
        if seq < self._after_seq:
            return None
        rows = self._rows
        while rows and rows[0][0] <= seq:
            rows.popleft()
        self._after_seq = seq
        return [rows[n] for n in range(min(limit, len(rows)))]
