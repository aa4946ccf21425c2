"""The fleet's root key is replaced while messages pass and nodes join: nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

from fleet.core.address import OPERATOR
from node.engine.outbox import Wish
from tests.api.test_roots import finished, knows, rotated, states
from tests.support.members import Member, let_in, meet, run
from tests.support.until import eventually

LONGEST_INBOX, UNDER_WAY = 10_000, 5


class Talk:
    """Messages from one person to another until it is enough, a few under way at any time."""

    def __init__(self, one: Member, other: Member) -> None:
        self.one, self.other = one, other
        self.sent: list[str] = []
        self.is_enough = False
        self._under_way: list[str] = []
        self._before = len(self._texts())

    async def go_on(self) -> None:
        """Send, as fast as they arrive."""
        name = self.one.node.fleet.me.name
        while not self.is_enough:
            to = f"{OPERATOR}@{self.other.node.fleet.me.name}"
            wish = Wish(to, f"{name} {len(self.sent)}")
            sent = await self.one.node.outbox.send(self.one.node.fleet.caller(OPERATOR), wish)
            self.sent.append(wish.text)
            self._under_way.append(sent.envelope.id)
            await eventually(lambda: self._left() < UNDER_WAY, "they arrive")
        await eventually(lambda: not self._left(), "the last have arrived")

    def _left(self) -> int:
        inbox = self.other.node.store.inbox
        self._under_way = [id_ for id_ in self._under_way if not inbox.get(id_)]
        return len(self._under_way)

    def _texts(self) -> list[str]:
        items = self.other.node.store.inbox.recent(OPERATOR, LONGEST_INBOX, dead=False)
        return [i.envelope.text for i in reversed(items) if i.envelope.from_node == self.one.id]

    def arrived(self) -> list[str]:
        """What the other has got since, in the order in which it came."""
        return self._texts()[self._before :]


async def go_on(talks: Iterable[Talk]) -> None:
    """Wait until two more of each have passed."""
    wanted = [(talk, len(talk.sent) + 2) for talk in talks]
    await eventually(lambda: all(len(t.sent) >= n for t, n in wanted), "messages go on")


def test_messages_among_three_nodes_pass_each_once_while_the_root_is_replaced(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(nova, kai)
        links = {
            (a.id, b.id): a.node.peers.session(b.id) for a, b in permutations((white, nova, kai), 2)
        }
        talks = [Talk(*pair) for pair in permutations((white, nova, kai), 2)]
        talking = [asyncio.create_task(talk.go_on()) for talk in talks]
        await go_on(talks)
        await rotated(white, nova, kai)
        await go_on(talks)
        await finished(white, nova, kai)
        await go_on(talks)
        for talk in talks:
            talk.is_enough = True
        await asyncio.gather(*talking)
        for talk in talks:
            assert talk.arrived() == talk.sent
        for a, b in permutations((white, nova, kai), 2):
            assert a.node.peers.session(b.id) is links[a.id, b.id], "no link ended over it"

    run(tmp_path, story, "white", "nova", "kai")


def test_who_joins_while_both_roots_sign_or_after_talks_with_those_of_before(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova)
        await rotated(white, nova)
        await let_in(white, kai)
        await meet(kai, nova)
        await talked(kai, nova, white)
        await finished(white, nova, kai)
        await talked(kai, nova, white)
        await let_in(white, rin)
        for other in (nova, kai):
            await meet(rin, other)
        await talked(rin, nova, kai, white)
        assert {tuple(states(one)) for one in (white, nova, kai, rin)} == {("retired", "signs")}
        assert all(knows(one, other) for one, other in permutations((white, nova, kai, rin), 2))

    run(tmp_path, story, "white", "nova", "kai", "rin")


async def talked(one: Member, *others: Member) -> None:
    """Messages pass both ways."""
    talks = [Talk(*pair) for other in others for pair in ((one, other), (other, one))]
    talking = [asyncio.create_task(talk.go_on()) for talk in talks]
    await go_on(talks)
    for talk in talks:
        talk.is_enough = True
    await asyncio.gather(*talking)
    for talk in talks:
        assert talk.arrived() == talk.sent
