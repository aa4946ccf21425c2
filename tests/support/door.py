"""A local door that says what a test tells it to: the command line without a node behind it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.paths import DOOR
from tests.support.homes import FLEET, Home
from tests.support.until import GIVE_UP_S

Line = Mapping[str, Any] | bytes | threading.Event
"""One line of an answer; bytes are sent as they are and end it, an event is waited for."""


def receipt(**changes: object) -> dict[str, Any]:
    """A receipt of an envelope to rin@nova that was submitted."""
    at = {"at": "2026-11-23T10:00:00.000Z"}
    told: dict[str, Any] = {
        "id": "01KB3FZ2Q0H4T4SJ6BVX0W6Y2N",
        "from": "operator@white",
        "to": "rin@nova",
        "state": "submitted",
        "reason": "",
        "detail": "",
        "evidence": "screen",
        "timeline": [{"state": "queued", **at, "node": "white"}],
        "cleaned": 0,
    }
    return {**told, **changes}


STATUS: dict[str, Any] = {
    "pid": 1, "node": "white", "id": "a" * 52, "listen": "127.0.0.1:7717", "fleet": "b" * 52,
    "admin": True, "peers": [], "queues": {"outbox": {}, "inbox": {"held": 2}},
    "agents": {"known": 1, "here": 1, "online": 1}, "version": "0.1.0", "home": "/home",
    "missing": [], "mdns": "on", "errors": [],
}  # fmt: skip
TRUST: dict[str, Any] = {
    "fleet": "b" * 52, "node": "white", "id": "a" * 52,
    "root": {"key": "b" * 52, "here": True, "passphrase": False},
    "admin": True, "admins": [], "members": [], "contested": [], "revoked": [],
}  # fmt: skip
AGENT: dict[str, Any] = {
    "address": "rin@nova", "name": "rin", "node": "nova", "profile": "generic", "state": "ready",
    "incarnation": "0519c43c6744", "last_seen": "2026-11-23T10:00:00.000Z", "held": None,
    "policy": None,
}  # fmt: skip


def done(result: object, code: int = 0) -> Line:
    """The last line of a call that was carried out."""
    return {"result": result, "exit": code}


@dataclass
class ScriptedDoor:
    """Answers each call with its lines, then hears the next; hangs up after bytes."""

    answers: Mapping[str, Sequence[Line]]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Take one caller after the other until the listener is closed."""
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller, contextlib.suppress(OSError):
                self._hear(caller)

    def _hear(self, caller: socket.socket) -> None:
        for line in caller.makefile("rb"):
            request = json.loads(line)
            self.asked.append(request)
            for answer in self.answers[request["call"]]:
                match answer:
                    case bytes():
                        caller.sendall(answer)
                        return
                    case threading.Event():
                        answer.wait(GIVE_UP_S)
                    case _:
                        caller.sendall(json.dumps(answer).encode() + b"\n")


@contextlib.contextmanager
def bare_home(**environment: str) -> Iterator[Home]:
    """A home that no node serves, in a short folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="fl-", dir="/tmp"))
    root = folder / "white"
    (root / "run").mkdir(parents=True, mode=0o700)
    known = {
        "PATH": f"{FLEET.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "FLEET_HOME": str(root),
        **environment,
    }
    try:
        yield Home("white", root, known)
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def scripted(
    answers: Mapping[str, Sequence[Line]], **environment: str
) -> Iterator[tuple[Home, ScriptedDoor]]:
    """A home whose door answers so."""
    with bare_home(**environment) as home, socket.socket(socket.AF_UNIX) as listener:
        door = ScriptedDoor(answers)
        listener.bind(str(home.root / DOOR))
        listener.listen()
        thread = threading.Thread(target=door.serve, args=[listener])
        thread.start()
        try:
            yield home, door
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
