"""What one member may have under way at this node's port, and how often it may begin anew.

Per member, never for all together: whoever has used up its own share takes nothing from the others.
Every link costs a TLS handshake, a whole directory and perhaps a whole roster; one of ours is dialled
again after 0.1 s at the earliest, and then ever later.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.errors.nodes import TooBusy

CALLS_AT_ONCE = 8
"""One link, a second one while either side finds out which of two stays, a few probes."""
CALLS_IN_A_ROW = 30
CALLS_PER_S = 3.0
"""Begun, when those in a row are used up."""
LINES_PER_MINUTE = 120
"""Ended calls that are logged. Who only wants to fill the log is counted."""
_MINUTE_S = 60.0


@dataclass(slots=True)
class _Member:
    under_way: int = 0
    left: float = CALLS_IN_A_ROW
    at_s: float = 0.0


class Quota:
    """The calls of each member. As many entries as there are members."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}

    def enter(self, node_id: str, now_s: float) -> None:
        """A call begins.

        Raises:
            TooBusy: it is one too many of this member.
        """
        member = self._members.setdefault(node_id, _Member(at_s=now_s))
        gained = (now_s - member.at_s) * CALLS_PER_S
        member.left = min(CALLS_IN_A_ROW, member.left + gained)
        member.at_s = now_s
        if member.under_way >= CALLS_AT_ONCE or member.left < 1:
            raise TooBusy("that node")
        member.left -= 1
        member.under_way += 1

    def leave(self, node_id: str) -> None:
        """It has ended."""
        self._members[node_id].under_way -= 1


class Lines:
    """How many lines a minute the log is given, whatever happens."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._count = 0

    def next(self, now_s: float) -> tuple[bool, int]:
        """Whether there is room for one more, and how many of the last minute had none."""
        missed = 0
        if now_s - self._since_s >= _MINUTE_S:
            missed = max(0, self._count - LINES_PER_MINUTE)
            self._since_s, self._count = now_s, 0
        self._count += 1
        return self._count <= LINES_PER_MINUTE, missed
