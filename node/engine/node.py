"""One node, put together: the parts that the doors speak to, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from fleet.core.envelope import DEDUPE_KEPT_S
from fleet.core.errors.base import FleetError
from fleet.profiles import Profiles
from node.engine.admins import Admins
from node.engine.agents import Agents
from node.engine.agreements import Agreements
from node.engine.assigning import Assigning
from node.engine.briefs import Briefs
from node.engine.copies import Copies
from node.engine.courier import Courier
from node.engine.errands import Errands
from node.engine.events import Events
from node.engine.farewell import Farewells
from node.engine.fleet import Fleet
from node.engine.goodbye import Goodbyes
from node.engine.grants import Grants
from node.engine.inbox import Inbox
from node.engine.invitations import Invitations
from node.engine.lineup import Lineup
from node.engine.lodging import Lodging
from node.engine.members import Members
from node.engine.membership import Membership
from node.engine.memories import Memories
from node.engine.outbox import Outbox
from node.engine.overtaken import Overtaken
from node.engine.peers import Peers
from node.engine.permits import Permits
from node.engine.plans import Plans
from node.engine.respawn import Respawns
from node.engine.roots import Roots
from node.engine.rotation import Rotation
from node.engine.route import Router
from node.engine.screens import Screens
from node.engine.slots import Slots
from node.engine.starter import Starter
from node.engine.supervisor import Supervisor
from node.engine.talk import Talk
from node.engine.teams import Teams
from node.ports.host import Clock
from node.ports.links import Discovery
from node.ports.panes import Panes
from node.store import SqliteStore

_SWEEP_S = 1.0
_TIDY_EVERY_SWEEPS = 3_600

log = structlog.get_logger()


@dataclass(slots=True)
class Node:
    """Everything that runs on one host for one home. ``missing`` lists what could not be had,
    ``metrics`` is where they are served, ``again`` that its end is to be a new start,
    ``last_errors`` what the log was told of late, at the level of a warning and above."""

    home: str
    listen: str
    fleet: Fleet
    permits: Permits
    agents: Agents
    starter: Starter
    inbox: Inbox
    outbox: Outbox
    courier: Courier
    peers: Peers
    membership: Membership
    grants: Grants
    admins: Admins
    rotation: Rotation
    roots: Roots
    router: Router
    talk: Talk
    teams: Teams
    copies: Copies
    memories: Memories
    briefs: Briefs
    plans: Plans
    errands: Errands
    invitations: Invitations
    agreements: Agreements
    screens: Screens
    members: Members
    lodging: Lodging
    lineup: Lineup
    farewells: Farewells
    goodbyes: Goodbyes
    respawns: Respawns
    overtaken: Overtaken
    slots: Slots
    supervisor: Supervisor
    assigning: Assigning
    events: Events
    store: SqliteStore
    panes: Panes
    profiles: Profiles
    clock: Clock
    discovery: Discovery | None = None
    metrics: str = ""
    missing: Callable[[], list[str]] = list
    last_errors: Callable[[], list[dict[str, object]]] = list
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    again: bool = False

    def stop(self) -> None:
        """Stop, gracefully."""
        self.again = False
        self.stopping.set()

    def start_again(self) -> None:
        """Stop as gracefully, and start anew in this process: who the node is has changed."""
        self.again = True
        self.stopping.set()

    async def sweep(self) -> None:
        """End what is overdue every second; forget what is long over once an hour."""
        sweeps = 0
        while True:
            try:
                await self.outbox.expire()
                await self.inbox.expire()
                self.permits.tidy()
                await self.membership.keep()
                await self.invitations.lapse()
                await self.assigning.keep()
                if sweeps % _TIDY_EVERY_SWEEPS == 0:
                    before_s = self.clock.wall_s() - DEDUPE_KEPT_S
                    self.store.outbox.drop_before(before_s)
                    self.store.inbox.drop_before(before_s)
                    await self.store.commit()
            except FleetError as error:
                log.warning("sweep failed", error=error.code, detail=str(error))
            sweeps += 1
            await self.clock.sleep(_SWEEP_S)
