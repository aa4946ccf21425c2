"""Queries that are the same for the outbox and the inbox: how much, since when, which newest."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.core.delivery import DEAD_LETTERS
from node.records import Waiting
from node.store.database import Database

_DEAD = ", ".join(f"'{state}'" for state in sorted(DEAD_LETTERS))
OPEN = "('accepted', 'held', 'typing', 'typed')"
"""The states of an envelope that its recipient's node has and has not ended."""


def oldest(database: Database, table: str, what: str, at: str, where: str) -> list[Waiting]:
    """Counted in the partial index of that condition; only the oldest row of each is read."""
    found = database.rows(
        f"SELECT o.{what}, g.n, o.{at} FROM (SELECT count(*) AS n, min(seq) AS first FROM {table}"
        f" WHERE {where} GROUP BY {what}) AS g JOIN {table} AS o ON o.seq = g.first ORDER BY 1"
    )
    return [Waiting(*row) for row in found]


def states_of(
    database: Database, table: str, at: str, groups: Iterable[tuple[str, str]]
) -> list[Waiting]:
    """Counted in the partial index of each condition in the order that it has, as ``oldest`` does."""
    found: dict[str, Waiting] = {}
    for where, by in (*groups, (f"state IN ({_DEAD})", "state")):
        for state, number, since_s in database.rows(
            f"SELECT o.state, g.n, o.{at} FROM (SELECT count(*) AS n, min(seq) AS first FROM {table}"
            f" WHERE {where} GROUP BY {by}) AS g JOIN {table} AS o ON o.seq = g.first"
        ):
            _, others, before_s = found.get(state, ("", 0, since_s))
            found[state] = Waiting(state, others + number, min(before_s, since_s))
    return sorted(found.values())


def only(*, dead: bool, held: bool) -> str:
    """The condition for states that were asked for; both at once is none."""
    asked = [f"state IN ({_DEAD})"] if dead else []
    return " AND ".join(asked + (["state = 'held'"] if held else [])) or "TRUE"


def newest_of(table: str, senders: int) -> str:
    """The rest of a query for the newest rows: of how many it looks at, and of which senders."""
    return (
        f"FROM {table} WHERE seq IN (SELECT max(seq) FROM"
        f" (SELECT seq, sender FROM {table} ORDER BY seq DESC LIMIT ?)"
        f" WHERE sender IN ({', '.join('?' * senders)}) GROUP BY sender)"
    )


def ids_like(database: Database, table: str, prefix: str) -> list[str]:
    """Up to two ids in the table that begin with ``prefix``."""
    rows = database.rows(
        f"SELECT DISTINCT id FROM {table} WHERE id >= ? AND id < ? LIMIT 2", (prefix, prefix + "~")
    )
    return [str(row[0]) for row in rows]
