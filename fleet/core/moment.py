"""How a moment is shown. Wall time is for display only and is never compared between hosts."""

from __future__ import annotations

from datetime import UTC, datetime

_LAST_S = 253_402_300_799.0
"""The last second of the year 9999: a calendar ends there, a deadline that was asked for need not."""


def iso_time(at_s: float) -> str:
    """Wall seconds as UTC text with milliseconds, the one form that programs are given.

    Nothing (0) is the empty text: never seen. What no calendar shows is shown as its nearest end:
    any number has a text, since some were said by others.
    """
    if not at_s:
        return ""
    shown = datetime.fromtimestamp(min(max(0.0, at_s), _LAST_S), UTC)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")
