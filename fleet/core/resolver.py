"""A query to exactly one address, or a refusal that says who could have been meant.

Exact or nothing: a name resolves when the whole known fleet holds one such agent, online or not.
Near, local, online, first, longest: none of these breaks a tie. ``agent@node`` never falls back to
another node. ``team/role`` means who fills that seat by the team's log, wherever that is. This is the
only resolver; every path uses it.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from itertools import islice
from types import MappingProxyType

from fleet.core.address import OPERATOR, Address, Query
from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence
from fleet.core.errors.base import Candidate
from fleet.core.errors.names import AmbiguousName, SeatInDoubt, UnknownAgent, UnknownNode
from fleet.core.moment import iso_time
from fleet.core.seating import KnownTeam, KnownTeams, sitting

SHORTEST_PREFIX = 4
_HINTS_LOOK_AT = 5_000  # difflib costs about 20 us a name; a miss may cost 100 ms, no more
_HINTS = 3
_NODES_NAMED = 8
_NO_TEAMS: KnownTeams = MappingProxyType[str, KnownTeam]({})


def resolve(query: Query, directory: Directory, teams: KnownTeams = _NO_TEAMS) -> Address:
    """The one agent meant by ``query``; ``teams`` are those whose logs this node has.

    Raises:
        UnknownNode: no node has that name or id prefix.
        UnknownAgent: no agent has exactly that name (there); similar names are its hint.
        AmbiguousName: several could be meant; all of them are its candidates.
        SeatInDoubt: no log that is here says who fills that seat.
    """
    if query.agent == OPERATOR and not query.team:
        return _resolve_operator(query, directory)
    matches = _in_seat(query, directory, teams) if query.team else directory.called(query.agent)
    if query.node:
        nodes = nodes_meant(query, directory)
        there = [node.node_id for node in nodes]
        matches = tuple([entry for entry in matches if entry.node_id in there])
        if len(nodes) > 1 and not matches:
            raise _ambiguous(str(query), _unnoded(query), nodes, directory)
    match matches:
        case (entry,):
            return Address(entry.name, node_label(directory, entry.node_id), entry.node_id)
        case ():
            raise UnknownAgent(str(query), _similar(query, directory, teams))
        case _:
            raise AmbiguousName(str(query), tuple(_candidate(directory, e) for e in matches))


def _in_seat(query: Query, directory: Directory, teams: KnownTeams) -> tuple[AgentEntry, ...]:
    """Who may be meant by a seat. With a node named, what that node says of its own agents is enough: no
    other node can draw anything to itself by it."""
    found = sitting(directory, teams, query.team, query.agent)
    if found.doubtful and not query.node:
        meant = tuple(_candidate(directory, e) for e in (*found.proven, *found.doubtful))
        raise SeatInDoubt(str(query), meant, found.why)
    return tuple(dict.fromkeys((*found.proven, *found.doubtful)))


def resolve_node(name: str, prefix: str, directory: Directory) -> NodeEntry:
    """The one node of this name, and id prefix if one is given.

    Raises:
        UnknownNode: none.
        AmbiguousName: several; the candidates are the names that tell them apart.
    """
    query = Query(OPERATOR, name, prefix)
    match nodes_meant(query, directory):
        case (node,):
            return node
        case nodes:
            raise _ambiguous(_shown_node(query), "", nodes, directory)


def nodes_meant(query: Query, directory: Directory) -> tuple[NodeEntry, ...]:
    """The nodes that the node part of a query fits, at least one.

    Raises:
        UnknownNode: none fits.
    """
    nodes = directory.nodes_called(query.node)
    if query.node_prefix:
        nodes = tuple(node for node in nodes if node.node_id.startswith(query.node_prefix))
    if not nodes:
        known = sorted(node_label(directory, node.node_id) for node in directory.nodes())
        raise UnknownNode(_shown_node(query), tuple(known[:_NODES_NAMED]))
    return nodes


def node_label(directory: Directory, node_id: str) -> str:
    """How to call a node so that it can be pasted back: its name, made unique where needed."""
    node = directory.node(node_id)
    if node is None:
        return node_id[:12]
    if directory.is_only(node):
        return node.name
    namesakes = [n.node_id for n in directory.nodes_called(node.name) if n.node_id != node_id]
    length = SHORTEST_PREFIX
    while any(other.startswith(node_id[:length]) for other in namesakes):
        length += 1
    return f"{node.name}~{node_id[:length]}"


def shown_presence(directory: Directory, entry: AgentEntry) -> Presence:
    """The entry's presence as far as it can be known now: ``away`` when its node is not there."""
    node = directory.node(entry.node_id)
    return entry.presence if node is not None and node.connected else Presence.AWAY


def _resolve_operator(query: Query, directory: Directory) -> Address:
    match nodes_meant(query, directory) if query.node else tuple(directory.nodes()):
        case (node,):
            return Address(OPERATOR, node_label(directory, node.node_id), node.node_id)
        case ():
            raise UnknownAgent(str(query))
        case nodes:
            raise _ambiguous(str(query), _unnoded(query), nodes, directory)


def _ambiguous(
    shown: str, before: str, nodes: tuple[NodeEntry, ...], directory: Directory
) -> AmbiguousName:
    """Several nodes fit; what was typed goes ``before`` each one's name."""
    candidates: list[Candidate] = []
    for node in nodes:
        label = node_label(directory, node.node_id)
        presence = Presence.ONLINE if node.connected else Presence.AWAY
        candidates.append(Candidate(f"{before}{label}", label, presence.value, _seen(node)))
    return AmbiguousName(shown, tuple(candidates))


def _unnoded(query: Query) -> str:
    return f"{replace(query, node='', node_prefix='')}@"


def _shown_node(query: Query) -> str:
    return f"{query.node}~{query.node_prefix}" if query.node_prefix else query.node


def _candidate(directory: Directory, entry: AgentEntry) -> Candidate:
    label = node_label(directory, entry.node_id)
    node = directory.node(entry.node_id)
    return Candidate(
        f"{entry.name}@{label}",
        label,
        shown_presence(directory, entry).value,
        _seen(node) if node else "",
    )


def _seen(node: NodeEntry) -> str:
    return "now" if node.connected else iso_time(node.seen_at_s)


def _similar(query: Query, directory: Directory, teams: KnownTeams) -> tuple[str, ...]:
    seats = _seats(query.team, directory, teams) if query.team else []
    if seats:
        fitting = difflib.get_close_matches(query.agent, seats, _HINTS, cutoff=0.6)
        return tuple(f"{query.team}/{seat}" for seat in fitting or seats[:_HINTS])
    near = difflib.get_close_matches(
        query.agent, islice(directory.names(), _HINTS_LOOK_AT), _HINTS, cutoff=0.6
    )
    if query.agent in directory.names():
        near = [query.agent, *(name for name in near if name != query.agent)]
    return tuple(
        f"{entry.name}@{node_label(directory, entry.node_id)}"
        for name in near
        for entry in directory.called(name)
    )[:_HINTS]


def _seats(team: str, directory: Directory, teams: KnownTeams) -> list[str]:
    """The seats of teams of this name in which somebody is, or may be."""
    told = set(directory.seats_in(team))
    for known in teams.values():
        if known.name == team:
            told |= known.board.seats.keys()
    found = ((seat, sitting(directory, teams, team, seat)) for seat in sorted(told))
    return [seat for seat, one in found if one.proven or one.doubtful]
