"""A node takes a new key while messages go both ways: each arrives once, in order, and nobody is told
anything false."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet.cli.door import Broken, Door, Failed
from fleet.core.delivery import State
from fleet.core.errors.nodes import NodeNotRunning
from fleet.core.errors.trust import NotPaired
from node.adapters.credentials import Identity
from node.doors.trust import overview
from tests.api.test_rotation import dialled, met_again, names, said
from tests.support.members import Member, are_linked, let_in, meet, run
from tests.support.until import eventually

EACH = 250
_AGAIN_S = 0.02
_STARTS_ANEW = {"node_not_running", "broken"}
"""All that a caller may be told beside the truth about its message: that there was nobody to ask."""


def ask(root: Path, call: str, **args: object) -> Any:
    """One call at a home's door, as a command makes it."""
    door = Door(str(root))
    try:
        return door.ask(call, args).result
    finally:
        door.close()


class Lane:
    """Who sends from one node to another, one message after the other, each until it is answered for."""

    def __init__(self, one: Member, other: Member, each: int = EACH) -> None:
        self.one, self.other = one, other
        self.root = one.options.home
        self.to = f"operator@{other.node.fleet.me.name}"
        self.texts = [f"{one.node.fleet.me.name} to {self.to} {n}" for n in range(each)]
        self.ids: list[str] = []
        self.told: Counter[str] = Counter()
        """What was answered instead, by its code."""

    def send_all(self) -> None:
        """To be run in a thread."""
        for text in self.texts:
            while (sent := self._tried(text)) is None:
                time.sleep(_AGAIN_S)  # its node is starting anew
            self.ids.append(str(sent["id"]))

    def _tried(self, text: str) -> Any:
        try:
            return ask(self.root, "send", to=self.to, text=text, key=text, wait="queued")
        except Failed as error:
            self.told[str(error.error["code"])] += 1
        except NodeNotRunning:
            self.told["node_not_running"] += 1
        except Broken:
            self.told["broken"] += 1
        return None

    def arrived(self) -> list[str]:
        """The texts that the other node has of this one, in the order in which it took them."""
        query = "SELECT text FROM inbox WHERE sender = ? ORDER BY seq"
        sender = f"operator@{self.one.node.fleet.me.name}"
        return [str(row[0]) for row in self.other.node.store.database.rows(query, (sender,))]

    def ends(self) -> Counter[State]:
        """How the sender's node says each message stands."""
        rows = [self.one.node.store.outbox.get(id_) for id_ in self.ids]
        return Counter(row.state for row in rows if row)


async def all_sent(*lanes: Lane) -> None:
    await asyncio.gather(*(asyncio.to_thread(lane.send_all) for lane in lanes))


async def judged(*lanes: Lane) -> None:
    """Each message arrived once, in order, as the sender's node says, and nobody was told otherwise."""
    for lane in lanes:
        await eventually(partial(have_arrived, lane), "all arrived")
    for lane in lanes:
        assert lane.arrived() == lane.texts
        assert len(set(lane.ids)) == len(lane.texts)
        assert set(lane.told) <= _STARTS_ANEW
        await eventually(partial(knows_they_arrived, lane), "it knows that they did")


def have_arrived(lane: Lane) -> bool:
    return len(lane.arrived()) >= len(lane.texts)


def knows_they_arrived(lane: Lane) -> bool:
    return lane.ends() == {State.ACCEPTED: len(lane.texts)}


async def rotated(member: Member) -> dict[str, object]:
    """As ``fleet trust rotate-key`` does it, through the door."""
    lives = member.lives
    told: dict[str, object] = await asyncio.to_thread(
        ask, member.options.home, "rotate_key", passphrase=""
    )
    await eventually(lambda: member.lives > lives, "it serves again")
    assert member.id == member.node.fleet.me.node_id == told["id"]
    return told


async def rotated_amid(member: Member, *lanes: Lane) -> Identity:
    """A node takes a new key when each lane has begun and none is done; the old one."""
    old, stolen = member.id, member.keyring.identity
    sending = asyncio.create_task(all_sent(*lanes))
    await eventually(lambda: all(len(lane.ids) > len(lane.texts) // 10 for lane in lanes), "begun")
    told = await rotated(member)
    assert told["old"] == old
    assert not sending.done(), "there was traffic all the time"
    await sending
    await judged(*lanes)
    return stolen


async def refused(stolen: Identity, *everybody: Member) -> None:
    """Who has the old key gets in nowhere."""
    for member in everybody:
        with pytest.raises(NotPaired, match="goes on with another key"):
            await dialled(stolen, member)


def test_a_member_takes_a_new_key_amid_hundreds_of_messages(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(nova, kai)
        old = nova.id
        lanes = (Lane(nova, kai), Lane(kai, nova), Lane(nova, white, 60), Lane(white, nova, 60))
        stolen = await rotated_amid(nova, *lanes)
        for other in (white, kai):
            await met_again(other, nova, old)
        await refused(stolen, white, kai, nova)

    run(tmp_path, story, "white", "nova", "kai")


def test_the_holder_of_the_root_takes_a_new_key_amid_messages_and_still_lets_in(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        old = white.id
        stolen = await rotated_amid(white, Lane(white, nova), Lane(nova, white))
        await met_again(nova, white, old)
        assert overview(white.node)["admin"] is True
        await let_in(white, kai)
        await meet(kai, nova)
        await refused(stolen, white, nova, kai)

    run(tmp_path, story, "white", "nova", "kai")


def test_a_second_admin_takes_a_new_key_amid_messages_and_still_lets_in_and_puts_out(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        await white.node.admins.appoint("nova", "")
        await eventually(lambda: nova.node.membership.is_admin, "nova knows that it is an admin")
        old = nova.id
        stolen = await rotated_amid(nova, Lane(white, nova), Lane(nova, white))
        await met_again(white, nova, old)
        await let_in(nova, kai)
        await eventually(lambda: white.node.fleet.roster.member(kai.id), "white knows kai")
        await meet(kai, white)
        await refused(stolen, white, nova, kai)
        await nova.node.membership.revoke("kai", "lost")
        await eventually(lambda: not white.is_linked(kai), "kai is cut off")

    run(tmp_path, story, "white", "nova", "kai")


def test_a_peer_that_was_away_learns_of_the_new_key_from_the_node_itself(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(nova, kai)
        old, stolen = nova.id, nova.keyring.identity
        to_nova, to_kai = Lane(kai, nova, 40), Lane(nova, kai, 40)
        await nova.leave()
        await all_sent(to_nova)
        await kai.leave()
        await nova.come_back()
        await eventually(partial(are_linked, white, nova), "who signs is there")
        told = await rotated(nova)
        assert told["away"] == ["kai"]
        await all_sent(to_kai)
        await white.leave()
        await kai.come_back()
        await met_again(kai, nova, old)
        await judged(to_nova, to_kai)
        assert [name for name, _ in names(kai)].count("nova") == 1
        await refused(stolen, kai, nova)
        await white.come_back()
        await said(kai, nova, "and back")

    run(tmp_path, story, "white", "nova", "kai")
