"""What is remembered of refusals: how much of them goes into the log, and which envelopes they were of.

In the log all of it one by one, until somebody makes a flood of it: the audit log only grows, so nobody may fill it by being refused. Beyond so many in a while, refusals of one
node for one reason are counted, and the count is written down when the while is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import NamedTuple

from fleet.core.errors.base import FleetError
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.refused import KEPT

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


class RefusedMail:
    """Refused is refused: should its sender not hear of it and offer it again, to whichever life of this
    node, later ones of the pair may have been typed meanwhile."""

    def __init__(self, store: SqliteStore) -> None:
        self._table = store.refused
        # Of each node, oldest first; read when it is first asked for.
        self._nodes: dict[str, dict[str, FleetError]] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        store.database.on_loss(self._nodes.clear)

    def of(self, node_id: str) -> Mapping[str, FleetError]:
        """The envelopes of a node that were refused, each with what it was told."""
        return self._of(node_id)

    def _of(self, node_id: str) -> dict[str, FleetError]:
        known = self._nodes.get(node_id)
        if known is None:
            rows = self._table.of(node_id)
            known = self._nodes[node_id] = {envelope_id: error for _, envelope_id, error in rows}
            self._numbers[node_id] = count(rows[-1][0] + 1 if rows else 0)
        return known

    def add(self, node_id: str, refused: Mapping[str, FleetError]) -> None:
        """Remember these, too; durable with the store's next commit."""
        known, numbers = self._of(node_id), self._numbers[node_id]
        self._table.add(
            node_id, [(next(numbers), envelope_id, error) for envelope_id, error in refused.items()]
        )
        known.update((i, error.with_traceback(None)) for i, error in refused.items())
        for envelope_id in list(known)[: max(0, len(known) - KEPT)]:
            del known[envelope_id]

    def read_again(self) -> None:
        """The table was changed by others."""
        self._nodes.clear()
