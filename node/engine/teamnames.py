"""Which team is meant by what somebody typed, and how a team is called here."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.core.errors.base import Candidate
from fleet.core.errors.names import AmbiguousName
from fleet.core.errors.teams import UnknownTeam
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet

SHORTEST_PREFIX = 4


def named(teams: Iterable[Chronicle], fleet: Fleet, text: str, caller: Caller) -> Chronicle:
    """The one team that is meant: by name, and id prefix where several share it; when nothing is said, the
    caller's own, or the only one.

    Raises:
        UnknownTeam: there is none.
        AmbiguousName: there are several; all of them are the candidates.
    """
    name, _, prefix = text.strip().lower().partition("~")
    known = tuple(teams)
    if name:
        meant = [t for t in known if t.row.name == name and t.team_id.startswith(prefix)]
    else:
        mine = [t for t in known if t.board.seat_of(caller.agent, caller.node_id)]
        meant = mine or list(known)
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise UnknownTeam(text, tuple(label(known, team) for team in known))
    candidates = tuple(
        Candidate(label(known, one), fleet.label(one.row.home), one.row.standing.value, "")
        for one in meant
    )
    raise AmbiguousName(text or "the team", candidates)


def label(teams: Iterable[Chronicle], team: Chronicle) -> str:
    """How one of these is called among them, unambiguously."""
    others = [t.team_id for t in teams if t.row.name == team.row.name and t is not team]
    if not others:
        return team.row.name
    length = SHORTEST_PREFIX
    while any(one.startswith(team.team_id[:length]) for one in others):
        length += 1
    return f"{team.row.name}~{team.team_id[:length]}"
