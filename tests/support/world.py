"""Whole nodes in one process: real engine, real database files, model tmux, model network, virtual time.

Everything that chance decides comes from the world's seed, so a seed is a run that can be had again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from structlog.testing import capture_logs

from tests.support.facts import Facts
from tests.support.host import Birth, Host
from tests.support.simnet import SimLink, SimNet
from tests.support.visits import Said
from tests.support.vtime import play

T = TypeVar("T")

SETTLED_S = 15.0
"""Longer than anything the node does by itself takes: evidence, retries, keepalive of a link."""


class World:
    """Several hosts and their network."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.seed = seed
        self.chance = Random(seed)
        self.net = SimNet(Random(f"{seed} net"))
        self.hosts: dict[str, Host] = {}
        self.births: dict[str, Birth] = {}
        self.dying: list[asyncio.Task[Any]] = []
        self.told: dict[str, list[str]] = {}
        """What callers were last told of each envelope: the states of its receipt."""
        self.revoked: set[str] = set()
        """Who was put out of the fleet, as the one who did it was told."""
        self.founders: tuple[str, ...] = ()
        """Who has been in the fleet from the beginning."""
        self.former: dict[str, Facts] = {}
        """What was written down on a host until an older copy of its database was put back."""
        self.unrevoked: set[str] = set()
        """Whose revocation was lost with a database; who asked for it has to ask again."""
        self.breaches: list[str] = []
        """What was seen, while it happened, of somebody who had been put out."""
        self.judges: list[Callable[[], Iterable[str]]] = []
        """What else is asked when a world is judged; each yields what is not as promised."""
        self.is_over = False
        """Nothing goes wrong any more, and everything had time to come to its end."""
        self.journal: list[tuple[float, str, str]] = []
        """What people and chance did: when, on which host, what."""
        self.net.moment = self._at
        self.net.heard = self._heard
        self.trouble: list[BaseException] = []
        """What nobody foresaw. A story in which there is any has failed."""

    def put_back(self, host: Host) -> None:
        """Put the copy of a host's database back, if it has one; its node is down then.

        A revocation that none of those who stay in had heard of is no more.
        """
        before = Facts(host)
        host.put_back()
        self.former[host.key] = before
        after = [Facts(h) for h in self.hosts.values() if h.node_id not in before.put_out]
        self.unrevoked = before.put_out.difference(*(facts.put_out for facts in after))
        self.revoked -= self.unrevoked

    def host(self, key: str, name: str = "") -> Host:
        """A new host with an empty home; ``name`` is its node's, when that is not the host's."""
        host = self.hosts[key] = Host(self, key, name or key)
        return host

    async def fleet(self, *keys: str) -> list[Host]:
        """Hosts that are up and in one fleet, founded by the first, all linked with each other."""
        self.founders = keys
        first, *others = hosts = [self.hosts.get(key) or self.host(key) for key in keys]
        for host in hosts:
            host.up()
        for other in others:
            await self.join(first, other)
        await self.linked(*hosts)
        return hosts

    async def join(self, inviter: Host, joiner: Host) -> None:
        """Let a node into another's fleet."""
        token, _ = await inviter.do(inviter.up_node.membership.invite(60.0))
        await joiner.do(joiner.up_node.membership.join(token))

    def tell(self, key: str, what: str) -> None:
        """Put into the journal what somebody or something did on a host."""
        self.journal.append((asyncio.get_running_loop().time(), key, what))

    def _at(self, node_id: str, moment: str) -> None:
        for host in self.hosts.values():
            if host.node_id == node_id:
                host.at(moment)

    def _heard(self, end: SimLink) -> None:
        """A node listens to a peer: one that is put out, as far as it knows, it does not listen to."""
        own_id, peer_id = end.ends
        host = next(host for host in self.hosts.values() if host.node_id == own_id)
        session = host.node.peers.session(peer_id) if host.node else None
        is_heard = session is not None and session.link is end
        if is_heard and host.node and host.node.fleet.roster.revoked(peer_id):
            self.breaches.append(f"{host.key} listened to {peer_id[:6]}, which is put out")

    def note(self, said: Said) -> None:
        """Remember what a caller was told."""
        if isinstance(said.result, dict) and "timeline" in said.result:
            told = [entry["state"] for entry in said.result["timeline"]]
            self.told[said.result["id"]] = told

    def shown(self, host: Host) -> None:
        """A host has come up: it is in the network, and mDNS shows it to all and all to it."""
        self.net.listen(host.address, host)
        for other in self.hosts.values():
            is_there = other.node is not None and not other.node.stopping.is_set()
            if other is not host and is_there:
                other.board.show(host.node_id, host.address)
                host.board.show(other.node_id, other.address)

    async def linked(self, *hosts: Host) -> None:
        """Wait until each of these has a link with each other."""
        pairs = [(one, other) for one in hosts for other in hosts if one is not other]

        def are_linked() -> bool:
            return all(one.up_node.peers.session(other.node_id) for one, other in pairs)

        await self.until(are_linked, "all have links")

    async def until(
        self, condition: Callable[[], object], what: str, limit_s: float = 120.0
    ) -> None:
        """Let time pass until something is true.

        Raises:
            AssertionError: it never was; ``what`` says what was waited for.
        """
        end_s = asyncio.get_running_loop().time() + limit_s
        while not condition():
            assert asyncio.get_running_loop().time() < end_s, f"never came true: {what}"
            await asyncio.sleep(0.005)

    async def settle(self) -> None:
        """Let everything come to its end that does so by itself."""
        await asyncio.sleep(SETTLED_S)

    async def close(self) -> None:
        """End all nodes."""
        for host in self.hosts.values():
            if host.node is not None:
                host.crash()
        await asyncio.gather(*self.dying, return_exceptions=True)


def play_world(
    story: Callable[[World], Coroutine[Any, Any, T]],
    check: Callable[[World], None],
    seed: int = 0,
) -> T:
    """Play a story in a world of its own, then check what has to be true in every world.

    Its files are in memory where that can be had: what is tested is what was written down when, not
    how long a disk takes.

    Raises:
        AssertionError: by the story, by a check, or because a node met a bug.
    """

    async def told(folder: str) -> T:
        world = World(Path(folder), seed)
        try:
            result = await story(world)
            await world.settle()
            check(world)
        finally:
            await world.close()
        assert not world.trouble, world.trouble
        return result

    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        capture_logs() as logs,
    ):
        result = play(told(folder))
    bugs = [entry for entry in logs if entry["log_level"] == "error"]
    assert not bugs, f"a node met a bug: {bugs}"
    return result
