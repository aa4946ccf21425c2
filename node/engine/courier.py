"""Types what waits: one worker per agent, one envelope at a time, once.

Before anything is typed the screen is looked at and the core decides. The intent is durable before
the paste; test, paste and mark are one tmux command list, so after any crash the marks in tmux tell
what happened. What follows a paste is the typist's (``node/engine/typist.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from fleet.core.address import OPERATOR
from fleet.core.composer import Own
from fleet.core.delivery import RECIPIENT, Event, HoldReason, State, may
from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import NoTmux
from fleet.core.errors.requests import TooLarge
from fleet.core.keystrokes import (
    Cleaned,
    Paste,
    clean,
    framed,
    pasted,
    suited,
    untabbed,
)
from fleet.core.look import Look, Tty
from fleet.core.profile import Profile, Unknown
from fleet.core.screen import bound, fits, gate
from node.engine.agents import Agents
from node.engine.inbox import Inbox
from node.engine.typist import Job, Typist, column, own_of
from node.faults import fault
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes, Spill
from node.ports.witness import Witness
from node.records import Agent
from node.store import SqliteStore

FIRST_HOLD_POLL_S = 0.02
LAST_HOLD_POLL_S = 0.5
_QUIET_S = 0.25  # a hold shorter than this is no news: a program redraws, a command ends
_SLOW_NEWS = frozenset({HoldReason.BUSY, HoldReason.STARTING})
_TROUBLE_S = 1.0
_UNTIL_WOKEN_S = 3_600.0
_OLDER = "older than pane: "  # and an agent's name: the incarnation of which this was seen
_CHANGED = "the pane changed at the last moment"
_NOT_WHOLE = "the program cannot be given it whole, and a raw text is not shortened"
_NOT_LEFT = "somebody's draft stood in its input for too long"

log = structlog.get_logger()


@dataclass(slots=True)
class Desk:
    """One agent's worker: what it remembers between two looks."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    hold_poll_s: float = FIRST_HOLD_POLL_S
    held_since_s: float = -1.0
    mode_since_s: float = -1.0
    ready_token: str = ""  # the incarnation that has shown its prompt
    mark: int = -1
    is_asked: bool = False  # its pane: whether it was given more than is known here
    is_amid: bool = True  # an envelope may be half typed: by an earlier life, or before a failure


class Courier:
    """All workers of this node."""

    def __init__(
        self,
        agents: Agents,
        inbox: Inbox,
        store: SqliteStore,
        panes: Panes,
        clock: Clock,
        spill: Spill,
        witness: Witness,
        node_id: str,
    ) -> None:
        self._agents = agents
        self._inbox = inbox
        self._store = store
        self._panes = panes
        self._clock = clock
        self._spill = spill
        self._typist = Typist(inbox, store, panes, clock, witness)
        self._node_id = node_id
        self._desks: dict[str, Desk] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stopping = False
        self._typing = 0
        self._still = asyncio.Event()
        self._tokens_before = {a.ref.token for a in agents.all() if a.ref is not None}
        store.database.on_loss(self._taken_back)
        inbox.wake = self.wake
        inbox.knows_all = self.knows_all
        inbox.ask_pane = self.ask_pane

    def wake(self, name: str) -> None:
        """There may be something to do for an agent."""
        if name == OPERATOR or self._group is None or self._stopping:
            return
        desk = self._desks.get(name)
        if desk is None:
            desk = self._desks[name] = Desk()
            self._group.create_task(self._work(name, desk), name=f"courier {name}")
        desk.hold_poll_s = FIRST_HOLD_POLL_S
        desk.news.set()

    def _taken_back(self) -> None:
        """What is written of an envelope may be as it was before: begun, and at no end."""
        for desk in self._desks.values():
            desk.is_amid = True
            desk.news.set()

    def was_ready(self, agent: Agent) -> bool:
        """Whether this incarnation has shown its prompt before, to a message that was then typed."""
        desk = self._desks.get(agent.name)
        return desk is not None and agent.ref is not None and desk.ready_token == agent.ref.token

    async def run(self) -> None:
        """Work for ever; begins with what an earlier life left half done."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for agent in self._agents.all():
                self.wake(agent.name)
            await asyncio.Event().wait()

    async def drain(self, limit_s: float) -> None:
        """Begin nothing more, and let what is being typed come to its end."""
        self._stopping = True
        for desk in self._desks.values():
            desk.news.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._typing:
                    self._still.clear()
                    await self._still.wait()

    async def _work(self, name: str, desk: Desk) -> None:
        while not self._stopping:
            desk.news.clear()
            self._typing += 1
            pause_s: float | None
            try:
                pause_s = await self._attend(name, desk)
            except FleetError as error:
                log.warning("delivery troubled", agent=name, error=error.code, detail=str(error))
                pause_s = None
            except Exception:  # the edge of a task: what nobody foresaw stops no other agent's mail
                log.exception("delivery failed", agent=name)
                pause_s = None
            finally:
                self._typing -= 1
                self._still.set()
            if pause_s is None:  # to its end: several that fail would wake each other without end
                await self._clock.sleep(_TROUBLE_S)
            elif pause_s and not self._stopping:
                await self._rest(desk, pause_s)

    @staticmethod
    async def _rest(desk: Desk, pause_s: float) -> None:
        """Wait, but not past the next news."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await desk.news.wait()

    async def _attend(self, name: str, desk: Desk) -> float:
        """Move the agent's next envelope on; how long to rest then (0: look for more)."""
        if not desk.is_asked:
            await self.ask_pane(name)
            desk.is_asked = True
        # First what was begun: the marks only tell of the newest paste.
        item = self._store.inbox.begun(name) if desk.is_amid else None
        desk.is_amid = item is not None
        item = item or self._store.inbox.next(name)
        if item is None:
            return _UNTIL_WOKEN_S
        agent = self._agents.get(name)
        if agent is None:
            self._inbox.refuse_all(name, f"{name} was forgotten")
            return 0
        profile = self._agents.profile(agent)
        if item.state in {State.TYPING, State.TYPED}:
            await self._typist.resume(item, agent.ref, profile)
            return 0
        if item.envelope.expires_at_s <= self._clock.wall_s():
            return LAST_HOLD_POLL_S  # it is about to end; who may know more of it is asked
        if agent.ref is None:
            self._inbox.hold(item, HoldReason.OFFLINE, "the agent is not running")
            return _UNTIL_WOKEN_S
        if due_s := self._agents.brief_due_s(name):
            return due_s
        return await self._deliver(desk, Job(item, agent.ref, profile, Own("", "")))

    # --- the way in ---

    async def _deliver(self, desk: Desk, job: Job) -> float:
        losses = self._inbox.losses
        look = await self._panes.look(job.ref)
        if losses != self._inbox.losses:  # what made it the next one may be undone
            return 0
        now_s = self._clock.now_s()
        desk.mode_since_s = (
            (desk.mode_since_s if desk.mode_since_s >= 0 else now_s) if look.mode else -1.0
        )
        mode_s = now_s - desk.mode_since_s if look.mode else 0.0
        if job.item.envelope.id in self._inbox.let_through:
            job = replace(job, profile=replace(job.profile, unknown=Unknown.TYPE))
        was_ready = desk.ready_token == job.ref.token
        if hold := gate(job.profile, look, job.ref.token, mode_s, was_ready=was_ready):
            return self._hold(desk, job, hold.reason, hold.detail)
        desk.held_since_s, desk.hold_poll_s = -1.0, FIRST_HOLD_POLL_S
        desk.ready_token = job.ref.token
        self._store.inbox.took_turn(job.item)
        if desk.mark < 0 and self._is_doubted(desk, job, look):
            return 0
        begun = await self._begin(desk, job, look, losses)
        if begun is None:
            return 0
        job, text, how = begun
        desk.is_amid = True
        try:
            done = await self._panes.paste(
                job.ref, job.item.mark, pasted(text, how), how, cursor_x=column(job.profile, look)
            )
        except NoTmux as error:
            log.warning("paste unknown", envelope=job.item.envelope.id, error=str(error))
            await self._typist.resume(job.item, job.ref, job.profile)
            return 0
        if not done:
            self._inbox.advance(job.item, Event.NOT_TYPED, HoldReason.BUSY, _CHANGED)
            return FIRST_HOLD_POLL_S
        fault("tmux:after_paste_before_db")
        job = replace(job, item=self._inbox.advance(job.item, Event.TYPE))
        await self._typist.submit(job, before=look)
        desk.is_amid = losses != self._inbox.losses
        desk.mode_since_s = -1.0  # who reads on has the grace again
        return 0

    def _hold(self, desk: Desk, job: Job, reason: HoldReason, detail: str) -> float:
        now_s = self._clock.now_s()
        if desk.held_since_s < 0:
            desk.held_since_s = now_s
        if reason not in _SLOW_NEWS:  # a person let it through to another screen than this
            self._inbox.let_through.discard(job.item.envelope.id)
        if reason is HoldReason.DRAFT and self._is_overdue(job):
            self._store.inbox.took_turn(job.item)
            self._inbox.advance(job.item, Event.EXPIRE, reason, _NOT_LEFT)
            return 0
        if reason not in _SLOW_NEWS or now_s - desk.held_since_s >= _QUIET_S:
            self._inbox.hold(job.item, reason, detail)
        pause_s = desk.hold_poll_s
        desk.hold_poll_s = min(LAST_HOLD_POLL_S, pause_s * 1.5)
        return pause_s

    def _is_doubted(self, desk: Desk, job: Job, look: Look) -> bool:
        """Whether the envelope may have been typed before: its pane was given more than is known here."""
        name, seq = job.item.envelope.recipient, job.item.seq
        desk.mark = self._store.inbox.last_mark(name)
        if look.last <= desk.mark:
            return False
        self._note_older(name, job.ref.token)
        self._inbox.doubt_before(name)
        return seq <= self._store.inbox.last_before

    async def knows_all(self, name: str) -> bool | None:
        """Whether all that was ever pasted into an agent's pane is known here; None when that cannot be
        told: there is no such pane, or the agent was started after this life of the node began."""
        agent = self._agents.get(name)
        if agent is None or agent.ref is None:
            return None
        if self._store.database.meta(_OLDER + name) == agent.ref.token.encode():
            return False
        return await self._agrees(agent, agent.ref)

    async def ask_pane(self, name: str) -> None:
        """Put what an earlier life left in doubt, or prove that it was not typed, if the pane can tell."""
        agent = self._agents.get(name)
        if agent is None or agent.ref is None:
            return
        agrees = await self._agrees(agent, agent.ref)
        if agrees:
            self._inbox.earlier.agrees(name)
        elif agrees is False:
            self._inbox.doubt_before(name)

    async def _agrees(self, agent: Agent, ref: PaneRef) -> bool | None:
        """Whether the mark of an agent's pane is one that is known here."""
        try:
            look = await self._panes.look(ref)
        except NoTmux:
            return None
        if bound(look, ref.token, is_shell=self._agents.profile(agent).is_shell) is not None:
            return None
        if look.last > self._store.inbox.last_mark(agent.name):
            self._note_older(agent.name, ref.token)
            return False
        return True if ref.token in self._tokens_before else None

    def _note_older(self, name: str, token: str) -> None:
        """The marks will agree again after the next paste; that they did not is remembered."""
        log.warning("database older than pane", agent=name)
        self._store.database.put_meta(_OLDER + name, token.encode())

    def _is_overdue(self, job: Job) -> bool:
        """Whether a draft has held it back for longer than is waited for, and nothing else since."""
        limit_s = job.item.envelope.draft_limit_s or job.profile.draft_limit_s
        last = job.item.timeline[-1]
        is_waiting = last.reason == HoldReason.DRAFT
        return is_waiting and 0 < limit_s <= self._clock.wall_s() - last.at_s

    async def _begin(
        self, desk: Desk, job: Job, look: Look, losses: int
    ) -> tuple[Job, str, Paste] | None:
        """Write the intent down; None when it was taken back meanwhile, or what made it the next."""
        item = self._store.inbox.get(job.item.envelope.id)
        if item is None or not may(RECIPIENT, item.state, Event.BEGIN):
            return None
        desk.mark = max(desk.mark, look.last) + 1
        how = Paste.LINES if look.tty is Tty.LINE else job.profile.paste
        cleaned = clean(item.envelope.text)
        if how is Paste.LINES and look.tty is not Tty.LINE:
            cleaned = untabbed(cleaned)
        nonce = self._clock.nonce()
        suit = partial(_suited, job.profile, is_raw=item.envelope.raw)
        if not fits(job.profile, look, suit(cleaned).text):
            if item.envelope.raw:
                self._inbox.advance(item, Event.REFUSE, TooLarge.code, _NOT_WHOLE)
                return None
            short = await self._spill.shorten(item.envelope.id, cleaned.text)
            if losses != self._inbox.losses:
                return None
            cleaned = replace(cleaned, text=short)
        cleaned = suit(cleaned)
        item = replace(
            item, mark=desk.mark, token=job.ref.token, nonce=nonce, cleaned=cleaned.changed
        )
        item = self._inbox.advance(item, Event.BEGIN)
        fault("claim:before_commit")
        await self._store.commit()
        fault("claim:after_intent")
        whole = framed(
            item.envelope,
            cleaned.text,
            nonce,
            self._node_id,
            job.profile.dress,
            job.profile.mention,
        )
        own, now_s = own_of(item), self._clock.now_s()
        return replace(job, item=item, own=own, whole=whole, pasted_s=now_s), whole, how


def _suited(profile: Profile, cleaned: Cleaned, *, is_raw: bool) -> Cleaned:
    """The text as it will be typed; a raw one is meant for the program as it is."""
    if is_raw:
        return cleaned
    return suited(
        cleaned,
        keeps_tabs=profile.keeps_tabs,
        keeps_decomposed=profile.keeps_decomposed,
        mention=profile.mention,
    )
