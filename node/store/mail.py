"""Outbox and inbox as tables. Timelines only grow: an update appends a line to what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from fleet.core.delivery import DEAD_LETTERS, Evidence, HoldReason, State
from fleet.core.envelope import Entry, Envelope
from node.records import Incoming, Outgoing, Waiting
from node.store.database import Database
from node.store.turns import Turns

_encode = msgspec.json.Encoder().encode
_decode_lines = msgspec.json.Decoder(type=tuple[str, float, str, str, str, str]).decode_lines

_ENVELOPE = (
    "seq, id, sender, recipient, addressed, to_node, text, thread, reply_to, hops, raw,"
    " created_at, expires_at, draft_limit"
)
_OUT = f"{_ENVELOPE}, state, timeline, remote, cleaned"
_IN = (
    "seq, id, origin, sender, recipient, addressed, text, thread, reply_to, hops, raw,"
    " arrived_at, expires_at, state, timeline, told, cleaned, mark, token, nonce, approved,"
    " draft_limit"
)
_ADD_OUTGOING = (
    "INSERT INTO outbox (seq, id, key, sender, recipient, addressed, to_node, text, thread,"
    " reply_to, hops, raw, created_at, expires_at, draft_limit, state, timeline)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LOAD = "count(*), coalesce(sum(length(CAST(text AS BLOB))), 0)"
MAX_SEQ = (1 << 63) - 1
_DEAD = ", ".join(f"'{state}'" for state in sorted(DEAD_LETTERS))
_OPEN = "('accepted', 'held', 'typing', 'typed')"
_APPROVAL = HoldReason.APPROVAL.value


def lines(entries: tuple[Entry, ...]) -> str:
    """Timeline entries as they are stored."""
    return "".join(
        _encode((e.state, e.at_s, e.node, e.reason, e.evidence or "", e.detail)).decode() + "\n"
        for e in entries
    )


def entries(stored: str) -> tuple[Entry, ...]:
    """The stored lines as timeline entries."""
    return tuple(
        Entry(State(state), at_s, node, reason, Evidence(evidence) if evidence else None, detail)
        for state, at_s, node, reason, evidence, detail in _decode_lines(stored)
    )


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
        return _oldest(self._database, "outbox", "to_node", "created_at", "state = 'queued'")

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
        where = f"WHERE {_only(dead=dead, held=held)}"
        rows = self._database.rows(
            f"SELECT {_OUT} FROM outbox {where} ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return [self._outgoing(row) for row in rows]

    def last_of(self, senders: Sequence[str], among: int) -> list[Envelope]:
        """The newest envelope of each of these senders, looked for in so many of the newest."""
        where = _newest_of("outbox", len(senders))
        rows = self._database.rows(f"SELECT {_ENVELOPE} {where}", (among, *senders))
        return [self._envelope(row) for row in rows]

    def like(self, prefix: str) -> list[str]:
        """Up to two ids that begin with ``prefix``."""
        return _ids_like(self._database, "outbox", prefix)

    def states(self) -> list[Waiting]:
        """How many envelopes are in each state that is not a good end, and since when the oldest is
        here."""
        groups = (("state = 'queued'", "to_node"), (f"state IN {_OPEN}", "to_node, state"))
        return _states(self._database, "outbox", "created_at", groups)

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


class InboxTable:
    """What was accepted for the agents of this node. Remembers ids far longer than any retry."""

    def __init__(self, database: Database, node_id: str) -> None:
        self._database = database
        self._node_id = node_id
        self._turns = Turns(database, node_id)
        newest = database.row("SELECT max(seq) FROM inbox")
        self.last_before = int(newest[0] or 0) if newest else 0
        """The newest row that an earlier life of the node has left."""

    def add(
        self, envelope: Envelope, state: State, first: tuple[Entry, ...], *, approved: bool
    ) -> bool:
        """Write down an accepted envelope; False when one of this id is here already."""
        e = envelope
        done = self._database.execute(
            "INSERT OR IGNORE INTO inbox (id, origin, sender, recipient, addressed, text, thread,"
            " reply_to, hops, raw, arrived_at, expires_at, state, timeline, entries, told, approved,"
            " draft_limit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
            (e.id, e.from_node, e.sender, e.recipient, e.to, e.text, e.thread, e.reply_to, e.hops,
             e.raw, e.created_at_s, e.expires_at_s, state, lines(first), len(first), approved,
             e.draft_limit_s),
        )  # fmt: skip
        return done.rowcount > 0

    def update(self, item: Incoming, news: tuple[Entry, ...]) -> None:
        """Write down the item as it is now; ``news`` are the timeline entries it gained."""
        self._database.execute(
            "UPDATE inbox SET state = ?, timeline = timeline || ?, entries = entries + ?, told = max(told, ?),"
            " cleaned = ?, mark = ?, token = ?, nonce = ?, approved = ? WHERE seq = ?",
            (item.state, lines(news), len(news), item.told, item.cleaned, item.mark, item.token,
             item.nonce, item.approved, item.seq),
        )  # fmt: skip

    def told(self, origin: str, counts: Iterable[tuple[str, int]]) -> None:
        """The sender's node has this many entries of each envelope."""
        self._database.execute_many(
            "UPDATE inbox SET told = max(told, ?) WHERE id = ? AND origin = ?",
            [(count, envelope_id, origin) for envelope_id, count in counts],
        )

    def standing(self, origin: str) -> list[tuple[str, int]]:
        """What a node sent and is not ended here, each with how many entries it has."""
        rows = self._database.rows(
            f"SELECT id, entries FROM inbox WHERE origin = ? AND state IN {_OPEN} ORDER BY seq",
            (origin,),
        )
        return [(str(envelope_id), int(count)) for envelope_id, count in rows]

    def untell(self, envelope_id: str, count: int) -> bool:
        """The sender's node has no more than this many entries of it; whether it had more before."""
        done = self._database.execute(
            "UPDATE inbox SET told = ? WHERE id = ? AND told > ?", (count, envelope_id, count)
        )
        return done.rowcount > 0

    def get(self, envelope_id: str) -> Incoming | None:
        """One envelope by its whole id."""
        row = self._database.row(f"SELECT {_IN} FROM inbox WHERE id = ?", (envelope_id,))
        return self._incoming(row) if row else None

    def holds(self, envelope_id: str, origin: str) -> bool:
        """Whether this envelope of this node is here already."""
        found = self._database.row(
            "SELECT 1 FROM inbox WHERE id = ? AND origin = ?", (envelope_id, origin)
        )
        return found is not None

    def next(self, recipient: str) -> Incoming | None:
        """What an agent is to be given next: in turns by sender, in order of arrival for each.

        Envelopes that wait for approval are passed over, and with them later ones of the same
        sender: order per pair outlasts everything.
        """
        seq = self._turns.next(recipient)
        if seq is None:
            return None
        row = self._database.row(f"SELECT {_IN} FROM inbox WHERE seq = ?", (seq,))
        return self._incoming(row) if row else None

    def took_turn(self, item: Incoming) -> None:
        """It was given to its agent, or ended instead: its sender had a turn. Kept in memory only."""
        e = item.envelope
        self._turns.took(e.recipient, e.from_node, e.sender)

    def begun(self, recipient: str) -> Incoming | None:
        """What was being typed to an agent, in this life of the node or an earlier one."""
        row = self._database.row(
            f"SELECT {_IN} FROM inbox WHERE recipient = ? AND state IN ('typing', 'typed')"
            f" AND state IN {_OPEN} ORDER BY seq LIMIT 1",
            (recipient,),
        )
        return self._incoming(row) if row else None

    def open(self, recipient: str) -> list[Incoming]:
        """Everything that still waits for an agent or is being typed, in order of arrival."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE recipient = ? AND state IN {_OPEN} ORDER BY seq",
                (recipient,),
            )
        ]

    def origins(self) -> list[str]:
        """Nodes of which something waits for an agent."""
        rows = self._database.rows(f"SELECT DISTINCT origin FROM inbox WHERE state IN {_OPEN}")
        return [str(origin) for (origin,) in rows]

    def open_from(self, origin: str) -> list[Incoming]:
        """All envelopes of another node that wait for an agent or are being typed, in order."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE origin = ? AND state IN {_OPEN} ORDER BY seq",
                (origin,),
            )
        ]

    def overdue(self, wall_s: float) -> list[Incoming]:
        """Envelopes that were not typed in time."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE state IN {_OPEN} AND expires_at <= ?"
                " AND state IN ('accepted', 'held') ORDER BY recipient, state, seq",
                (wall_s,),
            )
        ]

    def open_count(self, recipient: str, origin: str = "") -> int:
        """How many envelopes wait for an agent, of one node if it is named."""
        row = self._database.row(
            f"SELECT count(*) FROM inbox WHERE recipient = ? AND state IN {_OPEN}"
            " AND (? = '' OR origin = ?)",
            (recipient, origin, origin),
        )
        return int(row[0]) if row else 0

    def sizes(self) -> dict[str, int]:
        """The bytes of the texts that wait from each node; they are read for it."""
        return dict(
            self._database.rows(
                f"SELECT origin, sum(length(CAST(text AS BLOB))) FROM inbox WHERE state IN {_OPEN}"
                " GROUP BY origin"
            )
        )

    def unapproved_count(self, recipient: str) -> int:
        """How many of them a person has to let through first."""
        row = self._database.row(
            "SELECT count(*) FROM inbox WHERE recipient = ? AND state = 'held' AND approved = 0",
            (recipient,),
        )
        return int(row[0]) if row else 0

    def untold(self, origin: str, limit: int) -> list[Incoming]:
        """Envelopes of a node with news that it has not confirmed, oldest first."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE origin = ? AND told < entries ORDER BY seq LIMIT ?",
                (origin, limit),
            )
        ]

    def last_mark(self, recipient: str) -> int:
        """The highest paste number ever written down for an agent."""
        row = self._database.row(
            "SELECT max(mark) FROM inbox WHERE recipient = ? AND mark > 0", (recipient,)
        )
        return int(row[0] or 0) if row else 0

    def recent(
        self, recipient: str, limit: int, *, dead: bool, held: bool = False
    ) -> list[Incoming]:
        """The newest envelopes (of one agent, or of all for an empty name), newest first; only dead
        letters, or what is held, if asked."""
        where = f"WHERE (? = '' OR recipient = ?) AND {_only(dead=dead, held=held)}"
        rows = self._database.rows(
            f"SELECT {_IN} FROM inbox {where} ORDER BY seq DESC LIMIT ?",
            (recipient, recipient, limit),
        )
        return [self._incoming(row) for row in rows]

    def last_of(self, senders: Sequence[str], among: int) -> list[Envelope]:
        """The newest envelope of each of these senders, looked for in so many of the newest."""
        where = _newest_of("inbox", len(senders))
        rows = self._database.rows(f"SELECT {_IN} {where}", (among, *senders))
        return [self._incoming(row).envelope for row in rows]

    def like(self, prefix: str) -> list[str]:
        """Up to two ids that begin with ``prefix``."""
        return _ids_like(self._database, "inbox", prefix)

    def states(self) -> list[Waiting]:
        """How many envelopes are in each state that is not a good end, and since when the oldest is
        here."""
        groups = ((f"state IN {_OPEN}", "recipient, state"),)
        return _states(self._database, "inbox", "arrived_at", groups)

    def waiting(self) -> list[Waiting]:
        """What waits or is being typed, for each agent that it is for."""
        return _oldest(self._database, "inbox", "recipient", "arrived_at", f"state IN {_OPEN}")

    def holds_of(self) -> list[tuple[str, Waiting]]:
        """What is held, for each agent and reason; since when it is held for that reason.

        What waits for approval is counted and has been held since it came; of the rest each agent has
        one, or few.
        """
        found = {
            (one.what, _APPROVAL): one._replace(what=_APPROVAL)
            for one in _oldest(
                self._database,
                "inbox",
                "recipient",
                "arrived_at",
                "state = 'held' AND approved = 0",
            )
        }
        for recipient, timeline in self._database.rows(
            "SELECT recipient, timeline FROM inbox WHERE state = 'held' AND approved = 1"
        ):
            last = entries(timeline)[-1]
            _, count, since_s = found.get((recipient, last.reason), ("", 0, last.at_s))
            found[recipient, last.reason] = Waiting(last.reason, count + 1, min(since_s, last.at_s))
        return [(recipient, waiting) for (recipient, _), waiting in sorted(found.items())]

    def held(self) -> dict[str, int]:
        """How many envelopes each agent has waiting."""
        return dict(
            self._database.rows(
                f"SELECT recipient, count(*) FROM inbox WHERE state IN {_OPEN} GROUP BY recipient"
            )
        )

    def drop_before(self, wall_s: float) -> None:
        """Forget envelopes that ended and are older than this; not the last one typed to an agent, whose
        mark tells that the database knows of all that was typed."""
        self._database.execute(
            f"DELETE FROM inbox WHERE arrived_at < ? AND state NOT IN {_OPEN} AND (mark = 0 OR mark <"
            " (SELECT max(mark) FROM inbox AS newer WHERE newer.recipient = inbox.recipient"
            " AND newer.mark > 0))",
            (wall_s,),
        )

    def _incoming(self, row: tuple[Any, ...]) -> Incoming:
        (seq, id_, origin, sender, recipient, addressed, text, thread, reply_to, hops, raw,
         arrived_at, expires_at, state, timeline, told, cleaned, mark, token, nonce,
         approved, draft_limit_s) = row  # fmt: skip
        envelope = Envelope(
            id_, sender, origin, addressed, self._node_id, recipient, text, thread, reply_to,
            hops, bool(raw), arrived_at, expires_at, draft_limit_s,
        )  # fmt: skip
        return Incoming(
            seq, envelope, State(state), entries(timeline), told, cleaned, mark, token, nonce,
            bool(approved),
        )  # fmt: skip


def _oldest(database: Database, table: str, what: str, at: str, where: str) -> list[Waiting]:
    """Counted in the partial index of that condition; only the oldest row of each is read."""
    found = database.rows(
        f"SELECT o.{what}, g.n, o.{at} FROM (SELECT count(*) AS n, min(seq) AS first FROM {table}"
        f" WHERE {where} GROUP BY {what}) AS g JOIN {table} AS o ON o.seq = g.first ORDER BY 1"
    )
    return [Waiting(*row) for row in found]


def _states(
    database: Database, table: str, at: str, groups: Iterable[tuple[str, str]]
) -> list[Waiting]:
    """Counted in the partial index of each condition in the order that it has, as ``_oldest`` does."""
    found: dict[str, Waiting] = {}
    for where, by in (*groups, (f"state IN ({_DEAD})", "state")):
        for state, number, since_s in database.rows(
            f"SELECT o.state, g.n, o.{at} FROM (SELECT count(*) AS n, min(seq) AS first FROM {table}"
            f" WHERE {where} GROUP BY {by}) AS g JOIN {table} AS o ON o.seq = g.first"
        ):
            _, others, before_s = found.get(state, ("", 0, since_s))
            found[state] = Waiting(state, others + number, min(before_s, since_s))
    return sorted(found.values())


def _only(*, dead: bool, held: bool) -> str:
    """The condition for states that were asked for; both at once is none."""
    asked = [f"state IN ({_DEAD})"] if dead else []
    return " AND ".join(asked + (["state = 'held'"] if held else [])) or "TRUE"


def _newest_of(table: str, senders: int) -> str:
    """The rest of a query for the newest rows: of how many it looks at, and of which senders."""
    return (
        f"FROM {table} WHERE seq IN (SELECT max(seq) FROM"
        f" (SELECT seq, sender FROM {table} ORDER BY seq DESC LIMIT ?)"
        f" WHERE sender IN ({', '.join('?' * senders)}) GROUP BY sender)"
    )


def _ids_like(database: Database, table: str, prefix: str) -> list[str]:
    rows = database.rows(
        f"SELECT DISTINCT id FROM {table} WHERE id >= ? AND id < ? LIMIT 2", (prefix, prefix + "~")
    )
    return [str(row[0]) for row in rows]


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as first and last of each unbroken run; a batch mostly is one."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
