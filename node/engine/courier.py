"""Types what waits: one worker per agent, one envelope at a time, once.

Before anything is typed the screen is looked at and the core decides. The intent is durable before
the paste; test, paste and mark are one tmux command list, so after any crash the marks in tmux tell
what happened. Enter is pressed once, and again only while our own end line still stands at the
cursor. What cannot be known is called ``unconfirmed`` or ``in_doubt`` and never typed again.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from math import inf

import structlog

from fleet.core.address import OPERATOR
from fleet.core.delivery import RECIPIENT, Event, Evidence, HoldReason, State, may
from fleet.core.errors import FleetError, NoTmux, TooLarge
from fleet.core.keystrokes import (
    Paste,
    clean,
    end_line,
    frame_start,
    framed,
    pasted,
    suited,
    untabbed,
)
from fleet.core.profile import Profile, Unknown
from fleet.core.screen import (
    Composer,
    Look,
    Own,
    Tty,
    asking,
    bound,
    composer,
    fits,
    gate,
    is_busy,
    settled,
    shown,
    stands,
    taken,
)
from node.engine.agents import Agents
from node.engine.inbox import Inbox
from node.ports import Clock, PaneRef, Panes, Spill, Told, Witness
from node.records import Agent, Incoming
from node.store import SqliteStore

POLL_S = 0.004
"""Between looks while something is expected; one look costs half a millisecond."""
FIRST_HOLD_POLL_S = 0.02
LAST_HOLD_POLL_S = 0.5
_QUIET_S = 0.25  # a hold shorter than this is no news: a program redraws, a command ends
_SLOW_NEWS = frozenset({HoldReason.BUSY, HoldReason.STARTING})
_ENTER_AGAIN_S = (0.5, 1.0, 2.0, 3.0)
_TROUBLE_S = 1.0
_UNTIL_WOKEN_S = 3_600.0
_CHANGED = "the pane changed at the last moment"
_INTERRUPTED = "interrupted before it was typed"
_NOT_WHOLE = "the program cannot be given it whole, and a raw text is not shortened"
_NOT_LEFT = "somebody's draft stood in its input for too long"
_ALTERED = "the program took it with changes"
_REMOVED = "it left the input before Enter: somebody sent or removed it"

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
    is_amid: bool = True  # an envelope may be half typed: by an earlier life, or before a failure


@dataclass(frozen=True, slots=True)
class Job:
    """One envelope on its way into one pane."""

    item: Incoming
    ref: PaneRef
    profile: Profile
    own: Own  # while it stands at the cursor, the text is unsubmitted
    whole: str = ""  # what was pasted; not known after a restart
    pasted_s: float = -inf  # when, monotonic


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
        self._witness = witness
        self._node_id = node_id
        self._desks: dict[str, Desk] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stopping = False
        self._typing = 0
        self._still = asyncio.Event()
        inbox.wake = self.wake

    def wake(self, name: str) -> None:
        """There may be something to do for an agent."""
        if name == OPERATOR or self._group is None:
            return
        desk = self._desks.get(name)
        if desk is None:
            desk = self._desks[name] = Desk()
            self._group.create_task(self._work(name, desk), name=f"courier {name}")
        desk.hold_poll_s = FIRST_HOLD_POLL_S
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
            try:
                pause_s = await self._attend(name, desk)
            except FleetError as error:
                log.warning("delivery troubled", agent=name, error=error.code, detail=str(error))
                pause_s = _TROUBLE_S
            except Exception:  # the edge of a task: what nobody foresaw stops no other agent's mail
                log.exception("delivery failed", agent=name)
                pause_s = _TROUBLE_S
            finally:
                self._typing -= 1
                self._still.set()
            if pause_s and not self._stopping:
                await self._rest(desk, pause_s)

    @staticmethod
    async def _rest(desk: Desk, pause_s: float) -> None:
        """Wait, but not past the next news."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await desk.news.wait()

    async def _attend(self, name: str, desk: Desk) -> float:
        """Move the agent's next envelope on; how long to rest then (0: look for more)."""
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
            await self._resume(item, agent.ref, profile)
            return 0
        if agent.ref is None:
            self._inbox.hold(item, HoldReason.OFFLINE, "the agent is not running")
            return _UNTIL_WOKEN_S
        return await self._deliver(desk, Job(item, agent.ref, profile, Own("", "")))

    # --- the way in ---

    async def _deliver(self, desk: Desk, job: Job) -> float:
        look = await self._panes.look(job.ref)
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
        begun = await self._begin(desk, job, look)
        if begun is None:
            return 0
        job, text, how = begun
        desk.is_amid = True
        try:
            done = await self._panes.paste(
                job.ref, job.item.mark, pasted(text, how), how, cursor_x=_column(job.profile, look)
            )
        except NoTmux as error:
            log.warning("paste unknown", envelope=job.item.envelope.id, error=str(error))
            await self._resume(job.item, job.ref, job.profile)
            return 0
        if not done:
            self._inbox.advance(job.item, Event.NOT_TYPED, HoldReason.BUSY, _CHANGED)
            return FIRST_HOLD_POLL_S
        job = replace(job, item=self._inbox.advance(job.item, Event.TYPE))
        await self._submit(job, before=look)
        desk.is_amid = False
        return 0

    def _hold(self, desk: Desk, job: Job, reason: HoldReason, detail: str) -> float:
        now_s = self._clock.now_s()
        if desk.held_since_s < 0:
            desk.held_since_s = now_s
        if reason is HoldReason.DRAFT and self._is_overdue(job):
            self._inbox.advance(job.item, Event.EXPIRE, reason, _NOT_LEFT)
            return 0
        if reason not in _SLOW_NEWS or now_s - desk.held_since_s >= _QUIET_S:
            self._inbox.hold(job.item, reason, detail)
        pause_s = desk.hold_poll_s
        desk.hold_poll_s = min(LAST_HOLD_POLL_S, pause_s * 1.5)
        return pause_s

    def _is_overdue(self, job: Job) -> bool:
        """Whether the first draft that held it back has been seen for longer than is waited for."""
        limit_s = job.item.envelope.draft_limit_s or job.profile.draft_limit_s
        since_s = next(
            (e.at_s for e in job.item.timeline if e.reason == HoldReason.DRAFT),
            self._clock.wall_s(),
        )
        return 0 < limit_s <= self._clock.wall_s() - since_s

    async def _begin(self, desk: Desk, job: Job, look: Look) -> tuple[Job, str, Paste] | None:
        """Write the intent down; None when the envelope was taken back meanwhile."""
        item = self._store.inbox.get(job.item.envelope.id)
        if item is None or not may(RECIPIENT, item.state, Event.BEGIN):
            return None
        if desk.mark < 0:
            desk.mark = self._store.inbox.last_mark(item.envelope.recipient)
        desk.mark = max(desk.mark, look.last) + 1
        how = Paste.LINES if look.tty is Tty.LINE else job.profile.paste
        cleaned = clean(item.envelope.text)
        if how is Paste.LINES and look.tty is not Tty.LINE:
            cleaned = untabbed(cleaned)
        nonce = self._clock.nonce()
        text = cleaned.text
        if not fits(job.profile, look, text):
            if item.envelope.raw:
                self._inbox.advance(item, Event.REFUSE, TooLarge.code, _NOT_WHOLE)
                return None
            text = await self._spill.shorten(item.envelope.id, text)
        if not item.envelope.raw:
            cleaned = suited(
                replace(cleaned, text=text),
                keeps_tabs=job.profile.keeps_tabs,
                keeps_decomposed=job.profile.keeps_decomposed,
                mention=job.profile.mention,
            )
        item = replace(
            item, mark=desk.mark, token=job.ref.token, nonce=nonce, cleaned=cleaned.changed
        )
        item = self._inbox.advance(item, Event.BEGIN)
        await self._store.commit()
        whole = framed(
            item.envelope,
            cleaned.text,
            nonce,
            self._node_id,
            job.profile.dress,
            job.profile.mention,
        )
        own, now_s = _own(item), self._clock.now_s()
        return replace(job, item=item, own=own, whole=whole, pasted_s=now_s), whole, how

    # --- Enter, and evidence ---

    async def _submit(self, job: Job, before: Look) -> None:
        """From typed to submitted, or to an honest end."""
        typed = await self._until_shown(job, before)
        if typed is None:
            return
        await self._clock.sleep(job.profile.settle_s)
        if await self._press(job, typed):
            await self._prove(job, typed)

    async def _until_shown(self, job: Job, before: Look) -> Look | None:
        """Wait until the program shows the text; the look then, None when the pane was lost."""
        limit_s = self._clock.now_s() + job.profile.show_limit_s
        poll_s = POLL_S
        seen: Look | None = None
        while True:
            look = await self._panes.look(job.ref)
            if self._lost(job, look):
                return None
            if shown(job.profile, before, look) and (
                look == seen or job.own.end in look.cursor_row
            ):
                return look
            if self._clock.now_s() >= limit_s:
                if not look.unread_bytes:
                    return look
                poll_s = min(LAST_HOLD_POLL_S, poll_s * 1.5)  # it is busy, maybe for hours
            seen = look
            await self._clock.sleep(poll_s)

    async def _press(self, job: Job, typed: Look | None) -> bool:
        """Press Enter once it sends the text and nothing else: no question is open, and the text
        stands there. False when it came to another end first."""
        poll_s = POLL_S
        absent_since_s = -1.0
        while True:
            look = await self._panes.look(job.ref)
            if self._lost(job, look):
                return False
            now_s = self._clock.now_s()
            if asking(job.profile, look, job.own):
                absent_since_s = -1.0
            elif stands(job.profile, typed, look, job.own):
                absent_since_s = -1.0
                if self._is_time(job, look) and await self._enter(job, look):
                    return True
            elif absent_since_s < 0 or look.unread_bytes:
                absent_since_s = now_s
            elif now_s - absent_since_s >= job.profile.show_limit_s:
                await self._removed(job, look)
                return False
            await self._clock.sleep(poll_s)
            poll_s = min(LAST_HOLD_POLL_S, poll_s * 1.5)

    async def _enter(self, job: Job, look: Look) -> bool:
        return await self._panes.enter(job.ref, job.item.mark, cursor_x=_column(job.profile, look))

    async def _removed(self, job: Job, look: Look) -> None:
        """The text left the input without our Enter: a person sent it, or took it away."""
        was_sent = settled(job.profile, look, job.own)
        if told := await self._told(job):
            await self._submitted(job, told)
        elif was_sent and any(job.own.end in row for row in look.rows):
            self._inbox.advance(job.item, Event.SUBMIT, evidence=Evidence.SCREEN)
        else:
            self._inbox.advance(job.item, Event.GIVE_UP, detail=_REMOVED)

    async def _prove(self, job: Job, typed: Look | None) -> None:
        """Wait for evidence that the program took the text; Enter again only if it visibly did not.

        The program's own word is stronger than what the screen shows, and is given time to come.
        """
        start_s = self._clock.now_s()
        again = list(_ENTER_AGAIN_S)
        seen: Look | None = None
        shown_s = -1.0
        while True:
            if told := await self._told(job):
                await self._submitted(job, told)
                return
            look = await self._panes.look(job.ref)
            waited_s = self._clock.now_s() - start_s
            if self._took(job, typed, look) and seen is not None and self._took(job, typed, seen):
                shown_s = shown_s if shown_s >= 0 else waited_s
                if waited_s - shown_s >= job.profile.stronger_s:
                    await self._submitted(job, Told(Evidence.SCREEN, ""))
                    return
            if self._lost(job, look):
                return
            if again and waited_s >= again[0] and self._is_unsent(job, look):
                again.pop(0)
                await self._enter(job, look)
            if waited_s >= job.profile.evidence_limit_s:
                self._inbox.advance(
                    job.item, Event.GIVE_UP, detail="the screen shows no sign of it"
                )
                return
            seen = look
            await self._clock.sleep(POLL_S if waited_s < _QUIET_S else POLL_S * 5)

    def _is_time(self, job: Job, look: Look) -> bool:
        """Whether Enter cannot meet a question that a program at work keeps back while one types."""
        limit_s = job.profile.busy_enter_s
        if not limit_s or not is_busy(job.profile, look):
            return True
        return self._clock.now_s() - job.pasted_s <= limit_s

    def _is_unsent(self, job: Job, look: Look) -> bool:
        """Whether the text itself is seen to stand in the input still."""
        if asking(job.profile, look, job.own) or look.unread_bytes:
            return False
        if not self._is_time(job, look):
            return False
        return stands(job.profile, None, look, job.own)

    async def _told(self, job: Job) -> Told | None:
        """What the program itself told; a raw text has no id to be known by."""
        envelope = job.item.envelope
        if envelope.raw:
            return None
        return await self._witness.told(
            envelope.recipient, job.ref, job.profile, envelope.id, job.own.end
        )

    async def _submitted(self, job: Job, told: Told) -> None:
        """The agent has it; said, if its program changed the text on the way."""
        is_changed = bool(told.text and job.whole) and told.text.strip() != job.whole.strip()
        self._inbox.advance(
            job.item, Event.SUBMIT, detail=_ALTERED if is_changed else "", evidence=told.evidence
        )
        await self._store.commit()

    def _took(self, job: Job, typed: Look | None, look: Look) -> bool:
        if typed is None:
            return settled(job.profile, look, job.own)
        return taken(job.profile, typed, look, job.own)

    def _lost(self, job: Job, look: Look) -> bool:
        hold = bound(look, job.ref.token, is_shell=job.profile.is_shell)
        if hold is None:
            return False
        self._inbox.advance(job.item, Event.LOSE, detail=hold.detail)
        return True

    # --- after a crash ---

    async def _resume(self, item: Incoming, ref: PaneRef | None, profile: Profile) -> None:
        """Ask the marks in tmux what became of an envelope that was being typed."""
        if ref is None or ref.token != item.token:
            self._inbox.advance(item, Event.LOSE, detail="the agent began another life")
            return
        look = await self._panes.look(ref)
        job = Job(item, ref, profile, _own(item))
        if self._lost(job, look):
            return
        if item.state is State.TYPING:
            if look.last < item.mark:
                self._inbox.advance(item, Event.NOT_TYPED, HoldReason.BUSY, _INTERRUPTED)
                return
            job = replace(job, item=self._inbox.advance(item, Event.TYPE))
        if look.sub < item.mark and not await self._press(job, None):
            return
        await self._prove(job, None)


def _own(item: Incoming) -> Own:
    """How the text begins and ends in the input while it is unsubmitted."""
    if item.envelope.raw:
        text = clean(item.envelope.text).text
        return Own(text[:20], text.rpartition("\n")[2][-20:])
    return Own(frame_start(item.nonce), end_line(item.nonce))


def _column(profile: Profile, look: Look) -> int | None:
    """Where the cursor has to be still when something is typed, for programs that keep it in their
    input: a question that comes up, or a key that is pressed, moves it."""
    return look.cursor_x if composer(profile, look) is not Composer.UNSEEN else None
