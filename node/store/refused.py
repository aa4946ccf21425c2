"""Which envelopes were refused here, and why: as many of each node as it can have under way twice over."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.core.errors.base import LAYER_OF, FleetError
from fleet.core.errors.tree import every_error
from node.store.database import Database

KEPT = 2_048
"""Of one node. What it has offered and not heard of is less; its older ones make room for its newer."""

_ADD = "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class RefusedTable:
    """Rows in a ring for each node, so that nobody fills the disk by being refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, origin: str) -> list[tuple[int, str, FleetError]]:
        """What was refused of a node: number, id, and what it was told, in the order of the numbers."""
        rows = self._database.rows(
            "SELECT n, id, code, message, hint, layer FROM refused WHERE origin = ? ORDER BY n",
            (origin,),
        )
        return [(int(n), str(id_), _error(*words)) for n, id_, *words in rows]

    def add(self, origin: str, refused: Iterable[tuple[int, str, FleetError]]) -> None:
        """Write down more of them, in the current group. Numbers go up by one."""
        self._database.execute_many(
            _ADD,
            [
                (origin, n % KEPT, n, id_, e.code, e.message, e.hint, e.layer)
                for n, id_, e in refused
            ],
        )


def _error(code: str, message: str, hint: str, layer: str) -> FleetError:
    cls = every_error().get(code, FleetError)
    return cls.rebuilt(message, hint, LAYER_OF.get(layer, cls.layer), ())
