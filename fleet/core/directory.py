"""Which agents live where, as far as this node knows, and how fresh that is.

One dict from a name to its agents keeps an exact lookup under a microsecond and a million agents in
memory; everything else (hints, listings) may walk. Each node is the only authority on its own
agents: what it says replaces what was known of it, and what others say of it is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Presence(StrEnum):
    """The coarse state of an agent that nodes tell each other."""

    ONLINE = "online"
    OFFLINE = "offline"
    AWAY = "away"  # its node is not connected; the last word is old


class SeatHeld(NamedTuple):
    """A seat of a team that an agent fills, as its node says, since the entry ``term`` of that team's log."""

    team: str
    team_id: str
    seat: str
    term: int


class AgentEntry(NamedTuple):
    """What a node says of one of its agents. ``incarnation`` is 0 while there is none."""

    name: str
    node_id: str
    profile: str
    presence: Presence
    incarnation: int
    seats: tuple[SeatHeld, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """One node of the fleet as known here. ``seen_at_s`` is wall time, for display only."""

    node_id: str
    name: str
    connected: bool
    seen_at_s: float


class Directory:
    """The known fleet: nodes by id, agents by name and by seat.

    A name held by one node maps to its entry; by several, to a dict of entries by node id.
    """

    def __init__(self) -> None:
        self._agents: dict[str, AgentEntry | dict[str, AgentEntry]] = {}
        # A list, not a set: 30 bytes less an agent; names go seldom, and a node has few.
        self._names_of: dict[str, list[str]] = {}
        self._nodes: dict[str, NodeEntry] = {}
        self._ids_of: dict[str, tuple[str, ...]] = {}
        # team -> seat -> the agents that are said to fill it, by node and name
        self._seats: dict[str, dict[str, set[tuple[str, str]]]] = {}

    def count_on(self, node_id: str) -> int:
        """How many agents one node has."""
        return len(self._names_of.get(node_id, ()))

    def __len__(self) -> int:
        return sum(len(names) for names in self._names_of.values())

    # --- nodes ---

    def put_node(self, node: NodeEntry) -> None:
        """Add a node or replace what is known of it; its agents stay."""
        before = self._nodes.get(node.node_id)
        self._nodes[node.node_id] = node
        if before is None or before.name != node.name:
            if before is not None:
                self._unname(before)
            self._ids_of[node.name] = (*self._ids_of.get(node.name, ()), node.node_id)

    def drop_node(self, node_id: str) -> None:
        """Forget a node and all its agents."""
        node = self._nodes.pop(node_id, None)
        if node is not None:
            self._unname(node)
        self.replace(node_id, ())
        self._names_of.pop(node_id, None)

    def node(self, node_id: str) -> NodeEntry | None:
        """The node of this id, if it belongs to the known fleet."""
        return self._nodes.get(node_id)

    def nodes_called(self, name: str) -> tuple[NodeEntry, ...]:
        """All nodes with this name; more than one is legal, and makes the plain name ambiguous."""
        return tuple([self._nodes[node_id] for node_id in self._ids_of.get(name, ())])

    def is_only(self, node: NodeEntry) -> bool:
        """Whether no other node has this node's name."""
        return len(self._ids_of[node.name]) == 1

    def nodes(self) -> Iterable[NodeEntry]:
        """All nodes, in the order they became known."""
        return self._nodes.values()

    def _unname(self, node: NodeEntry) -> None:
        left = tuple(i for i in self._ids_of.get(node.name, ()) if i != node.node_id)
        if left:
            self._ids_of[node.name] = left
        else:
            self._ids_of.pop(node.name, None)

    # --- agents ---

    def put(self, entry: AgentEntry) -> None:
        """Add one agent or replace what is known of it."""
        held = self._agents.get(entry.name)
        match held:
            case None:
                self._agents[entry.name] = entry
            case AgentEntry() if held.node_id == entry.node_id:
                self._agents[entry.name] = entry
                self._reseat(held, entry)
                return
            case AgentEntry():
                self._agents[entry.name] = {held.node_id: held, entry.node_id: entry}
            case _:
                before = held.get(entry.node_id)
                held[entry.node_id] = entry
                if before is not None:
                    self._reseat(before, entry)
                    return
        self._seat(entry)
        self._names_of.setdefault(entry.node_id, []).append(entry.name)

    def drop(self, node_id: str, name: str) -> None:
        """Forget one agent; unknown ones are no error (the word may come twice)."""
        held = self._agents.get(name)
        match held:
            case AgentEntry() if held.node_id == node_id:
                del self._agents[name]
                self._unseat(held)
            case dict() if node_id in held:
                self._unseat(held.pop(node_id))
                if len(held) == 1:
                    (self._agents[name],) = held.values()
            case _:
                return
        self._names_of[node_id].remove(name)

    def replace(self, node_id: str, entries: Iterable[AgentEntry]) -> None:
        """Take a node's whole word for its agents: what it does not name is gone."""
        fresh = {entry.name: entry for entry in entries}
        for name in set(self._names_of.get(node_id, ())) - fresh.keys():
            self.drop(node_id, name)
        for entry in fresh.values():
            self.put(entry)

    def called(self, name: str) -> tuple[AgentEntry, ...]:
        """All agents of exactly this name, on any node, online or not."""
        held = self._agents.get(name)
        if held is None:
            return ()
        return (held,) if isinstance(held, AgentEntry) else tuple(held.values())

    def on(self, node_id: str) -> Iterator[AgentEntry]:
        """The agents of one node, by name."""
        for name in sorted(self._names_of.get(node_id, ())):
            yield from (e for e in self.called(name) if e.node_id == node_id)

    def agents(self) -> Iterator[AgentEntry]:
        """All agents, grouped by node, by name."""
        for node_id in self._names_of:
            yield from self.on(node_id)

    def names(self) -> Iterable[str]:
        """All names in use, each once."""
        return self._agents.keys()

    # --- seats ---

    def claims(self, team: str, seat: str) -> tuple[tuple[SeatHeld, AgentEntry], ...]:
        """Who is said to fill a seat of a team of this name, by their nodes, online or not; by node and
        name. Whether it is so is another question (``fleet/core/seating.py``)."""
        said: list[tuple[SeatHeld, AgentEntry]] = []
        for node_id, name in sorted(self._seats.get(team, {}).get(seat, ())):
            entry = next(e for e in self.called(name) if e.node_id == node_id)
            said += ((h, entry) for h in entry.seats if (h.team, h.seat) == (team, seat))
        return tuple(said)

    def seats_in(self, team: str) -> Iterable[str]:
        """The seats of teams of this name that somebody is said to fill."""
        return self._seats.get(team, {}).keys()

    def _reseat(self, before: AgentEntry, entry: AgentEntry) -> None:
        if before.seats != entry.seats:
            self._unseat(before)
            self._seat(entry)

    def _seat(self, entry: AgentEntry) -> None:
        for held in entry.seats:
            seats = self._seats.setdefault(held.team, {})
            seats.setdefault(held.seat, set()).add((entry.node_id, entry.name))

    def _unseat(self, entry: AgentEntry) -> None:
        for held in entry.seats:
            seats = self._seats.get(held.team, {})
            seats.get(held.seat, set()).discard((entry.node_id, entry.name))
            if not seats.get(held.seat):
                seats.pop(held.seat, None)
            if not seats:
                self._seats.pop(held.team, None)
