"""A local door that closes hangs up on everybody, also on who comes in that very moment."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from fleet.core.trust import Caller
from node.doors.local import Answer, LocalDoor, Request
from tests.support.until import GIVE_UP_S


@pytest.mark.parametrize("turns", range(8))
def test_who_comes_while_it_closes_is_hung_up_on(turns: int, tmp_path: Path) -> None:
    async def never(_caller: Caller, _request: Request, _answer: Answer) -> None:
        await asyncio.Event().wait()

    async def play() -> bytes:
        path = tmp_path / "door.sock"
        door = LocalDoor(path, lambda _: Caller("neo", "white", "w", is_local=True), never)
        await door.open()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(GIVE_UP_S)
            caller.connect(str(path))
            caller.sendall(b'{"call": "status", "args": {}}\n')
            for _ in range(turns):
                await asyncio.sleep(0)
            await door.close()
            try:
                return await asyncio.to_thread(caller.recv, 1)
            except ConnectionResetError:
                return b""

    assert asyncio.run(play()) == b""
