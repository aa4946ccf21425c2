"""Time and chance: the only place where the node asks for either."""

from __future__ import annotations

import asyncio
import secrets
import time
from base64 import b32encode

_CROCKFORD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)
_NONCE = "abcdefghijklmnopqrstuvwxyz234567"


class SystemClock:
    """The host's clocks and random numbers (``node.ports.Clock``)."""

    def __init__(self) -> None:
        self._last_ms = 0

    def now_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def new_id(self) -> str:
        """A ULID: 48 bits of milliseconds, 80 random bits, in Crockford's base 32.

        Ids of one node never go back in time, also when its clock does, so the store appends.
        """
        self._last_ms = max(self._last_ms, time.time_ns() // 1_000_000)
        number = (self._last_ms << 80) | secrets.randbits(80)
        # 160 bits are 32 digits; the low 130 of them are the last 26.
        return b32encode(number.to_bytes(20))[6:].translate(_CROCKFORD).decode()

    def token(self) -> str:
        """16 random hexadecimal digits."""
        return secrets.token_hex(8)

    def nonce(self) -> str:
        """Six random characters of a-z2-7."""
        number = secrets.randbits(30)
        return "".join(_NONCE[(number >> shift) & 31] for shift in range(0, 30, 5))

    def dice(self) -> float:
        """A random number in [0, 1)."""
        return secrets.randbits(32) / 2**32

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
