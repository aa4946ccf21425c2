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

import structlog

from fleet.core.address import OPERATOR
from fleet.core.delivery import RECIPIENT, Event, Evidence, HoldReason, State, may
from fleet.core.errors import FleetError, NoTmux, TooLarge
from fleet.core.keystrokes import Paste, clean, end_line, framed, pasted, untabbed
from fleet.core.profile import Profile
from fleet.core.screen import Look, Tty, asking, bound, fits, gate, settled, shown, stands, taken
from node.engine.agents import Agents
from node.engine.inbox import Inbox
from node.ports import Clock, PaneRef, Panes, Spill
from node.records import Incoming
from node.store import SqliteStore

POLL_S = 0.004
"""Between looks while something is expected; one look costs half a millisecond."""
FIRST_HOLD_POLL_S = 0.02
LAST_HOLD_POLL_S = 0.5
_QUIET_S = 0.25  # a hold shorter than this is no news: a program redraws, a command ends
_SLOW_NEWS = frozenset({HoldReason.BUSY, HoldReason.STARTING})
_ENTER_AGAIN_S = (0.25, 0.5, 1.0, 2.0)
_TROUBLE_S = 1.0
_UNTIL_WOKEN_S = 3_600.0
_CHANGED = "the pane changed at the last moment"
_INTERRUPTED = "interrupted before it was typed"
_NOT_WHOLE = "the program cannot be given it whole, and a raw text is not shortened"
_REMOVED = "it left the input before Enter: somebody sent or removed it"

log = structlog.get_logger()


@dataclass(slots=True)
class Desk:
    """One agent's worker: what it remembers between two looks."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    hold_poll_s: float = FIRST_HOLD_POLL_S
    held_since_s: float = -1.0
    mode_since_s: float = -1.0
    mark: int = -1
    is_amid: bool = True  # an envelope may be half typed: by an earlier life, or before a failure


@dataclass(frozen=True, slots=True)
class Job:
    """One envelope on its way into one pane."""

    item: Incoming
    ref: PaneRef
    profile: Profile
    end: str  # while it stands at the cursor, the text is unsubmitted


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
        node_id: str,
    ) -> None:
        self._agents = agents
        self._inbox = inbox
        self._store = store
        self._panes = panes
        self._clock = clock
        self._spill = spill
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
        return await self._deliver(desk, Job(item, agent.ref, profile, ""))

    # --- the way in ---

    async def _deliver(self, desk: Desk, job: Job) -> float:
        look = await self._panes.look(job.ref)
        now_s = self._clock.now_s()
        desk.mode_since_s = (
            (desk.mode_since_s if desk.mode_since_s >= 0 else now_s) if look.mode else -1.0
        )
        mode_s = now_s - desk.mode_since_s if look.mode else 0.0
        if hold := gate(job.profile, look, job.ref.token, mode_s):
            return self._hold(desk, job.item, hold.reason, hold.detail)
        desk.held_since_s, desk.hold_poll_s = -1.0, FIRST_HOLD_POLL_S
        begun = await self._begin(desk, job, look)
        if begun is None:
            return 0
        job, text, how = begun
        desk.is_amid = True
        try:
            done = await self._panes.paste(job.ref, job.item.mark, pasted(text, how), how)
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

    def _hold(self, desk: Desk, item: Incoming, reason: HoldReason, detail: str) -> float:
        now_s = self._clock.now_s()
        if desk.held_since_s < 0:
            desk.held_since_s = now_s
        if reason not in _SLOW_NEWS or now_s - desk.held_since_s >= _QUIET_S:
            self._inbox.hold(item, reason, detail)
        pause_s = desk.hold_poll_s
        desk.hold_poll_s = min(LAST_HOLD_POLL_S, pause_s * 1.5)
        return pause_s

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
        item = replace(
            item, mark=desk.mark, token=job.ref.token, nonce=nonce, cleaned=cleaned.changed
        )
        item = self._inbox.advance(item, Event.BEGIN)
        await self._store.commit()
        whole = framed(item.envelope, text, nonce, self._node_id, job.profile.dress)
        return replace(job, item=item, end=_end_of(item)), whole, how

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
            if shown(job.profile, before, look) and (look == seen or job.end in look.cursor_row):
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
            if asking(job.profile, look):
                absent_since_s = -1.0
            elif stands(job.profile, typed, look, job.end):
                absent_since_s = -1.0
                if await self._panes.enter(job.ref, job.item.mark):
                    return True
            elif absent_since_s < 0 or look.unread_bytes:
                absent_since_s = now_s
            elif now_s - absent_since_s >= job.profile.show_limit_s:
                self._removed(job, look)
                return False
            await self._clock.sleep(poll_s)
            poll_s = min(LAST_HOLD_POLL_S, poll_s * 1.5)

    def _removed(self, job: Job, look: Look) -> None:
        """The text left the input without our Enter: a person sent it, or took it away."""
        was_sent = settled(job.profile, look, job.end)
        if was_sent and any(job.end in row for row in look.rows):
            self._inbox.advance(job.item, Event.SUBMIT, evidence=Evidence.SCREEN)
        else:
            self._inbox.advance(job.item, Event.GIVE_UP, detail=_REMOVED)

    async def _prove(self, job: Job, typed: Look | None) -> None:
        """Wait for evidence that the program took the text; Enter again only if it visibly did not."""
        start_s = self._clock.now_s()
        again = list(_ENTER_AGAIN_S)
        seen: Look | None = None
        while True:
            look = await self._panes.look(job.ref)
            if self._took(job, typed, look) and seen is not None and self._took(job, typed, seen):
                self._inbox.advance(job.item, Event.SUBMIT, evidence=Evidence.SCREEN)
                await self._store.commit()
                return
            if self._lost(job, look):
                return
            waited_s = self._clock.now_s() - start_s
            if again and waited_s >= again[0] and job.end in look.cursor_row:
                again.pop(0)
                if not asking(job.profile, look):
                    await self._panes.enter(job.ref, job.item.mark)
            if waited_s >= job.profile.evidence_limit_s:
                self._inbox.advance(
                    job.item, Event.GIVE_UP, detail="the screen shows no sign of it"
                )
                return
            seen = look
            await self._clock.sleep(POLL_S if waited_s < _QUIET_S else POLL_S * 5)

    def _took(self, job: Job, typed: Look | None, look: Look) -> bool:
        if typed is None:
            return settled(job.profile, look, job.end)
        return taken(job.profile, typed, look, job.end)

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
        job = Job(item, ref, profile, _end_of(item))
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


def _end_of(item: Incoming) -> str:
    """What the input line ends with while the text is unsubmitted."""
    if item.envelope.raw:
        return clean(item.envelope.text).text.rpartition("\n")[2][-20:]
    return end_line(item.nonce)
