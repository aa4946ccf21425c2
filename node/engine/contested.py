"""Several keys that claim to follow one: what they are called, so that the wrong ones can be put out.

None of them belongs, so the directory has none of them (decision 0027).
"""

from __future__ import annotations

from typing import NamedTuple

from fleet.core.directory import Presence
from fleet.core.errors.base import Candidate
from fleet.core.errors.names import AmbiguousName
from fleet.core.roster import Roster

_SHOWN = 8
"""Letters of an id that tell claimants apart for people; more where these do not."""


class Claim(NamedTuple):
    """An id that claims to follow another: ``label`` is what ``fleet revoke`` takes for it."""

    node_id: str
    label: str
    name: str
    old: str


def claims(roster: Roster) -> tuple[Claim, ...]:
    """All that are contested, those of one old id together."""
    return tuple(
        Claim(node_id, f"{name}~{_shortest(node_id, ids)}", name, old)
        for old, ids in roster.contested()
        for name in [_name(roster, old, ids)]
        for node_id in ids
    )


def claim_called(roster: Roster, typed: str) -> Claim | None:
    """The one claim that a label, or a whole id, means; None when it means none.

    Raises:
        AmbiguousName: it means several of them.
    """
    name, _, prefix = typed.strip().lower().partition("~")
    found = [
        one
        for one in claims(roster)
        if name == one.node_id or (name == one.name and one.node_id.startswith(prefix))
    ]
    if found[1:]:
        listed = tuple(Candidate(one.label, one.label, Presence.AWAY.value, "") for one in found)
        raise AmbiguousName(typed, listed)
    return found[0] if found else None


def _name(roster: Roster, old: str, ids: tuple[str, ...]) -> str:
    """What the node is called; by its first claimant where nobody knows the old id any more."""
    known = next(filter(None, map(roster.known, (old, *ids))), None)
    return known.name if known else old[:_SHOWN]


def _shortest(node_id: str, ids: tuple[str, ...]) -> str:
    length = _SHOWN
    while sum(one.startswith(node_id[:length]) for one in ids) > 1:
        length += 1
    return node_id[:length]
