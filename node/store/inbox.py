"""The inbox as a table. Timelines only grow: an update appends a line to what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fleet.core.delivery import HoldReason, State
from fleet.core.envelope import Entry, Envelope
from node.records import Incoming, Waiting
from node.store.database import Database
from node.store.queries import OPEN, ids_like, newest_of, oldest, only, states_of
from node.store.timelines import entries, lines
from node.store.turns import Turns

_IN = (
    "seq, id, origin, sender, recipient, addressed, text, thread, reply_to, hops, raw,"
    " arrived_at, expires_at, state, timeline, told, cleaned, mark, token, nonce, approved,"
    " draft_limit"
)
_APPROVAL = HoldReason.APPROVAL.value


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
            f"SELECT id, entries FROM inbox WHERE origin = ? AND state IN {OPEN} ORDER BY seq",
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
            f" AND state IN {OPEN} ORDER BY seq LIMIT 1",
            (recipient,),
        )
        return self._incoming(row) if row else None

    def open(self, recipient: str) -> list[Incoming]:
        """Everything that still waits for an agent or is being typed, in order of arrival."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE recipient = ? AND state IN {OPEN} ORDER BY seq",
                (recipient,),
            )
        ]

    def origins(self) -> list[str]:
        """Nodes of which something waits for an agent."""
        rows = self._database.rows(f"SELECT DISTINCT origin FROM inbox WHERE state IN {OPEN}")
        return [str(origin) for (origin,) in rows]

    def open_from(self, origin: str) -> list[Incoming]:
        """All envelopes of another node that wait for an agent or are being typed, in order."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE origin = ? AND state IN {OPEN} ORDER BY seq",
                (origin,),
            )
        ]

    def overdue(self, wall_s: float) -> list[Incoming]:
        """Envelopes that were not typed in time."""
        return [
            self._incoming(row)
            for row in self._database.rows(
                f"SELECT {_IN} FROM inbox WHERE state IN {OPEN} AND expires_at <= ?"
                " AND state IN ('accepted', 'held') ORDER BY recipient, state, seq",
                (wall_s,),
            )
        ]

    def open_count(self, recipient: str, origin: str = "") -> int:
        """How many envelopes wait for an agent, of one node if it is named."""
        row = self._database.row(
            f"SELECT count(*) FROM inbox WHERE recipient = ? AND state IN {OPEN}"
            " AND (? = '' OR origin = ?)",
            (recipient, origin, origin),
        )
        return int(row[0]) if row else 0

    def sizes(self) -> dict[str, int]:
        """The bytes of the texts that wait from each node; they are read for it."""
        return dict(
            self._database.rows(
                f"SELECT origin, sum(length(CAST(text AS BLOB))) FROM inbox WHERE state IN {OPEN}"
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
        where = f"WHERE (? = '' OR recipient = ?) AND {only(dead=dead, held=held)}"
        rows = self._database.rows(
            f"SELECT {_IN} FROM inbox {where} ORDER BY seq DESC LIMIT ?",
            (recipient, recipient, limit),
        )
        return [self._incoming(row) for row in rows]

    def last_of(self, senders: Sequence[str], among: int) -> list[Envelope]:
        """The newest envelope of each of these senders, looked for in so many of the newest."""
        where = newest_of("inbox", len(senders))
        rows = self._database.rows(f"SELECT {_IN} {where}", (among, *senders))
        return [self._incoming(row).envelope for row in rows]

    def like(self, prefix: str) -> list[str]:
        """Up to two ids that begin with ``prefix``."""
        return ids_like(self._database, "inbox", prefix)

    def states(self) -> list[Waiting]:
        """How many envelopes are in each state that is not a good end, and since when the oldest is
        here."""
        groups = ((f"state IN {OPEN}", "recipient, state"),)
        return states_of(self._database, "inbox", "arrived_at", groups)

    def waiting(self) -> list[Waiting]:
        """What waits or is being typed, for each agent that it is for."""
        return oldest(self._database, "inbox", "recipient", "arrived_at", f"state IN {OPEN}")

    def holds_of(self) -> list[tuple[str, Waiting]]:
        """What is held, for each agent and reason; since when it is held for that reason.

        What waits for approval is counted and has been held since it came; of the rest each agent has
        one, or few.
        """
        found = {
            (one.what, _APPROVAL): one._replace(what=_APPROVAL)
            for one in oldest(
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
                f"SELECT recipient, count(*) FROM inbox WHERE state IN {OPEN} GROUP BY recipient"
            )
        )

    def drop_before(self, wall_s: float) -> None:
        """Forget envelopes that ended and are older than this; not the last one typed to an agent, whose
        mark tells that the database knows of all that was typed."""
        self._database.execute(
            f"DELETE FROM inbox WHERE arrived_at < ? AND state NOT IN {OPEN} AND (mark = 0 OR mark <"
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
