"""Envelopes and what became of them: posted, taken, reported, and what is open between two nodes."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.core import frames
from fleet.core.bounds import (
    ENVELOPES_LIMIT,
    SENTENCE_LIMIT,
    STANDING_LIMIT,
    count,
    few,
    seconds,
    word,
)
from fleet.core.delivery import Evidence, State
from fleet.core.envelope import Entry, Envelope
from fleet.v1 import link_pb2, mailbox_pb2, types_pb2
from fleet.wire.errors import error_from_wire, error_to_wire

# What a recipient's node may tell. That it was queued is the sender's node's own business.
_OFFERS = {offer.value: offer for offer in frames.Offer}
_STATES = {state.value: state for state in State if state is not State.QUEUED}
_EVIDENCE = {"": None, **{evidence.value: evidence for evidence in Evidence}}


def post_to_wire(posted: tuple[frames.Posted, ...]) -> link_pb2.Frame:
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


def post_from_wire(wire: mailbox_pb2.Post, peer_id: str) -> frames.Post:
    """The envelopes that a peer posts."""
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


def taken_to_wire(taken: frames.Taken) -> mailbox_pb2.Taken:
    """Which envelopes a node took, and which not and why."""
    declined = [
        mailbox_pb2.Declined(envelope_id=d.envelope_id, error=error_to_wire(d.error), retry=d.retry)
        for d in taken.declined
    ]
    return mailbox_pb2.Taken(envelope_ids=taken.envelope_ids, declined=declined)


def taken_from_wire(wire: mailbox_pb2.Taken) -> frames.Taken:
    """The same, read."""
    declined = (
        frames.Declined(word(d.envelope_id), error_from_wire(d.error), d.retry)
        for d in wire.declined
    )
    return frames.Taken(tuple(map(word, wire.envelope_ids)), tuple(declined))


def report_to_wire(report: frames.Report) -> mailbox_pb2.Report:
    """What became of one envelope."""
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


def report_from_wire(wire: mailbox_pb2.Report) -> frames.Report:
    """The same, read. That it was queued is not a peer's to tell."""
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


def standing_to_wire(standing: frames.Standing) -> mailbox_pb2.Standing:
    """What is open between two nodes, as one of them knows it."""
    return mailbox_pb2.Standing(
        sent=[mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in standing.sent],
        got=[mailbox_pb2.ReportCount(envelope_id=i, count=n) for i, n in standing.got],
    )


def counts_from_wire(wire: Sequence[mailbox_pb2.ReportCount]) -> tuple[tuple[str, int], ...]:
    """Envelopes, each with how many entries of its timeline there are."""
    return tuple((word(c.envelope_id), count(c.count)) for c in few(wire, STANDING_LIMIT, "ids"))


def differing_to_wire(differing: frames.Differing) -> mailbox_pb2.Differing:
    """What the other node has otherwise."""
    ended = [mailbox_pb2.Ended(envelope_id=i, state=s.value) for i, s in differing.ended]
    return mailbox_pb2.Differing(forgotten=differing.forgotten, ended=ended)
