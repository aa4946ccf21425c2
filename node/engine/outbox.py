"""The sender's side: from a caller's words to a durable envelope, to the recipient's node, to the
end of the receipt.

An envelope is answered for only after the commit. Each peer gets its envelopes in the order of the
outbox; a batch goes out with whatever is queued, never one call each. What the recipient's node
reports is stored and passed on; nothing here ever says more than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf

from fleet.core.address import OPERATOR, Address, parse_query
from fleet.core.delivery import LATER, SENDER, TERMINAL, Event, State, may, step
from fleet.core.envelope import (
    DEDUPE_KEPT_S,
    DEFAULT_EXPIRY_S,
    HOPS_LIMIT,
    Entry,
    Envelope,
    Receipt,
    check_draft_limit,
    check_expiry,
    check_text,
    digest,
)
from fleet.core.errors.ends import Expired
from fleet.core.errors.names import UnknownEnvelope
from fleet.core.errors.requests import KeyReused, WrongState
from fleet.core.errors.trust import NotAllowed, NotPaired, RateExceeded
from fleet.core.frames import Declined, Offer, Posted, Report
from fleet.core.trust import Caller, check_hops
from node.engine.events import Events
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.reach import Reach
from node.engine.room import Room, size_of
from node.engine.tail import Tail
from node.faults import fault
from node.ports.host import Clock
from node.records import Outgoing
from node.store import SqliteStore

TIMELINE_LIMIT = 1_000
"""Entries kept of one envelope's life; after that, only how it ends. A long hold has a few dozen."""

FORGOTTEN = "its node does not know it any more: its database is older than that"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants sent."""

    to: str
    text: str
    raw: bool = False
    key: str = ""
    expires_s: float = DEFAULT_EXPIRY_S
    reply_to: str = ""
    draft_limit_s: float = 0.0


class Outbox:
    """Everything this node sends."""

    def __init__(
        self, fleet: Fleet, inbox: Inbox, store: SqliteStore, clock: Clock, events: Events
    ) -> None:
        self._fleet = fleet
        self._inbox = inbox
        self._store = store
        self._clock = clock
        self._events = events
        self._durable_seq = store.outbox.last_seq
        self.room = Room(store)
        self._tails: dict[str, Tail] = {}  # of nodes that are fed now
        self._reach = Reach(store)
        self._taken_before: dict[str, frozenset[int]] = {}
        self._shown_before: dict[str, int] = {}
        self._compared: set[str] = set()  # nodes whose mail was compared with ours in this life
        self._ended_here: dict[str, list[str]] = {}  # before that
        self._group: asyncio.Future[None] | None = None
        self._staging: dict[str, int] = {}  # the open group's youngest row per node
        store.database.on_loss(self._lost)
        fleet.followed(self._follow)
        self.queued: Callable[[str], None] = lambda _node_id: None  # told after each commit

    # --- from callers ---

    async def send(self, caller: Caller, wish: Wish) -> Receipt:
        """Make a wish durable, and know whom it is for.

        Repeating a wish with its key gives the first envelope's receipt.

        Raises:
            FleetError: as the input, the name, the grants or the queues demand; nothing was kept.
        """
        check_text(wish.text)
        check_expiry(wish.expires_s)
        check_draft_limit(wish.draft_limit_s)
        if wish.key and (earlier := self._earlier(caller, wish)):
            await self._store.commit()  # its own may still be under way, and may fail
            return earlier
        address = self._fleet.resolve(wish.to)
        envelope = self._envelope(caller, wish, address)
        if address.node_id == self._fleet.me.node_id:
            receipt = self._post_here(caller, wish, envelope)
            self._inbox.wake(envelope.recipient)
            await self._store.commit()
            return receipt
        receipt, durable = self._queue(wish, envelope)
        await durable
        fault("out:after_commit")
        return receipt

    def sent(self, caller: Caller, key: str) -> Envelope | None:
        """What a caller has sent with this key."""
        row = self._store.outbox.by_key(str(caller), key)
        return row.envelope if row else None

    def _earlier(self, caller: Caller, wish: Wish) -> Receipt | None:
        row = self._store.outbox.by_key(str(caller), wish.key)
        if row is None:
            return None
        envelope, query = row.envelope, parse_query(wish.to)
        if query.team:
            query = parse_query(self._fleet.resolve(wish.to).agent)  # wherever that is by now
        node = self._fleet.directory.node(envelope.to_node)
        is_same = (envelope.text, envelope.raw, envelope.recipient) == (
            wish.text, wish.raw, query.agent,
        ) and (not query.node or node is None or query.node == node.name)  # fmt: skip
        if not is_same:
            raise KeyReused(wish.key, envelope.id)
        return row.receipt

    def _envelope(self, caller: Caller, wish: Wish, address: Address) -> Envelope:
        now_s = self._clock.wall_s()
        envelope_id = self._clock.new_id()
        thread, hops = envelope_id, 0
        if wish.reply_to:
            parent = self._known(wish.reply_to)
            wish_hops = 0 if caller.agent == OPERATOR else parent.hops + 1
            thread, hops = parent.thread, wish_hops
            check_hops(thread, hops, HOPS_LIMIT)
        return Envelope(
            id=envelope_id,
            sender=str(caller),
            from_node=caller.node_id,
            to=str(address),
            to_node=address.node_id,
            recipient=address.agent,
            text=wish.text,
            thread=thread,
            reply_to=wish.reply_to,
            hops=hops,
            raw=wish.raw,
            created_at_s=now_s,
            expires_at_s=now_s + wish.expires_s,
            draft_limit_s=wish.draft_limit_s,
        )

    def _known(self, envelope_id: str) -> Envelope:
        row = self._store.inbox.get(envelope_id) or self._store.outbox.get(envelope_id)
        if row is None:
            raise UnknownEnvelope(envelope_id)
        return row.envelope

    def _post_here(self, caller: Caller, wish: Wish, envelope: Envelope) -> Receipt:
        try:
            entries = self._inbox.accept(caller, envelope)
        except (NotAllowed, RateExceeded) as error:
            self._inbox.declined(envelope, error)
            self._store.commit_soon()
            raise
        self._store.outbox.add(envelope, wish.key, entries[0].state, entries[0])
        self._store.outbox.report(envelope.id, entries[1:], len(entries), 0)
        return Receipt(envelope, entries)

    def _queue(self, wish: Wish, envelope: Envelope) -> tuple[Receipt, asyncio.Future[None]]:
        node_id = envelope.to_node
        self._fleet.authorise(envelope.from_node)  # or nobody would ever take it
        size_bytes = size_of(envelope.text)
        self.room.check(node_id, self._fleet.label(node_id), size_bytes)
        first = self._entry(State.QUEUED)
        seq = self._store.outbox.add(envelope, wish.key, State.QUEUED, first)
        if (tail := self._tails.get(node_id)) is not None:
            tail.add(seq, envelope)
        self.room.count(node_id, +1, size_bytes)
        self._audit("envelope queued", envelope, digest=digest(envelope.text))
        fault("out:before_commit")
        return Receipt(envelope, (first,)), self._staged(node_id, seq)

    def _staged(self, node_id: str, seq: int) -> asyncio.Future[None]:
        """The commit that makes a row durable; whoever sent it may be gone by then, the link is told."""
        group = self._store.commit()
        if group is not self._group:
            self._group, self._staging = group, {}
            group.add_done_callback(partial(self._committed, self._staging))
        self._staging[node_id] = seq
        return group

    def _committed(self, staged: dict[str, int], group: asyncio.Future[None]) -> None:
        if group.exception() is not None:
            return
        self._durable_seq = max(self._durable_seq, *staged.values())
        for node_id in staged:
            self.queued(node_id)

    def _lost(self) -> None:
        self._tails.clear()
        self.room.forget()

    def _follow(self, old: str, new: str) -> None:
        """A node goes on under another id; the store says so already, and its link begins anew."""
        self.room.forget()
        self._reach.follow(old, new)
        self._tails.pop(old, None)
        self._ended_here.setdefault(new, []).extend(self._ended_here.pop(old, ()))

    def _tail(self, node_id: str) -> Tail:
        tail = self._tails.get(node_id)
        if tail is None:
            tail = self._tails[node_id] = Tail(self._store.outbox.last_seq)
        return tail

    def kept_in_memory(self) -> int:
        """How many nodes' envelopes are kept in memory: those of nodes that are fed now."""
        return len(self._tails)

    def waiting(self, node_id: str) -> int:
        """How many envelopes wait for a node."""
        return self.room.waiting(node_id)

    # --- to and from the recipient's node ---

    def next_batch(
        self, node_id: str, after_seq: int, limit: int, limit_bytes: int
    ) -> list[tuple[int, Posted]]:
        """The next queued envelopes for a node, in order, within both limits (but at least one).

        Each comes with its row's number, and its deadline as remaining seconds. What is written but
        not yet committed is not among them, nor what may not be shown yet; ``queued`` is told then.
        """
        batch: list[tuple[int, Posted]] = []
        now_s = self._clock.wall_s()
        size = 0
        rows = self._tail(node_id).since(after_seq, limit)
        if rows is None:
            rows = self._store.outbox.queued(node_id, after_seq, limit)
        last_seq = min(self._durable_seq, self._reach.durable(node_id))
        for seq, envelope in rows:
            if seq > last_seq:
                break
            size += len(envelope.text) * 3 + 500  # a bound on its UTF-8 and addressing
            if batch and size > limit_bytes:
                break
            left_s = max(0.0, envelope.expires_at_s - now_s)
            batch.append((seq, Posted(envelope, left_s, self._offer(node_id, seq))))
        if batch:
            self._reach.show(node_id, batch[-1][0])
        elif rows and rows[0][0] <= self._durable_seq:
            self._reach.extend(node_id, self._durable_seq, self.queued)
        return batch

    def _offer(self, node_id: str, seq: int) -> Offer:
        """What is known already of an envelope that goes out."""
        if seq in self._taken_before.get(node_id, ()):
            return Offer.TAKEN
        return Offer.SHOWN if seq <= self._shown_before.get(node_id, 0) else Offer.FIRST

    def link_began(self, node_id: str) -> None:
        """What was shown before this is known to the node, perhaps."""
        self._shown_before[node_id] = self._reach.shown(node_id)
        self._taken_before[node_id] = self._store.outbox.taken_before(node_id)

    def link_ended(self, node_id: str) -> None:
        """Nothing more is shown to the node until there is another link, nor kept in memory for it."""
        self._tails.pop(node_id, None)
        self._reach.draw_back(node_id)

    def may_be_there(self, row: Outgoing) -> bool:
        """Whether the recipient's node may have it, answered or not."""
        return row.seq <= self._reach.shown(row.envelope.to_node)

    def taken(self, node_id: str, rows: Mapping[str, int]) -> asyncio.Future[None]:
        """Envelopes, by id and row, that were offered to the recipient's node are durable there.

        Told at once, since it is true already; our own note of it rides with the next commit, which
        is returned. After a crash before that the envelope is offered again, and known there.
        """
        label = self._fleet.label(node_id)
        news = (Entry(State.ACCEPTED, self._clock.wall_s(), label),)
        fault("send:after_call_before_db")
        taken, size_bytes = self._store.outbox.take(rows.values(), news[0])
        self.room.count(node_id, -taken, -size_bytes)
        self._store.audit("envelopes accepted", self._clock.wall_s(), by=label, ids=[*rows])
        # Of some the recipient's node may have told more already: news overtakes answers on a new link.
        fresh = rows if taken == len(rows) else [i for i in rows if self._ends_with(i, news)]
        for envelope_id in fresh:
            self._events.moved(envelope_id, news, sent=True)
        return self._store.commit()

    def _ends_with(self, envelope_id: str, news: tuple[Entry, ...]) -> bool:
        row = self._store.outbox.get(envelope_id)
        return row is not None and row.timeline[-1:] == news

    def declined(self, node_id: str, declined: Iterable[Declined]) -> asyncio.Future[None]:
        """Envelopes that were offered to the recipient's node will never be taken there.

        Told once that is durable here: the returned commit. A note that is taken back is no end.
        """
        label = self._fleet.label(node_id)
        ended = [end for one in declined for end in self._decline(one, label)]

        def tell(group: asyncio.Future[None]) -> None:
            if group.exception() is None:
                for envelope_id, refused in ended:
                    self._events.moved(envelope_id, (refused,), sent=True)

        group = self._store.commit()
        group.add_done_callback(tell)
        return group

    def _decline(self, declined: Declined, label: str) -> tuple[tuple[str, Entry], ...]:
        row = self._store.outbox.get(declined.envelope_id)
        if row is None or not may(SENDER, row.state, Event.REFUSE):
            return ()
        error = declined.error
        event = Event.EXPIRE if isinstance(error, Expired) else Event.REFUSE
        if row.remote:  # it had taken it once, and may have typed it
            event = Event.LOSE
        entry = Entry(
            step(SENDER, row.state, event), self._clock.wall_s(), label, error.code,
            detail=error.message,
        )  # fmt: skip
        self._store.outbox.end(row.envelope.id, entry)
        self._leave(row)
        self._audit("envelope refused", row.envelope, by=label, reason=error.code)
        return ((row.envelope.id, entry),)

    async def reported(
        self, node_id: str, reports: Iterable[Report]
    ) -> tuple[tuple[str, int], ...]:
        """Store a node's news of envelopes sent to it; what is now known of each, as counts."""
        counts: list[tuple[str, int]] = []
        grown: list[tuple[str, tuple[Entry, ...], int]] = []
        for report in reports:
            row = self._store.outbox.get(report.envelope_id)
            if row is None or row.envelope.to_node != node_id:
                counts.append((report.envelope_id, report.first + len(report.entries)))
                continue
            count, news = self._append(row, report)
            counts.append((report.envelope_id, count))
            grown.append((report.envelope_id, news, report.cleaned))
        fault("receipt:before_commit")
        await self._store.commit()
        fault("receipt:after_commit_before_ack")
        for envelope_id, news, cleaned in grown:
            if news:
                self._events.moved(envelope_id, news, cleaned, sent=True)
        return tuple(counts)

    def _append(self, row: Outgoing, report: Report) -> tuple[int, tuple[Entry, ...]]:
        known = max(row.remote, 1)  # the first entry, accepted, came with the answer to the batch
        news = report.entries[max(0, known - report.first) :]
        if report.first > known or not news:
            return row.remote, ()
        label = self._fleet.label(row.envelope.to_node)
        told = tuple(Entry(e.state, e.at_s, label, e.reason, e.evidence, e.detail) for e in news)
        if row.state is State.QUEUED:
            told = (Entry(State.ACCEPTED, told[0].at_s, label), *told)
            self._leave(row)
        told = _credible(row, told)
        if not told:
            self._store.outbox.heard(row.envelope.id, known + len(news))
            return known + len(news), ()
        self._store.outbox.report(row.envelope.id, told, known + len(news), report.cleaned)
        if told[-1].state in TERMINAL:
            self._audit("envelope ended", row.envelope, state=told[-1].state, by=label)
        return known + len(news), told

    # --- when what two nodes know is compared ---

    def standing(self, node_id: str) -> tuple[tuple[str, int], ...]:
        """What a node has taken and not ended, as far as is known here, and what was ended here without
        asking it: an older copy of this database may not know that it was taken."""
        since_s = self._clock.wall_s() - DEDUPE_KEPT_S
        ended = [(envelope_id, 0) for envelope_id in self._ended_here.get(node_id, ())]
        return (*ended, *self._store.outbox.standing(node_id, since_s))

    def compared(self, node_id: str) -> None:
        """From now on nothing is ended here that the node has."""
        self._compared.add(node_id)
        self._ended_here.pop(node_id, None)

    def ended_of(
        self, node_id: str, open_there: Iterable[tuple[str, int]]
    ) -> tuple[tuple[str, State], ...]:
        """How envelopes ended that a node says are open there. Of others it tells anew from what it has."""
        ended: list[tuple[str, State]] = []
        for envelope_id, entries in open_there:
            row = self._store.outbox.get(envelope_id)
            if row is None or row.envelope.to_node != node_id:
                continue
            if row.state in TERMINAL or row.state is State.TYPED:
                ended.append((envelope_id, row.state))
            elif row.remote > entries:
                self._store.outbox.heard(envelope_id, entries)
        return tuple(ended)

    def forgotten(self, node_id: str, ids: Iterable[str]) -> int:
        """A node does not know any more what it took: offered again, unless it had been typed there."""
        number = 0
        label = self._fleet.label(node_id)
        for envelope_id in ids:
            row = self._store.outbox.get(envelope_id)
            if row is None or row.envelope.to_node != node_id:
                continue
            if may(SENDER, row.state, Event.FORGET):
                state = step(SENDER, row.state, Event.FORGET)
                entry = Entry(state, self._clock.wall_s(), label, detail=FORGOTTEN)
                self._store.outbox.again(envelope_id, entry)
                self.room.count(node_id, +1, size_of(row.envelope.text))
            elif row.state is not State.QUEUED and may(SENDER, row.state, Event.LOSE):
                state = step(SENDER, row.state, Event.LOSE)
                entry = Entry(state, self._clock.wall_s(), label, detail=FORGOTTEN)
                self._store.outbox.report(envelope_id, (entry,), row.remote, row.cleaned)
                self._audit("envelope ended", row.envelope, state=state, detail=FORGOTTEN)
            else:
                continue
            self._events.moved(envelope_id, (entry,))
            number += 1
        self._tails.pop(node_id, None)  # what is queued again is older than what it holds
        self._taken_before[node_id] = self._store.outbox.taken_before(node_id)
        self._store.commit_soon()
        return number

    # --- ends on this side ---

    async def expire(self) -> None:
        """End what was not taken in time, and what is for a node that was put out.

        What the recipient's node may have is not ended here: it is offered again on the next link,
        with no time left, and that node says what became of it. After ``DEDUPE_KEPT_S`` without a
        word from it nobody will ever know. Whoever feeds its node is told that something waits: what
        a disk that failed has kept back is tried again by that.
        """
        now_s = self._clock.wall_s()
        table = self._store.outbox
        for node_id in table.waited_for():
            self.queued(node_id)
            shown = self._reach.shown(node_id)
            if revoked := self._fleet.roster.put_out(node_id):
                why = f"its node was put out of the fleet ({revoked.reason})"
                for row in table.overdue(node_id, inf, after_seq=shown):
                    await self._end(row, Event.REFUSE, why, NotPaired.code)
                for row in table.overdue(node_id, inf, up_to_seq=shown):
                    await self._end(row, Event.LOSE, f"{why}; it may have it")
                continue
            for row in table.overdue(node_id, now_s, after_seq=shown):
                await self._end(row, Event.EXPIRE, "not taken by the recipient's node in time")
            for row in table.overdue(node_id, now_s - DEDUPE_KEPT_S, up_to_seq=shown):
                await self._end(row, Event.LOSE, "its node may have it, and was not heard of again")

    async def cancel(self, row: Outgoing, who: str) -> Receipt:
        """Take back an envelope that still waits here.

        Raises:
            WrongState: it is not here any more.
        """
        if not may(SENDER, row.state, Event.CANCEL):
            raise WrongState(
                f"{row.envelope.id} is {row.state} at {row.envelope.to}", hint="see fleet show"
            )
        await self._end(row, Event.CANCEL, f"by {who}")
        after = self._store.outbox.get(row.envelope.id)
        return (after or row).receipt

    async def _end(self, row: Outgoing, event: Event, detail: str, reason: str = "") -> None:
        entry = self._entry(step(SENDER, row.state, event), detail, reason)
        self._store.outbox.end(row.envelope.id, entry)
        self._audit("envelope ended", row.envelope, state=entry.state, detail=detail)
        self._leave(row)
        if row.envelope.to_node not in self._compared:
            self._ended_here.setdefault(row.envelope.to_node, []).append(row.envelope.id)
        await self._store.commit()
        self._events.moved(row.envelope.id, (entry,), sent=True)

    def _leave(self, row: Outgoing) -> None:
        node_id = row.envelope.to_node
        if (tail := self._tails.get(node_id)) is not None:
            tail.drop(row.seq)
        self.room.count(node_id, -1, -size_of(row.envelope.text))

    def _entry(self, state: State, detail: str = "", reason: str = "") -> Entry:
        label = self._fleet.label(self._fleet.me.node_id)
        return Entry(state, self._clock.wall_s(), label, reason, detail=detail)

    def _audit(self, kind: str, envelope: Envelope, **facts: object) -> None:
        self._store.audit(
            kind,
            self._clock.wall_s(),
            id=envelope.id,
            sender=envelope.sender,
            to=envelope.to,
            **facts,
        )


def _credible(row: Outgoing, told: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """What is kept of a node's news. It may not take back an end that it has told, nor tell for ever."""
    if row.remote and row.state in TERMINAL:
        told = tuple(entry for entry in told if entry.state in LATER[row.state])
    room = max(0, TIMELINE_LIMIT - row.remote)
    return (*told[:room], *(entry for entry in told[room:][-1:] if entry.state in TERMINAL))
