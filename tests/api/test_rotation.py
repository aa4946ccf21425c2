"""A node takes a new key: the same node to everybody, and whoever has the old key is nobody."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotPaired
from fleet.core.trust import Caller
from fleet.paths import Paths
from node.adapters.credentials import Identity
from node.adapters.dialer import GrpcDialer
from node.adapters.home import lock
from node.daemon import Daemon, Options
from node.doors import views
from node.doors.trust import overview
from node.engine.outbox import Wish
from tests.support.members import LOOPBACK, Member, are_linked, let_in, meet, run
from tests.support.until import GIVE_UP_S, eventually


async def rotate(member: Member, passphrase: str = "") -> dict[str, object]:
    """Give a node a new key, and wait until it serves under it."""
    lives = member.lives
    told = await member.node.rotation.rotate(passphrase)
    member.node.start_again()
    await eventually(lambda: member.lives > lives, "it serves again")
    assert member.id == member.node.fleet.me.node_id == told["id"]
    return told


async def met_again(other: Member, nova: Member, old: str) -> None:
    """Wait until a node has a link with one under its new id, and knows that the old one is given up."""
    await eventually(partial(are_linked, other, nova), "they are linked again")
    await eventually(
        lambda: other.node.fleet.roster.is_given_up(old), "its old key is known to be given up"
    )


def names(member: Member) -> list[tuple[object, object]]:
    return [(row["node"], row["state"]) for row in views.nodes(member.node)]


def operator(member: Member) -> Caller:
    return member.node.fleet.caller("operator")


async def said(one: Member, other: Member, *texts: str) -> list[str]:
    """Send from person to person, and wait until all has arrived."""
    to = f"operator@{other.node.fleet.me.name}"
    sent = [await one.node.outbox.send(operator(one), Wish(to, text)) for text in texts]
    ids = [receipt.envelope.id for receipt in sent]
    await eventually(lambda: all(other.node.store.inbox.get(id_) for id_ in ids), "all has arrived")
    return ids


def test_a_node_with_a_new_key_is_the_same_node_to_everybody(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(nova, kai)
        old, listens = nova.id, nova.address
        await said(nova, kai, "before")
        told = await rotate(nova)
        assert (told["old"], told["signed_by"], told["away"]) == (old, "white", [])
        assert nova.address == listens
        for other in (white, kai):
            await met_again(other, nova, old)
            assert other.node.fleet.directory.node(old) is None
            assert [name for name, _ in names(other)].count("nova") == 1
            assert ("nova", "connected") in names(other)
            assert other.audit("node followed")[-1]["id"] == nova.id
        assert sorted(str(name) for name, _ in names(nova)) == ["kai", "nova", "white"]
        await said(nova, kai, "after")
        await said(kai, nova, "and back")
        rows = {r["node"]: r for r in overview(white.node)["members"]}  # type: ignore[attr-defined]
        assert rows["nova"]["keys_before"] == [old]
        assert overview(white.node)["revoked"] == []
        assert nova.audit("key changed")[-1]["old"] == old
        assert white.audit("key signed for")[-1]["old"] == old

    run(tmp_path, story, "white", "nova", "kai")


def test_who_has_the_old_key_is_refused_by_all_who_met_the_new_one_or_heard_of_it(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(nova, kai)
        old, stolen = nova.id, nova.keyring.identity
        await rotate(nova)
        for other in (white, kai):
            await met_again(other, nova, old)
            with pytest.raises(NotPaired, match="goes on with another key"):
                await dialled(stolen, other)
            assert other.node.peers.session(old) is None

    run(tmp_path, story, "white", "nova", "kai")


def test_a_node_that_is_told_to_stop_between_its_two_lives_stops_and_comes_back_with_the_new_key(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        options = Options(tmp_path / "nova", "nova", LOOPBACK, mdns=False)
        first = Daemon(options)
        told = await first.node.rotation.rotate("")
        first.node.start_again()
        await first.run(lambda _node: None)
        with pytest.raises(WrongState):  # or a stop that comes now would find no node
            lock(Paths(tmp_path / "nova"))
        second = first.successor()
        assert second is not None
        first.node.stop()  # as a signal does, whose handler is still the first one's
        async with asyncio.timeout(GIVE_UP_S):
            await second.run(lambda _node: None)
        assert second.successor() is None
        third = Daemon(options)
        assert third.node.fleet.me.node_id == told["id"]
        third.node.stop()
        await third.run(lambda _node: None)

    asyncio.run(story())


async def dialled(identity: Identity, to: Member) -> None:
    dialer = GrpcDialer(lambda: identity)
    try:
        link = await dialer.dial(to.admit, to.address)
        await link.receive()
        await link.receive()
    finally:
        await dialer.close()
