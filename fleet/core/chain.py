"""The audit log's hash chain: how a row is tied to the one before, and whether a log still holds.

A row is one commit: its number ``n``, its time, its events as a line of JSON, and the hash over these
events and the hash of the row before. So the last hash stands for every event there ever was. Whoever
can write the file can also hash it anew from some row on: only a hash that was kept elsewhere tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

BEFORE_THE_FIRST = ""
"""What stands in the place of a hash before the first row."""


class Row(NamedTuple):
    """One row as it is read; who changed the file may have put anything anywhere."""

    n: object
    at_s: object
    events: object
    hash: object


@dataclass(frozen=True, slots=True)
class Break:
    """Where a log does not hold: the number of the first such row, and why.

    ``n`` is None when each row fits the one before, and the log is not the one that a hash was kept of.
    """

    n: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a log. ``rows``, ``events`` and ``last_hash`` are of the part that holds;
    ``kept_at`` is the row that has the kept hash, 0 when none was given or none has it."""

    rows: int
    events: int
    last_hash: str
    kept_at: int
    broken: Break | None


def link(previous: str, events: str) -> str:
    """The hash of a row with these events, after a row with that hash."""
    return sha256(f"{previous}\n{events}".encode()).hexdigest()


def verify(rows: Iterable[Row], kept: str = "") -> Verdict:
    """Walk a log from its first row, in the order of the numbers, up to the first that is broken."""
    last, count, events, kept_at = BEFORE_THE_FIRST, 0, 0, 0
    broken: Break | None = None
    for row in rows:
        holds = _held(row, count + 1, last)
        if isinstance(holds, Break):
            broken = holds
            break
        last, count, events = str(row.hash), count + 1, events + holds
        kept_at = count if kept == last else kept_at
    if broken is None and kept and not kept_at:
        broken = Break(
            None,
            f"none of {count} rows has the hash that was kept: later ones were cut off,"
            " or all was written anew",
        )
    return Verdict(count, events, last, kept_at, broken)


def _held(row: Row, expected: int, previous: str) -> int | Break:
    """How many events a row has that belongs here; else what is wrong."""
    if not isinstance(row.n, int) or row.n < expected:
        n = row.n if isinstance(row.n, int) else expected
        return Break(n, f"it is none of the log's: row {expected} was to come, not {row.n!r}")
    if row.n > expected:
        return Break(expected, f"it is missing: after row {expected - 1} comes row {row.n}")
    if not isinstance(row.events, str):
        return Break(expected, "its events are no text")
    if row.hash != link(previous, row.events):
        return Break(
            expected,
            "its hash is not that of its events and the row before: one of them was changed",
        )
    try:
        told = json.loads(row.events)
        at_s = told[-1]["at"]
    except (ValueError, LookupError, TypeError):
        return Break(expected, "its events are not a list of events")
    if row.at_s != at_s:
        return Break(expected, f"its time was changed: {row.at_s!r} is not its last event's")
    return len(told)
