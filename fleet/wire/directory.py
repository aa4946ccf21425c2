"""A node's word about its own agents. The node part of an entry is never taken from the wire, since a
node speaks for itself only.
"""

from __future__ import annotations

from fleet.core import frames
from fleet.core.bounds import (
    AGENTS_LIMIT,
    SEATS_HELD_LIMIT,
    count,
    few,
    incarnation,
    name,
    word,
)
from fleet.core.directory import AgentEntry, Presence, SeatHeld
from fleet.v1 import directory_pb2

_PRESENCES = {presence.value: presence for presence in Presence}


def directory_to_wire(word: frames.DirectoryWord) -> directory_pb2.DirectoryWord:
    """What a node tells of its agents."""
    agents = [
        directory_pb2.AgentEntry(
            name=a.name,
            profile=a.profile,
            presence=a.presence.value,
            incarnation=a.incarnation,
            seats=[directory_pb2.SeatHeld(**held._asdict()) for held in a.seats],
        )
        for a in word.agents
    ]
    return directory_pb2.DirectoryWord(full=word.full, agents=agents, gone=word.gone)


def directory_from_wire(wire: directory_pb2.DirectoryWord, peer_id: str) -> frames.DirectoryWord:
    """The same, read."""
    agents = (
        AgentEntry(
            name(a.name),
            peer_id,
            word(a.profile),
            _PRESENCES[a.presence],
            incarnation(a.incarnation),
            tuple(map(_seat_held, few(a.seats, SEATS_HELD_LIMIT, "seats of one agent"))),
        )
        for a in few(wire.agents, AGENTS_LIMIT, "agents")
    )
    gone = few(wire.gone, AGENTS_LIMIT, "agents that went")
    return frames.DirectoryWord(wire.full, tuple(agents), tuple(map(name, gone)))


def _seat_held(wire: directory_pb2.SeatHeld) -> SeatHeld:
    return SeatHeld(name(wire.team), word(wire.team_id), name(wire.seat), count(wire.term))
