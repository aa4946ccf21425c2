"""How a moment is shown. Wall time is for display only and is never compared between hosts."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(at_s: float) -> str:
    """Wall seconds as UTC text with milliseconds, the one form that programs are given.

    Nothing (0) is the empty text: never seen.
    """
    if not at_s:
        return ""
    return (
        datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
