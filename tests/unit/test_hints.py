"""What adverts can make a node do: try a member's address, after what is known, and not too often."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fleet.core.errors import NodeUnreachable
from fleet.core.roster import Admit, SignedEntry
from node.engine.agents import Agents
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.outbox import Outbox
from node.engine.peers import HINT_EVERY_S, Peers
from node.ports import Found, Link
from node.records import Me, Peer
from node.store import SqliteStore

WHITE, NOVA, EVE = "z" * 52, "b" * 52, "e" * 52
KNOWN = ("10.0.0.1:7717", "10.0.0.2:7717")


class VirtualTime(selectors.DefaultSelector):
    """Waiting takes no time and makes it later."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += timeout or 0.0
        return super().select(0)


class Clock:
    """The loop's time, and dice that always fall the same way."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time

    def now_s(self) -> float:
        return self._time.now_s

    def wall_s(self) -> float:
        return self._time.now_s

    def dice(self) -> float:
        return 1.0

    def new_id(self) -> str:
        raise NotImplementedError

    def token(self) -> str:
        raise NotImplementedError

    def nonce(self) -> str:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Board:
    """mDNS as a list."""

    trouble = ""

    def __init__(self) -> None:
        self.shown: dict[str, tuple[str, ...]] = {}
        self.sought: list[str] = []

    def found(self) -> tuple[Found, ...]:
        return tuple(Found(node_id, where, False) for node_id, where in self.shown.items())

    def seek(self, node_id: str) -> None:
        self.sought.append(node_id)

    async def run(self) -> None:
        raise NotImplementedError


class Deaf:
    """Nobody answers, anywhere; who was dialled is written down."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.dialled: list[tuple[float, str, str]] = []

    async def dial(self, member: Admit, address: str) -> Link:
        self.dialled.append((self._clock.now_s(), member.node_id, address))
        raise NodeUnreachable(member.name, f"{address}: nobody there")


class World:
    """White, whose one member nova is away."""

    def __init__(self, folder: Path, time: VirtualTime) -> None:
        clock = Clock(time)
        store = SqliteStore(folder / "fleet.db", WHITE)
        store.book.put_peer(Peer(NOVA, KNOWN, 0.0, "", ""))
        store.database.flush()
        fleet = Fleet(Me(WHITE, "white", "boot", "epoch", "1"), store, clock)
        fleet.load(SignedEntry(n.encode(), b"", Admit(i, n, b"")) for i, n in ((NOVA, "nova"),))
        self.store = store
        self.board = Board()
        self.dialer = Deaf(clock)
        self.peers = Peers(
            fleet,
            cast(Agents, SimpleNamespace()),
            cast(Outbox, SimpleNamespace()),
            cast(Inbox, SimpleNamespace()),
            self.dialer,
            clock,
            tuple,
        )
        self.peers.discovery = self.board

    def show(self, node_id: str, *addresses: str) -> None:
        self.board.shown[node_id] = addresses
        self.peers.advertised(node_id)

    def addresses(self) -> list[str]:
        return [address for _, _, address in self.dialer.dialled]


@contextmanager
def away(
    folder: Path, for_s: float, also: Callable[[World], None] | None = None, every_s: float = 1.0
) -> Iterator[World]:
    """White looks for nova for so long, while something happens again and again."""
    time = VirtualTime()
    loop = asyncio.SelectorEventLoop(time)
    loop.time = lambda: time.now_s  # type: ignore[method-assign]
    world = World(folder, time)

    async def run() -> None:
        keeping = loop.create_task(world.peers.run())
        while time.now_s < for_s:
            await asyncio.sleep(every_s)
            if also:
                also(world)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    try:
        loop.run_until_complete(run())
        yield world
    finally:
        world.store.database.close()
        loop.close()


def test_what_is_known_is_dialled_before_what_is_advertised(tmp_path: Path):
    def show(world: World) -> None:
        world.board.shown[NOVA] = ("10.9.9.9:7717", KNOWN[0])

    with away(tmp_path, 30, show, every_s=0.01) as world:
        assert world.addresses()[:2] == list(KNOWN)
        later = world.addresses()[-6:]
        assert sorted(set(later)) == ["10.0.0.1:7717", "10.0.0.2:7717", "10.9.9.9:7717"]
        assert later.index("10.9.9.9:7717") % 3 == 2


def test_a_find_ends_the_wait_and_is_dialled_first(tmp_path: Path):
    shown_s: list[float] = []

    def show_once(world: World) -> None:
        if not shown_s and len(world.dialer.dialled) > 20:  # by now it waits for whole seconds
            shown_s.append(world.dialer.dialled[-1][0] + 0.05)
            world.show(NOVA, "10.9.9.9:7717")

    with away(tmp_path, 120, show_once, every_s=0.05) as world:
        before, first = next(
            (world.dialer.dialled[i - 1], one)
            for i, one in enumerate(world.dialer.dialled)
            if one[2] == "10.9.9.9:7717"
        )
        assert first[0] - before[0] < 0.2, "it did not wait for its turn"
        assert before[2] == KNOWN[1], "what is known was tried, and failed, just before"


def test_adverts_that_change_all_the_time_cost_one_round_in_two_seconds(tmp_path: Path):
    number = iter(range(1_000_000))

    def flood(world: World) -> None:
        world.show(NOVA, *(f"10.9.{next(number) % 250}.{n}:7717" for n in range(4)))

    with away(tmp_path, 100, flood, every_s=0.01) as world:
        hints = [s for s, _, address in world.dialer.dialled if address.startswith("10.9.")]
        rounds = sorted(set(hints))
        assert len(rounds) > 10
        assert min(b - a for a, b in pairwise(rounds)) >= HINT_EVERY_S - 1e-6
        assert len(hints) <= 4 * len(rounds)
        known = [s for s, _, address in world.dialer.dialled if address in KNOWN]
        assert len(known) <= 2 * (100 / HINT_EVERY_S + 20), "the known ones are not stormed either"


def test_strangers_are_never_dialled(tmp_path: Path):
    with away(tmp_path, 30, lambda world: world.show(EVE, "10.9.9.9:7717")) as world:
        assert {node_id for _, node_id, _ in world.dialer.dialled} == {NOVA}
        assert "10.9.9.9:7717" not in world.addresses()


def test_the_network_is_asked_for_a_member_that_no_known_address_reaches(tmp_path: Path):
    with away(tmp_path, 10) as world:
        assert set(world.board.sought) == {NOVA}
