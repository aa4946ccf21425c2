"""A message sent again under its key is answered for when it is on the disk, like the first time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from fleet.core.address import OPERATOR
from fleet.core.envelope import Receipt
from node.engine.outbox import Wish
from tests.support.members import Member, run


def test_a_repeated_key_is_answered_after_the_commit_of_the_first(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        uri = f"file:{white.node.store.database.path}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as other:

            async def sent() -> tuple[Receipt, int]:
                caller = white.node.fleet.caller(OPERATOR)
                receipt = await white.node.outbox.send(
                    caller, Wish("operator@white", "hi", key="k")
                )
                (durable,) = other.execute("SELECT count(*) FROM outbox").fetchone()
                return receipt, int(durable)

            (first, _), (second, durable) = await asyncio.gather(sent(), sent())
        assert first.envelope.id == second.envelope.id
        assert durable == 1

    run(tmp_path, story, "white")
