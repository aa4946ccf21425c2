"""How often: ``10/m`` as a bucket of ten tokens that fills again evenly, ten in a minute."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet.core.errors.requests import MalformedRequest

_RATE = re.compile(r"([1-9][0-9]{0,6})/([smhd])")
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_NEARLY = 1e-6
"""What adding up fractions may lose of a token. Who comes at the time that was told is not late."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many within a unit of time: at once, or spread over it."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"

    def left(self, before: float, elapsed_s: float) -> float:
        """How many tokens there are, so long after there were ``before``.

        A clock that went back refills nothing, and takes nothing away.
        """
        gained = max(0.0, elapsed_s) * self.count / _UNITS_S[self.unit]
        return min(float(self.count), before + gained)

    def wait_s(self, left: float) -> float:
        """How long until there is a token; 0 when there is one."""
        missing = 1.0 - left
        return missing * _UNITS_S[self.unit] / self.count if missing > _NEARLY else 0.0


def parse_rate(text: str) -> Rate:
    """The rate that a person typed.

    Raises:
        MalformedRequest: it is none.
    """
    found = _RATE.fullmatch(text.strip().lower())
    if found is None:
        raise MalformedRequest(
            f"{text!r} is not a rate",
            hint="so many in a second, minute, hour or day: 5/s, 10/m, 100/h, 500/d",
        )
    return Rate(int(found[1]), found[2])
