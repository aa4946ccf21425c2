"""Claims that run out: who holds what is on the board, for how long is only here.

Leases live on the team's home node, in memory, by its monotonic clock. A home that starts anew gives
every claim its whole length again: that may hold a dead member's task a little longer, and never takes
one from a member that lives. What renews a lease is that the holder's node says that its agent lives.
"""

from __future__ import annotations

from collections.abc import Iterable

LEASE_S = 600.0
"""How long a claim stands without a word of its holder's node, unless the team says otherwise."""


class Leases:
    """Until when each claim stands, by task."""

    def __init__(self, length_s: float = LEASE_S) -> None:
        self.length_s = length_s
        self._until: dict[int, float] = {}
        self._holder: dict[int, str] = {}

    def hold(self, task: int, holder: str, now_s: float) -> None:
        """A claim was made; it stands for one length from now."""
        self._until[task] = now_s + self.length_s
        self._holder[task] = holder

    def drop(self, task: int) -> None:
        """Nobody holds it any more."""
        self._until.pop(task, None)
        self._holder.pop(task, None)

    def beat(self, holders: Iterable[str], now_s: float) -> None:
        """These live: their claims stand for one length from now."""
        living = frozenset(holders)
        for task, holder in self._holder.items():
            if holder in living:
                self._until[task] = now_s + self.length_s

    def lapsed(self, now_s: float) -> tuple[tuple[int, str], ...]:
        """Tasks whose claim ran out, with who held them, by number."""
        return tuple(
            (task, self._holder[task])
            for task, until in sorted(self._until.items())
            if until <= now_s
        )

    def left_s(self, task: int, now_s: float) -> float:
        """For how long a claim still stands; 0 when there is none."""
        return max(0.0, self._until.get(task, now_s) - now_s)

    def next_s(self, now_s: float) -> float:
        """In how long the first claim could run out; one length when there is none."""
        return max(0.0, min(self._until.values(), default=now_s + self.length_s) - now_s)
