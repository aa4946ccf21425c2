"""What callers do with envelopes: send and wait, reply, acknowledge, look up, take back, revive.

The wait ends when the wanted state is reached, when no better state can come, or when time is up;
the answer is the receipt as it then is, never a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from fleet.core.address import NODE_ITSELF, OPERATOR, parse_query
from fleet.core.delivery import DEAD_LETTERS, TERMINAL, State
from fleet.core.envelope import Envelope, Receipt
from fleet.core.errors.base import FleetError
from fleet.core.errors.ends import LoopStopped
from fleet.core.errors.names import UnknownEnvelope
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import CancelAsk
from fleet.core.trust import Caller
from fleet.outcomes import reached
from node.engine.events import Events
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.outbox import Outbox, Wish
from node.engine.peers import Peers
from node.records import Incoming, Outgoing
from node.store import SqliteStore

WAIT_S = 30.0
_CANCEL_TRIES = 3
_LOOK_AGAIN_S = 1.0  # a look takes milliseconds, unless tmux does not answer

log = structlog.get_logger()

Progress = Callable[[Receipt], None]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a caller waits for what. ``wanted`` None: what makes sense for the recipient."""

    wanted: State | None = None
    timeout_s: float = WAIT_S


class Talk:
    """Conversations of this node's callers."""

    def __init__(
        self,
        fleet: Fleet,
        inbox: Inbox,
        outbox: Outbox,
        peers: Peers,
        store: SqliteStore,
        events: Events,
    ) -> None:
        self._fleet = fleet
        self._inbox = inbox
        self._outbox = outbox
        self._peers = peers
        self._store = store
        self._events = events

    async def send(
        self, caller: Caller, wish: Wish, wait: Wait, progress: Progress
    ) -> tuple[Receipt, State]:
        """Send, then wait; the receipt, and the state that was waited for."""
        receipt = await self._sent(caller, wish)
        wanted = wait.wanted or default_wait(receipt)
        return await self._follow(receipt, wanted, wait.timeout_s, progress), wanted

    async def post(self, caller: Caller, wish: Wish) -> Receipt:
        """Send, and wait for nothing: it is durable here."""
        return await self._outbox.send(caller, wish)

    async def _sent(self, caller: Caller, wish: Wish) -> Receipt:
        try:
            return await self._outbox.send(caller, wish)
        except LoopStopped as stopped:
            await self._tell_operators(self.find(wish.reply_to).envelope, stopped)
            raise

    async def _tell_operators(self, parent: Envelope, stopped: LoopStopped) -> None:
        """People on both sides learn, once, that their agents went round in circles."""
        text = f"{stopped.message}: {parent.sender} and {parent.to}. {stopped.hint}."
        for node_id in sorted({parent.from_node, parent.to_node}):
            to = f"{OPERATOR}@{self._fleet.label(node_id)}"
            key = f"loop {parent.thread} {node_id}"
            try:
                await self._outbox.send(self._fleet.caller(NODE_ITSELF), Wish(to, text, key=key))
            except FleetError as error:  # the agent is to be told of the loop, not of this
                log.warning("operator not told", to=to, error=error.code, detail=str(error))

    async def reply(
        self, caller: Caller, item: Incoming, wish: Wish, wait: Wait, progress: Progress
    ) -> tuple[Receipt, State]:
        """Answer an envelope to its sender; the answer acknowledges it."""
        if not caller.is_own_operator and caller.agent != item.envelope.recipient:
            raise NotAllowed(str(caller), "answer", item.envelope.id)
        receipt = await self._sent(caller, wish)
        if item.state is not State.ACKNOWLEDGED:
            await self._inbox.acknowledge(self.incoming(item.envelope.id), caller)
        wanted = wait.wanted or default_wait(receipt)
        return await self._follow(receipt, wanted, wait.timeout_s, progress), wanted

    async def _follow(
        self, receipt: Receipt, wanted: State, timeout_s: float, progress: Progress
    ) -> Receipt:
        # Nothing ran between the commit and here, so the receipt is the newest there is.
        watch = self._events.watch(receipt)
        progress(receipt)
        try:
            async with asyncio.timeout(timeout_s):
                while not is_over(watch.receipt.last.state, wanted):
                    progress(await watch.next())
        except TimeoutError:
            pass
        finally:
            self._events.unwatch(watch)
        return watch.receipt

    # --- looking up ---

    def incoming(self, typed_id: str) -> Incoming:
        """One envelope of the inbox, by id or a prefix that fits only one.

        Raises:
            UnknownEnvelope: none, or several.
        """
        item = self._store.inbox.get(self._whole(typed_id, self._store.inbox.like))
        if item is None:
            raise UnknownEnvelope(typed_id)
        return item

    def find(self, typed_id: str) -> Incoming | Outgoing:
        """One envelope of either queue; the inbox knows more of what is delivered here.

        Raises:
            UnknownEnvelope: none, or several.
        """
        whole = self._whole(
            typed_id,
            lambda prefix: self._store.inbox.like(prefix) + self._store.outbox.like(prefix),
        )
        found = self._store.inbox.get(whole) or self._store.outbox.get(whole)
        if found is None:
            raise UnknownEnvelope(typed_id)
        return found

    def _whole(self, typed_id: str, like: Callable[[str], list[str]]) -> str:
        prefix = typed_id.strip().upper()
        fitting: set[str] = set(like(prefix)) if prefix else set()
        if len(fitting) != 1:
            raise UnknownEnvelope(typed_id, several=len(fitting))
        return fitting.pop()

    # --- acting on one ---

    async def cancel(self, caller: Caller, typed_id: str) -> Receipt:
        """Take back an envelope wherever it is, if it was not typed yet.

        Raises:
            NotAllowed: it is somebody else's.
            WrongState: too late.
        """
        found = self.find(typed_id)
        if not caller.is_own_operator and str(caller) != found.envelope.sender:
            raise NotAllowed(str(caller), "cancel", found.envelope.id)
        if isinstance(found, Incoming):
            return (await self._inbox.cancel(found, str(caller))).receipt
        if found.state is State.QUEUED and not self._outbox.may_be_there(found):
            return await self._outbox.cancel(found, str(caller))
        return await self._cancel_there(caller, found)

    async def _cancel_there(self, caller: Caller, found: Outgoing) -> Receipt:
        """Have it taken back by its node, or here when that node says that it has not got it.

        That word counts unless the envelope was shown meanwhile: then it is asked once more.
        """
        envelope_id, node_id = found.envelope.id, found.envelope.to_node
        for tries_left in reversed(range(_CANCEL_TRIES)):
            session = self._peers.session(node_id)
            try:
                await self._peers.ask(node_id, CancelAsk(str(caller), envelope_id))
                break
            except UnknownEnvelope:
                now = self._store.outbox.get(envelope_id)
                is_shown = session is not self._peers.session(node_id) or (
                    session is not None and envelope_id in session.sent
                )
                if now is not None and now.state is State.QUEUED and not is_shown:
                    return await self._outbox.cancel(now, str(caller))
                if not tries_left:
                    raise
        after = self._store.outbox.get(envelope_id)
        return (after or found).receipt

    async def release(self, caller: Caller, typed_id: str) -> Receipt:
        """Have a held envelope let through, or looked at once more; the receipt after that look.

        Still ``held`` in it means that the look found a reason, and it is the newest entry's.

        Raises:
            WrongState: it is not held.
        """
        before = self.incoming(typed_id)
        watch = self._events.watch(before.receipt)
        try:
            if (after := await self._inbox.release(before, str(caller))).state is not State.HELD:
                return after.receipt
            async with asyncio.timeout(_LOOK_AGAIN_S):
                while watch.receipt.last.state is State.HELD:
                    await watch.next()
        except TimeoutError:
            pass
        finally:
            self._events.unwatch(watch)
        return watch.receipt

    async def revive(self, caller: Caller, typed_id: str) -> Receipt:
        """Send a dead letter's text again, as a new envelope with a new id.

        The old one keeps its end: what became of it stays true.

        Raises:
            WrongState: it is not a dead letter.
        """
        found = self.find(typed_id)
        if found.state not in DEAD_LETTERS:
            raise WrongState(
                f"{found.envelope.id} is {found.state}, not a dead letter",
                hint="fleet outbox --dead and fleet inbox --dead list them",
            )
        envelope = found.envelope
        wish = Wish(envelope.to, envelope.text, raw=envelope.raw, key=f"revive {envelope.id}")
        return await self._outbox.send(caller, wish)


def default_wait(receipt: Receipt) -> State:
    """A person's inbox has no input to submit to: there, accepted is all that can be asked."""
    is_person = parse_query(receipt.envelope.recipient).agent == OPERATOR
    return State.ACCEPTED if is_person else State.SUBMITTED


def is_over(state: State, wanted: State) -> bool:
    """Whether waiting longer cannot help."""
    if reached(state, wanted):
        return True
    if wanted is State.ACKNOWLEDGED:
        return state in {State.REFUSED, State.EXPIRED, State.CANCELLED}
    return state in TERMINAL
