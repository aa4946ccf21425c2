"""An envelope's timeline read as delays: how long it stayed in each state, and whose delay that was.

Each moment is by the clock of the node that says so. Between the sender's word and the recipient's
the two clocks may differ, so such a length can be too long or too short, and is never below 0.
"""

from __future__ import annotations

from fleet.cli import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Entry = dict[str, Any]

_LAYER = {
    "queued": "network",  # or the far node is not there: fleet route says which
    "accepted": "agent",  # behind earlier ones, or before the first look
    "held": "agent",
    "typing": "tmux",
    "typed": "agent",
}
_HOLDS = {"offline": "pane", "mode": "pane", "approval": "trust"}
"""Of the reasons to hold, those that are not the agent program's doing."""
_ENDS = {"submitted", "acknowledged", "refused", "expired", "cancelled", "unconfirmed", "in_doubt"}


class Delay:
    """One state of the timeline: how long it lasted (None: it is the last), and the layer."""

    __slots__ = ("entry", "is_longest", "lasted_s", "layer")

    def __init__(self, entry: Entry, lasted_s: float | None) -> None:
        self.entry = entry
        self.lasted_s = lasted_s
        state, reason = str(entry["state"]), str(entry.get("reason") or "")
        layer = _HOLDS.get(reason, "agent") if state == "held" else _LAYER.get(state, "")
        self.layer = "" if lasted_s is None else layer
        self.is_longest = False

    def as_json(self) -> dict[str, object]:
        """The delay as programs get it."""
        entry, lasted_s = self.entry, self.lasted_s
        return {
            "state": entry["state"],
            "reason": entry.get("reason") or "",
            "node": entry["node"],
            "ms": None if lasted_s is None else round(lasted_s * 1_000, 1),
            "layer": self.layer,
            "longest": self.is_longest,
        }


def delays(timeline: Sequence[Entry], now_s: float | None = None) -> list[Delay]:
    """The states of a timeline with their delays; the longest that has a layer is marked.

    What is still going on lasts until ``now_s``, when that is given.
    """
    moments = [render.clock_s(str(entry["at"])) for entry in timeline]
    is_over = bool(timeline) and timeline[-1]["state"] in _ENDS
    ends = [*moments[1:], None if is_over else now_s]
    found = [
        Delay(entry, None if at_s is None or end_s is None else max(0.0, end_s - at_s))
        for entry, at_s, end_s in zip(timeline, moments, ends, strict=True)
    ]
    layered = [one for one in found if one.layer and one.lasted_s]
    if layered:
        max(layered, key=lambda one: one.lasted_s or 0.0).is_longest = True
    return found
