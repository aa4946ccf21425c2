"""Builds the parts and joins them: the only place that knows them all.

Order matters at both ends. Up: home, lock, keys, database, engine, doors; ready only when both
doors serve. Down: no new calls, what is being typed comes to its end, links close, the last group is
committed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog

from fleet.config import ANY_HOST, DEFAULT_PORT, Config, load, split_address
from fleet.core.address import OPERATOR, label_from, parse_name
from fleet.core.errors import PortInUse, WrongState
from fleet.core.frames import (
    AnswerBody,
    CancelAsk,
    DoneAnswer,
    PeekAsk,
    ProbeAsk,
    Question,
    StepsAnswer,
)
from fleet.core.errors import FleetError, NotAllowed
from fleet.core.resolver import resolve_node
from fleet.core.trust import Caller
from fleet.paths import Paths
from fleet.profiles import load as load_profiles
from node.adapters.clock import SystemClock
from node.adapters.home import lock, prepare
from node.adapters.lineage import lineage
from node.adapters.mdns import Mdns
from node.adapters.spill import SpillFolder
from node.adapters.tmux import TmuxPanes
from node.doors import views
from node.doors.calls import handle
from node.doors.local import LocalDoor
from node.engine.agents import Agents
from node.engine.courier import Courier
from node.engine.events import Events
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.membership import Membership
from node.engine.node import Node
from node.engine.outbox import Outbox
from node.engine.peers import Peers
from node.engine.route import Router
from node.engine.talk import Talk
from node.records import Me
from node.store import SqliteStore

DRAIN_S = 10.0
"""How long a stop waits for what is being typed; longer than any profile's evidence limit."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; empty is not said."""

    home: Path
    name: str = ""
    listen: str = ""
    mdns: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """The adapters that a node stands on."""

    store: SqliteStore
    clock: Clock
    panes: Panes
    dialer: Dialer
    authority: Authority
    spill: Spill
    probe: Probe


def assemble(
    me: Me, home: str, world: World, profiles: Profiles, addresses: Callable[[], tuple[str, ...]]
) -> Node:
    """The engine's parts, joined; nothing runs yet."""
    store, clock = world.store, world.clock
    events = Events()
    fleet = Fleet(me, store, clock)
    fleet.load(world.authority.verify(body, signature) for body, signature in store.book.roster())
    inbox = Inbox(fleet, store, clock, events)
    outbox = Outbox(fleet, inbox, store, clock, events)
    agents = Agents(fleet, inbox, store, world.panes, profiles, clock, home)
    courier = Courier(agents, inbox, store, world.panes, clock, world.spill, me.node_id)
    peers = Peers(fleet, agents, outbox, inbox, world.dialer, clock, addresses)
    peers.verify = lambda entry: world.authority.verify(entry.body, entry.signature)
    membership = Membership(
        fleet, peers, world.authority, store, clock, partial(os.urandom, 16), addresses
    )
    router = Router(fleet, agents, peers, store, clock, world.probe)
    talk = Talk(fleet, inbox, outbox, peers, store, events)
    store.database.listen(events.logged)
    node = Node(
        home, "", fleet, agents, inbox, outbox, courier, peers, membership, router, talk, events,
        store, world.panes, profiles, clock,
    )  # fmt: skip
    peers.answer = partial(answer, node)
    return node


async def answer(node: Node, node_id: str, question: Question) -> AnswerBody:
    """Answer a peer's question, as far as this node's grants go."""
    caller = node.fleet.peer_caller(question.caller, node_id)
    match question:
        case PeekAsk(agent=agent, lines=lines):
            return await views.look_at(node, caller, agent, lines)
        case ProbeAsk(agent=agent):
            return StepsAnswer(await node.router.inside(caller, agent))
        case CancelAsk(envelope_id=envelope_id):
            item = node.talk.incoming(envelope_id)
            if item.envelope.from_node != node_id:
                raise NotAllowed(str(caller), "cancel", envelope_id)
            await node.inbox.cancel(item, str(caller))
            return DoneAnswer()
