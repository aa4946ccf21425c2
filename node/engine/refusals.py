"""How much of what is refused is written down: all of it one by one, until somebody makes a flood of it.

The audit log only grows, so nobody may fill it by being refused. Beyond so many in a while, refusals of one
node for one reason are counted, and the count is written down when the while is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from node.ports import Clock

ONE_BY_ONE = 50
WHILE_S = 10.0


class Counted(NamedTuple):
    """Refusals that were not written down by themselves."""

    node_id: str
    reason: str
    number: int


class Refusals:
    """What was refused of late, for each node and reason; members are few, and so are reasons."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._whiles: dict[tuple[str, str], tuple[float, int]] = {}

    def one_more(self, node_id: str, reason: str) -> bool:
        """Count a refusal; whether it is to be written down by itself."""
        began_s, number = self._whiles.get((node_id, reason), (self._clock.now_s(), 0))
        self._whiles[node_id, reason] = (began_s, number + 1)
        return number < ONE_BY_ONE

    def over(self) -> Iterator[Counted]:
        """The whiles that are over and had more than was written down; each is told once."""
        now_s = self._clock.now_s()
        for key, (began_s, number) in list(self._whiles.items()):
            if now_s - began_s >= WHILE_S:
                del self._whiles[key]
                if number > ONE_BY_ONE:
                    yield Counted(*key, number - ONE_BY_ONE)
