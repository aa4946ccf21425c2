"""Who fills a seat, as far as this node can know: by the team's log, and not by anybody's word.

Each node tells with its agents which seats they fill, and may lie, or have heard less or more than this
node. Only the team's home puts agents into seats, and its log says whom. So a node's word on a seat counts
where this node's copy of that log says the same: this agent of this node, since this entry. A word on an
entry that the copy has and that says otherwise is nothing. What the copy cannot settle is a doubt: it is
shown, and nobody is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from fleet.core.board import Board, Seat
from fleet.core.directory import AgentEntry, Directory, SeatHeld


class KnownTeam(NamedTuple):
    """A team of which this node has the log. ``is_home``: it is made here, and nobody knows more."""

    name: str
    team_id: str
    is_home: bool
    board: Board


class Sitting(NamedTuple):
    """Who fills a seat of teams of one name: ``proven`` by logs, and in doubt, and ``why``."""

    proven: tuple[AgentEntry, ...]
    doubtful: tuple[AgentEntry, ...]
    why: str


KnownTeams = Mapping[str, KnownTeam]
"""The teams whose logs this node has, by id."""

NO_LOG = "this node has no log of that team, only their nodes' word"
NEWER = "their nodes' word and this node's copy of the team's log do not agree, and the copy may be behind"


def sitting(directory: Directory, teams: KnownTeams, team: str, seat: str) -> Sitting:
    """Who fills a seat of a team of this name, online or not.

    A team that is only talked of does not count beside one whose log is here.
    """
    claims = directory.claims(team, seat)
    proven: list[AgentEntry] = []
    doubtful: list[AgentEntry] = []
    for known in teams.values():
        if known.name == team:
            own = [(held, entry) for held, entry in claims if held.team_id == known.team_id]
            is_sure, those = _of_one(directory, known, known.board.seats.get(seat), own)
            (proven if is_sure else doubtful).extend(those)
    if proven or doubtful:
        return Sitting(_once(proven), _once(doubtful), NEWER)
    talk = (entry for held, entry in claims if held.team_id not in teams)
    return Sitting((), _once(talk), NO_LOG)


def is_proven(held: SeatHeld, entry: AgentEntry, teams: KnownTeams) -> bool:
    """Whether the log says what a node says of its agent."""
    known = teams.get(held.team_id)
    return known is not None and _is_in(entry, known.board.seats.get(held.seat), held.term)


def _of_one(
    directory: Directory,
    known: KnownTeam,
    seat: Seat | None,
    claims: Iterable[tuple[SeatHeld, AgentEntry]],
) -> tuple[bool, tuple[AgentEntry, ...]]:
    """Who fills a seat of one team, and whether that is sure."""
    newer: list[AgentEntry] = []
    is_said = known.is_home
    for held, entry in claims:
        is_said = is_said or _is_in(entry, seat, held.term)
        if not known.is_home and held.term > known.board.head and _is_of(known.board, entry):
            newer.append(entry)
    return is_said and not newer, (*_agents(directory, seat), *newer)


def _is_in(entry: AgentEntry, seat: Seat | None, term: int) -> bool:
    return seat is not None and (entry.name, entry.node_id, term) == (
        seat.agent, seat.node, seat.term,
    )  # fmt: skip


def _is_of(board: Board, entry: AgentEntry) -> bool:
    """Only a node of the team can have heard more of its log than this one."""
    return entry.node_id in board.nodes or entry.node_id == board.home


def _agents(directory: Directory, seat: Seat | None) -> Iterator[AgentEntry]:
    if seat is not None:
        yield from (e for e in directory.called(seat.agent) if e.node_id == seat.node)


def _once(entries: Iterable[AgentEntry]) -> tuple[AgentEntry, ...]:
    return tuple(dict.fromkeys(entries))
