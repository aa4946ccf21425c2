"""All envelopes as they move: one line of the stream for each state, durable before it is told."""

from __future__ import annotations

from fleet.core.address import Query
from fleet.core.delivery import HoldReason
from fleet.core.envelope import Entry, Envelope
from fleet.core.moment import iso_time
from node.engine.events import Move
from node.engine.node import Node
from node.records import Incoming, Outgoing


def lines(node: Node, move: Move, only: Query | None) -> list[dict[str, object]]:
    """What a watcher is told of one move; nothing of envelopes between others than ``only``."""
    found = node.store.inbox.get(move.envelope_id) or node.store.outbox.get(move.envelope_id)
    if found is None or (only and not concerns(found.envelope, only)):
        return []
    return [_line(found, entry) for entry in move.news or _first(node, found)]


def concerns(envelope: Envelope, only: Query) -> bool:
    """Whether an agent of this name sent it or is to get it."""
    for party in (envelope.sender, envelope.to):
        agent, _, node = party.partition("@")
        if agent == only.agent and only.node in {"", node.partition("~")[0]}:
            return True
    return False


def _first(node: Node, found: Incoming | Outgoing) -> tuple[Entry, ...]:
    """Its first state; and that it waits for an approval, which of our own nobody else tells."""
    is_ours = found.envelope.from_node == node.fleet.me.node_id
    waits = found.timeline[1:2] if is_ours and isinstance(found, Incoming) else ()
    return (found.timeline[0], *(e for e in waits if e.reason == HoldReason.APPROVAL))


def _line(found: Incoming | Outgoing, entry: Entry) -> dict[str, object]:
    """``ms``: since the state before, by the clocks of the nodes that say so; None for the first."""
    at = found.timeline.index(entry) if entry in found.timeline else 0
    before = found.timeline[at - 1] if at else None
    return {
        "at": iso_time(entry.at_s),
        "id": found.envelope.id,
        "from": found.envelope.sender,
        "to": found.envelope.to,
        "node": entry.node,
        "state": entry.state.value,
        "reason": entry.reason,
        "detail": entry.detail,
        "evidence": entry.evidence.value if entry.evidence else None,
        "ms": round((entry.at_s - before.at_s) * 1_000, 1) if before else None,
    }
