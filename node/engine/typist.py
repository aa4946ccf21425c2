"""From typed to submitted, or to an honest end: waits until the text is seen, presses Enter, and looks
for evidence.

Enter is pressed once, and again only while our own text visibly still stands in the input. What
cannot be known is called ``unconfirmed`` or ``in_doubt``, and never typed again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import structlog

from fleet.core.composer import Composer, Own, composer
from fleet.core.delivery import Event, Evidence, HoldReason, State
from fleet.core.evidence import returned, settled, shown, shows, stands, taken
from fleet.core.keystrokes import clean, end_line, frame_start
from fleet.core.look import Look
from fleet.core.profile import Profile
from fleet.core.screen import asking, bound, is_busy
from node.engine.inbox import Inbox
from node.engine.vigil import Vigil
from node.faults import fault
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes
from node.ports.witness import Told, Witness
from node.records import Incoming
from node.store import SqliteStore

POLL_S = 0.004
"""Between looks while something is expected; one look costs half a millisecond."""
_LAST_POLL_S = 0.5
_SOON_S = 0.25
_ENTER_AGAIN_S = (1.0, 2.0, 3.0)  # a loaded program may take a second to draw what Enter did
_INTERRUPTED = "interrupted before it was typed"
_ALTERED = "the program took it with changes"
_REMOVED = "it left the input before Enter: somebody sent or removed it"
_NEVER_SEEN = "its screen never showed the text; Enter could answer a question there"
_NO_SIGN = "the screen shows no sign of it"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One envelope on its way into one pane."""

    item: Incoming
    ref: PaneRef
    profile: Profile
    own: Own  # while it stands at the cursor, the text is unsubmitted
    whole: str = ""  # what was pasted; not known after a restart
    pasted_s: float = -inf  # when, monotonic


class Typist:
    """Whose text stands in an input, and what becomes of it."""

    def __init__(
        self, inbox: Inbox, store: SqliteStore, panes: Panes, clock: Clock, witness: Witness
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._panes = panes
        self._clock = clock
        self._witness = witness

    async def submit(self, job: Job, before: Look) -> None:
        """From typed to submitted, or to an honest end."""
        typed = await self._until_shown(job, before)
        if typed is None:
            return
        fault("tmux:after_paste_db")
        await self._clock.sleep(job.profile.settle_s)
        if await self._press(job, typed):
            await self._prove(job, typed)

    async def _until_shown(self, job: Job, before: Look) -> Look | None:
        """Wait until the program shows the text; the look then, None when the pane was lost."""
        vigil = self._vigil(job)
        poll_s = POLL_S
        seen: Look | None = None
        while True:
            look = await vigil.look()
            if self._lost(job, look):
                return None
            if shown(job.profile, before, look) and (
                look == seen or job.own.end in look.cursor_row
            ):
                return look
            if vigil.watched_s >= job.profile.show_limit_s:
                if not look.unread_bytes:
                    return look
                poll_s = min(_LAST_POLL_S, poll_s * 1.5)  # it is busy, maybe for hours
            seen = look
            await vigil.pause(poll_s)

    async def _press(self, job: Job, typed: Look | None) -> bool:
        """Press Enter once it sends the text and nothing else: no question is open, and the text
        stands there. False when it came to another end first."""
        vigil = self._vigil(job)
        poll_s = POLL_S
        absent_since_s = -1.0
        while True:
            look = await vigil.look()
            if self._lost(job, look):
                return False
            if asking(job.profile, look, job.own):
                absent_since_s = -1.0
            elif stands(job.profile, typed, look, job.own):
                absent_since_s = -1.0
                is_time = vigil.is_fresh and self._is_time(job, look)
                if is_time and await self._enter(job, look):
                    fault("tmux:after_enter_before_db")
                    return True
            elif absent_since_s < 0 or look.unread_bytes:
                absent_since_s = vigil.watched_s
            elif vigil.watched_s - absent_since_s >= job.profile.show_limit_s:
                await self._removed(job, typed, look)
                return False
            await vigil.pause(poll_s)
            poll_s = min(_LAST_POLL_S, poll_s * 1.5)

    async def _enter(self, job: Job, look: Look) -> bool:
        return await self._panes.enter(job.ref, job.item.mark, cursor_x=column(job.profile, look))

    async def _removed(self, job: Job, typed: Look | None, look: Look) -> None:
        """The text is not in the input, without our Enter: a person sent it or took it away, or it
        never was there to be seen."""
        was_sent = settled(job.profile, look, job.own)
        if told := await self._told(job):
            await self._submitted(job, told)
        elif was_sent and not job.item.envelope.raw and any(job.own.end in r for r in look.rows):
            self._inbox.advance(job.item, Event.SUBMIT, evidence=Evidence.SCREEN)
        else:
            was_seen = typed is None or shows(typed, job.own)
            self._inbox.advance(
                job.item, Event.GIVE_UP, detail=_REMOVED if was_seen else _NEVER_SEEN
            )

    async def _prove(self, job: Job, typed: Look | None) -> None:
        """Wait for evidence that the program took the text; Enter again only if it visibly did not.

        The program's own word is stronger than what the screen shows, and is given time to come.
        """
        vigil = self._vigil(job)
        again = list(_ENTER_AGAIN_S)
        seen: Look | None = None
        shown_s = -1.0
        while True:
            if told := await self._told(job):
                await self._submitted(job, told)
                return
            look = await vigil.look()
            waited_s = vigil.watched_s
            is_late = waited_s >= job.profile.evidence_limit_s
            is_gone = bound(look, job.ref.token, is_shell=job.profile.is_shell) is not None
            if not is_gone and seen is not None and self._took(job, typed, look, seen):
                shown_s = shown_s if shown_s >= 0 else waited_s
                again.clear()  # what stands there from now on, a person has put there
            is_back = returned(job.profile, typed, look, job.own)
            is_due = is_late or is_gone or waited_s - shown_s >= job.profile.stronger_s
            if shown_s >= 0 and is_due and not is_back:
                await self._submitted(job, Told(Evidence.SCREEN, ""))
                return
            if self._lost(job, look):
                return
            if is_late:
                self._inbox.advance(job.item, Event.GIVE_UP, detail=_NO_SIGN)
                return
            is_again = bool(again) and waited_s >= again[0] and vigil.is_fresh
            if is_again and self._is_unsent(job, typed, look):
                again.pop(0)
                log.info("enter again", envelope=job.item.envelope.id, after_s=round(waited_s, 3))
                await self._enter(job, look)
            seen = look
            await vigil.pause(POLL_S if waited_s < _SOON_S else POLL_S * 5)

    def _vigil(self, job: Job) -> Vigil:
        return Vigil(self._panes, self._clock, job.ref)

    def _is_time(self, job: Job, look: Look) -> bool:
        """Whether Enter cannot meet a question that a program at work keeps back while one types."""
        limit_s = job.profile.busy_enter_s
        if not limit_s or not is_busy(job.profile, look):
            return True
        return self._clock.now_s() - job.pasted_s <= limit_s

    def _is_unsent(self, job: Job, typed: Look | None, look: Look) -> bool:
        """Whether the text itself is seen to stand in the input still."""
        if asking(job.profile, look, job.own) or look.unread_bytes:
            return False
        if not self._is_time(job, look):
            return False
        before = typed if job.profile.continuation is not None else None
        return stands(job.profile, before, look, job.own)

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
        fault("tmux:after_submit_db")

    def _took(self, job: Job, typed: Look | None, *looks: Look) -> bool:
        if typed is None:
            return all(settled(job.profile, look, job.own) for look in looks)
        return all(taken(job.profile, typed, look, job.own) for look in looks)

    def _lost(self, job: Job, look: Look) -> bool:
        hold = bound(look, job.ref.token, is_shell=job.profile.is_shell)
        if hold is None:
            return False
        self._inbox.advance(job.item, Event.LOSE, detail=hold.detail)
        return True

    # --- after a crash ---

    async def resume(self, item: Incoming, ref: PaneRef | None, profile: Profile) -> None:
        """Ask the marks in tmux what became of an envelope that was being typed."""
        if ref is None or ref.token != item.token:
            self._inbox.advance(item, Event.LOSE, detail="the agent began another life")
            return
        look = await self._panes.look(ref)
        job = Job(item, ref, profile, own_of(item))
        if self._lost(job, look):
            return
        if item.state is State.TYPING:
            if look.last < item.mark:
                self._inbox.advance(item, Event.NOT_TYPED, HoldReason.BUSY, _INTERRUPTED)
                return
            job = replace(job, item=self._inbox.advance(item, Event.TYPE))
        if look.sub < item.mark:
            if told := await self._told(job):  # a person pressed Enter; what stands there is theirs
                await self._submitted(job, told)
                return
            if not await self._press(job, None):
                return
        await self._prove(job, None)


def own_of(item: Incoming) -> Own:
    """How the text begins and ends in the input while it is unsubmitted."""
    if item.envelope.raw:
        text = clean(item.envelope.text).text
        return Own(text[:20], text.rpartition("\n")[2][-20:])
    return Own(frame_start(item.nonce), end_line(item.nonce))


def column(profile: Profile, look: Look) -> int | None:
    """Where the cursor has to be still when something is typed, for programs that keep it in their
    input: a question that comes up, or a key that is pressed, moves it."""
    return look.cursor_x if composer(profile, look) is not Composer.UNSEEN else None
