"""What adverts can make a node do: try a member's address, after what is known, and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.roster import Admit, SignedEntry
from node.engine.agents import Agents
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.keeper import HINT_EVERY_S
from node.engine.outbox import Outbox
from node.engine.peers import Peers
from node.ports.links import Link
from node.records import Me, Peer
from node.store import SqliteStore
from tests.support.simnet import Board
from tests.support.vtime import VirtualClock, play

WHITE, NOVA, EVE = "z" * 52, "b" * 52, "e" * 52
KNOWN = ("10.0.0.1:7717", "10.0.0.2:7717")


class Even(VirtualClock):
    """Dice that always fall the same way."""

    def dice(self) -> float:
        return 1.0


class Deaf:
    """Nobody answers, anywhere; who was dialled is written down."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.dialled: list[tuple[float, str, str]] = []

    async def dial(self, member: Admit, address: str) -> Link:
        self.dialled.append((self._clock.now_s(), member.node_id, address))
        raise NodeUnreachable(member.name, f"{address}: nobody there")


class World:
    """White, whose one member nova is away."""

    def __init__(self, folder: Path) -> None:
        clock = Even()
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
        self.peers.keeper.discovery = self.board
        self.board.told = self.peers.keeper.advertised

    def addresses(self) -> list[str]:
        return [address for _, _, address in self.dialer.dialled]


@contextmanager
def away(
    folder: Path, for_s: float, also: Callable[[World], None] | None = None, every_s: float = 1.0
) -> Iterator[World]:
    """White looks for nova for so long, while something happens again and again."""

    async def run() -> World:
        world = World(folder)
        keeping = asyncio.ensure_future(world.peers.run())
        while asyncio.get_running_loop().time() < for_s:
            await asyncio.sleep(every_s)
            if also:
                also(world)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        return world

    world = play(run())
    try:
        yield world
    finally:
        world.store.database.close()


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
            world.board.show(NOVA, "10.9.9.9:7717")

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
        world.board.show(NOVA, *(f"10.9.{next(number) % 250}.{n}:7717" for n in range(4)))

    with away(tmp_path, 100, flood, every_s=0.01) as world:
        hints = [s for s, _, address in world.dialer.dialled if address.startswith("10.9.")]
        rounds = sorted(set(hints))
        assert len(rounds) > 10
        assert min(b - a for a, b in pairwise(rounds)) >= HINT_EVERY_S - 1e-6
        assert len(hints) <= 4 * len(rounds)
        known = [s for s, _, address in world.dialer.dialled if address in KNOWN]
        assert len(known) <= 2 * (100 / HINT_EVERY_S + 20), "the known ones are not stormed either"


def test_strangers_are_never_dialled(tmp_path: Path):
    with away(tmp_path, 30, lambda world: world.board.show(EVE, "10.9.9.9:7717")) as world:
        assert {node_id for _, node_id, _ in world.dialer.dialled} == {NOVA}
        assert "10.9.9.9:7717" not in world.addresses()


def test_the_network_is_asked_for_a_member_that_no_known_address_reaches(tmp_path: Path):
    with away(tmp_path, 10) as world:
        assert set(world.board.sought) == {NOVA}
