"""Until when a program says that it takes no work: a limit of its provider, as its screen tells it.

What such a row looks like is the profile's ``limited``. Groups in the pattern say when it ends: ``hour``
(and ``minute``, and ``half``, am or pm) is a time of the host's day, ``hours``, ``minutes`` and ``seconds``
are what is left from when the row was shown. Without any of them it is over after a while.
"""

from __future__ import annotations

import re

from fleet.core.look import Look
from fleet.core.profile import Profile
from fleet.core.screen import near_input

UNSAID_S = 3_600.0
"""For how long a row counts that does not say when it ends: programs leave it there when it has ended."""
_DAY_S = 86_400.0
_HOUR_S = 3_600.0
_MINUTE_S = 60.0
_DIGITS = 4  # of any number that a limit could be told with


def limited_s(profile: Profile, look: Look, shown_s: float, of_day_s: float) -> float:
    """For how long the program is limited still; 0 when it does not say so, or when that is over.

    ``shown_s`` is for how long it has said just that, ``of_day_s`` the time of day on its host.
    """
    ends = (_left_s(one, shown_s, of_day_s) for one in _found(profile, look))
    return max(ends, default=0.0)


def limit_said(profile: Profile, look: Look) -> str:
    """What it says of its limits, in its own words; empty when it says nothing of any."""
    return "\n".join(one[0] for one in _found(profile, look))


def _found(profile: Profile, look: Look) -> list[re.Match[str]]:
    if not profile.limited:
        return []
    rows = near_input(profile, look)
    return [m for row in rows for pattern in profile.limited if (m := pattern.search(row))]


def _left_s(found: re.Match[str], shown_s: float, of_day_s: float) -> float:
    said = {name: text for name, text in found.groupdict().items() if text}
    if "hour" in said:
        return _until(said, of_day_s)
    units = (("hours", _HOUR_S), ("minutes", _MINUTE_S), ("seconds", 1.0))
    parts = [_number(said[name]) * unit_s for name, unit_s in units if name in said]
    return max(0.0, (sum(parts) if parts else UNSAID_S) - shown_s)


def _until(said: dict[str, str], of_day_s: float) -> float:
    """The time until then. More than half a day ahead it is taken for one that has passed: the row of a
    limit that is over stays where it is."""
    hour, half = _number(said["hour"]), said.get("half", "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    then_s = hour * _HOUR_S + _number(said.get("minute", "0")) * _MINUTE_S
    left_s = (then_s - of_day_s) % _DAY_S
    return left_s if left_s <= _DAY_S / 2 else 0.0


def _number(text: str) -> int:
    """A number as it stands there; 0 for what is none, or beyond any day."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
