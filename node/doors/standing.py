"""How the node does: what waits and for how long, its links, what went wrong last, whether it is ready.

Ages are whole observations of this host's clock; one that stepped back shows as an age of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fleet.core.delivery import DEAD_LETTERS
from fleet.core.errors.base import FleetError
from fleet.core.keystrokes import clean
from fleet.core.moment import iso_time
from node.engine.keeper import Failure
from node.engine.node import Node
from node.records import Waiting


def queues(node: Node) -> dict[str, object]:
    """Both queues as counts of each state, and what waits: for which peer or agent, why, how long."""
    outbox, inbox = node.store.outbox, node.store.inbox
    now_s = node.clock.wall_s()
    holds = inbox.holds_of()
    states = {"outbox": outbox.states(), "inbox": inbox.states()}
    return {
        **{queue: {one.what: one.number for one in found} for queue, found in states.items()},
        "queued": [
            {"node": node.fleet.label(one.what), "id": one.what, **_counted(one, now_s)}
            for one in outbox.waiting()
        ],
        "waiting": [
            {
                "agent": one.what,
                **_counted(one, now_s),
                "held": {held.what: held.number for name, held in holds if name == one.what},
            }
            for one in inbox.waiting()
        ],
        "held": [
            {"reason": one.what, **_counted(one, now_s)} for one in _by_reason(w for _, w in holds)
        ],
        "dead": {queue: _counted(_dead(found), now_s) for queue, found in states.items()},
    }


def _by_reason(holds: Iterable[Waiting]) -> list[Waiting]:
    found: dict[str, Waiting] = {}
    for reason, count, since_s in holds:
        _, others, before_s = found.get(reason, ("", 0, since_s))
        found[reason] = Waiting(reason, others + count, min(before_s, since_s))
    return sorted(found.values())


def _dead(states: Iterable[Waiting]) -> Waiting:
    dead = [one for one in states if one.what in DEAD_LETTERS]
    since_s = min((one.since_s for one in dead), default=0.0)
    return Waiting("dead", sum(one.number for one in dead), since_s)


def _counted(one: Waiting, now_s: float) -> dict[str, object]:
    age_s = round(max(0.0, now_s - one.since_s), 3) if one.number else None
    return {"count": one.number, "oldest_s": age_s}


def peers(node: Node, rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The members among these nodes, each with its link."""
    members = [row for row in rows if row["state"] in {"connected", "away"}]
    return [{**row, **_link(node, str(row["id"]))} for row in members]


def _link(node: Node, node_id: str) -> dict[str, object]:
    """``since``: when the link came to stand, or ended; never, if it never stood."""
    session = node.peers.session(node_id)
    failure = node.peers.keeper.last_error.get(node_id)
    return {
        "since": iso_time(node.fleet.peer(node_id).seen_at_s),
        "address": session.link.address if session else "",
        "queued": node.outbox.waiting(node_id),
        "backlog": session.link.backlog if session else 0,
        "last_error": _failure(failure) if failure else None,
    }


def _failure(failure: Failure) -> dict[str, object]:
    error = failure.error
    return {
        "code": error.code,
        "message": clean(str(error)).text,
        "layer": error.layer,
        "at": iso_time(failure.at_s),
    }


def last_errors(node: Node) -> list[dict[str, object]]:
    """What the log was told of late, at the level of a warning and above."""
    return [
        {key: clean(value).text if isinstance(value, str) else value for key, value in one.items()}
        for one in node.last_errors()
    ]


async def health(node: Node) -> dict[str, Any]:
    """Whether the node takes messages: it is not about to end, and what it writes down stays.

    ``lacks`` is what it would like to have and does without.
    """
    why = [{"layer": "local-node", "detail": "it is stopping"}] if node.stopping.is_set() else []
    try:
        node.store.database.put_meta("checked", iso_time(node.clock.wall_s()).encode())
        await node.store.commit()
    except FleetError as error:
        why.append({"layer": error.layer, "detail": str(error)})
    return {"live": True, "ready": not why, "why": why, "lacks": node.missing()}
