"""The client of the local door: one line of JSON asked, lines of JSON heard until the last.

What the node answers is passed on word for word. What goes wrong between here and the node is told
apart: no node, a socket left behind, a door that is not ours, an answer that breaks off.
The contract is ``docs/reference/local-door.md``.
"""

from __future__ import annotations

import _socket
import json
import os
import sys

from fleet.paths import DOOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PATIENCE_S = 60.0
"""How long a call without a wait of its own may take; joining over a bad network is the longest."""
_PATH_LIMIT = 100  # a socket address holds about 108 bytes
_PIECE = 65_536


class Failed(Exception):
    """An error as the door tells it: ready to be printed, with the exit code it means."""

    def __init__(self, error: dict[str, Any], exit_code: int) -> None:
        super().__init__(str(error.get("message", "")))
        self.error = error
        self.exit_code = exit_code


class Broken(Exception):
    """The door closed before the last line; ``str`` says what is known of why."""


class Answer:
    """The last line of a call that was carried out."""

    __slots__ = ("exit_code", "result")

    def __init__(self, result: Any, exit_code: int) -> None:
        self.result = result
        self.exit_code = exit_code


class Door:
    """One connection to the node of a home; several calls may follow each other on it."""

    def __init__(self, home: str) -> None:
        """Connect.

        Raises:
            NodeNotRunning: nobody serves this home.
            NotAllowed: the home is not ours to enter.
        """
        self.home = home
        self._heard = bytearray()
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            _connect(self._socket, os.path.join(home, DOOR))
            _check_owner(self._socket)
        except OSError as error:
            self._socket.close()
            raise _no_door(home, error) from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(
        self,
        call: str,
        args: dict[str, Any],
        *,
        patience_s: float | None = PATIENCE_S,
        hear: Callable[[dict[str, Any]], None] | None = None,
    ) -> Answer:
        """Make one call; ``hear`` gets each line before the last.

        Raises:
            Failed: the node answered with an error.
            Broken: it did not answer to the end.
        """
        self.begin(call, args)
        while True:
            line = self.next_line(patience_s)
            if "error" in line:
                raise Failed(line["error"], int(line.get("exit", 1)))
            if "result" in line:
                return Answer(line["result"], int(line.get("exit", 0)))
            if hear is not None:
                hear(line)

    def begin(self, call: str, args: dict[str, Any]) -> None:
        """Send the request; its lines are fetched with ``next_line``."""
        try:
            request = json.dumps({"call": call, "args": args}, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise _not_utf8(str(error.object)[error.start : error.end]) from None
        try:
            self._socket.sendall(request)
        except OSError:
            # Whoever hangs up early may have said why; that is read next.
            return

    def next_line(self, patience_s: float | None) -> dict[str, Any]:
        """The next line of an answer.

        Raises:
            TimeoutError: none within ``patience_s``.
            Broken: there will be none.
        """
        self._socket.settimeout(patience_s)
        searched = 0
        while (end := self._heard.find(b"\n", searched)) < 0:
            searched = len(self._heard)
            try:
                piece = self._socket.recv(_PIECE)
            except TimeoutError:
                raise
            except OSError as error:
                raise Broken(error.strerror or "the connection broke") from None
            if not piece:
                raise Broken("it hung up")
            self._heard += piece
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            raise Broken("what it said is not the local door's language") from None
        return told


def _connect(sock: _socket.socket, path: str) -> None:
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        sock.connect(path)
        return
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)


def _check_owner(sock: _socket.socket) -> None:
    """Our words are for a node of our own user; the kernel says whose this one is."""
    said = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    if int.from_bytes(said[4:8], sys.byteorder) != os.getuid():
        raise PermissionError


def _no_door(home: str, error: OSError) -> Exception:
    from fleet.core.errors.nodes import NodeNotRunning
    from fleet.core.errors.trust import NotAllowed

    match error:
        case FileNotFoundError() | NotADirectoryError():
            return NodeNotRunning(home)
        case ConnectionRefusedError():
            return NodeNotRunning(home, "it ended without saying so, its socket is still there")
        case PermissionError():
            hint = "it is another user's; take your own: --home DIR"
            return NotAllowed.rebuilt(f"you may not enter {home}", hint, "local-node", ())
        case _:
            return NodeNotRunning(home, error.strerror or str(error))


def _not_utf8(piece: str) -> Exception:
    from fleet.core.errors.requests import MalformedRequest

    return MalformedRequest(
        f"an argument is not UTF-8: it contains {os.fsencode(piece)!r}",
        hint="names and options are plain text; send odd bytes as a file's path",
    )
