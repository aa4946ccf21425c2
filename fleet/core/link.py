"""The one stream between two nodes: what is spoken on it, which of two to keep, when to try again.

Both sides may dial, since either may sit behind a firewall. Of two live links the one dialled by
the smaller node id stays; a new link from the same side, or from a new life of the peer, always
replaces the old, which then is a corpse that has not been noticed yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.frames import LATEST_PROTOCOL, PROTOCOL, Hello

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
_GROWTH = 1.7


def agreed(hello: Hello) -> int | None:
    """The version of the protocol to speak with whoever says this: the newest that both know; None
    when there is none. An unknown field is passed over, so a newer version may say more."""
    newest = min(LATEST_PROTOCOL, hello.latest or hello.protocol)
    return newest if newest >= max(PROTOCOL, hello.protocol) else None


@dataclass(frozen=True, slots=True)
class LinkId:
    """Who dialled, and which life (boot) of the peer is at the other end."""

    dialled_by: str
    peer_boot: str


def replaces(new: LinkId, old: LinkId, smaller_id: str) -> bool:
    """Whether a new link takes the place of a live old one; otherwise the new one is closed."""
    if new.peer_boot != old.peer_boot or new.dialled_by == old.dialled_by:
        return True
    return new.dialled_by == smaller_id


def retry_after_s(attempts: int, dice: float) -> float:
    """The wait before the next try after ``attempts`` failures; ``dice`` in [0, 1) spreads it.

    Half of the wait is fixed and half is spread, so a fleet that lost one node does not return to
    it in step.
    """
    full = min(LAST_RETRY_S, FIRST_RETRY_S * _GROWTH ** min(attempts, 20))
    return full * (0.5 + dice / 2)
