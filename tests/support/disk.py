"""One host's disk: slow, full or broken for a while; and the database that dies with its node.

What SQLite writes it really writes. Only what becomes of a statement or a commit is decided here, and
the moments around each commit are told, for something may happen at them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any, cast

from fleet.core.errors.store import StoreFailed
from node.store.database import Database

FULL, BROKEN, BUSY = sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY
_WORDS = {
    FULL: "database or disk is full",
    BROKEN: "disk I/O error",
    BUSY: "database is locked",
}


class Disk:
    """What the disk is like now. ``at`` is told of the moments before and after each commit."""

    def __init__(self, at: Callable[[str], None]) -> None:
        self.at = at
        self.lag_s = 0.0
        """How long a commit takes."""
        self.trouble = 0
        """SQLite's error for everything that is written; 0 when it works."""
        self._fails_in = 0
        self._fails_with = 0

    def fail_once(self, code: int, after: int) -> None:
        """One write fails, after so many that do not."""
        self._fails_in, self._fails_with = after + 1, code

    def mend(self) -> None:
        """It works, and fast."""
        self.lag_s, self.trouble, self._fails_in = 0.0, 0, 0

    def write(self) -> None:
        """Something is written.

        Raises:
            sqlite3.OperationalError: it is not.
        """
        code = self.trouble
        if self._fails_in:
            self._fails_in -= 1
            code = code or (0 if self._fails_in else self._fails_with)
        if code:
            error = sqlite3.OperationalError(_WORDS[code])
            error.sqlite_errorcode = code
            raise error


class SimDatabase(Database):
    """A node's database on such a disk."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path, room_bytes=0)
        self._disk = disk
        self._file = self._connection
        self._connection = cast(sqlite3.Connection, _Connection(self._file, disk))
        self._is_dead = False
        self.is_up = False
        """Until its node is up, nothing is late."""

    def flush(self) -> None:
        if self.is_up and self._disk.lag_s:
            asyncio.get_running_loop().call_later(self._disk.lag_s, self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        if not self._is_dead:
            super().flush()
        elif self._group is not None:  # whoever waits for it is being cancelled
            group, self._group = self._group, None
            group.set_exception(StoreFailed("the node is dead"))

    def close(self) -> None:
        self.is_up = False
        super().close()
        self._is_dead = True

    def die(self) -> None:
        """End as the process's death does: what was not committed is rolled back, and what its owner
        still writes goes nowhere."""
        self._is_dead = True
        self._flush()
        self._file.close()
        nowhere = sqlite3.connect(":memory:", isolation_level=None)
        nowhere.executescript(_SCHEMA)
        self._connection = nowhere


class _Connection:
    """As much of a connection as a database uses."""

    def __init__(self, file: sqlite3.Connection, disk: Disk) -> None:
        self._file = file
        self._disk = disk
        self.close = file.close

    @property
    def in_transaction(self) -> bool:
        return self._file.in_transaction

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        if sql == "COMMIT":
            return self._commit()
        if not sql.startswith(("SELECT", "ROLLBACK")):
            self._disk.write()
        return self._file.execute(sql, tuple(parameters))

    def executemany(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> sqlite3.Cursor:
        self._disk.write()
        return self._file.executemany(sql, rows)

    def _commit(self) -> sqlite3.Cursor:
        self._disk.at("before commit")
        self._disk.write()
        try:
            done = self._file.execute("COMMIT")
        except sqlite3.ProgrammingError:  # its node has died just now
            return sqlite3.connect(":memory:").cursor()
        self._disk.at("after commit")
        return done


_SCHEMA = resources.files("node.store").joinpath("schema.sql").read_text()
