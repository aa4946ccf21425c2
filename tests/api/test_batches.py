"""A batch whose database fails is taken whole when it comes again, before anything that came after it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet.core.errors.store import StoreFailed
from fleet.core.frames import Posted
from tests.support.letters import letter, ulid
from tests.support.members import Member, let_in, run

BIG = "x" * 60_000


def posted(number: int, to: Member, text: str) -> Posted:
    to_node = to.id
    return Posted(letter(number, recipient="operator", to_node=to_node, text=text), 60.0)


def fill(member: Member) -> None:
    """The disk has no room for anything big, until a write has failed."""
    database = member.node.store.database

    def make_room() -> None:
        database._connection.execute("PRAGMA max_page_count = 1000000")

    (pages,) = database._connection.execute("PRAGMA page_count").fetchone()
    database._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
    database.on_loss(make_room)


def test_a_batch_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    """The first of it was told to be there once, though it was taken back with the second."""

    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        inbox, batch = nova.node.inbox, (posted(1, nova, "small"), posted(2, nova, BIG))
        fill(nova)
        with pytest.raises(StoreFailed):
            await inbox.accept_batch(white.id, batch)
        assert nova.node.store.inbox.get(ulid(1)) is None
        taken = await inbox.accept_batch(white.id, batch)
        assert (taken.envelope_ids, taken.declined) == ((ulid(1), ulid(2)), ())

    run(tmp_path, story, "white", "nova")


def test_no_batch_overtakes_one_that_the_database_lost(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        session = nova.node.peers.session(white.id)
        assert session is not None
        fill(nova)
        batches = ((posted(1, nova, BIG),), (posted(2, nova, "small"),))
        for _ in batches:
            await session.taking.acquire()
        await asyncio.gather(*(nova.node.peers._take(session, batch) for batch in batches))
        assert nova.node.store.inbox.get(ulid(1)) is None
        assert nova.node.store.inbox.get(ulid(2)) is None

    run(tmp_path, story, "white", "nova")
