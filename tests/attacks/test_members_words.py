"""A hostile member says what no node of ours would: it is cut off or shrugged off, and costs little."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from fleet.core.bounds import AGENTS_LIMIT, ENVELOPES_LIMIT
from fleet.core.delivery import State
from fleet.core.directory import AgentEntry, Presence
from fleet.core.envelope import Entry
from fleet.core.errors.requests import MalformedRequest
from fleet.core.frames import DirectoryWord, ProbeAsk, Report, Reports, RosterWord
from fleet.core.roster import SignedEntry
from fleet.v1 import directory_pb2, link_pb2, mailbox_pb2, types_pb2
from node.engine.outbox import TIMELINE_LIMIT, Wish
from node.engine.peers import ANSWERED_AT_ONCE, POSTS
from tests.attacks.hostile import Hostile, admitted, hello, letter, linked, member_of, wire_of
from tests.support.members import Member, run
from tests.support.until import eventually

ESC = "\x1b]0;owned\x07\x1b[2J"
LONG = "x" * 3_000_000


def agents(*of: directory_pb2.AgentEntry, full: bool = True, gone: tuple[str, ...] = ()) -> bytes:
    word = directory_pb2.DirectoryWord(full=full, agents=of, gone=gone)
    return link_pb2.Frame(directory=word).SerializeToString()


def agent(name: str = "rin", profile: str = "", incarnation: int = 1) -> directory_pb2.AgentEntry:
    return directory_pb2.AgentEntry(
        name=name, profile=profile, presence="online", incarnation=incarnation
    )


def report(state: str = "held", first: int = 1, envelope_id: str = "x") -> bytes:
    entries = [types_pb2.Entry(state=state)]
    told = mailbox_pb2.Report(envelope_id=envelope_id, first=first, entries=entries)
    return link_pb2.Frame(reports=mailbox_pb2.Reports(reports=[told])).SerializeToString()


def confirmed(envelope_id: str, count: int) -> bytes:
    counts = [mailbox_pb2.ReportCount(envelope_id=envelope_id, count=count)]
    told = mailbox_pb2.ReportsTaken(counts=counts)
    return link_pb2.Frame(reports_taken=told).SerializeToString()


NONSENSE = {
    "an incarnation that no database holds": agents(agent(incarnation=2**64 - 1)),
    "a profile's name without end": agents(agent(profile=LONG)),
    "an agent whose name is a terminal's command": agents(agent(name=ESC)),
    "an agent that went, of such a name": agents(full=False, gone=(ESC,)),
    "more agents than a node has": agents(*(agent(f"a{n}") for n in range(AGENTS_LIMIT + 1))),
    "a report from where counts overflow": report(first=2**32 - 1),
    "a report that it was never sent": report(state="queued"),
    "a report of a state that is none": report(state=ESC),
    "a confirmation without end": confirmed(LONG, 1),
    "a confirmation from where counts overflow": confirmed("x", 2**32 - 1),
    "an envelope whose id has no end": wire_of(letter(id=LONG)).SerializeToString(),
    "an envelope whose sender has no end": wire_of(letter(sender=LONG)).SerializeToString(),
    "an envelope to a name without end": wire_of(letter(to=LONG)).SerializeToString(),
    "an envelope that never ends": wire_of(letter(draft_limit_s=float("inf"))).SerializeToString(),
    "more envelopes than a post has": wire_of(
        *(letter() for _ in range(ENVELOPES_LIMIT + 1))
    ).SerializeToString(),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_word_out_of_all_bounds_ends_that_link_and_leaves_nothing(
    tmp_path: Path, kind: str
) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            await kai.say(NONSENSE[kind])
            how = await kai.to_the_end()
        assert how.status is grpc.StatusCode.ABORTED
        assert "makes no sense" in how.details
        assert len(how.details) < 500
        assert not list(white.node.fleet.directory.agents())
        assert white.node.store.inbox.recent("", 10, dead=False) == []
        assert white.node.store.database.rows("SELECT id FROM refused") == []

    run(tmp_path, story, "white")


@pytest.mark.parametrize(
    "first",
    [{"build": LONG}, {"boot": LONG}, {"epoch": LONG}, {"addresses": (LONG,)},
     {"addresses": tuple(f"10.0.0.1:{n}" for n in range(2_000, 4_000))}, {"roster_digest": LONG}],
    ids=lambda said: f"{next(iter(said))} {len(next(iter(said.values())))}",
)  # fmt: skip
def test_a_hello_out_of_all_bounds_opens_no_link(tmp_path: Path, first: dict[str, object]) -> None:
    async def story(white: Member) -> None:
        who, identity = await admitted(white)
        async with linked(white, who, identity, hello(**first)) as kai:
            await kai.to_the_end()
        assert white.node.fleet.peer(who.node_id).build == ""

    run(tmp_path, story, "white")


def test_a_directory_that_grows_word_by_word_ends_at_the_same_limit(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            for part in range(3):
                names = (f"p{part}-{n}" for n in range(AGENTS_LIMIT // 2))
                some = tuple(AgentEntry(n, kai.id, "", Presence.ONLINE, 1) for n in names)
                await kai.say(DirectoryWord(full=False, agents=some))
            how = await kai.to_the_end()
        assert isinstance(how.error, MalformedRequest)
        assert white.node.fleet.directory.count_on(kai.id) <= AGENTS_LIMIT

    run(tmp_path, story, "white")


def test_whoever_repeats_the_roster_is_not_checked_again(tmp_path: Path) -> None:
    """A signature is the dearest thing that a peer can make us look at."""

    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            checked: list[object] = []
            verify = white.node.peers.verify

            def watched(entry: SignedEntry) -> SignedEntry:
                checked.append(entry)
                return verify(entry)

            white.node.peers.verify = watched
            known = white.node.fleet.roster.entries()
            await kai.say(RosterWord(known * 1_000))
            await kai.ask(ProbeAsk("operator@kai", "operator"))
            assert not checked
            assert white.node.fleet.roster.entries() == known

    run(tmp_path, story, "white")


def test_an_answer_to_nothing_makes_no_room_for_more(tmp_path: Path) -> None:
    """Or a peer that reads nothing could have our whole outbox put into memory."""

    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            kai_agent = AgentEntry("neo", kai.id, "", Presence.ONLINE, 1)
            await kai.say(DirectoryWord(full=True, agents=(kai_agent,)))
            await eventually(lambda: white.node.fleet.directory.called("neo"), "white knows neo")
            caller = white.node.fleet.caller("operator")
            for _ in range(4 * POSTS):
                await white.node.outbox.send(caller, Wish("neo@kai", "x" * 200_000))
            session = white.node.peers.session(kai.id)
            assert session is not None
            for _ in range(100):
                await kai.say(link_pb2.Frame(taken=mailbox_pb2.Taken()))
                await kai.say(link_pb2.Frame(taken=mailbox_pb2.Taken(envelope_ids=["0" * 26])))
            await kai.ask(ProbeAsk("operator@kai", "operator"))
            assert len(session.batches) <= POSTS
            offered = [e.id for f in kai.heard for e in f.post.envelopes]
            assert POSTS <= len(offered) < 4 * POSTS
            await kai.say(link_pb2.Frame(taken=mailbox_pb2.Taken(envelope_ids=offered)))
            more = await kai.hear("post")
            assert more.post.envelopes[0].id not in offered, "a true answer makes room"

    run(tmp_path, story, "white")


def test_questions_beyond_what_one_asks_are_refused_and_the_rest_answered(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            many = 20 * ANSWERED_AT_ONCE
            frame = link_pb2.Frame()
            frame.ask.probe.caller, frame.ask.probe.agent = "operator@kai", "operator"
            for number in range(many):
                frame.ask.number = number
                await kai.say(frame)
            answers = [(await kai.hear("answer")).answer for _ in range(many)]
            codes = {a.error.code for a in answers if a.HasField("error")}
            assert codes <= {"too_busy"}
            assert any(a.HasField("steps") for a in answers)
            session = white.node.peers.session(kai.id)
            assert session is not None
            assert session.answering == 0

    run(tmp_path, story, "white")


async def sent_to(kai: Hostile) -> str:
    """An envelope of white's operator that the hostile node has taken."""
    white = kai.white
    neo = AgentEntry("neo", kai.id, "", Presence.ONLINE, 1)
    await kai.say(DirectoryWord(full=True, agents=(neo,)))
    await eventually(lambda: white.node.fleet.directory.called("neo"), "white knows neo")
    receipt = await white.node.outbox.send(
        white.node.fleet.caller("operator"), Wish("neo@kai", "hi")
    )
    await kai.hear("post")
    await kai.say(link_pb2.Frame(taken=mailbox_pb2.Taken(envelope_ids=[receipt.envelope.id])))
    return receipt.envelope.id


def entry(state: State, detail: str = "") -> Entry:
    return Entry(state, 1.0, "kai", detail=detail)


def test_a_node_cannot_take_back_an_end_that_it_has_told(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            one = await sent_to(kai)
            ends = (entry(State.TYPED), entry(State.SUBMITTED))
            lies = (entry(State.HELD), entry(State.REFUSED), entry(State.TYPED))
            await kai.say(Reports((Report(one, 1, ends, 0),)))
            await kai.hear("reports_taken")
            await kai.say(Reports((Report(one, 3, lies, 0),)))
            told = await kai.hear("reports_taken")
            assert told.reports_taken.counts[0].count == 6, "it is not to repeat them"
            row = white.node.store.outbox.get(one)
            assert row is not None
            assert (row.state, len(row.timeline)) == (State.SUBMITTED, 4)
            await kai.say(Reports((Report(one, 6, (entry(State.ACKNOWLEDGED),), 0),)))
            await kai.hear("reports_taken")
            row = white.node.store.outbox.get(one)
            assert row is not None
            assert row.state is State.ACKNOWLEDGED, "which may follow"

    run(tmp_path, story, "white")


def test_a_timeline_ends_growing_and_its_end_is_still_heard(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            one, told = await sent_to(kai), 1
            for part in range(4):
                some = tuple(entry(State.HELD, f"{part}/{n}") for n in range(TIMELINE_LIMIT // 2))
                await kai.say(Reports((Report(one, told, some, 0),)))
                told += len(some)
                answer = await kai.hear("reports_taken")
                assert answer.reports_taken.counts[0].count == told
            row = white.node.store.outbox.get(one)
            assert row is not None
            assert len(row.timeline) <= TIMELINE_LIMIT + 2
            await kai.say(Reports((Report(one, told, (entry(State.EXPIRED),), 0),)))
            await kai.hear("reports_taken")
            row = white.node.store.outbox.get(one)
            assert row is not None
            assert row.state is State.EXPIRED

    run(tmp_path, story, "white")
