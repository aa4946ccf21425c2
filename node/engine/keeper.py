"""Keeps links up: one task for each other member, which dials until a link stands, and again when it ends.

What worked last is tried first, then what was told or configured, then what mDNS hints at. Hints cost
little however many there are: strangers are never dialled, and a member's hints once in two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog

from fleet.core.errors.base import FleetError
from fleet.core.link import LAST_RETRY_S, retry_after_s
from fleet.core.roster import Admit
from node.engine.fleet import Fleet
from node.ports.host import Clock
from node.ports.links import Dialer, Discovery, Link

HINT_EVERY_S = 2.0
HINTS_AT_ONCE = 10
"""What adverts can make this node do, however many of them there are: one round of dials per member
in that time, and so many dials at once."""
_LET_THE_OTHER_DIAL_S = 0.3

log = structlog.get_logger()


class Failure(NamedTuple):
    """An error and the wall time at which it was met."""

    error: FleetError
    at_s: float


class Keeper:
    """The dialling side of every pair.

    ``standing`` gives the event of a live link's end, None when there is no link; ``serve`` speaks on a
    link until it ends, and says whether it was taken up.
    """

    def __init__(
        self,
        fleet: Fleet,
        dialer: Dialer,
        clock: Clock,
        standing: Callable[[str], asyncio.Event | None],
        serve: Callable[[Link], Awaitable[bool]],
    ) -> None:
        self._fleet = fleet
        self._dialer = dialer
        self._clock = clock
        self._standing = standing
        self._serve = serve
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._advertised: dict[str, asyncio.Event] = {}  # set: there is a hint not yet followed
        self._hinted_s: dict[str, float] = {}  # when hints to a member were last followed
        self._hints_dialled = asyncio.Semaphore(HINTS_AT_ONCE)
        self._group: asyncio.TaskGroup | None = None
        self.trouble: dict[str, FleetError] = {}
        """Why a member could not be reached when it was last tried."""
        self.last_error: dict[str, Failure] = {}
        """What went wrong with a member last, and when; stays after it is reached again."""
        self.fixed: Mapping[str, tuple[str, ...]] = {}
        """Addresses from the configuration, by a member's name or id."""
        self.discovery: Discovery | None = None
        fleet.listen(self._members_changed)

    async def run(self) -> None:
        """Keep a link to every member, for ever."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._members_changed()
            try:
                await asyncio.Event().wait()
            finally:  # who is let in from now on is dialled by the node's next life
                self._group = None

    def advertised(self, node_id: str) -> None:
        """A node is advertised at an address that it was not at before. Only members matter."""
        if node_id in self._tasks:
            self._advertised.setdefault(node_id, asyncio.Event()).set()

    def note(self, node_id: str, error: FleetError) -> None:
        """Remember what went wrong with a node."""
        self.last_error[node_id] = Failure(error.with_traceback(None), self._clock.wall_s())

    def addresses_of(self, node_id: str) -> tuple[str, ...]:
        """Where a node may be: what worked last, then what it told, then what mDNS hints at."""
        member = self._fleet.roster.known(node_id)
        known = self._known(member) if member else ()
        return tuple(dict.fromkeys((*known, *self._hints(node_id))))

    def _members_changed(self) -> None:
        if self._group is None:
            return
        members = {admit.node_id: admit for admit in self._fleet.others()}
        for node_id in sorted(self._tasks.keys() - members.keys()):
            self._tasks.pop(node_id).cancel()
            self._advertised.pop(node_id, None)
            self._hinted_s.pop(node_id, None)
        for node_id in sorted(members.keys() - self._tasks.keys()):
            self._tasks[node_id] = self._group.create_task(
                self._keep_on(members[node_id]), name=f"keep {node_id[:12]}"
            )

    async def _keep_on(self, member: Admit) -> None:
        """The edge of a task: what nobody foresaw costs this member a pause, not its link for good."""
        while True:
            try:
                await self._keep(member)
            except Exception:
                log.exception("work failed")
                await self._clock.sleep(LAST_RETRY_S)

    async def _keep(self, member: Admit) -> None:
        attempts = 0
        hints_first = False
        while True:
            if ended := self._standing(member.node_id):
                await ended.wait()
                attempts, hints_first = 0, False
            elif attempts == 0 and member.node_id < self._fleet.me.node_id:
                await self._clock.sleep(_LET_THE_OTHER_DIAL_S)
                attempts = 1
            elif await self._dial(member, hints_first=hints_first):
                attempts, hints_first = 0, False
            else:
                if self.discovery:
                    self.discovery.seek(member.node_id)
                hints_first = await self._pause(
                    member.node_id, retry_after_s(attempts, self._clock.dice())
                )
                attempts += 1

    async def _pause(self, node_id: str, seconds: float) -> bool:
        """Wait before the next round, or until mDNS shows the member somewhere new; whether it did."""
        advertised = self._advertised.setdefault(node_id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await advertised.wait()
        except TimeoutError:
            return False
        await self._clock.sleep(self._hints_rest_s(node_id))
        advertised.clear()
        return True

    async def _dial(self, member: Admit, *, hints_first: bool) -> bool:
        """Try every known address; True after a link that stood has ended.

        ``hints_first``: what is known was tried just now, and what mDNS shows is newer.
        """
        known = self._known(member)
        hints = [a for a in self._hints(member.node_id) if a not in known]
        if not hints_first and self._hints_rest_s(member.node_id) > 0:
            hints = []
        for address in (*hints, *known) if hints_first else (*known, *hints):
            try:
                if await self._serve(
                    await self._dialled(member, address, is_hint=address in hints)
                ):
                    return True
            except FleetError as error:
                self.trouble[member.node_id] = error
                self.note(member.node_id, error)
                log.debug(
                    "dial failed", peer=member.node_id[:12], address=address, error=error.code
                )
        return False

    async def _dialled(self, member: Admit, address: str, *, is_hint: bool) -> Link:
        if not is_hint:
            return await self._dialer.dial(member, address)
        self._hinted_s[member.node_id] = self._clock.now_s()
        async with self._hints_dialled:
            return await self._dialer.dial(member, address)

    def _hints_rest_s(self, node_id: str) -> float:
        """How long hints to this member have to wait yet."""
        last_s = self._hinted_s.get(node_id)
        return 0.0 if last_s is None else max(0.0, last_s + HINT_EVERY_S - self._clock.now_s())

    def _known(self, member: Admit) -> tuple[str, ...]:
        """What does not come from mDNS."""
        ids = self._fleet.roster.lineage(member.node_id)
        learnt = [a for node_id in ids for a in self._fleet.peer(node_id).addresses]
        fixed = [a for name in (*ids, member.name) for a in self.fixed.get(name, ())]
        return tuple(dict.fromkeys((*learnt, *fixed)))

    def _hints(self, node_id: str) -> tuple[str, ...]:
        found = self.discovery.found() if self.discovery else ()
        return next((node.addresses for node in found if node.node_id == node_id), ())
