"""One computer of a world: its tmux and its one home outlive every life of its node.

A crash leaves the node no last word: what was not committed is gone, its links break, and nothing that
its tasks still try reaches anybody. ``up`` then opens the same file again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeNotRunning
from fleet.core.trust import Caller
from fleet.profiles import Profiles, load
from node.adapters.spill import SpillFolder
from node.adapters.witness import Witnesses
from node.assembly import World as Adapters
from node.assembly import assemble
from node.daemon import DRAIN_S
from node.doors.calls.table import handle
from node.doors.local import Answer, Request
from node.engine.inbox import INBOX_LIMIT
from node.engine.node import Node
from node.ports.panes import PaneRef
from node.records import Me
from node.store import SqliteStore
from tests.support.authority import FakeAuthority, Inviter, id_of
from tests.support.disk import Disk, SimDatabase
from tests.support.effects import SimSpill, SimWitness
from tests.support.memory_folders import FakeMemoryFolders
from tests.support.model_tmux import Pane, Tmux
from tests.support.panes import FakePanes, Typed
from tests.support.programs import MODELS, Chat, Program
from tests.support.simnet import Board, SimDialer, SimLink
from tests.support.skills import FakeSkills
from tests.support.visits import Pairing, Said
from tests.support.vtime import Process, VirtualClock
from tests.support.worktrees import FakeWorktrees

if TYPE_CHECKING:
    from tests.support.world import World

T = TypeVar("T")

SOCKET = "/tmp/tmux-model/default"
PROFILES = Profiles((*load().all(), *MODELS))


@dataclass(frozen=True, slots=True)
class Birth:
    """One incarnation: the program that was bound, and on which host."""

    host: Host
    program: Program


class Host:
    """One computer: a tmux and a home. ``node`` is the life that serves it now, if any."""

    def __init__(self, world: World, key: str, name: str) -> None:
        self.world = world
        self.key = key
        self.name = name
        self.node_id = id_of(key)
        self.address = f"{key}:7717"
        self.folder = world.folder / key
        (self.folder / "spill").mkdir(parents=True)
        self.tmux = Tmux()
        self.clock = VirtualClock(Random(f"{world.seed} {key}"))
        self.authority = FakeAuthority(self.node_id, id_of(f"root {key}"), True, self._inviter)
        self.authority.now_s = self.clock.wall_s
        self.board = Board()
        self.worktrees = FakeWorktrees()
        self.disk = Disk(self.at)
        self.room = INBOX_LIMIT
        """How many envelopes may wait for one agent, from the next life on."""
        self.node: Node | None = None
        self.process = Process()
        self.panes = FakePanes(self.tmux)
        self.typed: list[Typed] = []
        self.put_out: frozenset[str] = frozenset()
        """Who was put out of the fleet, as its newest life read when it began."""
        self._fuse = 0
        self._burnt: Callable[[str], None] = lambda _moment: None
        # In order: those who are cancelled go on in the order in which they began.
        self._tasks: dict[asyncio.Task[Any], None] = {}

    # --- lives ---

    def up(self) -> None:
        """Begin a life on what the file says."""
        assert self.node is None, f"{self.key} is up"
        database = SimDatabase(self.folder / "fleet.db", self.disk)
        store = SqliteStore(database.path, self.node_id, database)
        self.process = Process()
        self.panes = FakePanes(self.tmux, f"fleet-{self.key}")
        self.panes.at = self.at
        self.panes.born = self._born
        self.panes.typed = self.typed.append
        dialer = SimDialer(self.world.net, self.node_id)
        adapters = Adapters(
            store,
            self.clock,
            self.panes,
            dialer,
            self.authority,
            SimSpill(SpillFolder(self.folder / "spill"), self.at),
            SimWitness(Witnesses(self.folder / "hooks"), self._log_of, self.at),
            dialer.probe,
            self.worktrees,
            FakeMemoryFolders(),
            self.folder / "search.db",
            FakeSkills(),
        )
        me = self._introduce(store)
        self.node = assemble(me, str(self.folder), adapters, PROFILES, lambda: (self.address,))
        self.node.listen = self.address
        self.node.inbox.limit = self.room
        self.node.discovery = self.node.peers.keeper.discovery = self.board
        told = self.node.peers.keeper.advertised
        self.board.told = lambda node_id: self.process.run(told, node_id)
        self._life = self._spawn(self._live(self.node))
        database.is_up = True
        self.world.shown(self)
        self._compare_roster(self.node)

    def _compare_roster(self, node: Node) -> None:
        """What an earlier life knew of those who were put out, this one knows."""
        now = frozenset(revoke.node_id for revoke in node.fleet.roster.revocations())
        if back := self.put_out - now:
            self.world.breaches.append(f"{self.key} took {sorted(back)} in again")
        self.put_out = now

    def _introduce(self, store: SqliteStore) -> Me:
        """A fresh home founds a fleet of one."""
        epoch = store.database.meta("epoch")
        if epoch is None:
            epoch = self.clock.token().encode()
            store.database.put_meta("epoch", epoch)
            entry, _ = self.authority.admit(self.node_id.encode(), self.name)
            store.book.put_roster(((entry.entry_id, entry.body, entry.signature),))
            store.database.flush()
        return Me(self.node_id, self.name, self.clock.token(), epoch.decode(), "1")

    async def _live(self, node: Node) -> None:
        async with asyncio.TaskGroup() as group:
            parts = (
                node.courier.run(), node.peers.run(), node.agents.watch(), node.sweep(), node.copies.run(),
                node.errands.run(),
            )  # fmt: skip
            work = [group.create_task(part) for part in parts]
            await node.stopping.wait()
            await node.courier.drain(DRAIN_S)
            node.peers.close("the node stops")
            for part in work:
                part.cancel()

    async def down(self) -> None:
        """Stop gracefully."""
        node = self.up_node
        node.stopping.set()
        self.world.net.close(self.address)
        while self._tasks:  # a call that came when it stood still ends, too
            await asyncio.wait(self._tasks)
        node.store.database.close()
        self.node = None

    def crash(self) -> None:
        """End without a last word, at this very instant."""
        node, self.node = self.up_node, None
        self.go_on()
        self.panes.gone = True
        self.world.net.close(self.address)
        self.world.net.drop_all(self.node_id)
        cast(SimDatabase, node.store.database).die()
        for task in self._tasks:
            task.cancel()
        self.world.dying += self._tasks
        self._tasks = {}

    def stand_still(self) -> None:
        """Stop the process: time passes, and nothing of the node runs until it goes on or dies."""
        self.process.stop()
        self.world.net.stand_still(self.node_id)

    def go_on(self) -> None:
        """Let the process go on: it learns all at once of what has come meanwhile."""
        self.world.net.go_on(self.node_id)
        self.process.go_on()

    def waiting(self) -> int:
        """How many messages wait here for agents, or are being typed."""
        with self.store() as store:
            return sum(one.number for one in store.inbox.waiting() if one.what != OPERATOR)

    def copy(self) -> None:
        """Copy the database as it is written now; the node may be up."""
        copy = self.folder / "copy.db"
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.folder / "fleet.db")) as database:
            database.execute("VACUUM INTO ?", (str(copy),))

    def put_back(self) -> None:
        """Put the copy in the database's place; the node has to be down. What was known since is no more."""
        assert self.node is None, f"{self.key} is up"
        for old in self.folder.glob("fleet.db*"):
            old.unlink()
        (self.folder / "copy.db").rename(self.folder / "fleet.db")
        self.put_out = frozenset()

    def at_moment(self, count: int, action: Callable[[str], None]) -> None:
        """Let something happen at the moment before or after an effect, when so many have been."""
        self._fuse, self._burnt = count, action

    def at(self, moment: str) -> None:
        """A moment before or after an effect of the node has come."""
        if self._fuse and self.node is not None:
            self._fuse -= 1
            if not self._fuse:
                self._burnt(moment)

    @property
    def up_node(self) -> Node:
        """The node, which has to be up."""
        if self.node is None:
            raise NodeNotRunning(self.key)
        return self.node

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the node's process do something, and wait for it.

        Raises:
            NodeNotRunning: it died before that was done.
        """
        task = self._spawn(work)
        await asyncio.wait({task})
        if task.cancelled():
            raise NodeNotRunning(self.key, "it went away before it was done")
        return task.result()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the node's process do something more beside all else, until this life ends."""
        more = self._spawn(work)

        async def end() -> None:
            await self.up_node.stopping.wait()
            more.cancel()

        _ending = self._spawn(end())  # it is among the life's tasks

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        context = self.process.context()
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Notes what nobody foresaw; a refusal was told to whom it concerned."""
        if task in self._tasks and not task.cancelled():
            error = task.exception()
            if error is not None and not isinstance(error, FleetError):
                self.world.trouble.append(error)
        self._tasks.pop(task, None)

    # --- who comes to its door ---

    def authorise(self, node_id: str) -> object:
        return self.up_node.fleet.authorise(node_id)

    async def welcome(self, link: SimLink) -> object:
        return await self._spawn(self.up_node.peers.serve(link))

    def _inviter(self, node_id: str, address: str) -> Inviter | None:
        door = self.world.net.at(address)
        if not isinstance(door, Host) or door.node_id != node_id or door.process.is_stopped:
            return None
        return Pairing(door)

    async def call(self, call: str, caller: str = OPERATOR, **args: object) -> Said:
        """Ask the node as the command line would, as one of its agents or its operator."""
        said = Said()
        answer = Answer(cast(asyncio.StreamWriter, said))
        told = msgspec.to_builtins({"call": call, "args": args})
        request = msgspec.convert(told, Request)
        asked = self._spawn(self._asked(caller, request, answer))
        await asyncio.wait({asked})
        if asked.cancelled():
            answer.error(NodeNotRunning(self.key, "it went away before it answered"))
        self.world.note(said)
        return said

    async def _asked(self, caller: str, request: Request, answer: Answer) -> None:
        try:
            await handle(self.up_node, self.attest(caller), request, answer)
        except FleetError as error:
            answer.error(error)

    def attest(self, agent: str) -> Caller:
        """Who a process is that runs inside this agent's pane, or outside of all."""
        node = self.up_node
        ref = node.agents.ref(agent)
        program = self.world.births[ref.token].program if ref else Program(("nobody",))
        found = node.agents.of_process(((program.pid, program.start),))
        return node.fleet.caller(found.name if found else OPERATOR)

    # --- its agents ---

    def _born(self, token: str, program: Program) -> None:
        self.world.births[token] = Birth(self, program)

    def _log_of(self, token: str) -> list[str]:
        program = self.world.births[token].program
        return program.log if isinstance(program, Chat) else []

    def ref(self, agent: str) -> PaneRef:
        """Where an agent's newest incarnation is, or was; the node may be down."""
        with self.store() as store:
            found = next((one for one in store.book.agents() if one.name == agent), None)
        assert found is not None, f"{agent} is no agent of {self.key}"
        assert found.ref is not None, f"{agent} has no pane"
        return found.ref

    def pane(self, agent: str) -> Pane:
        """The pane of an agent's newest incarnation."""
        ref = self.ref(agent)
        return self.tmux.server(ref.socket).known(ref.pane)

    def program(self, agent: str) -> Chat:
        """The program of an agent's newest incarnation, running or not."""
        return cast(Chat, self.world.births[self.ref(agent).token].program)

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """What is written down, whether the node is up or not."""
        if self.node is not None:
            yield self.node.store
            return
        store = SqliteStore(self.folder / "fleet.db", self.node_id)
        yield store
        store.database.close()
