"""The outbox as a table. Timelines only grow: an update appends a line to what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fleet.core.delivery import State
from fleet.core.envelope import Entry, Envelope
from node.records import Outgoing, Waiting
from node.store.database import Database
from node.store.queries import OPEN, ids_like, newest_of, oldest, only, states_of
from node.store.timelines import entries, lines

_ENVELOPE = (
    "seq, id, sender, recipient, addressed, to_node, text, thread, reply_to, hops, raw,"
    " created_at, expires_at, draft_limit"
)
_OUT = f"{_ENVELOPE}, state, timeline, remote, cleaned"
_ADD_OUTGOING = (
    "INSERT INTO outbox (seq, id, key, sender, recipient, addressed, to_node, text, thread,"
    " reply_to, hops, raw, created_at, expires_at, draft_limit, state, timeline)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LOAD = "count(*), coalesce(sum(length(CAST(text AS BLOB))), 0)"
MAX_SEQ = (1 << 63) - 1


class OutboxTable:
    """What this node sends, in the order it was accepted from its own agents and people."""

    def __init__(self, database: Database, node_id: str) -> None:
        self._database = database
        self._node_id = node_id
        newest = database.row("SELECT max(seq) FROM outbox")
        self.last_seq = int(newest[0] or 0) if newest else 0
        """The number of the newest row."""

    def add(self, envelope: Envelope, key: str, state: State, first: Entry) -> int:
        """Write down a new envelope; its row's number, which only grows."""
        e = envelope
        self.last_seq += 1
        self._database.stage(
            _ADD_OUTGOING,
            (self.last_seq, e.id, key or None, e.sender, e.recipient, e.to, e.to_node, e.text,
             e.thread, e.reply_to, e.hops, e.raw, e.created_at_s, e.expires_at_s,
             e.draft_limit_s, state, lines((first,))),
        )  # fmt: skip
        return self.last_seq

    def take(self, rows: Iterable[int], entry: Entry) -> tuple[int, int]:
        """The recipient's node has them: ``entry`` (accepted) is added to those still queued.

        Returns how many those were, and the bytes of their texts.
        """
        line, runs = lines((entry,)), _runs(rows)
        loads = [
            self._database.rows(
                f"SELECT {_LOAD} FROM outbox WHERE seq BETWEEN ? AND ? AND state = 'queued'", run
            )[0]
            for run in runs
        ]
        self._database.execute_many(
            "UPDATE outbox SET state = 'accepted', timeline = timeline || ?, remote = 1"
            " WHERE seq BETWEEN ? AND ? AND state = 'queued'",
            [(line, first, last) for first, last in runs],
        )
        return sum(number for number, _ in loads), sum(size for _, size in loads)

    def end(self, envelope_id: str, entry: Entry) -> None:
        """A queued envelope's life ends here."""
        self._database.execute(
            "UPDATE outbox SET state = ?, timeline = timeline || ? WHERE id = ? AND state = 'queued'",
            (entry.state, lines((entry,)), envelope_id),
        )

    def report(self, envelope_id: str, news: tuple[Entry, ...], remote: int, cleaned: int) -> None:
        """Add what the recipient's node reports; it now has told ``remote`` entries."""
        if news:
            self._database.execute(
                "UPDATE outbox SET state = ?, timeline = timeline || ?, remote = ?, cleaned = ?"
                " WHERE id = ?",
                (news[-1].state, lines(news), remote, cleaned, envelope_id),
            )

    def heard(self, envelope_id: str, remote: int) -> None:
        """The recipient's node has told ``remote`` entries by now; the last ones are not kept."""
        self._database.execute("UPDATE outbox SET remote = ? WHERE id = ?", (remote, envelope_id))

    def get(self, envelope_id: str) -> Outgoing | None:
        """One envelope by its whole id."""
        row = self._database.row(f"SELECT {_OUT} FROM outbox WHERE id = ?", (envelope_id,))
        return self._outgoing(row) if row else None

    def by_key(self, sender: str, key: str) -> Outgoing | None:
        """The envelope that this sender sent under an idempotency key."""
        row = self._database.row(
            f"SELECT {_OUT} FROM outbox WHERE sender = ? AND key = ?", (sender, key)
        )
        return self._outgoing(row) if row else None

    def queued(self, to_node: str, after_seq: int, limit: int) -> list[tuple[int, Envelope]]:
        """The next queued envelopes for a node, in order, each with its row's number."""
        return [
            (row[0], self._envelope(row))
            for row in self._database.rows(
                f"SELECT {_ENVELOPE} FROM outbox WHERE to_node = ? AND state = 'queued'"
                " AND seq > ? ORDER BY seq LIMIT ?",
                (to_node, after_seq, limit),
            )
        ]

    def loads(self) -> list[tuple[str, int, int]]:
        """For each node how many envelopes wait for it, and the bytes of their texts."""
        rows = self._database.rows(
            f"SELECT to_node, {_LOAD} FROM outbox WHERE state = 'queued' GROUP BY to_node"
        )
        return [(str(node_id), number, size) for node_id, number, size in rows]

    def waiting(self) -> list[Waiting]:
        """What is queued, for each node that it is for."""
        return oldest(self._database, "outbox", "to_node", "created_at", "state = 'queued'")

    def waited_for(self) -> list[str]:
        """The nodes that envelopes are queued for."""
        rows = self._database.rows("SELECT DISTINCT to_node FROM outbox WHERE state = 'queued'")
        return [str(node_id) for (node_id,) in rows]

    def overdue(
        self, to_node: str, wall_s: float, *, after_seq: int = 0, up_to_seq: int = MAX_SEQ
    ) -> list[Outgoing]:
        """Envelopes queued for a node, among some rows, whose time is up; the oldest thousand."""
        return [
            self._outgoing(row)
            for row in self._database.rows(
                f"SELECT {_OUT} FROM outbox WHERE to_node = ? AND state = 'queued'"
                " AND seq > ? AND seq <= ? AND expires_at <= ? ORDER BY seq LIMIT 1000",
                (to_node, after_seq, up_to_seq, wall_s),
            )
        ]

    def reaches(self) -> dict[str, int]:
        """Up to which row each node may have been shown the outbox."""
        return dict(self._database.rows("SELECT node_id, seq FROM reach"))

    def standing(self, to_node: str, since_wall_s: float) -> list[tuple[str, int]]:
        """What a node took and has not ended, each with how many of its entries are stored."""
        rows = self._database.rows(
            "SELECT id, remote FROM outbox WHERE to_node = ? AND state IN"
            " ('accepted', 'held', 'typing', 'typed') AND created_at > ? ORDER BY seq",
            (to_node, since_wall_s),
        )
        return [(str(envelope_id), int(count)) for envelope_id, count in rows]

    def again(self, envelope_id: str, entry: Entry) -> None:
        """Its node has forgotten it: it is queued once more, and known to have been taken."""
        self._database.execute(
            "UPDATE outbox SET state = 'queued', timeline = timeline || ?, remote = 1 WHERE id = ?",
            (lines((entry,)), envelope_id),
        )

    def taken_before(self, to_node: str) -> frozenset[int]:
        """The rows queued for a node that it had taken before, and forgotten."""
        rows = self._database.rows(
            "SELECT seq FROM outbox WHERE to_node = ? AND state = 'queued' AND remote > 0",
            (to_node,),
        )
        return frozenset(int(seq) for (seq,) in rows)

    def put_reach(self, node_id: str, seq: int) -> None:
        """Note up to which row a node may be shown the outbox."""
        self._database.execute("INSERT OR REPLACE INTO reach VALUES (?, ?)", (node_id, seq))

    def recent(self, limit: int, *, dead: bool, held: bool = False) -> list[Outgoing]:
        """The newest envelopes, newest first; only dead letters, or what is held there, if asked."""
        where = f"WHERE {only(dead=dead, held=held)}"
        rows = self._database.rows(
            f"SELECT {_OUT} FROM outbox {where} ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return [self._outgoing(row) for row in rows]

    def last_of(self, senders: Sequence[str], among: int) -> list[Envelope]:
        """The newest envelope of each of these senders, looked for in so many of the newest."""
        where = newest_of("outbox", len(senders))
        rows = self._database.rows(f"SELECT {_ENVELOPE} {where}", (among, *senders))
        return [self._envelope(row) for row in rows]

    def like(self, prefix: str) -> list[str]:
        """Up to two ids that begin with ``prefix``."""
        return ids_like(self._database, "outbox", prefix)

    def states(self) -> list[Waiting]:
        """How many envelopes are in each state that is not a good end, and since when the oldest is
        here."""
        groups = (("state = 'queued'", "to_node"), (f"state IN {OPEN}", "to_node, state"))
        return states_of(self._database, "outbox", "created_at", groups)

    def drop_before(self, wall_s: float) -> None:
        """Forget envelopes that ended and are older than this."""
        self._database.execute(
            "DELETE FROM outbox WHERE created_at < ? AND state NOT IN"
            " ('queued', 'accepted', 'held', 'typing', 'typed')",
            (wall_s,),
        )

    def _outgoing(self, row: tuple[Any, ...]) -> Outgoing:
        *envelope, state, timeline, remote, cleaned = row
        return Outgoing(
            row[0], self._envelope(envelope), State(state), entries(timeline), remote, cleaned
        )

    def _envelope(self, row: Sequence[Any]) -> Envelope:
        (_, id_, sender, recipient, addressed, to_node, text, thread, reply_to, hops, raw,
         created_at, expires_at, draft_limit_s) = row  # fmt: skip
        return Envelope(
            id_, sender, self._node_id, addressed, to_node, recipient, text, thread, reply_to,
            hops, bool(raw), created_at, expires_at, draft_limit_s,
        )  # fmt: skip


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as first and last of each unbroken run; a batch mostly is one."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
