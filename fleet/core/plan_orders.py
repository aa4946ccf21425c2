"""What a team's log tells its memory: its own events, and the standing orders of each applied team file.

A file that is applied again with the same orders changes none: what people have written since stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fleet.core.memory_events import MemoryEvent, Noted, OrdersSet
from fleet.core.team_events import Happened, Planned


class PlanOrders:
    """Reads one log, in its order; knows the orders of the last file."""

    def __init__(self) -> None:
        self._orders: Mapping[str, str] = {}

    def noted(self, entries: Iterable[Happened]) -> Iterator[Noted]:
        """What these entries tell the memory."""
        for one in entries:
            if isinstance(one.event, MemoryEvent):
                yield Noted(one.seq, one.at_s, one.by, one.event)
            elif isinstance(one.event, Planned):
                before, self._orders = self._orders, _orders_in(one.event.plan)
                for role in sorted({*before, *self._orders}):
                    text = self._orders.get(role, "")
                    if text != before.get(role, ""):
                        yield Noted(one.seq, one.at_s, one.by, OrdersSet(role, text))


def _orders_in(plan: str) -> Mapping[str, str]:
    """The standing orders of each role that has some. What is no plan has none."""
    try:
        told: Any = json.loads(plan)
        roles = told.get("roles", {})
        return {name: str(role["orders"]) for name, role in roles.items() if role.get("orders")}
    except (ValueError, AttributeError, TypeError):
        return {}
