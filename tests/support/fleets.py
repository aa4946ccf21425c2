"""Small known fleets, as directories."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence

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
