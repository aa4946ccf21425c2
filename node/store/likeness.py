"""Finished work by likeness: which of it is most like a task, by SQLite's FTS5 and its bm25.

In memory, made anew from what the node knows, and the same on every node that knows the same: the score
depends on the set of what is in it, never on the order in which it came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from fleet.core.experience import Like, Work
from fleet.core.words import words_of

MOST = 200
"""How many pieces are answered; what comes after them counts for nothing."""
RAREST = 12
"""How many of a task's words are looked for: the rarest, which say most and are found fastest."""


class Likeness:
    """The index. Words are those of ``fleet/core/words.py``, so that nothing is stemmed a second way."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute(
            "CREATE VIRTUAL TABLE work USING fts5(title, content='', tokenize='unicode61 remove_diacritics 0')"
        )
        self._db.execute("CREATE VIRTUAL TABLE heard USING fts5vocab('work', 'row')")
        self._work: list[Work] = []
        self._known: set[str] = set()

    @property
    def size(self) -> int:
        """How many pieces of work are in it."""
        return len(self._work)

    def learn(self, works: Iterable[Work]) -> None:
        """Take work in; what is known is left as it is."""
        for work in works:
            if work.key in self._known:
                continue
            self._known.add(work.key)
            self._work.append(work)
            self._db.execute(
                "INSERT INTO work(rowid, title) VALUES (?, ?)",
                (len(self._work), " ".join(words_of(work.title))),
            )

    def like(self, words: Sequence[str]) -> tuple[Like, ...]:
        """The work most like a task of these words, the most similar first."""
        asked = self._rarest(words)
        if not asked:
            return ()
        question = " OR ".join(f'"{word}"' for word in asked)
        rows = self._best(question, MOST)
        if len(rows) > MOST:  # of equals at the edge none is taken: which came first is chance
            rows = [row for row in rows if row[1] > rows[-1][1]] or self._best(question, -2)
        likes = (Like(self._work[row - 1], score) for row, score in rows)
        return tuple(sorted(likes, key=lambda like: (-like.score, like.work.key)))

    def _best(self, question: str, most: int) -> list[tuple[int, float]]:
        found = self._db.execute(
            "SELECT rowid, round(-bm25(work), 9) AS score FROM work WHERE work MATCH ?"
            " ORDER BY score DESC LIMIT ?",
            (question, most + 1),
        )
        return found.fetchall()

    def _rarest(self, words: Sequence[str]) -> list[str]:
        heard: list[tuple[int, str]] = []
        for word in sorted(set(words)):
            row = self._db.execute("SELECT doc FROM heard WHERE term = ?", (word,)).fetchone()
            if row is not None:
                heard.append((row[0], word))
        return [word for _, word in sorted(heard)[:RAREST]]

    def close(self) -> None:
        """Let go of it."""
        self._db.close()
