"""The recipient's side of the queue: accepts once, keeps order, tells the sender's node.

Every change of an envelope goes through ``advance``: one row of the core's table, written down, and
told (to the sender's node, to whoever watches) only after it is durable. The courier does the
typing; people approve, cancel and acknowledge.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from fleet.core.address import NAME, OPERATOR
from fleet.core.delivery import (
    RECIPIENT,
    TERMINAL,
    Event,
    Evidence,
    HoldReason,
    State,
    may,
    step,
)
from fleet.core.envelope import (
    ENVELOPE_ID,
    HOPS_LIMIT,
    LONGEST_EXPIRY_S,
    Entry,
    Envelope,
    check_text,
    digest,
)
from fleet.core.errors.base import FleetError
from fleet.core.errors.ends import Expired, Refused
from fleet.core.errors.names import UnknownAgent
from fleet.core.errors.requests import MalformedName, MalformedRequest, WrongState
from fleet.core.errors.store import MailboxFull, StoreFailed
from fleet.core.errors.trust import NotAllowed, NotPaired
from fleet.core.frames import Declined, Offer, Posted, Report, Taken
from fleet.core.trust import Caller, Ruling, check_hops
from node.engine.earlier import Earlier
from node.engine.events import Events
from node.engine.fleet import Fleet
from node.engine.permits import Permits
from node.engine.refusals import RefusedMail
from node.engine.room import size_of
from node.faults import fault
from node.ports.host import Clock
from node.records import Agent, Incoming
from node.store import SqliteStore

INBOX_LIMIT = 100_000
"""Envelopes that may wait for one agent. The sender's node keeps the rest and tries again."""
SHARE = 25_000
"""Of these, from one other node: it cannot fill an inbox so that nobody else's finds room."""
SHARE_BYTES = 64 * 1024 * 1024
"""Bytes of text that may wait here from one other node, for all agents together."""

_OFFERED_AGAIN = "it was here before, and may have been typed: this database is older than that"
_PANE_KNOWS_MORE = "its pane was given more than this database knows of: it is older than that"
_SENDER_MAY_KNOW = "it may have been typed before, if this database is an old copy"
_WAITING = (State.ACCEPTED, State.HELD)
_ENDED_AS = {
    State.CANCELLED: Event.CANCEL, State.EXPIRED: Event.EXPIRE, State.REFUSED: Event.REFUSE,
}  # fmt: skip
_TOLD_LATER = frozenset({State.TYPING})  # too short-lived to be worth a frame of its own
_BATCH = 256
_LONGEST_NAME = 63  # of the grammar's names; an id is shorter
_GONE_S = 15.0  # a sender's node offers what found no room once a second, unless it was taken back


class Inbox:
    """Everything that was accepted for the agents of this node."""

    def __init__(
        self, fleet: Fleet, permits: Permits, store: SqliteStore, clock: Clock, events: Events
    ) -> None:
        self._fleet = fleet
        self._permits = permits
        self._store = store
        self._clock = clock
        self._events = events
        self._open: dict[tuple[str, str], int] = {}  # for an agent from a node, or from all: ""
        self._sizes: dict[str, int] | None = (
            None  # bytes of text from each node; read when asked for
        )
        # For each pair what found no room, in order, each with the time until which it is expected.
        self._declined: dict[tuple[str, str, str], dict[str, float]] = {}
        self._refused = RefusedMail(store)
        self.limit = INBOX_LIMIT
        self.share, self.share_bytes = SHARE, SHARE_BYTES
        # Ids that a person lets through to a screen nobody knows. Not stored: it is said of that screen.
        self.let_through: set[str] = set()
        self.losses = 0
        """How often a group of writes was taken back."""
        self.earlier = Earlier(store.inbox.last_before, fleet.me.node_id, clock.now_s())
        store.database.on_loss(self._lost)
        fleet.listen(self._members_changed)
        fleet.followed(self._follow)
        self._accepting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.agent: Callable[[str], Agent | None] = lambda _name: None
        # Whether all that was typed to an agent is known here; None where its pane cannot tell.
        self.knows_all: Callable[[str], Awaitable[bool | None]] = _cannot_tell
        # Has the pane say, once, whether what an earlier life left was typed since.
        self.ask_pane: Callable[[str], Awaitable[None]] = _ask_nobody
        self.wake: Callable[[str], None] = lambda _name: None
        self.tell: Callable[[str, tuple[Report, ...]], None] = lambda _node_id, _reports: None

    def _lost(self) -> None:
        self.losses += 1
        self._open.clear()
        self._sizes = None
        self._declined.clear()  # every link begins anew, with all that is queued

    def _follow(self, old: str, _new: str) -> None:
        """A node goes on under another id; the store says so already, and its link begins anew."""
        self._open.clear()
        self._sizes = None
        self._refused.read_again()
        for pair in [pair for pair in self._declined if pair[0] == old]:
            del self._declined[pair]

    # --- accepting ---

    def accept(self, caller: Caller, envelope: Envelope) -> tuple[Entry, ...]:
        """Stage an envelope of a proven sender; its first timeline entries.

        The same envelope again changes nothing, and has none. Durable with the store's next commit.

        Raises:
            FleetError: it is not taken: unknown agent, no grant, full, too long a conversation.
        """
        check_text(envelope.text)
        check_hops(envelope.thread, envelope.hops, HOPS_LIMIT)
        ruling = self._ruling(caller, envelope)
        if full := self._full(envelope):
            raise full
        entries: tuple[Entry, ...] = (self._entry(State.ACCEPTED),)
        if not ruling.approved:
            entries += (self._entry(State.HELD, HoldReason.APPROVAL),)
        if self._store.inbox.add(envelope, entries[-1].state, entries, approved=ruling.approved):
            fault("rx:in_txn")
            self._permits.used(caller, ruling.spends)
            self._counted(envelope, +1)
            held = {} if ruling.approved else {"held": HoldReason.APPROVAL.value}
            text = digest(envelope.text)
            self._audit("envelope taken", envelope, digest=text, by=ruling.by, **held)
        elif not self._store.inbox.holds(envelope.id, envelope.from_node):
            raise Refused(f"an envelope of another node has the id {envelope.id}")
        else:
            return ()
        return entries

    def _ruling(self, caller: Caller, envelope: Envelope) -> Ruling:
        agent = self.agent(envelope.recipient)
        if agent is None and envelope.recipient != OPERATOR:
            raise UnknownAgent(envelope.to)
        return self._permits.message(caller, agent, raw=envelope.raw)

    async def accept_batch(self, node_id: str, batch: Iterable[Posted]) -> Taken:
        """Take a peer's envelopes; answered after the commit.

        Once one of a pair is to be retried, later ones of that pair are declined too until it has
        come again: order is kept per sender and recipient.
        """
        taken: list[str] = []
        declined: list[Declined] = []
        recipients: dict[str, None] = {}  # in the order of the batch
        held: list[str] = []
        again: list[str] = []
        batch = tuple(batch)
        losses = self.losses
        # What comes later does not overtake while panes are looked at.
        async with self._accepting[node_id]:
            doubtful = await self._doubtful(node_id, batch)
        if losses != self.losses:
            raise StoreFailed("a batch before this one was taken back: it would be overtaken")
        self._fleet.require_current(node_id)
        earlier, refused = self._refused.of(node_id), dict[str, FleetError]()
        for posted in batch:
            envelope_id = posted.envelope.id
            if (refusal := earlier.get(envelope_id)) is not None:
                declined.append(Declined(envelope_id, refusal))
                continue
            try:
                envelope = self._arrived(node_id, posted)
                self._in_turn(envelope)
                entries = self.accept(self._fleet.peer_caller(envelope.sender, node_id), envelope)
                recipients[envelope.recipient] = None
                held += [envelope_id] if len(entries) > 1 else []
                again += [] if entries else [envelope_id]
                taken.append(envelope_id)
                if envelope_id in doubtful:
                    self._doubt(envelope_id, _OFFERED_AGAIN)
            except StoreFailed:
                raise  # what was taken of the batch before is taken back with it
            except FleetError as error:
                if self._store.inbox.holds(envelope_id, node_id):
                    again.append(envelope_id)
                    taken.append(envelope_id)
                elif isinstance(error, MailboxFull):
                    declined.append(Declined(envelope_id, error, retry=True))
                else:
                    declined.append(Declined(envelope_id, error))
                    refused[envelope_id] = error
                    self.declined(self._claimed(node_id, posted.envelope), error)
        if refused:
            self._refused.add(node_id, refused)
        # Before the commit: the look at the pane is taken while the disk is written. Whatever would be
        # typed is written down once more first, and that commit comes after this one.
        for name in recipients:
            self.wake(name)
        # Whoever offers it has no news of it: its database may be an older copy.
        retold = [i for i in again if self._store.inbox.untell(i, 1)]
        fault("rx:before_commit")
        await self._store.commit()
        for envelope_id in held:
            if (item := self._store.inbox.get(envelope_id)) is not None:
                self._spread(item, here=False)
        items = [item for i in retold if (item := self._store.inbox.get(i)) is not None]
        self.tell(node_id, tuple(map(self._report, items)))
        fault("rx:after_commit_before_ack")
        return Taken(tuple(taken), tuple(declined))

    async def _doubtful(self, node_id: str, batch: Iterable[Posted]) -> set[str]:
        """Of what was offered before and is not here: what may have been typed, and was forgotten.

        What never arrived is no different in a node that forgot nothing, so the pane decides: it
        carries the number of the last paste. Of what was taken here once it has to prove more.
        """
        known: dict[str, bool | None] = {OPERATOR: True}
        found: set[str] = set()
        for envelope, _, offer in batch:
            if offer is Offer.FIRST or self._store.inbox.holds(envelope.id, node_id):
                continue
            name = envelope.recipient
            if name not in known:
                known[name] = await self.knows_all(name)
            if known[name] is False or (offer is Offer.TAKEN and known[name] is None):
                found.add(envelope.id)
        return found

    def _doubt(self, envelope_id: str, why: str) -> None:
        item = self._store.inbox.get(envelope_id)
        if item is not None and may(RECIPIENT, item.state, Event.LOSE):
            self.advance(item, Event.LOSE, detail=why)

    def doubt_before(self, name: str) -> None:
        """An agent's pane was given more than is known here: what an earlier life left may have been it."""
        for item in self._store.inbox.open(name):
            if item.seq <= self._store.inbox.last_before and item.state in _WAITING:
                self.advance(item, Event.LOSE, detail=_PANE_KNOWS_MORE)

    # --- when what two nodes know is compared ---

    def standing(self, node_id: str) -> tuple[tuple[str, int], ...]:
        """What a node sent and is not ended here."""
        return tuple(self._store.inbox.standing(node_id))

    def untell(self, node_id: str, envelope_id: str, count: int) -> bool:
        """Whether an envelope of a node is here. It has so many entries of it, and is told the rest."""
        if not self._store.inbox.holds(envelope_id, node_id):
            return False
        self._store.inbox.untell(envelope_id, max(1, count))
        return True

    def ended_elsewhere(self, node_id: str, ended: Iterable[tuple[str, State]]) -> int:
        """Their sender's node was told that these had ended, or were typed: they are not typed again."""
        number = 0
        for envelope_id, state in ended:
            item = self._store.inbox.get(envelope_id)
            if item is None or item.envelope.from_node != node_id or item.state not in _WAITING:
                continue
            event = _ENDED_AS.get(state, Event.LOSE)
            self.advance(item, event, detail=f"{state} before, as its sender's node was told")
            number += 1
        return number

    def _claimed(self, node_id: str, sent: Envelope) -> Envelope:
        """What a peer's node says of an envelope, as far as it goes into the log: whose node it is we
        know better, and nothing is as long as it likes."""
        agent = sent.sender.partition("@")[0][:_LONGEST_NAME]
        return sent._replace(
            id=sent.id[:_LONGEST_NAME],
            sender=f"{agent}@{self._fleet.label(node_id)}",
            from_node=node_id,
            to=f"{sent.recipient[:_LONGEST_NAME]}@{self._fleet.label(self._fleet.me.node_id)}",
        )

    def declined(self, envelope: Envelope, error: FleetError) -> None:
        """Write down that an envelope was not taken, and why; staged in the store."""
        if self._permits.is_written(envelope.from_node, error):
            self._audit("envelope declined", envelope, reason=error.code)

    def _arrived(self, node_id: str, posted: Posted) -> Envelope:
        """The envelope as this node tells it: who sent it is what TLS proves, times are ours."""
        sent = posted.envelope
        agent = sent.sender.partition("@")[0]
        if NAME.fullmatch(agent) is None:
            raise MalformedName(agent, "a sender's name must be well-formed")
        ids = (sent.id, sent.thread, *([sent.reply_to] if sent.reply_to else ()))
        if not all(ENVELOPE_ID.fullmatch(i) for i in ids):
            raise MalformedRequest(f"an envelope id of {sent.sender} is malformed")
        if posted.expires_in_s <= 0:
            raise Expired(f"the time of {sent.id} ran out on the way to {self._fleet.me.name}")
        now_s = self._clock.wall_s()
        return Envelope(
            id=sent.id,
            sender=f"{agent}@{self._fleet.label(node_id)}",
            from_node=node_id,
            to=f"{sent.recipient}@{self._fleet.label(self._fleet.me.node_id)}",
            to_node=self._fleet.me.node_id,
            recipient=sent.recipient,
            text=sent.text,
            thread=sent.thread,
            reply_to=sent.reply_to,
            hops=sent.hops,
            raw=sent.raw,
            created_at_s=now_s,
            expires_at_s=now_s + min(posted.expires_in_s, LONGEST_EXPIRY_S),
            draft_limit_s=sent.draft_limit_s,
        )

    def _in_turn(self, envelope: Envelope) -> None:
        """Once one of a pair found no room, later ones wait until it has come again, or is gone."""
        pair = (envelope.from_node, envelope.sender, envelope.recipient)
        is_full = self._full(envelope) is not None
        waiting = self._declined.get(pair)
        if waiting is None:
            if not is_full:
                return
            waiting = self._declined[pair] = {}
        now_s = self._clock.now_s()
        while waiting and waiting[first := next(iter(waiting))] <= now_s and first != envelope.id:
            del waiting[first]
        is_next = next(iter(waiting), envelope.id) == envelope.id
        is_here = self._store.inbox.holds(envelope.id, envelope.from_node)
        if (is_full or not is_next) and not is_here:
            waiting[envelope.id] = now_s + _GONE_S
        else:
            waiting.pop(envelope.id, None)
        if not waiting:
            del self._declined[pair]
        if not is_next:
            raise MailboxFull(f"the inbox of {envelope.to}", self.limit)

    # --- moving on ---

    def advance(
        self,
        item: Incoming,
        event: Event,
        reason: str = "",
        detail: str = "",
        evidence: Evidence | None = None,
    ) -> Incoming:
        """Write down what happened; told to others once it is durable.

        The caller may change ``mark``, ``token``, ``nonce``, ``cleaned`` and ``approved`` of the
        item first; they are written with it. The agent may have answered, or somebody forgotten it,
        since the caller last looked: what ended the envelope meanwhile stands, and is returned.
        """
        now = self._store.inbox.get(item.envelope.id) or item
        if now.state is not item.state and not may(RECIPIENT, now.state, event):
            return now
        state = step(RECIPIENT, now.state, event)
        entry = self._entry(state, reason, detail, evidence)
        # Its node may go on under another id since the caller last looked.
        here = now.envelope.from_node == self._fleet.me.node_id
        after = replace(
            item, envelope=now.envelope, state=state, timeline=(*now.timeline, entry), told=now.told
        )
        if here:
            after = replace(after, told=len(after.timeline))
            self._store.outbox.report(item.envelope.id, (entry,), after.told, after.cleaned)
        self._store.inbox.update(after, (entry,))
        if state in TERMINAL and now.state not in TERMINAL:
            self._counted(now.envelope, -1)
        if state in TERMINAL:
            self.let_through.discard(item.envelope.id)
            if now.state in _WAITING:  # what waited behind it may come now, or say why it waits
                self.wake(item.envelope.recipient)
            self._audit("envelope ended", item.envelope, state=state.value, detail=detail)
        self._store.commit().add_done_callback(
            lambda group: None if group.exception() else self._spread(after, here=here)
        )
        return after

    def hold(self, item: Incoming, reason: HoldReason, detail: str) -> Incoming:
        """Note why it waits; the same reason again is not news."""
        last = item.timeline[-1]
        if item.state is State.HELD and (last.reason, last.detail) == (reason, detail):
            return item
        return self.advance(item, Event.HOLD, reason, detail)

    def _spread(self, item: Incoming, *, here: bool) -> None:
        self._events.moved(item.envelope.id, item.timeline[-1:], item.cleaned)
        if not here and item.state not in _TOLD_LATER:
            self.tell(item.envelope.from_node, (self._report(item),))

    async def news_for(self, node_id: str) -> tuple[Report, ...]:
        """What a node has not confirmed yet, oldest first; again after each reconnect.

        What is written and not yet committed is among it, and so told only after the commit.
        """
        news = tuple(self._report(item) for item in self._store.inbox.untold(node_id, _BATCH))
        await self._store.commit()
        return news

    async def told(self, node_id: str, counts: tuple[tuple[str, int], ...]) -> None:
        """A node has stored this much of our news."""
        fault("receipt:after_send_before_db")
        self._store.inbox.told(node_id, counts)
        await self._store.commit()

    def _report(self, item: Incoming) -> Report:
        first = max(1, item.told)
        return Report(item.envelope.id, first, item.timeline[first:], item.cleaned)

    # --- what people and agents do ---

    async def acknowledge(self, item: Incoming, caller: Caller) -> Incoming:
        """The agent (or the operator for it) confirms; evidence that needs no screen.

        Raises:
            NotAllowed: it is somebody else's.
        """
        if not caller.is_own_operator and caller.agent != item.envelope.recipient:
            raise NotAllowed(str(caller), "acknowledge", item.envelope.id)
        if item.state is State.ACKNOWLEDGED:
            return item
        self._require(item, Event.ACK)
        item = self.advance(item, Event.ACK, detail=f"by {caller}")
        await self._store.commit()
        return item

    async def cancel(self, item: Incoming, who: str) -> Incoming:
        """Take back what was not typed yet.

        Raises:
            WrongState: too late.
        """
        self._require(item, Event.CANCEL)
        item = self.advance(item, Event.CANCEL, detail=f"by {who}")
        await self._store.commit()
        self.wake(item.envelope.recipient)
        return item

    async def release(self, item: Incoming, who: str) -> Incoming:
        """Let through what a person may let through, and have the rest looked at again.

        What waited for approval is approved. What waits because the screen is not known is typed all
        the same, once, if nothing else stands against it. Any other hold stays as long as its reason.

        Raises:
            WrongState: it is not held.
        """
        if item.state is not State.HELD:
            raise WrongState(
                f"{item.envelope.id} is not held: {item.state}",
                hint=f"fleet show {item.envelope.id}",
            )
        if not item.approved:
            self._audit("envelope released", item.envelope, by=who)
            item = self.advance(replace(item, approved=True), Event.RELEASE, detail=f"by {who}")
            await self._store.commit()
        elif item.timeline[-1].reason == HoldReason.UNKNOWN:
            self.let_through.add(item.envelope.id)
        self.wake(item.envelope.recipient)
        return item

    async def expire(self) -> None:
        """End what was not typed in time. Of what an earlier life left its pane is asked first, and its
        sender's node waited for: it may have been typed, and be in doubt."""
        overdue = self._store.inbox.overdue(self._clock.wall_s())
        unproven = (i.envelope.recipient for i in overdue if self.earlier.is_unproven(i))
        for name in dict.fromkeys(unproven):
            await self.ask_pane(name)
        for item in overdue:
            if not self.earlier.is_waited_for(item, self._clock.now_s()):
                self._end_untyped(item, Event.EXPIRE, detail="not typed in time")
        await self._store.commit()

    def refuse_all(self, name: str, detail: str) -> None:
        """An agent is forgotten: what still waited for it is refused, and its senders are told."""
        for item in self._store.inbox.open(name):
            if may(RECIPIENT, item.state, Event.REFUSE):
                self._end_untyped(item, Event.REFUSE, "unknown_agent", detail)
            else:
                self.advance(item, Event.LOSE, "unknown_agent", detail)

    def _members_changed(self) -> None:
        """What a node sent before it was put out is typed to no agent after; a person may read it."""
        for node_id in self._store.inbox.origins():
            if revoked := self._fleet.roster.put_out(node_id):
                self._refuse_from(node_id, f"its node was put out of the fleet ({revoked.reason})")

    def _refuse_from(self, node_id: str, why: str) -> None:
        for item in self._store.inbox.open_from(node_id):
            name = item.envelope.recipient
            if name != OPERATOR and may(RECIPIENT, item.state, Event.REFUSE):
                self._end_untyped(item, Event.REFUSE, NotPaired.code, why)
                self.wake(name)

    def _end_untyped(
        self, item: Incoming, event: Event, reason: str = "", detail: str = ""
    ) -> None:
        """End what still waits here; in doubt, if its sender's node may know that it was typed."""
        if self.earlier.may_be_known(item):
            event, detail = Event.LOSE, f"{detail}; {_SENDER_MAY_KNOW}"
        self.advance(item, event, reason, detail)

    def _require(self, item: Incoming, event: Event) -> None:
        if not may(RECIPIENT, item.state, event):
            raise WrongState(
                f"{item.envelope.id} is {item.state}: too late to {event}",
                hint=f"fleet show {item.envelope.id}",
            )

    # --- counting and telling ---

    def _full(self, envelope: Envelope) -> MailboxFull | None:
        """Why there is no room for it, if there is none: for anybody's, or for its node's."""
        name, origin = envelope.recipient, envelope.from_node
        if self._count(name) >= self.limit:
            return MailboxFull(f"the inbox of {envelope.to}", self.limit)
        if origin == self._fleet.me.node_id:
            return None
        part = f"{self._fleet.label(origin)}'s part of the inbox"
        if self._count(name, origin) >= self.share:
            return MailboxFull(f"{part} of {envelope.to}", self.share)
        if self._size(origin) + size_of(envelope.text) > self.share_bytes:
            return MailboxFull(
                f"{part} of {self._fleet.me.name}", self.share_bytes, "bytes of text"
            )
        return None

    def _count(self, name: str, origin: str = "") -> int:
        key = (name, origin)
        if key not in self._open:
            self._open[key] = self._store.inbox.open_count(name, origin)
        return self._open[key]

    def _size(self, origin: str) -> int:
        if self._sizes is None:
            self._sizes = self._store.inbox.sizes()
        return self._sizes.get(origin, 0)

    def _counted(self, envelope: Envelope, change: int) -> None:
        """One more or less than before; what was never counted is read when it is asked for."""
        for key in ((envelope.recipient, ""), (envelope.recipient, envelope.from_node)):
            if key in self._open:
                self._open[key] += change
        if self._sizes is not None:
            size = self._sizes.get(envelope.from_node, 0) + change * size_of(envelope.text)
            self._sizes[envelope.from_node] = size

    def _entry(
        self, state: State, reason: str = "", detail: str = "", evidence: Evidence | None = None
    ) -> Entry:
        label = self._fleet.label(self._fleet.me.node_id)
        return Entry(state, self._clock.wall_s(), label, reason, evidence, detail)

    def _audit(self, kind: str, envelope: Envelope, **facts: object) -> None:
        self._store.audit(
            kind,
            self._clock.wall_s(),
            id=envelope.id,
            sender=envelope.sender,
            to=envelope.to,
            **facts,
        )


async def _cannot_tell(_name: str) -> bool | None:
    return None


async def _ask_nobody(_name: str) -> None:
    return
