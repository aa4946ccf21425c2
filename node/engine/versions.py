"""What a peer of an older version of the protocol does not know, and so is neither told nor asked."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.core.errors.nodes import VersionMismatch
from fleet.core.frames import LATEST_PROTOCOL, AdminAsk, FollowAsk, Question, TeamAsk

ADMINS = 2
"""The first version that knows of admins beside the root."""
COMPARING = 2
"""The first version that compares what is open."""
ROOTS = 3
"""The first version that knows of roots that follow the founding one."""
FOLLOWING = 3
"""The first version that knows of new keys. To an older one a new key is a new node."""
TEAMS = 3
"""The first version that knows of teams."""

_SINCE: Mapping[type[Question], tuple[int, str]] = {
    AdminAsk: (ADMINS, "admins beside the root"),
    FollowAsk: (FOLLOWING, "nodes that take a new key"),
    TeamAsk: (TEAMS, "teams"),
}


def require_known(node: str, protocol: int, question: type[Question]) -> None:
    """Insist that a peer, called so, understands such a question, before anything is done for it.

    Raises:
        VersionMismatch: it is too old.
    """
    since, what = _SINCE.get(question, (0, ""))
    if protocol < since:
        raise VersionMismatch(
            f"{node} does not know of {what}: it speaks version {protocol} of the protocol,"
            f" and this node {LATEST_PROTOCOL}",
            hint="install the same version of fleet on both hosts",
        )
