"""A node from its parts: the engine joined to a world, a real one or a test's. Nothing runs yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from fleet.paths import Paths
from fleet.profiles import Profiles
from node.doors.questions import answer
from node.engine.admins import Admins
from node.engine.agents import Agents
from node.engine.agreements import Agreements
from node.engine.assigning import Assigning
from node.engine.briefs import Briefs
from node.engine.conditions import Conditions
from node.engine.copies import Copies
from node.engine.courier import Courier
from node.engine.errands import Errands
from node.engine.events import Events
from node.engine.farewell import Farewells
from node.engine.fleet import Fleet
from node.engine.goodbye import Goodbyes
from node.engine.grants import Grants
from node.engine.homeward import Homeward
from node.engine.hosting import Hosting
from node.engine.inbox import Inbox
from node.engine.invitations import Invitations
from node.engine.lineup import Lineup
from node.engine.lodging import Lodging
from node.engine.members import Members
from node.engine.membership import Membership
from node.engine.memories import Memories
from node.engine.node import Node
from node.engine.notices import Notices
from node.engine.outbox import Outbox
from node.engine.overtaken import Overtaken
from node.engine.peers import Peers
from node.engine.permits import Permits
from node.engine.plans import Plans
from node.engine.remembering import Remembering
from node.engine.respawn import Respawns
from node.engine.roots import Roots
from node.engine.rotation import Rotation
from node.engine.route import Probe, Router
from node.engine.screens import Screens
from node.engine.slots import Slots
from node.engine.starter import Starter
from node.engine.supervisor import Supervisor
from node.engine.talk import Talk
from node.engine.teaching import Teaching
from node.engine.teams import Teams
from node.ports.authority import Authority
from node.ports.host import Clock
from node.ports.links import Dialer
from node.ports.memory import MemoryFolder
from node.ports.panes import Panes, Spill
from node.ports.skills import Skills
from node.ports.witness import Witness
from node.ports.worktrees import Worktrees
from node.records import Me
from node.store import SqliteStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """The adapters that a node stands on."""

    store: SqliteStore
    clock: Clock
    panes: Panes
    dialer: Dialer
    authority: Authority
    spill: Spill
    witness: Witness
    probe: Probe
    worktrees: Worktrees
    memory: MemoryFolder
    search: Path
    skills: Skills


def assemble(
    me: Me, home: str, world: World, profiles: Profiles, addresses: Callable[[], tuple[str, ...]]
) -> Node:
    """The engine's parts, joined; nothing runs yet."""
    store, clock = world.store, world.clock
    events = Events()
    fleet = Fleet(me, store, clock)
    if (joined := world.authority.unfinished()) is not None:
        # An earlier life ended between joining and remembering it; what it remembers is another fleet.
        fleet.load(())
        fleet.enter(joined)
        store.database.flush()
        world.authority.finish()
    else:
        entries = store.book.roster()
        fleet.load(world.authority.verify(body, signature) for body, signature in entries)
    permits = Permits(fleet, store, clock)
    inbox = Inbox(fleet, permits, store, clock, events)
    outbox = Outbox(fleet, inbox, store, clock, events)
    agents = Agents(fleet, inbox, store, world.panes, world.witness, profiles, clock)
    teaching = Teaching(world.skills, profiles)
    teaching.renew(agents.all())
    agents.gone = lambda agent: teaching.gone(agent, agents.all())
    starter = Starter(fleet, agents, world.panes, world.witness, profiles, teaching, clock, home)
    courier = Courier(
        agents, inbox, store, world.panes, clock, world.spill, world.witness, me.node_id
    )
    peers = Peers(fleet, agents, outbox, inbox, world.dialer, clock, addresses)
    peers.verify = lambda entry: world.authority.verify(entry.body, entry.signature)
    membership = Membership(
        fleet, peers, world.authority, store, clock, partial(os.urandom, 16), addresses
    )
    admins = Admins(fleet, peers, world.authority, membership, store, clock)
    rotation = Rotation(fleet, peers, world.authority, membership, store, clock)
    roots = Roots(fleet, peers, world.authority, membership, clock)
    router = Router(fleet, agents, peers, permits, store, clock, world.probe)
    talk = Talk(fleet, inbox, outbox, peers, store, events)
    teams = Teams(fleet, store, clock, world.authority.team_key(), agents.is_online)
    copies = Copies(teams, fleet, store, clock)
    teams.ask, copies.say = peers.ask, peers.say
    errands = Errands(fleet, store, clock)
    errands.ask, errands.require_known = peers.ask, peers.require_known
    invitations = Invitations(teams, fleet, errands, store, clock)
    agreements = Agreements(teams, fleet, permits, errands, store, clock)
    agreements.linked = copies.linked
    peers.linked = partial(_each, (copies.linked, errands.linked))
    peers.parted, peers.heard_of_team = copies.parted, copies.heard
    screens = Screens(agents, courier, clock)
    conditions = Conditions(agents, screens, world.worktrees, store, clock)
    hosting = Hosting(agents, starter, world.worktrees, store, clock, Paths(Path(home)).worktrees)
    members = Members(teams, fleet, hosting, conditions, peers.ask, clock)
    farewells = Farewells(teams, fleet, members, Notices(fleet, talk, store), clock)
    fleet.teams, fleet.seats_of, teams.reseated = teams.logs, teams.seats_of, agents.retell
    starter.duty_of = teams.duty_of
    for agent in agents.all():
        agents.retell(agent.name)
    remembering = Remembering(teams, fleet, store, clock, world.memory, world.search)
    homeward = Homeward(teams, fleet)
    goodbyes = Goodbyes(teams, homeward, fleet, store)
    goodbyes.heard = farewells.heard
    teams.replaced = partial(_each, (remembering.replaced, hosting.begin_again))
    memories = Memories(teams, homeward, fleet, store, remembering)
    briefs = Briefs(teams, fleet, agents, agreements, permits, memories, outbox, talk, clock)
    lineup = Lineup(fleet, members, briefs)
    overtaken = Overtaken(teams, fleet, hosting, outbox, store, clock)
    teams.grew = partial(_each, (remembering.grew, overtaken.grew))
    store.database.listen(events.logged)
    node = Node(
        home, "", fleet, permits, agents, starter, inbox, outbox, courier, peers, membership, Grants(fleet, permits, store, clock), admins, rotation, roots, router, talk, teams, copies, memories, briefs,
        Plans(teams, fleet, store, clock), errands, invitations, agreements,
        screens, members, Lodging(teams, fleet, agreements, permits, hosting, conditions, store),
        lineup, farewells, goodbyes, Respawns(fleet, members, lineup, briefs, store, clock), overtaken,
        Slots(teams, homeward, store), Supervisor(teams, fleet, members, outbox, store, clock),
        Assigning(teams, homeward, members, outbox, fleet, clock), events,
        store, world.panes, profiles, clock,
    )  # fmt: skip
    peers.answer = partial(answer, node)
    return node


def _each(listeners: tuple[Callable[[T], None], ...], what: T) -> None:
    for listener in listeners:
        listener(what)
