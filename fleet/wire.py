"""Our frames as protobuf messages and back. Generated messages stop here.

What arrives is checked for sense and size, not for truth: a signature, a sender, a deadline are
somebody else's business. The node part of a directory entry is never taken from the wire, since a node speaks
for itself only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from fleet import teamwire
from fleet.core import frames
from fleet.core.bounds import (
    ADDRESSES_LIMIT,
    AGENTS_LIMIT,
    CANDIDATES_LIMIT,
    ENVELOPES_LIMIT,
    SEATS_HELD_LIMIT,
    SENTENCE_LIMIT,
    STANDING_LIMIT,
    STEPS_LIMIT,
    WORD_LIMIT,
    count,
    few,
    incarnation,
    name,
    seconds,
    word,
)
from fleet.core.delivery import Evidence, State
from fleet.core.directory import AgentEntry, Presence, SeatHeld
from fleet.core.envelope import Entry, Envelope
from fleet.core.errors.base import LAYER_OF, Candidate, FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.tree import every_error
from fleet.core.frames import Frame
from fleet.core.roster import (
    Admit,
    Appoint,
    Follow,
    Retire,
    Revoke,
    RosterEntry,
    SignedEntry,
    Succeed,
)
from fleet.v1 import directory_pb2, link_pb2, mailbox_pb2, roster_pb2, teams_pb2, types_pb2

CODEC_IS_FAST = api_implementation.Type() == "upb"
"""The pure Python protobuf is 24 to 44 times slower; a node that runs on it says so."""

_DETAIL_LIMIT_BYTES = 6_000  # what a peer refuses with travels in the trailing metadata

# What a recipient's node may tell. That it was queued is the sender's node's own business.
_OFFERS = {offer.value: offer for offer in frames.Offer}
_STATES = {state.value: state for state in State if state is not State.QUEUED}
_EVIDENCE = {"": None, **{evidence.value: evidence for evidence in Evidence}}
_PRESENCES = {presence.value: presence for presence in Presence}


# --- frames ------------------------------------------------------------------------------------


def frame_to_wire(frame: Frame) -> link_pb2.Frame:
    """The frame as it is written on the stream."""
    match frame:
        case frames.Post(posted):
            return _post_to_wire(posted)
        case frames.Taken():
            return link_pb2.Frame(taken=_taken_to_wire(frame))
        case frames.Reports(reports):
            told = mailbox_pb2.Reports(reports=[_report_to_wire(r) for r in reports])
            return link_pb2.Frame(reports=told)
        case frames.ReportsTaken(counts):
            stored = [mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in counts]
            return link_pb2.Frame(reports_taken=mailbox_pb2.ReportsTaken(counts=stored))
        case frames.DirectoryWord():
            return link_pb2.Frame(directory=_directory_to_wire(frame))
        case frames.RosterWord(entries=entries):
            return link_pb2.Frame(roster=roster_pb2.RosterWord(entries=entries_to_wire(entries)))
        case frames.Hello():
            return link_pb2.Frame(hello=_hello_to_wire(frame))
        case frames.Ask():
            return link_pb2.Frame(ask=_ask_to_wire(frame))
        case frames.Answer():
            return link_pb2.Frame(answer=_answer_to_wire(frame))
        case frames.Standing():
            return link_pb2.Frame(standing=_standing_to_wire(frame))
        case frames.Differing():
            return link_pb2.Frame(differing=_differing_to_wire(frame))
        case frames.TeamWord() | frames.TeamHave() | frames.TeamBeat():
            return teamwire.frame_to_wire(frame)
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
    "roster": lambda wire, _: _roster_from_wire(wire.roster),
    "directory": lambda wire, peer_id: _directory_from_wire(wire.directory, peer_id),
    "post": lambda wire, peer_id: _post_from_wire(wire.post, peer_id),
    "taken": lambda wire, _: _taken_from_wire(wire.taken),
    "reports": lambda wire, _: frames.Reports(tuple(map(_report_from_wire, wire.reports.reports))),
    "reports_taken": lambda wire, _: frames.ReportsTaken(
        tuple((word(c.envelope_id), count(c.count)) for c in wire.reports_taken.counts)
    ),
    "ask": lambda wire, _: _ask_from_wire(wire.ask),
    "answer": lambda wire, _: _answer_from_wire(wire.answer),
    "standing": lambda wire, _: frames.Standing(
        _counts(wire.standing.sent), _counts(wire.standing.got)
    ),
    "team_word": lambda wire, _: teamwire.word_from_wire(wire.team_word),
    "team_have": lambda wire, _: teamwire.have_from_wire(wire.team_have),
    "team_beat": lambda wire, _: teamwire.beat_from_wire(wire.team_beat),
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


# --- envelopes and reports -----------------------------------------------------------------------


def _post_to_wire(posted: tuple[frames.Posted, ...]) -> link_pb2.Frame:
    """Built in place: protobuf copies a message that is given to another one."""
    frame = link_pb2.Frame()
    frame.post.SetInParent()
    add = frame.post.envelopes.add
    for envelope, expires_in_s, offer in posted:
        add(
            id=envelope.id,
            sender=envelope.sender,
            recipient=envelope.recipient,
            text=envelope.text,
            thread=envelope.thread,
            reply_to=envelope.reply_to,
            hops=envelope.hops,
            raw=envelope.raw,
            created_at_s=envelope.created_at_s,
            expires_in_s=expires_in_s,
            draft_limit_s=envelope.draft_limit_s,
            offer=offer.value,
        )
    return frame


def _post_from_wire(wire: mailbox_pb2.Post, peer_id: str) -> frames.Post:
    some = few(wire.envelopes, ENVELOPES_LIMIT, "envelopes")
    return frames.Post(tuple([_posted_from_wire(one, peer_id) for one in some]))


def _posted_from_wire(wire: types_pb2.Envelope, peer_id: str) -> frames.Posted:
    """An envelope as far as its sender's node tells it. The node it comes from is the one that TLS
    proved; where it goes, and when its time is up, the recipient's node says itself."""
    envelope = Envelope(
        word(wire.id),
        word(wire.sender),
        peer_id,
        word(wire.recipient),
        "",
        wire.recipient,
        wire.text,
        word(wire.thread),
        word(wire.reply_to),
        wire.hops,
        wire.raw,
        wire.created_at_s,
        0.0,
        seconds(wire.draft_limit_s),
    )
    return frames.Posted(envelope, seconds(wire.expires_in_s), _OFFERS[wire.offer])


def _taken_to_wire(taken: frames.Taken) -> mailbox_pb2.Taken:
    declined = [
        mailbox_pb2.Declined(envelope_id=d.envelope_id, error=error_to_wire(d.error), retry=d.retry)
        for d in taken.declined
    ]
    return mailbox_pb2.Taken(envelope_ids=taken.envelope_ids, declined=declined)


def _taken_from_wire(wire: mailbox_pb2.Taken) -> frames.Taken:
    declined = (
        frames.Declined(word(d.envelope_id), error_from_wire(d.error), d.retry)
        for d in wire.declined
    )
    return frames.Taken(tuple(map(word, wire.envelope_ids)), tuple(declined))


def _report_to_wire(report: frames.Report) -> mailbox_pb2.Report:
    entries = [
        types_pb2.Entry(
            state=entry.state.value,
            at_s=entry.at_s,
            node=entry.node,
            reason=entry.reason,
            evidence=entry.evidence.value if entry.evidence else "",
            detail=entry.detail,
        )
        for entry in report.entries
    ]
    return mailbox_pb2.Report(
        envelope_id=report.envelope_id, first=report.first, entries=entries, cleaned=report.cleaned
    )


def _report_from_wire(wire: mailbox_pb2.Report) -> frames.Report:
    entries = (
        Entry(
            _STATES[e.state],
            seconds(e.at_s),
            word(e.node),
            word(e.reason),
            _EVIDENCE[e.evidence],
            e.detail[:SENTENCE_LIMIT],
        )
        for e in wire.entries
    )
    first, cleaned = count(wire.first), count(wire.cleaned)
    return frames.Report(word(wire.envelope_id), first, tuple(entries), cleaned)


# --- what is open between two nodes ------------------------------------------------------------------


def _standing_to_wire(standing: frames.Standing) -> mailbox_pb2.Standing:
    return mailbox_pb2.Standing(
        sent=[mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in standing.sent],
        got=[mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in standing.got],
    )


def _counts(wire: Sequence[mailbox_pb2.ReportCount]) -> tuple[tuple[str, int], ...]:
    return tuple((word(c.envelope_id), count(c.count)) for c in few(wire, STANDING_LIMIT, "ids"))


def _differing_to_wire(differing: frames.Differing) -> mailbox_pb2.Differing:
    ended = [mailbox_pb2.Ended(envelope_id=i, state=s.value) for i, s in differing.ended]
    return mailbox_pb2.Differing(forgotten=differing.forgotten, ended=ended)


# --- the directory ---------------------------------------------------------------------------------


def _directory_to_wire(word: frames.DirectoryWord) -> directory_pb2.DirectoryWord:
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


def _directory_from_wire(wire: directory_pb2.DirectoryWord, peer_id: str) -> frames.DirectoryWord:
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


# --- questions ---------------------------------------------------------------------------------------


def _ask_to_wire(ask: frames.Ask) -> link_pb2.Ask:
    match ask.question:
        case frames.PeekAsk(caller, agent, lines):
            peek = link_pb2.PeekAsk(caller=caller, agent=agent, lines=lines)
            return link_pb2.Ask(number=ask.number, peek=peek)
        case frames.ProbeAsk(caller, agent):
            probe = link_pb2.ProbeAsk(caller=caller, agent=agent)
            return link_pb2.Ask(number=ask.number, probe=probe)
        case frames.CancelAsk(caller, envelope_id):
            cancel = link_pb2.CancelAsk(caller=caller, envelope_id=envelope_id)
            return link_pb2.Ask(number=ask.number, cancel=cancel)
        case frames.AdminAsk(caller):
            return link_pb2.Ask(number=ask.number, admin=link_pb2.AdminAsk(caller=caller))
        case frames.FollowAsk(caller, public_key, by_old, by_new):
            follow = link_pb2.FollowAsk(
                caller=caller, public_key=public_key, by_old=by_old, by_new=by_new
            )
            return link_pb2.Ask(number=ask.number, follow=follow)
        case frames.TeamAsk():
            return link_pb2.Ask(number=ask.number, team=teamwire.ask_to_wire(ask.question))
        case None:
            raise ValueError("what is not known is not asked")
        case _:
            assert_never(ask.question)


def _ask_from_wire(wire: link_pb2.Ask) -> frames.Ask:
    question: frames.Question | None = None
    match wire.WhichOneof("question"):
        case "peek":
            peek = wire.peek
            question = frames.PeekAsk(word(peek.caller), word(peek.agent), peek.lines)
        case "probe":
            question = frames.ProbeAsk(word(wire.probe.caller), word(wire.probe.agent))
        case "cancel":
            cancel = wire.cancel
            question = frames.CancelAsk(word(cancel.caller), word(cancel.envelope_id))
        case "admin":
            question = frames.AdminAsk(word(wire.admin.caller))
        case "follow":
            asked = wire.follow
            question = frames.FollowAsk(
                word(asked.caller), asked.public_key, asked.by_old, asked.by_new
            )
        case "team":
            question = teamwire.ask_from_wire(wire.team)
        case _:
            pass  # a newer version's
    return frames.Ask(wire.number, question)


def _answer_to_wire(answer: frames.Answer) -> link_pb2.Answer:
    match answer.body:
        case frames.ScreenAnswer(rows, state):
            screen = link_pb2.ScreenAnswer(rows=rows, state=state)
            return link_pb2.Answer(number=answer.number, screen=screen)
        case frames.StepsAnswer(steps):
            walked = link_pb2.StepsAnswer(steps=[_step_to_wire(step) for step in steps])
            return link_pb2.Answer(number=answer.number, steps=walked)
        case frames.DoneAnswer():
            return link_pb2.Answer(number=answer.number, done=link_pb2.DoneAnswer())
        case frames.AdminAnswer(certificate):
            admin = link_pb2.AdminAnswer(certificate=certificate)
            return link_pb2.Answer(number=answer.number, admin=admin)
        case frames.FollowAnswer(entries):
            follow = link_pb2.FollowAnswer(entries=entries_to_wire(entries))
            return link_pb2.Answer(number=answer.number, follow=follow)
        case frames.TeamAnswer(result, head):
            told = teams_pb2.TeamAnswer(result=result, head=head)
            return link_pb2.Answer(number=answer.number, team=told)
        case FleetError() as error:
            return link_pb2.Answer(number=answer.number, error=error_to_wire(error))
        case _:
            assert_never(answer.body)


def _answer_from_wire(wire: link_pb2.Answer) -> frames.Answer:
    body: frames.AnswerBody
    match wire.WhichOneof("body"):
        case "screen":
            body = frames.ScreenAnswer(tuple(wire.screen.rows), wire.screen.state)
        case "steps":
            steps = few(wire.steps.steps, STEPS_LIMIT, "steps")
            body = frames.StepsAnswer(tuple(map(_step_from_wire, steps)))
        case "done":
            body = frames.DoneAnswer()
        case "admin":
            body = frames.AdminAnswer(wire.admin.certificate)
        case "follow":
            told = few(wire.follow.entries, 2, "entries")
            body = frames.FollowAnswer(tuple(entry_from_wire(e.body, e.signature) for e in told))
        case "team":
            body = frames.TeamAnswer(wire.team.result, wire.team.head)
        case "error":
            body = error_from_wire(wire.error)
        case _:
            body = VersionMismatch("the answer is of a version that is not known here")
    return frames.Answer(wire.number, body)


def _step_to_wire(step: frames.Step) -> link_pb2.Step:
    return link_pb2.Step(
        layer=step.layer,
        verdict=step.verdict,
        detail=step.detail,
        ms=step.ms,
        error=step.error,
        remedy=step.remedy,
    )


def _step_from_wire(wire: link_pb2.Step) -> frames.Step:
    said = (word(wire.layer), word(wire.verdict), wire.detail[:SENTENCE_LIMIT])
    return frames.Step(*said, wire.ms, word(wire.error), wire.remedy[:SENTENCE_LIMIT])


# --- errors ------------------------------------------------------------------------------------------


def error_to_wire(error: FleetError) -> types_pb2.ErrorDetail:
    """An error in the words of the node where it was known."""
    candidates = [
        types_pb2.Candidate(address=c.address, node=c.node, state=c.state, last_seen=c.last_seen)
        for c in error.candidates
    ]
    return types_pb2.ErrorDetail(
        code=error.code,
        message=error.message,
        hint=error.hint,
        layer=error.layer,
        candidates=candidates,
    )


def error_from_wire(wire: types_pb2.ErrorDetail) -> FleetError:
    """The same error again, of the same class; of one that is not known here, a ``FleetError``."""
    cls = every_error().get(wire.code, FleetError)
    layer = LAYER_OF.get(wire.layer, cls.layer)
    candidates = tuple(
        Candidate(*(said[:WORD_LIMIT] for said in (c.address, c.node, c.state, c.last_seen)))
        for c in wire.candidates[:CANDIDATES_LIMIT]
    )
    message, hint = wire.message[:SENTENCE_LIMIT], wire.hint[:SENTENCE_LIMIT]
    return cls.rebuilt(message, hint, layer, candidates)


def error_to_bytes(error: FleetError) -> bytes:
    """The error for the trailing metadata of a refused call, where little room is."""
    detail = error_to_wire(error)
    while detail.ByteSize() > _DETAIL_LIMIT_BYTES and detail.candidates:
        del detail.candidates[-1]
    if detail.ByteSize() > _DETAIL_LIMIT_BYTES:
        detail.message = detail.message[: _DETAIL_LIMIT_BYTES // 8] + "…"
        detail.hint = detail.hint[: _DETAIL_LIMIT_BYTES // 16]
    return detail.SerializeToString()


def error_from_bytes(data: bytes) -> FleetError | None:
    """The error that ``error_to_bytes`` wrote; None when these are other bytes."""
    try:
        detail = types_pb2.ErrorDetail.FromString(data)
    except DecodeError:
        return None
    return error_from_wire(detail) if detail.code else None


# --- the roster --------------------------------------------------------------------------------------


def _roster_from_wire(wire: roster_pb2.RosterWord) -> frames.RosterWord:
    known = [one for one in wire.entries if not _is_newer(one.body)]
    return frames.RosterWord(
        tuple(entry_from_wire(one.body, one.signature) for one in known),
        len(wire.entries) - len(known),
    )


def _is_newer(body: bytes) -> bool:
    """Whether an entry is of a kind that is not known here; one that cannot be read is not."""
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        return False
    return wire.WhichOneof("entry") is None and len(UnknownFieldSet(wire)) > 0


def entries_to_wire(entries: tuple[SignedEntry, ...]) -> list[roster_pb2.SignedEntry]:
    """Signed entries, with the very bytes that were signed."""
    return [roster_pb2.SignedEntry(body=e.body, signature=e.signature) for e in entries]


def signed_to_bytes(entry: SignedEntry) -> bytes:
    """One signed entry by itself."""
    return entries_to_wire((entry,))[0].SerializeToString()


def signed_from_bytes(data: bytes) -> SignedEntry:
    """The same back; whether it is signed at all is not looked at here.

    Raises:
        MalformedRequest: it says nothing.
    """
    try:
        wire = roster_pb2.SignedEntry.FromString(data)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    return entry_from_wire(wire.body, wire.signature)


def entry_from_wire(body: bytes, signature: bytes) -> SignedEntry:
    """What a signed entry says; whether it is signed at all is not looked at here.

    Raises:
        MalformedRequest: it says nothing.
    """
    return SignedEntry(body, signature, read_body(body)[1])


def write_body(fleet_id: str, entry: RosterEntry, power: SignedEntry | None = None) -> bytes:
    """The bytes of an entry that get signed; the same entry always gives the same bytes."""
    body = roster_pb2.EntryBody(fleet_id=fleet_id)
    match entry:
        case Admit(node_id, name, certificate, follows):
            body.admit.MergeFrom(
                roster_pb2.Admit(node_id=node_id, name=name, certificate=certificate)
            )
            if follows is not None:
                body.admit.follows.MergeFrom(
                    roster_pb2.Follow(
                        node_id=follows.node_id,
                        public_key=follows.public_key,
                        signature=follows.signature,
                    )
                )
        case Revoke(node_id, reason, kept, follower):
            body.revoke.MergeFrom(
                roster_pb2.Revoke(node_id=node_id, reason=reason, kept=kept, follower=follower)
            )
        case Appoint(node_id, admin_id, certificate):
            body.appoint.MergeFrom(
                roster_pb2.Appoint(node_id=node_id, admin_id=admin_id, certificate=certificate)
            )
        case Succeed(root_id, certificate):
            body.succeed.MergeFrom(roster_pb2.Succeed(root_id=root_id, certificate=certificate))
        case Retire(root_id, kept):
            stand = [bytes.fromhex(entry_id) for entry_id in kept]
            body.retire.MergeFrom(roster_pb2.Retire(root_id=root_id, kept=stand))
        case _:
            assert_never(entry)
    if power is not None:
        body.power.MergeFrom(entries_to_wire((power,))[0])
    return body.SerializeToString(deterministic=True)


def power_in(body: bytes) -> tuple[bytes, bytes] | None:
    """Body and signature of the word that an entry rests on; None in one of the founding root.

    Raises:
        MalformedRequest: it is not an entry.
    """
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    return (wire.power.body, wire.power.signature) if wire.HasField("power") else None


def read_body(body: bytes) -> tuple[str, RosterEntry]:
    """The fleet an entry is about, and what it says.

    Raises:
        MalformedRequest: it is not an entry.
    """
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    match wire.WhichOneof("entry"):
        case "admit":
            admit = wire.admit
            before = admit.follows
            follows = (
                Follow(before.node_id, before.public_key, before.signature)
                if admit.HasField("follows")
                else None
            )
            return wire.fleet_id, Admit(admit.node_id, admit.name, admit.certificate, follows)
        case "revoke":
            revoke = wire.revoke
            kept = tuple(revoke.kept)
            return wire.fleet_id, Revoke(revoke.node_id, revoke.reason, kept, revoke.follower)
        case "appoint":
            appoint = wire.appoint
            return wire.fleet_id, Appoint(appoint.node_id, appoint.admin_id, appoint.certificate)
        case "succeed":
            return wire.fleet_id, Succeed(wire.succeed.root_id, wire.succeed.certificate)
        case "retire":
            kept = tuple(entry_id.hex() for entry_id in wire.retire.kept)
            return wire.fleet_id, Retire(wire.retire.root_id, kept)
        case _:
            raise MalformedRequest("a roster entry that says nothing")
