"""Whose message is typed next while several wait for one agent: everyone has one turn in a round.

Within a round it goes by arrival. Who has a thousand waiting has one turn, like who has one; when all
that wait had theirs, the next round begins.
"""

from __future__ import annotations

from collections.abc import Iterable


class Round:
    """Who had a turn in this round."""

    __slots__ = ("_had",)

    def __init__(self) -> None:
        self._had: set[str] = set()

    def had(self, who: str) -> bool:
        """Whether they had their turn."""
        return who in self._had

    def order(self, waiting: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
        """Those who wait, each with the number of what is typed next of it: who had no turn first."""
        return sorted(waiting, key=lambda one: (one[1] in self._had, one))

    def took(self, who: str) -> None:
        """It was their turn. A second one in a round begins the next round."""
        if who in self._had:
            self._had.clear()
        self._had.add(who)
