"""What an exception says inside a node is told to nobody: a caller learns that there was a bug, and the log has it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.store import StoreFailed
from fleet.core.frames import AnswerBody, PeekAsk, Question
from fleet.core.trust import Caller
from node.doors.local import Answer as Reply
from node.doors.local import LocalDoor, Request
from node.store.database import Database
from tests.support.members import Member, let_in, run

SECRET = "the passphrase is hunter2"
BUGS = [ValueError(SECRET), msgspec.DecodeError(SECRET), KeyError(SECRET), RuntimeError(SECRET)]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_call_of_the_local_door_that_meets_a_bug_says_no_more(bug: Exception, tmp_path: Path):
    async def handle(_caller: Caller, _request: Request, _answer: Reply) -> None:
        raise bug

    async def play() -> bytes:
        door = LocalDoor(
            tmp_path / "door.sock", lambda _: Caller("neo", "white", "w", is_local=True), handle
        )
        await door.open()
        try:
            reader, writer = await asyncio.open_unix_connection(tmp_path / "door.sock")
            writer.write(b'{"call": "status", "args": {}}\n')
            told = await reader.readline()
            writer.close()
        finally:
            await door.close()
        return told

    tmp_path.chmod(0o700)
    told = asyncio.run(play())
    assert SECRET.encode() not in told
    assert json.loads(told)["error"]["code"] == "fleet_error"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_question_of_a_peer_that_meets_a_bug_is_answered_with_no_more(
    bug: Exception, tmp_path: Path
):
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)

        async def broken(_node: str, _question: Question) -> AnswerBody:
            raise bug

        white.node.peers.answer = broken
        with pytest.raises(FleetError) as told:
            await nova.node.peers.ask(white.id, PeekAsk("operator@nova", "rin", 1))
        words = f"{told.value} {told.value.hint}"
        assert "hunter2" not in words
        assert told.value.code == "fleet_error"

    run(tmp_path, story, "white", "nova")


def test_a_write_that_meets_a_bug_does_not_tell_what_was_to_be_written(tmp_path: Path):
    class Unwritable:
        def __conform__(self, _protocol: object) -> str:
            raise ValueError(SECRET)

    database = Database(tmp_path / "fleet.db")
    with pytest.raises(StoreFailed) as told:
        database.execute("INSERT INTO meta VALUES ('x', ?)", (Unwritable(),))
    assert "hunter2" not in f"{told.value} {told.value.hint}"
    database.close()
