"""The links to all other members: greeted, fed, and read; ``keeper`` dials them.

One stream per pair. Whoever comes back dials everybody; of two links the core decides which stays.
On each new link both sides say hello, bring their rosters into step, tell their agents, and send
again whatever the other has not confirmed. Liveness comes from the link, never from mDNS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

import structlog

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable, TooBusy, VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import (
    LATEST_PROTOCOL,
    PROTOCOL,
    Answer,
    AnswerBody,
    Ask,
    Differing,
    DirectoryWord,
    Frame,
    Hello,
    Post,
    Posted,
    Question,
    Report,
    Reports,
    ReportsTaken,
    RosterWord,
    Standing,
    Taken,
    TeamBeat,
    TeamFrame,
    TeamHave,
    TeamWord,
    Unknown,
)
from fleet.core.link import LinkId, agreed, replaces
from fleet.core.roster import Admit, SignedEntry
from fleet.core.turns import Turns, parts
from node.engine.agents import Agents
from node.engine.compare import Compare
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.keeper import Keeper
from node.engine.outbox import Outbox
from node.engine.versions import ADMINS, COMPARING, ROOTS, TEAMS, require_known
from node.faults import fault
from node.ports.host import Clock
from node.ports.links import Dialer, Link

POSTS = 6
"""Batches sent to one peer and not yet answered for: one arriving, one being stored, one coming back.
What queues up meanwhile goes into the next one, so batches grow with the load by themselves."""
BATCH = 128
"""Small enough that one side stores a batch while the other makes the next: 256 at a time went back
and forth in step, at two thirds of the rate."""
BATCH_BYTES = 512 * 1024  # a frame stays well below the 4 MiB a node receives
TAKEN_AT_ONCE = 2 * POSTS
"""Batches of one peer that wait for the disk. A peer of ours never gets there; another one has to wait."""
ANSWERED_AT_ONCE = 16
"""Questions of one peer under way. A person asks one at a time."""
HELLO_S = 5.0
ASK_S = 10.0
_RETRY_DECLINED_S = 1.0

log = structlog.get_logger()


@dataclass(slots=True)
class Session:
    """One live link and what is under way on it."""

    link: Link
    hello: Hello
    link_id: LinkId
    losses: int  # of the database, when the link began
    protocol: int = PROTOCOL  # the version that both speak
    cursor: int = 0
    # Envelope id -> row and batch, and batch -> how many of it: those not yet answered for.
    sent: dict[str, tuple[int, int]] = field(default_factory=dict)
    batches: dict[int, int] = field(default_factory=dict)
    feeding: bool = False
    comparing: int = (
        0  # words on what is open that are not answered yet; before that nothing is fed
    )
    asked: dict[int, asyncio.Future[AnswerBody]] = field(default_factory=dict)
    taking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TAKEN_AT_ONCE))
    answering: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_newer(self) -> bool:
        """Whether the peer also speaks a version that is not known here."""
        return self.hello.latest > LATEST_PROTOCOL

    def offer(self, envelope_id: str, seq: int, batch: int) -> None:
        """An envelope goes out, perhaps once more: then only this time counts."""
        self.done(envelope_id)
        self.sent[envelope_id] = (seq, batch)
        self.batches[batch] = self.batches.get(batch, 0) + 1

    def done(self, envelope_id: str) -> int | None:
        """The row of an envelope that was offered and is answered for now. The last one of a batch
        makes room for another batch; whatever else a peer answers does not."""
        found = self.sent.pop(envelope_id, None)
        if found is None:
            return None
        seq, batch = found
        self.batches[batch] -= 1
        if not self.batches[batch]:
            del self.batches[batch]
        return seq


class Peers:
    """Every other member, connected or not."""

    def __init__(
        self,
        fleet: Fleet,
        agents: Agents,
        outbox: Outbox,
        inbox: Inbox,
        dialer: Dialer,
        clock: Clock,
        addresses: Callable[[], tuple[str, ...]],
    ) -> None:
        self._fleet = fleet
        self._agents = agents
        self._outbox = outbox
        self._inbox = inbox
        self._clock = clock
        self._addresses = addresses
        self._sessions: dict[str, Session] = {}
        self._greeting: list[Link] = []
        self._group: asyncio.TaskGroup | None = None
        self._numbers = 0
        self._turns = Turns()
        self._closed = ""
        self._compare = Compare(fleet, outbox, inbox)
        self.keeper = Keeper(fleet, dialer, clock, self._standing, self.serve)
        self.verify: Callable[[SignedEntry], SignedEntry] = lambda entry: entry
        self.answer: Callable[[str, Question], Awaitable[AnswerBody]] = _cannot_answer
        self.linked: Callable[[str], None] = lambda _node: None
        self.parted: Callable[[str], None] = lambda _node: None
        self.heard_of_team: Callable[[str, TeamFrame], Awaitable[None]] = _knows_no_team
        outbox.queued = self._wake_feed
        inbox.tell = self._tell
        agents.changed = self._announce
        fleet.listen(self._members_changed)
        fleet.parting(self._part)

    async def run(self) -> None:
        """Keep a link to every member, for ever."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self.keeper.run()

    def close(self, why: str) -> None:
        """End all links, and take up no more: those who dial now are told why."""
        self._closed = why
        for session in list(self._sessions.values()):
            session.link.close(why)

    def session(self, node_id: str) -> Session | None:
        """The live link to a node, if there is one."""
        return self._sessions.get(node_id)

    def _standing(self, node_id: str) -> asyncio.Event | None:
        session = self._sessions.get(node_id)
        return session.ended if session else None

    def _part(self, node_id: str) -> None:
        """A node goes on under another id: whoever still holds this one is somebody else."""
        session = self._sessions.get(node_id)
        if session is not None:
            session.link.close("its key is given up")
            self._ended(session)
        self._turns.forget(node_id)
        self.keeper.trouble.pop(node_id, None)

    def _members_changed(self) -> None:
        fault("roster:before_cut")
        members = {admit.node_id for admit in self._fleet.others()}
        for node_id, session in list(self._sessions.items()):
            if node_id not in members:
                self._turns.forget(node_id)
                session.link.close("revoked")
        for link in self._greeting:
            if link.peer_id not in members:
                link.close("revoked")

    def own_addresses(self) -> tuple[str, ...]:
        """Where this node can be reached, as it tells others."""
        return self._addresses()

    # --- one link ---

    async def serve(self, link: Link) -> bool:
        """Speak with a peer until the link ends; whether the link was taken up.

        Raises:
            FleetError: the far node's own refusal, or a hello that makes no sense.
        """
        try:
            session = await self._greet(link)
        except FleetError as error:
            if self._fleet.roster.member(link.peer_id) is not None:
                self.keeper.note(link.peer_id, error)
            raise
        if session is None:
            return False
        try:
            await self._converse(session)
        finally:
            self._ended(session)
        return True

    async def _greet(self, link: Link) -> Session | None:
        link.send(self._hello())
        self._greeting.append(link)
        try:
            async with asyncio.timeout(HELLO_S):
                first = await link.receive()
            return self._greeted(link, first)
        except TimeoutError:
            link.close("no hello")
            raise NodeUnreachable(
                self._fleet.label(link.peer_id), "it does not say hello"
            ) from None
        except BaseException:  # whoever dialled was cancelled: nobody reads this link any more
            link.close("not taken up")
            raise
        finally:
            self._greeting.remove(link)

    def _hello(self) -> Hello:
        me = self._fleet.me
        return Hello(
            PROTOCOL, me.build, me.name, me.boot, me.epoch, self._addresses(),
            self._fleet.roster.digest(), LATEST_PROTOCOL,
        )  # fmt: skip

    def _greeted(self, link: Link, first: Frame | None) -> Session | None:
        if first is None:
            return None
        if self._closed:
            link.close(self._closed)
            return None
        if not isinstance(first, Hello) or (protocol := agreed(first)) is None:
            link.close("another protocol")
            raise VersionMismatch(
                f"{self._fleet.label(link.peer_id)} speaks another protocol",
                hint=f"here {PROTOCOL} to {LATEST_PROTOCOL} are spoken: install the newer fleet on both",
            )
        self._fleet.authorise(link.peer_id)
        self._fleet.meet(link.peer_id)
        me = self._fleet.me.node_id
        link_id = LinkId(me if link.dialled else link.peer_id, first.boot)
        old = self._sessions.get(link.peer_id)
        if old is not None:
            if not replaces(link_id, old.link_id, min(me, link.peer_id)):
                link.close("a link stands already")
                return None
            old.link.close("replaced by a newer link")
            self._ended(old)
        session = Session(link, first, link_id, self._inbox.losses, protocol)
        self._sessions[link.peer_id] = session
        self.keeper.trouble.pop(link.peer_id, None)
        self._fleet.connected(
            link.peer_id, link.address if link.dialled else "", first.addresses, first.build,
            first.epoch,
        )  # fmt: skip
        log.info("peer connected", peer=self._fleet.label(link.peer_id), address=link.address)
        return session

    async def _converse(self, session: Session) -> None:
        link = session.link
        if session.hello.roster_digest != self._fleet.roster.digest():
            self._tell_roster(session, self._fleet.roster.entries())
        link.send(DirectoryWord(full=True, agents=self._agents.entries()))
        self.linked(link.peer_id)
        self._outbox.link_began(link.peer_id)
        self._begin_comparing(session)
        self._tell(link.peer_id, await self._inbox.news_for(link.peer_id))
        self._feed(session)
        while (frame := await link.receive()) is not None:
            if self._turns.hear(link.peer_id, self._clock.now_s()):
                pieces, pause = parts(frame), self._wait
            else:
                pieces, pause = iter((frame,)), None
            for piece in pieces:
                if pause is not None:
                    await pause(link.peer_id, piece)
                if self._sessions.get(link.peer_id) is not session:
                    return
                self._fleet.authorise(link.peer_id)
                await self._heard(session, piece)

    async def _wait(self, peer_id: str, frame: Frame) -> None:
        """For its turn, while others speak, too."""
        await self._clock.sleep(self._turns.wait_s(peer_id, frame, self._clock.now_s()))

    def _begin_comparing(self, session: Session) -> None:
        if session.protocol < COMPARING:
            self._inbox.earlier.compared(session.link.peer_id)  # it cannot say more
            return
        for word in self._compare.words(session.link.peer_id, session.hello.boot):
            session.comparing += 1
            session.link.send(word)

    def _compared(self, session: Session, differing: Differing) -> None:
        peer_id = session.link.peer_id
        self._compare.learnt(peer_id, differing)
        session.comparing -= 1
        if not session.comparing:
            self._compare.done(peer_id, session.hello.boot)
            self._feed(session)

    def _ended(self, session: Session) -> None:
        session.ended.set()
        session.link.close("ended")
        peer_id = session.link.peer_id
        if self._sessions.get(peer_id) is not session:
            return
        del self._sessions[peer_id]
        gone = NodeUnreachable(self._fleet.label(peer_id), "the link ended")
        for asked in session.asked.values():
            if not asked.done():
                asked.set_exception(gone)
        self._outbox.link_ended(peer_id)
        self.parted(peer_id)
        self._fleet.disconnected(peer_id)
        log.info("peer gone", peer=self._fleet.label(peer_id))

    async def _heard(self, session: Session, frame: Frame) -> None:
        peer_id = session.link.peer_id
        match frame:
            case Post(posted):
                # Not awaited: batches that arrive together share one commit. Nothing more is read of a
                # peer that sends faster than the disk takes, so it has to wait, and no other peer.
                await session.taking.acquire()
                self._spawn(self._take(session, posted))
            case Taken():
                fault("ack:lost")
                self._answered(session, frame)
            case Reports(reports):
                session.link.send(ReportsTaken(await self._outbox.reported(peer_id, reports)))
            case ReportsTaken(counts):
                await self._inbox.told(peer_id, counts)
                if len(counts) > 1:  # a catch-up batch may have more behind it
                    self._tell(peer_id, await self._inbox.news_for(peer_id))
            case DirectoryWord():
                self._fleet.hear(peer_id, frame)
            case RosterWord():
                self._merge(session, frame)
            case Ask(number) if session.answering >= ANSWERED_AT_ONCE:
                session.link.send(Answer(number, TooBusy(self._fleet.me.name)))
            case Ask():
                session.answering += 1
                self._spawn(self._answer(session, frame))
            case Answer(number, body):
                asked = session.asked.pop(number, None)
                if asked is not None and not asked.done():
                    asked.set_result(body)
            case _:
                await self._heard_seldom(session, frame)

    async def _heard_seldom(self, session: Session, frame: Frame) -> None:
        peer_id = session.link.peer_id
        match frame:
            case Standing():
                session.link.send(self._compare.heard(peer_id, frame))
                self._tell(peer_id, await self._inbox.news_for(peer_id))
            case Differing() if session.comparing:
                self._compared(session, frame)
            case Differing():
                log.debug("answer to nothing", peer=peer_id[:12])
            case TeamWord() | TeamHave() | TeamBeat():
                await self.heard_of_team(peer_id, frame)
            case Hello():
                log.debug("hello again", peer=peer_id[:12])
            case Unknown(number):
                log.debug("frame unknown", peer=peer_id[:12], number=number)
            case _:
                pass

    def introduce(self, node_id: str, signed: SignedEntry) -> None:
        """A caller who is not known here brings the word by which it follows somebody: as good from it
        as from anybody.

        Raises:
            NotPaired: it is forged, or about another one.
        """
        admit = signed.entry
        if not isinstance(admit, Admit) or admit.node_id != node_id or admit.follows is None:
            raise NotPaired("whoever comes with a new key brings its own admission")
        if not self._fleet.roster.holds(signed.entry_id):
            self._learnt([self.verify(signed)])

    def _merge(self, session: Session, word: RosterWord) -> None:
        """Whoever repeats what is known costs us a look, not the checking of a signature. What only a
        newer version understands is passed over, and told again on the next link, whose hello shows that
        it is missing here."""
        known = self._fleet.roster
        new = {one.entry_id: one for one in word.entries if not known.holds(one.entry_id)}
        checked: list[SignedEntry] = []
        strange = word.strange
        if strange and not session.is_newer:
            raise MalformedRequest("a roster entry that says nothing")
        for entry in new.values():
            try:
                checked.append(self.verify(entry))
            except NotPaired:
                if not session.is_newer:
                    raise
                strange += 1
        if strange:
            peer = self._fleet.label(session.link.peer_id)
            log.warning("roster entries strange", peer=peer, entries=strange)
        self._learnt(checked)

    def _learnt(self, checked: list[SignedEntry]) -> None:
        if fresh := self._fleet.merge(checked):
            log.info("roster changed", entries=len(fresh))
            self.spread_roster(fresh)

    def spread_roster(self, entries: tuple[SignedEntry, ...]) -> None:
        """Tell every connected member; they tell theirs, and what is known is not told again."""
        for session in self._sessions.values():
            self._tell_roster(session, entries)

    def _tell_roster(self, session: Session, entries: tuple[SignedEntry, ...]) -> None:
        """A node of an older version would end the link over an entry that it cannot check."""
        if session.protocol < ADMINS:
            entries = tuple(one for one in entries if not one.speaks_of_admins)
        if session.protocol < ROOTS:
            entries = tuple(one for one in entries if not one.speaks_of_roots)
        if entries:
            session.link.send(RosterWord(entries))

    # --- envelopes out ---

    def _wake_feed(self, node_id: str) -> None:
        session = self._sessions.get(node_id)
        if session is not None and not session.feeding:
            session.feeding = True
            asyncio.get_running_loop().call_soon(self._feed, session)

    def _feed(self, session: Session) -> None:
        session.feeding = False
        if session.comparing:
            return
        try:
            self._offer(session)
        except (
            FleetError
        ) as error:  # a disk that fails: tried again with the next wake, in a second
            log.warning("feed troubled", error=error.code, detail=str(error))
        except Exception as error:  # nobody would ever send what was to be sent now
            log.exception("work failed", error=type(error).__name__)
            session.link.close("it could not be fed")  # on the next link all of it is offered again

    def _offer(self, session: Session) -> None:
        peer_id = session.link.peer_id
        while len(session.batches) < POSTS:
            batch = self._outbox.next_batch(peer_id, session.cursor, BATCH, BATCH_BYTES)
            if not batch:
                return
            self._numbers += 1
            session.cursor = batch[-1][0]
            for seq, posted in batch:
                session.offer(posted.envelope.id, seq, self._numbers)
            fault("send:before_call")
            session.link.send(Post(tuple(posted for _, posted in batch)))

    async def _take(self, session: Session, posted: tuple[Posted, ...]) -> None:
        try:
            if session.losses != self._inbox.losses:
                session.link.close("the database failed")  # an earlier batch would be overtaken
                return
            fault("rx:before_authz")
            self._fleet.authorise(session.link.peer_id)  # again: it may have been put out just now
            session.link.send(await self._inbox.accept_batch(session.link.peer_id, posted))
        except FleetError as error:
            log.warning("batch not taken", error=error.code, detail=str(error))
            session.losses = -1  # later ones must not overtake it
            session.link.close("the database failed")  # the peer comes again with the same batch
        except Exception:
            session.losses = -1  # later ones must not overtake it
            session.link.close("a batch met a bug")  # or it waited for an answer for ever
            raise
        finally:
            session.taking.release()

    def _answered(self, session: Session, answer: Taken) -> None:
        """What was not offered on this link is not the peer's to answer for."""
        peer_id = session.link.peer_id
        taken = {i: seq for i in answer.envelope_ids if (seq := session.done(i)) is not None}
        if taken:
            self._noted(session, self._outbox.taken(peer_id, taken))
        declined = [
            (one, seq)
            for one in answer.declined
            if (seq := session.done(one.envelope_id)) is not None
        ]
        if any(not one.retry for one, _ in declined):
            ended = [one for one, _ in declined if not one.retry]
            self._noted(session, self._outbox.declined(peer_id, ended))
        later = [seq for one, seq in declined if one.retry]
        if later:
            session.cursor = min(session.cursor, min(later) - 1)
            self._spawn(self._feed_later(session))
        else:
            self._feed(session)

    @staticmethod
    def _noted(session: Session, group: asyncio.Future[None]) -> None:
        """What a peer answered is written down. If that is taken back, it is queued again, behind what
        this link has offered: a new link begins anew, and the peer answers as before."""

        def look(done: asyncio.Future[None]) -> None:
            if done.exception() is not None:
                session.link.close("the database failed")

        group.add_done_callback(look)

    async def _feed_later(self, session: Session) -> None:
        await self._clock.sleep(_RETRY_DECLINED_S)
        if not session.ended.is_set():
            self._feed(session)

    # --- news ---

    def _tell(self, node_id: str, reports: tuple[Report, ...]) -> None:
        session = self._sessions.get(node_id)
        if session is not None and reports:
            fault("receipt:before_send")
            session.link.send(Reports(reports))

    def _announce(self, name: str) -> None:
        entry = self._agents.entry(name)
        word = DirectoryWord(False, (entry,) if entry else (), () if entry else (name,))
        for session in self._sessions.values():
            session.link.send(word)

    def say(self, node_id: str, frame: TeamFrame) -> bool:
        """Tell a node about a team; whether it is connected, and of a version that knows of teams."""
        session = self._sessions.get(node_id)
        if session is None or session.protocol < TEAMS:
            return False
        session.link.send(frame)
        return True

    # --- questions ---

    def require_known(self, node_id: str, question: type[Question]) -> None:
        """Insist that a node, if it is connected, would understand such a question.

        Raises:
            VersionMismatch: it is too old.
        """
        session = self._sessions.get(node_id)
        if session is not None:
            require_known(self._fleet.label(node_id), session.protocol, question)

    async def ask(self, node_id: str, question: Question) -> AnswerBody:
        """Ask a connected node.

        Raises:
            NodeUnreachable: there is no link, or no answer in time.
            VersionMismatch: the node is too old for that question; it was not asked.
            FleetError: the far node's own error, in its own words.
        """
        session = self._sessions.get(node_id)
        label = self._fleet.label(node_id)
        if session is None:
            trouble = self.keeper.trouble.get(node_id)
            raise trouble or NodeUnreachable(label, "there is no link to it now")
        require_known(label, session.protocol, type(question))
        self._numbers += 1
        number = self._numbers
        asked = session.asked[number] = asyncio.get_running_loop().create_future()
        session.link.send(Ask(number, question))
        try:
            async with asyncio.timeout(ASK_S):
                body: AnswerBody = await asked
        except TimeoutError:
            raise NodeUnreachable(label, f"no answer within {ASK_S:.0f} s") from None
        finally:
            session.asked.pop(number, None)
        if isinstance(body, FleetError):
            raise body
        return body

    async def _answer(self, session: Session, ask: Ask) -> None:
        try:
            body = (
                VersionMismatch(
                    f"{self._fleet.me.name} does not know that question",
                    hint="install the newer version there",
                )
                if ask.question is None
                else await self.answer(session.link.peer_id, ask.question)
            )
        except FleetError as error:
            body = error
        except Exception:
            log.exception("work failed")
            body = FleetError("the other node met a bug", hint="its log has the details")
        finally:
            session.answering -= 1
        session.link.send(Answer(ask.number, body))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        if self._group is None or self._closed:
            work.close()
        else:
            self._group.create_task(_logged(work))


async def _logged(work: Coroutine[None, None, None]) -> None:
    """The edge of a task: what nobody foresaw ends this piece of work, not the node."""
    try:
        await work
    except Exception:
        log.exception("work failed")


async def _knows_no_team(node_id: str, frame: TeamFrame) -> None:
    log.debug("no team", peer=node_id[:12], team=frame.team)


async def _cannot_answer(node_id: str, question: Question) -> AnswerBody:
    raise NotPaired(f"{node_id[:12]} asked {type(question).__name__} too early")
