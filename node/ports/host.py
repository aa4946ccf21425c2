"""This host's time and chance, and what the node costs it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Clock(Protocol):
    """Time, waiting, and everything random."""

    def now_s(self) -> float:
        """Monotonic seconds; compared only with itself."""
        ...

    def wall_s(self) -> float:
        """Seconds since the epoch; for display and deadlines on this host only."""
        ...

    def new_id(self) -> str:
        """A fresh envelope id (ULID)."""
        ...

    def token(self) -> str:
        """16 random hexadecimal digits: an incarnation, a boot, a database epoch."""
        ...

    def nonce(self) -> str:
        """Six random characters of a-z2-7 for one frame around one text."""
        ...

    def dice(self) -> float:
        """A random number in [0, 1)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; virtual in simulations."""
        ...


class Usage(NamedTuple):
    """What the node's process costs, as of now. ``started_s`` is wall time."""

    memory_bytes: int
    cpu_s: float
    open_files: int
    started_s: float
