"""One home, served: builds adapters, engine and doors, and is the only place that knows them all.

Order matters at both ends. Up: home, lock, keys, database, engine, doors; ready only when both
doors serve. Down: no new calls, what is being typed comes to its end, links close, the last group is
committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog

from fleet.config import ANY_HOST, DEFAULT_PORT, load, split_address
from fleet.core.address import OPERATOR, label_from, parse_name
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import PortInUse
from fleet.core.errors.requests import WrongState
from fleet.core.roster import SignedEntry
from fleet.core.trust import Caller
from fleet.logs import RECENT
from fleet.paths import Paths
from fleet.profiles import load as load_profiles
from node.adapters.clock import SystemClock
from node.adapters.credentials import server_credentials
from node.adapters.descriptors import connections
from node.adapters.dialer import GrpcDialer
from node.adapters.home import lock, prepare
from node.adapters.interfaces import places, reachable
from node.adapters.keyring import Keyring
from node.adapters.lineage import lineage
from node.adapters.mdns import MdnsDiscovery
from node.adapters.memory_folder import MemoryFolders
from node.adapters.process import usage
from node.adapters.skills import SkillFolders
from node.adapters.spill import SpillFolder
from node.adapters.tmux import TmuxPanes
from node.adapters.witness import Witnesses
from node.adapters.worktree import GitWorktrees
from node.assembly import World, assemble
from node.doors.calls.table import handle
from node.doors.gauges import Gauges
from node.doors.local import LocalDoor
from node.doors.metrics import MetricsDoor
from node.doors.newcomers import Newcomers
from node.doors.peer import PairingService, PeerDoor, PeeringService
from node.engine.node import Node
from node.engine.rotation import take_over
from node.engine.tally import Tally
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
    metrics: str = ""
    again: bool = False
    """The address is only where an earlier life of the same process listened."""


class Daemon:
    """One home, served."""

    def __init__(self, options: Options, held: tuple[int, int] | None = None) -> None:
        """Open everything that can be wrong before anything is promised. ``held`` is the home's lock, when
        an earlier life of this process has it already.

        Raises:
            FleetError: the home, its lock, its configuration, keys or database are not usable.
        """
        self._options = options
        self._before: Node | None = None
        self._paths = Paths(options.home)
        prepare(self._paths)
        self._lock = held or lock(self._paths)
        self._config = load(self._paths.config)
        self._profiles = load_profiles(self._paths.profiles)
        self._keyring = Keyring.open(self._paths.keys)
        self._clock = SystemClock()
        self._store = SqliteStore(self._paths.database, self._keyring.node_id)
        take_over(self._keyring, self._store, self._clock.wall_s())
        self._me = self._introduce()
        self._bound = ("127.0.0.1", 0)
        own_server = f"_fleet-{self._first_id()[:8]}"
        self._panes = TmuxPanes(own_server, f"fleet-{self._me.name.replace('.', '-')}")
        self._dialer = GrpcDialer(lambda: self._keyring.identity, self._introduction)
        spill = SpillFolder(self._paths.spill)
        spill.tidy(self._clock.wall_s())
        world = World(
            self._store, self._clock, self._panes, self._dialer, self._keyring, spill,
            Witnesses(self._paths.hooks), self._dialer.probe, GitWorktrees(),
            MemoryFolders(self._paths.memory), self._paths.search,
            SkillFolders(is_on=self._config.skills),
        )  # fmt: skip
        self.node = assemble(
            self._me, str(self._paths.root), world, self._profiles, self._addresses
        )
        self.node.missing = self._missing
        self.node.last_errors = RECENT.newest
        self.node.peers.keeper.fixed = self._config.peers
        self.node.outbox.room.limits = self._config.outbox

    # --- who we are ---

    def _introduce(self) -> Me:
        """Name and lives of this node; a fresh home admits itself to the fleet it founds."""
        database = self._store.database
        epoch = database.meta("epoch")
        if epoch is None:
            epoch = self._clock.token().encode()
            database.put_meta("epoch", epoch)
        name = self._name()
        database.flush()
        return Me(
            self._keyring.node_id, name, self._clock.token(), epoch.decode(), version("fleet")
        )

    def _first_id(self) -> str:
        """The id that this home's node had first: its tmux server bears it through all keys."""
        known = self._store.database.meta("first_id")
        if known is None:
            known = self._me.node_id.encode()
            self._store.database.put_meta("first_id", known)
            self._store.database.flush()
        return known.decode()

    def _introduction(self) -> SignedEntry | None:
        """By what a node that knows only this one's earlier key would know it."""
        fleet = self.node.fleet
        own = fleet.roster.member(self._me.node_id)
        return fleet.roster.admission(own.node_id) if own and own.follows else None

    def _name(self) -> str:
        """The name in the roster, once admitted; before that what was asked for."""
        asked = self._options.name or self._config.name
        asked = parse_name(asked) if asked else ""
        known = self._store.database.meta("name")
        if known is not None:
            if asked and asked != known.decode():
                raise WrongState(
                    f"this home's node is called {known.decode()}, not {asked}",
                    hint="names are in the signed roster; a fresh home can have another",
                )
            return known.decode()
        name = asked or label_from(socket.gethostname())
        self._store.database.put_meta("name", name.encode())
        own = self._keyring
        if own.is_admin:
            entry, _ = own.admit(own.public_key, name)
            self._store.book.put_roster(((entry.entry_id, entry.body, entry.signature),))
        return name

    # --- running ---

    async def run(self, ready: Callable[[Node], None]) -> None:
        """Serve until told to stop, then stop gracefully."""
        node = self.node
        peer_door = await self._open_peer_door()
        local_door = LocalDoor(self._paths.door, self._attest, partial(handle, node))
        discovery = self._discovery()
        metrics_door = await self._open_metrics()
        await local_door.open()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, node.stop)
        if (
            self._before is not None and not self._before.again
        ):  # told to stop between the two lives
            node.stop()
        self._before = None
        log.info("node up", node=self._me.name, id=self._me.node_id, listen=node.listen)
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(part)
                for part in (
                    node.courier.run(), node.peers.run(), node.agents.watch(), node.sweep(), node.copies.run(), node.errands.run(),
                    node.memories.remembering.run(), node.farewells.run(), node.supervisor.run(), node.overtaken.run(),
                    *([discovery.run()] if discovery else []),
                )
            ]  # fmt: skip
            ready(node)
            await node.stopping.wait()
            log.info("node stopping", node=self._me.name)
            await node.courier.drain(DRAIN_S)
            await local_door.close()
            if metrics_door is not None:
                await metrics_door.close()
            node.peers.close("the node stops")
            for part in work:
                part.cancel()
        await peer_door.close()
        await self._dialer.close()
        await self._panes.close()
        with contextlib.suppress(FleetError):  # what a failing disk took back, once more
            await node.membership.keep()
        node.memories.remembering.close()
        self._store.database.close()
        # Else the next life has it: in between nobody is to think that no node runs.
        if not node.again:
            for descriptor in self._lock:
                os.close(descriptor)
        log.info("node down", node=self._me.name)

    def successor(self) -> Daemon | None:
        """The next life of this home in this process, at the same address, when its end was to be one."""
        if not self.node.again:
            return None
        heir = Daemon(replace(self._options, listen=self.node.listen, again=True), self._lock)
        heir._before = self.node
        return heir

    async def _open_peer_door(self) -> PeerDoor:
        """Listen where asked, or where an earlier start listened, or anywhere."""
        asked = self._options.listen or self._config.listen
        node = self.node
        door = PeerDoor(node.fleet.authorise, connections(), node.peers.introduce)
        door.add(
            PeeringService(node.peers.serve),
            PairingService(Newcomers(node, self._keyring), lambda: self._keyring.certificate),
        )
        host, port = split_address(asked or self._usual_listen())
        credentials = server_credentials(self._keyring.trust)
        try:
            bound = await door.open(_joined(host, port), credentials)
        except PortInUse:
            if asked and not self._options.again:
                raise
            # Several homes on one host: the usual port is the first one's, others take any.
            bound = await door.open(_joined(host, 0), credentials)
        node.listen = _joined(host, bound)
        self._store.database.put_meta("listen", node.listen.encode())
        self._store.commit_soon()
        self._bound = (host, bound)
        return door

    async def _open_metrics(self) -> MetricsDoor | None:
        """Numbers for Prometheus, where they were asked for; nothing is counted otherwise."""
        asked = self._options.metrics or self._config.metrics
        if not asked:
            return None
        node = self.node
        tally = Tally(node.events, self._clock)
        gauges = Gauges(node, tally, self._panes.calls, usage, self._config.metrics_names)
        door = MetricsDoor(gauges.page)
        node.metrics = await door.open(asked)
        return door

    def _addresses(self) -> tuple[str, ...]:
        """Where peers reach this node, now: interfaces come and go."""
        return (*self._config.advertise, *reachable(*self._bound))

    def _usual_listen(self) -> str:
        remembered = self._store.database.meta("listen")
        return remembered.decode() if remembered else f"{ANY_HOST}:{DEFAULT_PORT}"

    def _discovery(self) -> MdnsDiscovery | None:
        """mDNS, unless it is switched off; it touches the network only when it runs."""
        if not (self._options.mdns and self._config.mdns):
            return None
        node = self.node
        node.discovery = node.peers.keeper.discovery = discovery = MdnsDiscovery(
            self._me.node_id,
            lambda: reachable(*self._bound),
            lambda: self._keyring.discovery_key,
            self._clock,
            node.peers.keeper.advertised,
        )
        return discovery

    def _missing(self) -> list[str]:
        """What this node would like to have and has not."""
        host = self._bound[0]
        is_alone = host == ANY_HOST and not places()
        troubles = {
            "tmux": self._panes.trouble(),
            "network": "no address that another host could reach" if is_alone else "",
            "mdns": self.node.discovery.trouble if self.node.discovery else "",
        }
        return [f"{what}: {trouble}" for what, trouble in troubles.items() if trouble]

    def _attest(self, pid: int) -> Caller:
        agent = self.node.agents.of_process(lineage(pid))
        return self.node.fleet.caller(agent.name if agent else OPERATOR)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
