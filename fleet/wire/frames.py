"""Frames, as they are written on the link between two nodes and read from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from google.protobuf.internal import api_implementation
from google.protobuf.unknown_fields import UnknownFieldSet

from fleet.core import frames
from fleet.core.bounds import (
    ADDRESSES_LIMIT,
    STANDING_LIMIT,
    count,
    few,
    word,
)
from fleet.core.delivery import State
from fleet.core.errors.requests import MalformedRequest
from fleet.core.frames import Frame
from fleet.v1 import link_pb2, mailbox_pb2, roster_pb2
from fleet.wire import teams
from fleet.wire.directory import directory_from_wire, directory_to_wire
from fleet.wire.mailbox import (
    counts_from_wire,
    differing_to_wire,
    post_from_wire,
    post_to_wire,
    report_from_wire,
    report_to_wire,
    standing_to_wire,
    taken_from_wire,
    taken_to_wire,
)
from fleet.wire.questions import answer_from_wire, answer_to_wire, ask_from_wire, ask_to_wire
from fleet.wire.roster import entries_to_wire, roster_from_wire

CODEC_IS_FAST = api_implementation.Type() == "upb"
"""The pure Python protobuf is 24 to 44 times slower; a node that runs on it says so."""


def frame_to_wire(frame: Frame) -> link_pb2.Frame:
    """The frame as it is written on the stream."""
    match frame:
        case frames.Post(posted):
            return post_to_wire(posted)
        case frames.Taken():
            return link_pb2.Frame(taken=taken_to_wire(frame))
        case frames.Reports(reports):
            told = mailbox_pb2.Reports(reports=[report_to_wire(r) for r in reports])
            return link_pb2.Frame(reports=told)
        case frames.ReportsTaken(counts):
            stored = [mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in counts]
            return link_pb2.Frame(reports_taken=mailbox_pb2.ReportsTaken(counts=stored))
        case frames.DirectoryWord():
            return link_pb2.Frame(directory=directory_to_wire(frame))
        case frames.RosterWord(entries=entries):
            return link_pb2.Frame(roster=roster_pb2.RosterWord(entries=entries_to_wire(entries)))
        case frames.Hello():
            return link_pb2.Frame(hello=_hello_to_wire(frame))
        case frames.Ask():
            return link_pb2.Frame(ask=ask_to_wire(frame))
        case frames.Answer():
            return link_pb2.Frame(answer=answer_to_wire(frame))
        case frames.Standing():
            return link_pb2.Frame(standing=standing_to_wire(frame))
        case frames.Differing():
            return link_pb2.Frame(differing=differing_to_wire(frame))
        case frames.TeamWord() | frames.TeamHave() | frames.TeamBeat():
            return teams.frame_to_wire(frame)
        case frames.Unknown():
            raise ValueError("what is not known is not said")
        case _:
            assert_never(frame)


def frame_from_wire(wire: link_pb2.Frame, peer_id: str) -> Frame:
    """The frame that a peer wrote.

    Raises:
        MalformedRequest: it is empty, or says something that makes no sense.
    """
    kind = wire.WhichOneof("frame")
    if kind is None:
        newer = UnknownFieldSet(wire)
        if not len(newer):
            raise MalformedRequest("an empty frame")
        return frames.Unknown(newer[0].field_number)
    try:
        return _READERS[kind](wire, peer_id)
    except (KeyError, ValueError) as error:
        raise MalformedRequest(f"a {kind} frame that makes no sense: {error}") from None


_READERS: dict[str, Callable[[link_pb2.Frame, str], Frame]] = {
    "hello": lambda wire, _: _hello_from_wire(wire.hello),
    "roster": lambda wire, _: roster_from_wire(wire.roster),
    "directory": lambda wire, peer_id: directory_from_wire(wire.directory, peer_id),
    "post": lambda wire, peer_id: post_from_wire(wire.post, peer_id),
    "taken": lambda wire, _: taken_from_wire(wire.taken),
    "reports": lambda wire, _: frames.Reports(tuple(map(report_from_wire, wire.reports.reports))),
    "reports_taken": lambda wire, _: frames.ReportsTaken(
        tuple((word(c.envelope_id), count(c.count)) for c in wire.reports_taken.counts)
    ),
    "ask": lambda wire, _: ask_from_wire(wire.ask),
    "answer": lambda wire, _: answer_from_wire(wire.answer),
    "standing": lambda wire, _: frames.Standing(
        counts_from_wire(wire.standing.sent), counts_from_wire(wire.standing.got)
    ),
    "team_word": lambda wire, _: teams.word_from_wire(wire.team_word),
    "team_have": lambda wire, _: teams.have_from_wire(wire.team_have),
    "team_beat": lambda wire, _: teams.beat_from_wire(wire.team_beat),
    "differing": lambda wire, _: frames.Differing(
        tuple(map(word, few(wire.differing.forgotten, STANDING_LIMIT, "ids"))),
        tuple(
            (word(e.envelope_id), State(e.state))
            for e in few(wire.differing.ended, STANDING_LIMIT, "ids")
        ),
    ),
}


def _hello_to_wire(hello: frames.Hello) -> link_pb2.Hello:
    return link_pb2.Hello(
        protocol=hello.protocol,
        build=hello.build,
        name=hello.name,
        boot=hello.boot,
        epoch=hello.epoch,
        addresses=hello.addresses,
        roster_digest=hello.roster_digest,
        latest=hello.latest,
    )


def _hello_from_wire(wire: link_pb2.Hello) -> frames.Hello:
    return frames.Hello(
        wire.protocol,
        word(wire.build),
        word(wire.name),
        word(wire.boot),
        word(wire.epoch),
        tuple(map(word, few(wire.addresses, ADDRESSES_LIMIT, "addresses"))),
        word(wire.roster_digest),
        wire.latest,
    )
