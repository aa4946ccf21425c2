"""What nodes of a team say to each other.

Entries and arguments stay bytes here: what they say is ``fleet/teamlog.py``'s business.
"""

from __future__ import annotations

from fleet.core.bounds import (
    ENTRIES_LIMIT,
    ENTRY_BYTES,
    SEATS_LIMIT,
    count,
    few,
    name,
    word,
)
from fleet.core.frames import LogEntry, TeamAsk, TeamBeat, TeamHave, TeamWord
from fleet.v1 import link_pb2, teams_pb2

_TAG_BYTES = 64


def frame_to_wire(frame: TeamWord | TeamHave | TeamBeat) -> link_pb2.Frame:
    """What is said without being asked."""
    match frame:
        case TeamWord(team, first, entries, head, anew):
            told = [teams_pb2.TeamEntry(body=one.body, tag=one.tag) for one in entries]
            said = teams_pb2.TeamWord(team=team, first=first, entries=told, head=head, anew=anew)
            return link_pb2.Frame(team_word=said)
        case TeamHave(team, head, tag):
            return link_pb2.Frame(team_have=teams_pb2.TeamHave(team=team, head=head, tag=tag))
        case TeamBeat(team, seats):
            return link_pb2.Frame(team_beat=teams_pb2.TeamBeat(team=team, seats=seats))


def word_from_wire(wire: teams_pb2.TeamWord) -> TeamWord:
    """The same, read.

    Raises:
        ValueError: it is more than a node of ours would say.
    """
    entries = few(wire.entries, ENTRIES_LIMIT, "entries")
    return TeamWord(
        word(wire.team),
        count(wire.first),
        tuple(LogEntry(_body(one.body), _tag(one.tag)) for one in entries),
        count(wire.head),
        wire.anew,
    )


def have_from_wire(wire: teams_pb2.TeamHave) -> TeamHave:
    """How far a copy goes."""
    return TeamHave(word(wire.team), count(wire.head), _tag(wire.tag))


def beat_from_wire(wire: teams_pb2.TeamBeat) -> TeamBeat:
    """Who lives."""
    return TeamBeat(word(wire.team), tuple(map(name, few(wire.seats, SEATS_LIMIT, "seats"))))


def ask_to_wire(ask: TeamAsk) -> teams_pb2.TeamAsk:
    """A command."""
    return teams_pb2.TeamAsk(
        caller=ask.caller, team=ask.team, verb=ask.verb, arguments=ask.arguments, key=ask.key
    )


def ask_from_wire(wire: teams_pb2.TeamAsk) -> TeamAsk:
    """The same, read."""
    return TeamAsk(
        word(wire.caller), word(wire.team), word(wire.verb), _body(wire.arguments), word(wire.key)
    )


def _body(data: bytes) -> bytes:
    if len(data) > ENTRY_BYTES:
        raise ValueError(f"{len(data)} bytes of JSON, more than {ENTRY_BYTES}")
    return data


def _tag(data: bytes) -> bytes:
    if len(data) > _TAG_BYTES:
        raise ValueError(f"a tag of {len(data)} bytes")
    return data
