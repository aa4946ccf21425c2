"""One SQLite file: opened safely, written in groups, chained in an audit log.

WAL with ``synchronous=FULL``: what is committed survives power loss. Statements run at once, inside
one open transaction; ``commit`` ends it at the end of the loop's turn, so everything that arrived in
that turn shares one fsync. Whoever needs durability awaits ``commit`` before acting. A statement or
commit that fails takes its whole group back, and every waiter is told.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import structlog

from fleet.core.chain import BEFORE_THE_FIRST, link
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.store import NoSpace, StoreFailed
from fleet.core.metrics import Calls
from node.faults import fault

log = structlog.get_logger()

SCHEMA_VERSION = 4
_STEPS = {
    1: (
        "ALTER TABLE agents ADD COLUMN hooks INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outbox ADD COLUMN draft_limit REAL NOT NULL DEFAULT 0",
        "ALTER TABLE inbox ADD COLUMN draft_limit REAL NOT NULL DEFAULT 0",
    ),
    2: (
        "ALTER TABLE grants ADD COLUMN rate TEXT NOT NULL DEFAULT ''",
        (
            "CREATE TABLE spent (who TEXT NOT NULL, agent TEXT NOT NULL, node_id TEXT NOT NULL,"
            " remains REAL NOT NULL, at REAL NOT NULL, PRIMARY KEY (who, agent, node_id)) WITHOUT ROWID"
        ),
        (
            "CREATE INDEX outbox_open ON outbox (to_node, seq)"
            " WHERE state IN ('accepted', 'held', 'typing', 'typed')"
        ),
    ),
    3: (
        "DROP INDEX outbox_queued",
        (
            "CREATE INDEX outbox_queued ON outbox (to_node, seq, expires_at, state)"
            " WHERE state = 'queued'"
        ),
        "DROP INDEX outbox_open",
        (
            "CREATE INDEX outbox_open ON outbox (to_node, state, seq)"
            " WHERE state IN ('accepted', 'held', 'typing', 'typed')"
        ),
        (
            "CREATE INDEX outbox_dead ON outbox (state)"
            " WHERE state IN ('expired', 'in_doubt', 'refused', 'unconfirmed')"
        ),
        "DROP INDEX inbox_open",
        (
            "CREATE INDEX inbox_open ON inbox (recipient, state, seq, expires_at)"
            " WHERE state IN ('accepted', 'held', 'typing', 'typed')"
        ),
        (
            "CREATE INDEX inbox_ready ON inbox (recipient, origin,"
            " substr(sender, 1, instr(sender, '@') - 1), seq, state, approved)"
            " WHERE state = 'accepted' AND approved"
        ),
        (
            "CREATE INDEX inbox_held ON inbox (recipient, approved, origin,"
            " substr(sender, 1, instr(sender, '@') - 1), seq, state) WHERE state = 'held'"
        ),
        (
            "CREATE INDEX inbox_dead ON inbox (state)"
            " WHERE state IN ('expired', 'in_doubt', 'refused', 'unconfirmed')"
        ),
        (
            "CREATE TABLE refused (origin TEXT NOT NULL, slot INTEGER NOT NULL, n INTEGER NOT NULL,"
            " id TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL,"
            " layer TEXT NOT NULL, PRIMARY KEY (origin, slot)) WITHOUT ROWID"
        ),
        (
            "CREATE TABLE teams (id TEXT PRIMARY KEY, name TEXT NOT NULL, home TEXT NOT NULL,"
            " standing TEXT NOT NULL) WITHOUT ROWID"
        ),
        (
            "CREATE TABLE team_log (team TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL,"
            " tag BLOB NOT NULL, PRIMARY KEY (team, seq)) WITHOUT ROWID"
        ),
        "CREATE TABLE followed (old TEXT PRIMARY KEY, new TEXT NOT NULL) WITHOUT ROWID",
        "ALTER TABLE agents ADD COLUMN skill INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE directory ADD COLUMN seats TEXT NOT NULL DEFAULT '[]'",
        (
            "CREATE TABLE team_invited (id TEXT PRIMARY KEY, team TEXT NOT NULL, home TEXT NOT "
            "NULL, asked BLOB NOT NULL, until REAL NOT NULL, state TEXT NOT NULL) WITHOUT "
            "ROWID"
        ),
        (
            "CREATE TABLE team_agreed (team TEXT NOT NULL, role TEXT NOT NULL, home TEXT NOT "
            "NULL, digest TEXT NOT NULL, count INTEGER NOT NULL, policy TEXT NOT NULL, verbs "
            "TEXT NOT NULL, folder TEXT NOT NULL, since REAL NOT NULL, invitation TEXT NOT "
            "NULL, joined INTEGER NOT NULL, socket TEXT NOT NULL DEFAULT '', PRIMARY KEY (team,"
            " role)) WITHOUT ROWID"
        ),
        (
            "CREATE TABLE team_hosted (team TEXT NOT NULL, seat TEXT NOT NULL, role TEXT NOT NULL,"
            " agent TEXT NOT NULL, folder TEXT NOT NULL, own INTEGER NOT NULL, term INTEGER NOT"
            " NULL, stage TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (team, seat)) WITHOUT"
            " ROWID"
        ),
        (
            "CREATE TABLE team_granted (who TEXT NOT NULL, agent TEXT NOT NULL, team TEXT NOT "
            "NULL, PRIMARY KEY (who, agent)) WITHOUT ROWID"
        ),
        (
            "CREATE TABLE team_errands (n INTEGER PRIMARY KEY, node TEXT NOT NULL, team TEXT "
            "NOT NULL, verb TEXT NOT NULL, key TEXT NOT NULL, arguments BLOB NOT NULL, until "
            "REAL NOT NULL)"
        ),
        "CREATE TABLE team_tick (team TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    ),
}
"""From each earlier version to the one after it."""
_COMMIT_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)
_CHECKPOINT_PAGES = 4_000
_ROOM_BYTES = _CHECKPOINT_PAGES * 4_096 + 2 * 1024 * 1024  # pages within SQLite's cache stay there

Listener = Callable[[list[dict[str, object]]], None]


class _Group(asyncio.Future[None]):
    """One commit that many wait for: who is cancelled meanwhile ends after it, and takes nobody along."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - as asyncio calls it
        return False


class Database:
    """The connection and its current group of writes. One per node, used from its loop only."""

    def __init__(self, path: Path, room_bytes: int = _ROOM_BYTES) -> None:
        """Open or create the file, with so much room made in its log.

        Raises:
            VersionMismatch: a newer fleet wrote it; it is left untouched.
            StoreFailed: it is damaged or cannot be opened.
        """
        self.path = path
        self.commits = Calls(*_COMMIT_S)
        self._group: asyncio.Future[None] | None = None
        self._audit: list[dict[str, object]] = []
        self._staged_sql = ""
        self._staged: list[tuple[Any, ...]] = []
        self._listener: Listener = _nobody
        self._losers: list[Callable[[], None]] = []
        try:
            self._connection = _opened(path, room_bytes)
        except sqlite3.Error as error:
            raise _translated(error, path) from error
        self._hash, self._n = self._chain_end()

    # --- writing ---

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one write inside the current group; ``commit`` makes it durable.

        Raises:
            StoreFailed: it could not be done, and with it the whole group was taken back.
        """
        self._run_staged()
        try:
            fault("db:write")
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            return self._connection.execute(sql, tuple(parameters))
        except Exception as error:  # no UTF-8, perhaps; others have their part in the group
            raise self._failed(error) from error

    def execute_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> int:
        """Run one write for many rows; returns how many rows changed.

        Raises:
            StoreFailed: as in ``execute``.
        """
        self._run_staged()
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            fault("db:write")
            return self._connection.executemany(sql, rows).rowcount
        except Exception as error:  # as in ``execute``
            raise self._failed(error) from error

    def stage(self, sql: str, row: tuple[Any, ...]) -> None:
        """Run one write inside the current group, together with its like: half the price of ``execute``.

        It has happened for every later call; how it went is told to who awaits ``commit``.
        """
        if self._staged_sql is not sql:
            self._run_staged()
            self._staged_sql = sql
        self._staged.append(row)

    def _run_staged(self) -> None:
        if self._staged:
            rows, self._staged = self._staged, []
            self.execute_many(self._staged_sql, rows)

    def audit(self, kind: str, at_s: float, **facts: object) -> None:
        """Add an event to the chained log, in the current group."""
        self._audit.append({"at": at_s, "kind": kind, **facts})

    def commit(self) -> asyncio.Future[None]:
        """Durable when the returned future is done; one fsync for everything of this loop turn.

        The future raises ``StoreFailed`` when the group was taken back.
        """
        if self._group is None:
            loop = asyncio.get_running_loop()
            self._group = _Group(loop=loop)
            # A waiter may have gone (a cancelled call); the failure then is nobody's news.
            self._group.add_done_callback(_seen)
            loop.call_soon(self.flush)
        return self._group

    def settle(self) -> None:
        """End the current group now.

        Raises:
            StoreFailed: it was taken back.
        """
        if (failure := self.flush()) is not None:
            raise failure

    def flush(self) -> FleetError | None:
        """End the current group now; why it was taken back, if it was. Called by the loop, and once more
        at the very end."""
        group, self._group = self._group, None
        told, self._audit = self._audit, []
        try:
            self._run_staged()
            if told:
                self._chain(told)
            if self._connection.in_transaction:
                began_s = perf_counter()
                fault("db:commit")
                self._connection.execute("COMMIT")
                self.commits.took.observe(perf_counter() - began_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for the group
            failure = error if isinstance(error, StoreFailed) else self._failed(error)
            self.commits.failed += 1
            self._hash, self._n = self._chain_end()
            if group is not None and not group.done():
                group.set_exception(failure)
            return failure
        if group is not None and not group.done():
            group.set_result(None)
        if told:
            self._listener(told)
        return None

    def listen(self, listener: Listener) -> None:
        """Call with each group's audit events after they are durable."""
        self._listener = listener

    def on_loss(self, told: Callable[[], None]) -> None:
        """Call whenever a group was taken back: what was counted of it in memory is wrong then."""
        self._losers.append(told)

    def _failed(self, error: Exception) -> FleetError:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._audit.clear()
        self._staged.clear()
        failure = _translated(error, self.path)
        group, self._group = self._group, None
        if group is not None and not group.done():
            group.set_exception(failure)
        for told in self._losers:
            told()
        return failure

    # --- reading ---

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; sees the open group's writes."""
        self._run_staged()
        try:
            return self._connection.execute(sql, tuple(parameters)).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def row(self, sql: str, parameters: Iterable[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, if any."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def meta(self, key: str) -> bytes | None:
        """A remembered value."""
        found = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return bytes(found[0]) if found else None

    def put_meta(self, key: str, value: bytes) -> None:
        """Remember a value."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Commit what is open and close the file."""
        self.flush()
        self._connection.close()

    # --- the audit chain ---

    def _chain(self, told: list[dict[str, object]]) -> None:
        events = msgspec.json.encode(told).decode()
        self._hash = link(self._hash, events)
        self._n += 1
        self.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?)", (self._n, told[-1]["at"], events, self._hash)
        )

    def _chain_end(self) -> tuple[str, int]:
        last = self.row("SELECT hash, n FROM audit ORDER BY n DESC LIMIT 1")
        return (str(last[0]), int(last[1])) if last else (BEFORE_THE_FIRST, 0)

    def audit_tail(self, count: int) -> list[dict[str, object]]:
        """The newest ``count`` events, oldest first, each with its group's number ``n``."""
        events: list[dict[str, object]] = []
        for n, group in self.rows("SELECT n, events FROM audit ORDER BY n DESC LIMIT ?", (count,)):
            events[:0] = [{"n": n, **event} for event in msgspec.json.decode(group)]
            if len(events) >= count:
                break
        return events[-count:] if count else []


def _opened(path: Path, room_bytes: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        connection.close()
        raise VersionMismatch(
            f"{path} was written by a newer fleet (schema {version}; this build knows {SCHEMA_VERSION})",
            hint="install the newer fleet again, or use another home: --home DIR",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 2000")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    if version == 0:
        schema = resources.files("node.store").joinpath("schema.sql").read_text()
        connection.executescript(f"BEGIN;{schema};PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    if 0 < version < SCHEMA_VERSION:
        _migrate(connection, path, version)
    if room_bytes and shutil.disk_usage(path.parent).free > 10 * room_bytes:  # else others need it
        _make_room(connection, room_bytes)
    return connection


def _migrate(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Bring an older file up to this build's version, in one piece; a copy of it stays beside it."""
    copy = path.with_name(f"{path.name}.schema-{version}")
    # What bears the name of a copy is whole, whenever we die.
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(part),))
    part.chmod(0o600)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(copy)
    statements = ";".join(sql for step in range(version, SCHEMA_VERSION) for sql in _STEPS[step])
    connection.executescript(f"BEGIN;{statements};PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")


def _make_room(connection: sqlite3.Connection, room_bytes: int) -> None:
    """Grow the write-ahead log before it is needed: pages that are never committed, over which the
    next ones are written. A sync of blocks that exist takes 0.12 ms where one that makes the file
    longer takes 0.20 ms (ext4)."""
    connection.execute("BEGIN")
    connection.execute("INSERT INTO meta VALUES ('room', zeroblob(?))", (room_bytes,))
    connection.execute("ROLLBACK")


def _translated(error: Exception, path: Path) -> FleetError:
    if not isinstance(
        error, sqlite3.Error
    ):  # a bug: its words may be anybody's, and peers read ours
        log.error("write failed", exc_info=error)
        return StoreFailed(
            f"{path}: a write met a bug; nothing was accepted",
            hint="the node's log has the details",
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoSpace(str(path))
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreFailed(
            f"{path} is damaged: {error}", hint=f"move {path} away and restore it from a backup"
        )
    return StoreFailed(f"{path}: {error}; nothing was accepted", hint="see fleet doctor")


def _nobody(_events: list[dict[str, object]]) -> None:
    return


def _seen(group: asyncio.Future[None]) -> None:
    if not group.cancelled():
        group.exception()
