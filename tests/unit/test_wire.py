"""What a peer may say is read; what makes no sense is refused, and what it may not say is not asked.

Every frame and every error there and back: ``tests/property/test_wire.py``.
"""

import pytest
from google.protobuf.message import DecodeError

from fleet.core.delivery import Evidence, State
from fleet.core.directory import AgentEntry, Presence
from fleet.core.envelope import TEXT_LIMIT_BYTES, Entry
from fleet.core.errors.base import Candidate, FleetError
from fleet.core.errors.names import AmbiguousName, UnknownAgent
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.panes import PaneGone
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import Unauthenticated
from fleet.core.frames import (
    Answer,
    Ask,
    Declined,
    Differing,
    DirectoryWord,
    Hello,
    Post,
    Posted,
    Report,
    Reports,
    ReportsTaken,
    RosterWord,
    Standing,
    Taken,
    Unknown,
)
from fleet.core.roster import Admit, Revoke, SignedEntry
from fleet.v1 import link_pb2, mailbox_pb2, roster_pb2, types_pb2
from fleet.wire.errors import error_from_bytes, error_from_wire, error_to_bytes, error_to_wire
from fleet.wire.frames import frame_from_wire, frame_to_wire
from fleet.wire.roster import entry_from_wire, read_body, write_body
from node.adapters.credentials import FRAME_LIMIT_BYTES
from tests.support.letters import HERE, THERE, letter, ulid

RIN = AgentEntry("rin", HERE, "bash", Presence.ONLINE, 7)


def wire(text: str) -> link_pb2.Frame:
    """A frame as another program might write it, in protobuf's own text form."""
    from google.protobuf import text_format

    return text_format.Parse(text, link_pb2.Frame())


# --- what is not taken from the wire -----------------------------------------------------------------


def test_who_sent_an_envelope_where_it_goes_and_until_when_are_the_receivers_to_say():
    told = frame_to_wire(Post((Posted(letter(), 60.0),)))
    (posted,) = told.post.envelopes
    said = {field.name for field, _ in posted.ListFields()}
    assert said == {"id", "sender", "recipient", "text", "thread", "created_at_s", "expires_in_s"}
    read = frame_from_wire(told, THERE)
    assert read == Post(
        (Posted(letter(from_node=THERE, to="rin", to_node="", expires_at_s=0.0), 60.0),)
    )


def test_a_node_speaks_for_its_own_agents_only():
    read = frame_from_wire(frame_to_wire(DirectoryWord(full=True, agents=(RIN,))), THERE)
    assert read == DirectoryWord(full=True, agents=(RIN._replace(node_id=THERE),))


# --- what makes no sense ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "an empty frame"),
        ('differing { ended { state: "lost" } }', "makes no sense: 'lost' is not a valid State"),
        ('post { envelopes { offer: "maybe" } }', "makes no sense: 'maybe'"),
        ('directory { agents { name: "rin" presence: "asleep" } }', "makes no sense: 'asleep'"),
        ('directory { agents { name: "rin" } }', "makes no sense: ''"),
        ('directory { agents { name: "" presence: "online" } }', "'' is no name"),
        ('directory { agents { name: "Rin" presence: "online" } }', "'Rin' is no name"),
        ('directory { agents { name: "rin@mba" presence: "online" } }', "'rin@mba' is no name"),
        ('directory { agents { name: "\\033[2J" presence: "online" } }', r"'\x1b[2J' is no name"),
        ('reports { reports { entries { state: "delivered" } } }', "makes no sense: 'delivered'"),
        ('reports { reports { entries { state: "typed" evidence: "hope" } } }', "'hope'"),
        ('reports { reports { entries { state: "typed" at_s: inf } } }', "inf is no time"),
        ('reports { reports { entries { state: "typed" at_s: nan } } }', "nan is no time"),
        ("post { envelopes { expires_in_s: nan } }", "nan is no time"),
        ("post { envelopes { expires_in_s: inf } }", "inf is no time"),
        ("post { envelopes { expires_in_s: -0.5 } }", "-0.5 is no time"),
        ("roster { entries { } }", "a roster entry that says nothing"),
        ('roster { entries { body: "\\377" } }', "a roster entry that cannot be read"),
    ],
)
def test_what_this_version_does_not_know_is_refused_with_what_it_was(said: str, why: str):
    with pytest.raises(MalformedRequest) as refused:
        frame_from_wire(wire(said), THERE)
    assert str(refused.value).endswith(why)


def test_what_a_newer_version_says_is_known_for_that_and_nothing_else():
    frame = link_pb2.Frame.FromString(b"\xfa\x3e\x03abc")
    assert frame_from_wire(frame, THERE) == Unknown(1007)
    assert frame_from_wire(wire("ask { number: 7 }"), THERE) == Ask(7, None)
    answer = frame_from_wire(wire("answer { number: 7 }"), THERE)
    assert isinstance(answer, Answer)
    assert isinstance(answer.body, VersionMismatch)
    for said in (Unknown(1007), Ask(7, None)):
        with pytest.raises(ValueError, match="what is not known is not"):
            frame_to_wire(said)


def test_frames_of_other_kinds_may_be_empty():
    for said, frame in (
        ("hello { }", Hello(0, "", "", "", "", (), "")),
        ("roster { }", RosterWord(())),
        ("directory { }", DirectoryWord(full=False, agents=())),
        ("post { }", Post(())),
        ("taken { }", Taken(())),
        ("reports { }", Reports(())),
        ("reports_taken { }", ReportsTaken(())),
        ("standing { }", Standing((), ())),
        ("differing { }", Differing()),
    ):
        assert frame_from_wire(wire(said), THERE) == frame
        assert frame_from_wire(frame_to_wire(frame), THERE) == frame


def test_fields_of_a_later_version_are_no_trouble():
    known = frame_to_wire(Taken((ulid(1),)))
    newer = link_pb2.Frame.FromString(known.SerializeToString() + b"\x9a\x06\x03new")
    assert frame_from_wire(newer, THERE) == Taken((ulid(1),))


def test_an_entry_without_evidence_stays_without():
    entry = Entry(State.HELD, 1.5, "nova", "dialog", None, "a question is open")
    proven = Entry(State.SUBMITTED, 2.5, "nova", evidence=Evidence.SCREEN)
    reports = Reports((Report(ulid(1), 2, (entry, proven), 3),))
    assert frame_from_wire(frame_to_wire(reports), THERE) == reports


def test_the_largest_text_fits_into_a_frame():
    largest = Post((Posted(letter(text="\x00" * TEXT_LIMIT_BYTES), 60.0),))
    assert frame_to_wire(largest).ByteSize() < FRAME_LIMIT_BYTES


# --- errors ------------------------------------------------------------------------------------------


def test_an_error_keeps_its_class_and_the_far_nodes_own_words():
    error = PaneGone("rin@nova", "%12 closed 40 s ago")
    read = error_from_wire(error_to_wire(error))
    assert type(read) is PaneGone
    assert (str(read), read.hint, read.layer) == (str(error), error.hint, "pane")


def test_an_error_of_a_later_version_is_still_an_error_with_its_words():
    told = types_pb2.ErrorDetail(
        code="pane_haunted", message="rin@nova is haunted", hint="leave", layer="spirits"
    )
    read = error_from_wire(told)
    assert type(read) is FleetError
    assert (str(read), read.hint, read.layer) == ("rin@nova is haunted", "leave", "local-node")
    told.code = Unauthenticated.code
    assert error_from_wire(told).layer == "tls", "a layer that is not known is the class's own"


def test_a_declined_envelope_is_not_offered_again_unless_that_is_said():
    said = Taken((), (Declined(ulid(2), UnknownAgent("rin")),))
    read = frame_from_wire(frame_to_wire(said), THERE)
    assert isinstance(read, Taken)
    assert [declined.retry for declined in read.declined] == [False]


def test_a_declined_envelope_carries_why_and_whether_to_try_again():
    said = Taken((ulid(1),), (Declined(ulid(2), UnknownAgent("rin"), retry=True),))
    read = frame_from_wire(frame_to_wire(said), THERE)
    assert isinstance(read, Taken)
    (declined,) = read.declined
    assert (declined.envelope_id, declined.retry) == (ulid(2), True)
    assert str(declined.error) == "no agent is called rin"


ROOM_BYTES = 8_192 * 3 // 4  # gRPC's limit for all trailing metadata, which travels as base64


def test_an_error_for_the_trailing_metadata_is_whole_where_it_fits():
    few = tuple(Candidate(f"rin@n{i}", f"n{i}", "online", "now") for i in range(20))
    read = error_from_bytes(error_to_bytes(AmbiguousName("rin", few)))
    assert isinstance(read, AmbiguousName)
    assert read.candidates == few


def test_an_error_too_long_for_the_trailing_metadata_loses_candidates_first():
    many = tuple(Candidate(f"rin@n{i}", f"n{i}", "online", "now") for i in range(2_000))
    error = AmbiguousName.rebuilt("rin is ambiguous", "say which", "name", many)
    data = error_to_bytes(error)
    read = error_from_bytes(data)
    assert isinstance(read, AmbiguousName)
    assert len(data) < ROOM_BYTES
    assert (str(read), read.hint) == ("rin is ambiguous", "say which")
    assert 50 < len(read.candidates) < 2_000
    assert read.candidates == many[: len(read.candidates)]


@pytest.mark.parametrize("letter_", ["a", "é", "😀"])
def test_even_an_endless_sentence_fits_and_its_beginning_arrives(letter_: str):
    error = MalformedRequest(letter_ * 100_000, hint=letter_ * 100_000)
    data = error_to_bytes(error)
    read = error_from_bytes(data)
    assert len(data) < ROOM_BYTES
    assert read is not None
    assert str(read) == letter_ * 750 + "…"
    assert read.hint == letter_ * 375


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x08\x01", b"\x12\x02hi"])
def test_bytes_that_are_no_error_are_none(data: bytes):
    assert error_from_bytes(data) is None


# --- the roster -----------------------------------------------------------------------------------------

ADMIT = Admit(THERE, "nova", b"certificate")


@pytest.mark.parametrize("entry", [ADMIT, Revoke(THERE, "lost")])
def test_an_entry_reads_as_it_was_written_and_is_always_written_alike(entry: Admit | Revoke):
    body = write_body("fleet-1", entry)
    assert read_body(body) == ("fleet-1", entry)
    assert write_body("fleet-1", entry) == body != write_body("fleet-2", entry)
    assert entry_from_wire(body, b"sig") == SignedEntry(body, b"sig", entry)


def test_the_very_bytes_that_were_signed_travel():
    body = write_body("fleet-1", ADMIT) + b"\x9a\x06\x03new"  # a field of a later version
    word = RosterWord((SignedEntry(body, b"sig", ADMIT),))
    assert frame_from_wire(frame_to_wire(word), THERE) == word


def test_an_entry_that_admits_and_revokes_nobody_says_nothing():
    body = roster_pb2.EntryBody(fleet_id="fleet-1").SerializeToString()
    with pytest.raises(MalformedRequest, match=r"^a roster entry that says nothing$"):
        read_body(body)


def test_half_a_frame_is_not_read_at_all():
    whole = frame_to_wire(Post((Posted(letter(), 60.0),))).SerializeToString()
    with pytest.raises(DecodeError):
        link_pb2.Frame.FromString(whole[:-1])


def test_counts_go_there_and_back_in_order():
    counts = ReportsTaken(((ulid(2), 3), (ulid(1), 2)))
    told = frame_to_wire(counts)
    assert [c.envelope_id for c in told.reports_taken.counts] == [ulid(2), ulid(1)]
    assert told.reports_taken == mailbox_pb2.ReportsTaken(
        counts=[
            mailbox_pb2.ReportCount(envelope_id=ulid(2), count=3),
            mailbox_pb2.ReportCount(envelope_id=ulid(1), count=2),
        ]
    )
    assert frame_from_wire(told, THERE) == counts
