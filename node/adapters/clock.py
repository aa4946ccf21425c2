"""Time and chance: the only place where the node asks for either."""

from __future__ import annotations

import asyncio
import secrets
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)  # ten bits at a time
_LOW_END = 1 << 20
_LOW_START = (1 << 19) - 1  # mask; at least half a million ids fit into each millisecond
_NONCE = "abcdefghijklmnopqrstuvwxyz234567"


class SystemClock:
    """The host's clocks and random numbers (``node.ports.host.Clock``)."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._high = ""  # of the id: the millisecond and 60 of its random bits
        self._low = _LOW_END

    def now_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def new_id(self) -> str:
        """A ULID: 48 bits of milliseconds and 80 random bits, in Crockford's base 32.

        Within a millisecond the random part counts up (monotonic ULIDs), so ids of one life of the
        node are in the order in which they were made, also when its clock steps back.
        """
        now_ms = time.time_ns() // 1_000_000
        if now_ms > self._last_ms:
            self._begin(now_ms)
        elif self._low == _LOW_END:
            self._begin(self._last_ms + 1)
        low = self._low
        self._low = low + 1
        return self._high + _PAIRS[low >> 10] + _PAIRS[low & 1023]

    def _begin(self, ms: int) -> None:
        chance = secrets.randbits(80)
        self._last_ms = ms
        self._high = _digits(ms, 50) + _digits(chance >> 20, 60)
        self._low = chance & _LOW_START

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
