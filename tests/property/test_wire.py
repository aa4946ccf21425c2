"""Every frame and every error, there and back; and any bytes a peer may send."""

from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.core import frames
from fleet.core.delivery import State
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.tree import every_error
from fleet.core.frames import Frame
from fleet.v1 import link_pb2
from fleet.wire.errors import error_from_bytes, error_from_wire, error_to_bytes, error_to_wire
from fleet.wire.frames import frame_from_wire, frame_to_wire
from fleet.wire.roster import read_body, write_body
from tests.support.letters import THERE
from tests.support.strategies import (
    agents_of,
    arrived,
    counts,
    entries,
    errors,
    names,
    signed_entries,
    texts,
    told,
)

PEER = THERE

_words = st.text(max_size=12)


def _few(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=3).map(tuple)


_seconds = st.floats(0, 1e9)
QUESTIONS: dict[type, st.SearchStrategy[frames.Question]] = {
    frames.PeekAsk: st.builds(frames.PeekAsk, _words, names, counts),
    frames.ProbeAsk: st.builds(frames.ProbeAsk, _words, names),
    frames.AdminAsk: st.builds(frames.AdminAsk, _words),
    frames.TeamAsk: st.builds(
        frames.TeamAsk, _words, _words, _words, st.binary(max_size=8), _words
    ),
    frames.FollowAsk: st.builds(frames.FollowAsk, _words, *[st.binary(max_size=8)] * 3),
    frames.CancelAsk: st.builds(frames.CancelAsk, _words, _words),
}
_steps = st.builds(frames.Step, _words, _words, _words, _seconds, _words, _words)
BODIES: dict[type, st.SearchStrategy[frames.AnswerBody]] = {
    frames.ScreenAnswer: st.builds(frames.ScreenAnswer, _few(texts), _words),
    frames.StepsAnswer: st.builds(frames.StepsAnswer, _few(_steps)),
    frames.AdminAnswer: st.builds(frames.AdminAnswer, st.binary(max_size=8)),
    frames.TeamAnswer: st.builds(frames.TeamAnswer, st.binary(max_size=8), counts),
    frames.DoneAnswer: st.just(frames.DoneAnswer()),
    frames.FollowAnswer: st.builds(
        frames.FollowAnswer, st.lists(signed_entries, max_size=2).map(tuple)
    ),
    FleetError: errors,
}
_numbers = st.integers(0, 2**64 - 1)
_posted = st.builds(frames.Posted, arrived(PEER), _seconds, st.sampled_from(frames.Offer))
BY_KIND: dict[type, st.SearchStrategy[Frame]] = {
    frames.Hello: st.builds(
        frames.Hello, counts, _words, names, _words, _words, _few(_words), _words, counts
    ),
    frames.RosterWord: st.builds(frames.RosterWord, _few(signed_entries)),
    frames.DirectoryWord: st.builds(
        frames.DirectoryWord, st.booleans(), _few(agents_of(st.just(PEER))), _few(names)
    ),
    frames.Post: st.builds(frames.Post, _few(_posted)),
    frames.Taken: st.builds(
        frames.Taken, _few(_words), _few(st.builds(frames.Declined, _words, errors, st.booleans()))
    ),
    frames.Reports: st.builds(
        frames.Reports, _few(st.builds(frames.Report, _words, counts, _few(entries), counts))
    ),
    frames.ReportsTaken: st.builds(frames.ReportsTaken, _few(st.tuples(_words, counts))),
    frames.Ask: st.builds(frames.Ask, _numbers, st.one_of(*QUESTIONS.values())),
    frames.Answer: st.builds(frames.Answer, _numbers, st.one_of(*BODIES.values())),
    frames.TeamWord: st.builds(
        frames.TeamWord,
        _words,
        counts,
        _few(st.builds(frames.LogEntry, st.binary(max_size=8), st.binary(max_size=8))),
        counts,
        st.booleans(),
    ),
    frames.TeamHave: st.builds(frames.TeamHave, _words, counts, st.binary(max_size=8)),
    frames.TeamBeat: st.builds(frames.TeamBeat, _words, _few(names)),
    frames.Standing: st.builds(
        frames.Standing, _few(st.tuples(_words, counts)), _few(st.tuples(_words, counts))
    ),
    frames.Differing: st.builds(
        frames.Differing, _few(_words), _few(st.tuples(_words, st.sampled_from(State)))
    ),
}
any_frames = st.one_of(*BY_KIND.values())


def plain(value: object) -> object:
    """A value with the errors in it as what they say, since no two errors are equal."""
    match value:
        case FleetError():
            return told(value)
        case tuple():
            return (type(value), *map(plain, value))
        case _ if is_dataclass(value):
            return (type(value), *(plain(getattr(value, f.name)) for f in fields(value)))
        case _:
            return value


Damage = list[tuple[int, int]]
damages = st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4)


def damaged(data: bytes, damage: Damage, cut: int) -> bytes:
    """Some bytes replaced, and the end cut off; mostly a little of it."""
    some = bytearray(data)
    for place, byte in damage:
        if some:
            some[place % len(some)] = byte
    return bytes(some[: len(some) - cut % (len(some) + 1)])


def over_the_wire(frame: Frame) -> Frame:
    written = frame_to_wire(frame).SerializeToString()
    return frame_from_wire(link_pb2.Frame.FromString(written), PEER)


def test_there_is_a_way_to_draw_every_kind_of_frame_question_and_answer():
    assert set(BY_KIND) == set(get_args(Frame)) - {frames.Unknown}
    assert set(QUESTIONS) == set(get_args(frames.Question))
    assert set(BODIES) == set(get_args(frames.AnswerBody))
    assert len(BY_KIND) == len(link_pb2.Frame.DESCRIPTOR.oneofs_by_name["frame"].fields)


@pytest.mark.parametrize("kind", BY_KIND)
@given(data=st.data())
def test_every_frame_arrives_as_it_was_sent(kind: type, data: st.DataObject):
    frame = data.draw(BY_KIND[kind])
    assert plain(over_the_wire(frame)) == plain(frame)


@given(st.data(), _numbers)
def test_every_question_and_answer_arrives_with_its_number(data: st.DataObject, number: int):
    for question in map(data.draw, QUESTIONS.values()):
        ask = frames.Ask(number, question)
        assert over_the_wire(ask) == ask
    for body in map(data.draw, BODIES.values()):
        answer = frames.Answer(number, body)
        assert plain(over_the_wire(answer)) == plain(answer)


@pytest.mark.parametrize("cls", every_error().values())
@settings(max_examples=10)
@given(said=errors)
def test_every_error_arrives_as_its_own_class_in_its_own_words(
    cls: type[FleetError], said: FleetError
):
    error = cls.rebuilt(said.message, said.hint, said.layer, said.candidates)
    assert told(error_from_wire(error_to_wire(error))) == told(error)
    short = error_from_bytes(error_to_bytes(error))
    assert short is not None
    assert told(short) == told(error)


@given(st.text(max_size=80), signed_entries)
def test_a_roster_entry_is_read_as_it_was_signed(fleet_id: str, signed: object):
    entry = signed.entry  # type: ignore[attr-defined]
    assert read_body(write_body(fleet_id, entry)) == (fleet_id, entry)


@given(st.binary() | errors.map(error_to_bytes), damages, st.integers(0))
def test_any_bytes_are_an_error_or_none(data: bytes, damage: Damage, cut: int):
    found = error_from_bytes(damaged(data, damage, cut))
    assert found is None or isinstance(found, FleetError)


@given(any_frames, damages, st.integers(0))
def test_a_frame_that_was_damaged_on_purpose_is_read_or_refused_and_nothing_else(
    frame: Frame, damage: Damage, cut: int
):
    written = damaged(frame_to_wire(frame).SerializeToString(), damage, cut)
    try:
        wire = link_pb2.Frame.FromString(written)
    except DecodeError:
        return
    try:
        read = frame_from_wire(wire, PEER)
    except MalformedRequest:
        return
    if isinstance(read, frames.Unknown) or (isinstance(read, frames.Ask) and not read.question):
        return  # a newer version's, as far as can be told
    assert plain(over_the_wire(read)) == plain(read)
