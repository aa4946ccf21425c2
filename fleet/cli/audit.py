"""``log --verify``: walk the hash chain of a home's audit log, with or without its node.

The file is read, never written, and as of one moment: a running node may write meanwhile.
"""

from __future__ import annotations

import os
import re

from fleet.cli.terminal import plain
from fleet.paths import DATABASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.cli.command import Invocation
    from fleet.core.chain import Row, Verdict

EXIT_BROKEN = 6
"""As of an envelope in doubt: what the log says is not known to be so."""
_HASH = re.compile(r"[0-9a-f]{64}")
_ROWS = "SELECT n, at, events, hash FROM audit ORDER BY n"


def verify(call: Invocation) -> int:
    """The command."""
    kept = str(call.given.against or "").strip().lower()
    if call.given.against is not None and not _HASH.fullmatch(kept):
        raise call.usage(
            f"{call.given.against!r} is not a hash of the log", hint="fleet log --verify prints it"
        )
    path = os.path.join(call.home, DATABASE)
    verdict = _verdict(path, kept)
    broken = verdict.broken
    if call.terminal.as_json:
        call.terminal.data(
            {
                "ok": broken is None, "rows": verdict.rows, "events": verdict.events,
                "hash": verdict.last_hash, "kept_at": verdict.kept_at or None,
                "broken": {"n": broken.n, "why": broken.why} if broken else None,
            }
        )  # fmt: skip
        return EXIT_BROKEN if broken else 0
    if broken:
        row = f"row {broken.n}: " if broken.n is not None else ""
        call.terminal.complain(
            plain(f"the audit log in {path} does not hold: {row}{broken.why}"),
            f"it holds up to row {verdict.rows}; compare with a backup, and ask who could write it",
        )
        return EXIT_BROKEN
    call.terminal.say(f"{verdict.rows} rows, {verdict.events} events: each fits the one before")
    if kept:
        later = verdict.rows - verdict.kept_at
        call.terminal.say(f"the kept hash is that of row {verdict.kept_at}; {later} came after it")
    call.terminal.say(f"hash {verdict.last_hash}")
    call.terminal.note("keep the hash elsewhere: fleet log --verify --against HASH asks for it")
    return 0


def _verdict(path: str, kept: str) -> Verdict:
    from sqlite3 import Error

    from fleet.core.chain import verify as walk
    from fleet.core.errors.store import StoreFailed

    if not os.path.exists(path):
        raise StoreFailed(
            f"there is no {path}", hint="fleet up makes one; or say which: --home DIR"
        )
    is_still = not os.path.exists(f"{path}-wal")  # a node that runs, or was killed, leaves one
    try:
        verdict = walk(_rows(path, is_still=is_still), kept)
        if verdict.broken and is_still and os.path.exists(f"{path}-wal"):
            return walk(_rows(path, is_still=False), kept)  # a node was started while we read
        return verdict
    except Error as error:
        raise StoreFailed(
            f"{path} cannot be read: {error}", hint="is it a fleet's database? restore a backup"
        ) from error


def _rows(path: str, *, is_still: bool) -> Iterator[Row]:
    """The log as it is at this moment. Of a file that nobody writes nothing is asked but to be read:
    else SQLite makes two files beside it, or cannot, on a disk that is read-only."""
    from sqlite3 import connect
    from urllib.request import pathname2url

    from fleet.core.chain import Row

    how = "mode=ro&immutable=1" if is_still else "mode=ro"
    connection = connect(f"file:{pathname2url(path)}?{how}", uri=True, isolation_level=None)
    connection.text_factory = _text
    try:
        for row in connection.execute(_ROWS):
            yield Row(*row)
    finally:
        connection.close()


def _text(stored: bytes) -> str:
    """What was set into the file need not be UTF-8; it then fits no hash."""
    return stored.decode(errors="replace")
