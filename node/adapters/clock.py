"""Time and chance: the only place where the node asks for either."""

from __future__ import annotations

import asyncio
import os
import secrets
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)  # ten bits at a time
_IDS_AT_ONCE = 256
_NONCE = "abcdefghijklmnopqrstuvwxyz234567"


class SystemClock:
    """The host's clocks and random numbers (``node.ports.Clock``)."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._prefix = ""
        self._random: list[bytes] = []

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
        now_ms = time.time_ns() // 1_000_000
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._prefix = _digits(now_ms, 50)
        return self._prefix + _digits(self._random_80(), 80)

    def _random_80(self) -> int:
        """80 random bits; the kernel is asked for many at a time, since each call costs 8 us."""
        if not self._random:
            fresh = os.urandom(10 * _IDS_AT_ONCE)
            self._random = [fresh[at : at + 10] for at in range(0, len(fresh), 10)]
        return int.from_bytes(self._random.pop(), "big")

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


def _digits(number: int, bits: int) -> str:
    """The low ``bits``, a multiple of ten, as digits of base 32."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(bits - 10, -1, -10)])
