"""Small known fleets, as directories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.core.board import Board
from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence
from fleet.core.seating import KnownTeam, KnownTeams
from fleet.core.team_events import Event, Founded, Happened, NodeJoined, Planned, Seated

SEEN_AT_S = 1_700_000_000.0
SEEN_AT = "2023-11-14T22:13:20.000Z"


def id_of(letters: str) -> str:
    """A node id that begins with these letters."""
    return letters.ljust(52, "z")


def node(name: str, letters: str, *, connected: bool = True) -> NodeEntry:
    return NodeEntry(id_of(letters), name, connected, SEEN_AT_S)


def agent(name: str, on: NodeEntry, presence: Presence = Presence.ONLINE) -> AgentEntry:
    return AgentEntry(name, on.node_id, "generic", presence, 7)


def known(*nodes: tuple[NodeEntry, Iterable[str]]) -> Directory:
    """The directory of a fleet: each node with the names of its agents."""
    directory = Directory()
    for entry, names in nodes:
        directory.put_node(entry)
        for name in names:
            directory.put(agent(name, entry))
    return directory


def known_team(
    name: str,
    team_id: str,
    seats: Mapping[str, tuple[str, NodeEntry, int]],
    *,
    nodes: Iterable[NodeEntry] = (),
    head: int = 0,
    is_home: bool = False,
) -> KnownTeam:
    """A team whose log is here up to an entry: seats with their agent, its node, and the entry that says
    so; terms are above 1, and above 1 + the number of the team's nodes."""
    said: dict[int, Event] = {1: Founded(name, "home")}
    said |= {2 + n: NodeJoined("", one.node_id, ()) for n, one in enumerate(nodes)}
    for seat, (agent_name, on, term) in seats.items():
        said[term] = Seated(seat, "impl", agent_name, on.node_id)
    board = Board()
    filler = Planned("", "", (), 0.0)
    numbers = range(1, max(head, *said.keys(), 1) + 1)
    board.fold(Happened(seq, 1.0, "", "", said.get(seq, filler)) for seq in numbers)
    return KnownTeam(name, team_id, is_home, board)


def logs(*teams: KnownTeam) -> KnownTeams:
    """The teams whose logs a node has."""
    return {team.team_id: team for team in teams}
