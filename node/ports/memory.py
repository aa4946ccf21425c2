"""What teams remember, as files that people read and edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OrdersEdit:
    """A person changed the standing orders of a role, or of the whole team (``role`` empty), in their
    file. ``seen`` is the number of the team's last event when that file was last written."""

    team: str
    role: str
    text: str
    seen: int


@dataclass(frozen=True, slots=True)
class OrdersUnreadable:
    """Such a file was changed into what cannot be read; it is left as it is."""

    team: str
    role: str
    path: str
    why: str


class MemoryFolder(Protocol):
    """What teams remember, as files that people read and whose ``orders.md`` they edit. Every method may
    raise ``StoreFailed``; then the files are those of before, or some of them those of after."""

    async def write(self, team: str, pages: Mapping[str, str], head: int, at_s: float) -> None:
        """Have these pages there and no others, in the history as well; ``head`` and ``at_s`` are of the
        team's last event in them. The same pages again change nothing.

        An ``orders.md`` that somebody changed since it was written, and that was not ``taken``, stays as
        it is.
        """
        ...

    async def edited(self, team: str) -> tuple[OrdersEdit | OrdersUnreadable, ...]:
        """What people changed since it was written, by role. A file that they removed is no edit."""
        ...

    async def taken(self, edit: OrdersEdit) -> None:
        """What was edited is remembered elsewhere; the next ``write`` may put another text in its place."""
        ...
