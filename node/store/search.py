"""Full-text search over what teams remember: an index beside the database that can be thrown away.

It knows nothing that is not in the team's log, and is made anew from it when it is missing, damaged, of
another version, or ahead of a database that was put back. What is asked for are words: whatever else is in
a question (quotes, operators, brackets) means nothing. SQLite's FTS5, English word stems, no accents.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from fleet.core.errors.store import NoSpace, StoreFailed
from fleet.core.quoted import one_line

log = structlog.get_logger()

FINDING, TASK = "finding", "task"
_VERSION = 1
_SCHEMA = """
CREATE VIRTUAL TABLE words USING fts5(text, tags, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TABLE documents (id INTEGER PRIMARY KEY, team TEXT NOT NULL, kind TEXT NOT NULL,
    number INTEGER NOT NULL, role TEXT NOT NULL, UNIQUE (team, kind, number));
CREATE TABLE heads (team TEXT PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;
"""
_WORDS, _QUERY_CHARS = 32, 1_000
_SNIPPET_WORDS, _SNIPPET_CHARS = 24, 300
_FILES = ("", "-wal", "-shm", "-journal")
_SOUND = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    }
)  # fmt: skip
"""Errors that another file would not mend."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Document:
    """Something that can be found, by its words. ``role`` is empty when it is the whole team's."""

    kind: str
    number: int
    role: str
    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found; ``snippet`` is a line of it, the words asked for in brackets."""

    kind: str
    number: int
    role: str
    snippet: str


Since = Callable[[int], Iterable[Document]]


class SearchIndex:
    """The index of one home. ``fill`` is called with it to bring every team up to date (``follow``):
    once when it is opened, and again whenever it had to be thrown away."""

    def __init__(self, path: Path, fill: Callable[[SearchIndex], None]) -> None:
        """Open it, or make it.

        Raises:
            StoreFailed: it cannot be made.
        """
        self._path = path
        self._fill = fill
        self._filling = False
        self._connection: sqlite3.Connection | None = None
        self._mended(lambda _: self._fill_now())

    # --- what it is told ---

    def follow(self, team: str, head: int, since: Since) -> None:
        """Know all of a team up to its event ``head``. ``since(n)`` are the documents that an event
        after ``n`` made or changed.

        Raises:
            StoreFailed: it cannot be written.
        """
        self._mended(lambda connection: self._follow(connection, team, head, since))

    def forget(self, team: str) -> None:
        """Know nothing of a team.

        Raises:
            StoreFailed: it cannot be written.
        """
        self._mended(
            lambda connection: self._in_one_piece(connection, lambda: _forget(connection, team))
        )

    def head(self, team: str) -> int:
        """The number of the last event that is known of a team; 0 when there is none.

        Raises:
            StoreFailed: it cannot be read.
        """
        return self._mended(lambda connection: _head(connection, team))

    def _follow(self, connection: sqlite3.Connection, team: str, head: int, since: Since) -> None:
        known = _head(connection, team)
        if known == head:
            return

        def write() -> None:
            after = known
            if known > head:
                _forget(connection, team)
                after = 0
            for document in since(after):
                _put(connection, team, document)
            connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", (team, head))

        self._in_one_piece(connection, write)

    @staticmethod
    def _in_one_piece(connection: sqlite3.Connection, write: Callable[[], None]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            write()
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    # --- what it is asked ---

    def search(
        self,
        team: str,
        query: str,
        *,
        kind: str = FINDING,
        role: str | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """What has all of the words, best first; if nothing has, what has some of them.

        With a ``role``: what is that role's, or the whole team's. A query without words finds nothing.

        Raises:
            StoreFailed: it cannot be read.
        """
        words = _words_of(query)
        if not words:
            return []
        whose = (team, kind, role, role)
        return self._mended(
            lambda connection: (
                _found(connection, " AND ".join(words), whose, kind, limit)
                or _found(connection, " OR ".join(words), whose, kind, limit)
            )
        )

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- a file that may be damaged ---

    def _mended(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do some work; where the file is no good, once more on a new one."""
        try:
            return work(self._opened())
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _SOUND:
                raise self._failed(error, code) from error
            if self._filling:
                raise  # to whoever fills: the file is to be thrown away there
            log.warning("search index thrown away", detail=str(error))
        try:
            self._throw_away()
            self._fill_now()
            return work(self._opened())
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error, getattr(error, "sqlite_errorcode", 0) & 0xFF) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
            elif version != _VERSION:
                raise sqlite3.DatabaseError(f"it is of version {version}")
        return self._connection

    def _fill_now(self) -> None:
        self._filling = True
        try:
            self._fill(self)
        finally:
            self._filling = False

    def _throw_away(self) -> None:
        self.close()
        for ending in _FILES:
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _failed(self, error: Exception, code: int) -> StoreFailed:
        if code == sqlite3.SQLITE_FULL:
            return NoSpace(str(self._path))
        return StoreFailed(
            f"the search index {self._path} failed: {error}",
            hint="it holds nothing of its own and can be removed while the node is down",
        )


def _words_of(query: str) -> list[str]:
    """The words as FTS5 strings, in which nothing but a quote has a meaning, and that is doubled."""
    plain = query[:_QUERY_CHARS].replace("\0", " ").encode("utf-8", "replace").decode()
    words = [word for word in plain.split() if any(char.isalnum() for char in word)]
    return ['"' + word.replace('"', '""') + '"' for word in words[:_WORDS]]


def _found(
    connection: sqlite3.Connection, match: str, whose: Sequence[object], kind: str, limit: int
) -> list[Hit]:
    """The best first; then a snippet of these alone, since one of each match takes far longer."""
    rows = connection.execute(
        "SELECT id, number, role FROM words JOIN documents ON id = words.rowid"
        " WHERE words MATCH ? AND team = ? AND kind = ? AND (? IS NULL OR role IN ('', ?))"
        " ORDER BY rank, number DESC LIMIT ?",
        (match, *whose, limit),
    ).fetchall()
    marks = ", ".join("?" * len(rows))
    snippets = dict(
        connection.execute(
            f"SELECT rowid, snippet(words, 0, '[', ']', '…', {_SNIPPET_WORDS}) FROM words"
            f" WHERE words MATCH ? AND rowid IN ({marks})",
            (match, *(row[0] for row in rows)),
        ).fetchall()
    )
    return [
        Hit(kind, number, role, one_line(snippets.get(row, ""), _SNIPPET_CHARS))
        for row, number, role in rows
    ]


def _head(connection: sqlite3.Connection, team: str) -> int:
    row = connection.execute("SELECT head FROM heads WHERE team = ?", (team,)).fetchone()
    return int(row[0]) if row else 0


def _put(connection: sqlite3.Connection, team: str, document: Document) -> None:
    key = (team, document.kind, document.number)
    row = connection.execute(
        "SELECT id FROM documents WHERE team = ? AND kind = ? AND number = ?", key
    ).fetchone()
    if row:
        connection.execute("UPDATE documents SET role = ? WHERE id = ?", (document.role, row[0]))
        connection.execute("DELETE FROM words WHERE rowid = ?", row)
    else:
        cursor = connection.execute(
            "INSERT INTO documents (team, kind, number, role) VALUES (?, ?, ?, ?)",
            (*key, document.role),
        )
        row = (cursor.lastrowid,)
    words = (_storable(document.text), _storable(" ".join(document.tags)))
    connection.execute("INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)", (*row, *words))


def _storable(text: str) -> str:
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def _forget(connection: sqlite3.Connection, team: str) -> None:
    ids: list[tuple[Any, ...]] = connection.execute(
        "SELECT id FROM documents WHERE team = ?", (team,)
    ).fetchall()
    connection.executemany("DELETE FROM words WHERE rowid = ?", ids)
    connection.execute("DELETE FROM documents WHERE team = ?", (team,))
    connection.execute("DELETE FROM heads WHERE team = ?", (team,))
