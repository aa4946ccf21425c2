"""The teams that this node knows, and their logs, as rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.core.frames import LogEntry
from node.store.database import Database


class Standing(StrEnum):
    """What this node is to a team."""

    HOME = "home"  # its log is written here
    COPY = "copy"  # of the team, with a copy of its log
    LEFT = "left"  # it was, once; the copy stays as it was


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team. ``team_id`` is random and for ever; ``name`` is a label."""

    team_id: str
    name: str
    home: str
    standing: Standing


class TeamTable:
    """Teams by id, and their entries by number."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def teams(self) -> list[TeamRow]:
        """All of them, by name and id."""
        return [
            TeamRow(team_id, name, home, Standing(standing))
            for team_id, name, home, standing in self._database.rows(
                "SELECT id, name, home, standing FROM teams ORDER BY name, id"
            )
        ]

    def put(self, team: TeamRow) -> None:
        """Remember a team as it is now."""
        self._database.execute(
            "INSERT OR REPLACE INTO teams VALUES (?, ?, ?, ?)",
            (team.team_id, team.name, team.home, team.standing),
        )

    def append(self, team_id: str, first: int, entries: Iterable[LogEntry]) -> None:
        """Add entries, numbered from ``first`` on."""
        self._database.execute_many(
            "INSERT INTO team_log VALUES (?, ?, ?, ?)",
            [(team_id, first + n, one.body, one.tag) for n, one in enumerate(entries)],
        )

    def entries(self, team_id: str, after: int, limit: int) -> list[LogEntry]:
        """At most so many entries behind a number, in order."""
        return [
            LogEntry(bytes(body), bytes(tag))
            for body, tag in self._database.rows(
                "SELECT body, tag FROM team_log WHERE team = ? AND seq > ? ORDER BY seq LIMIT ?",
                (team_id, after, limit),
            )
        ]

    def chosen(self, team_id: str, numbers: Iterable[int]) -> list[bytes]:
        """The bodies of these entries, in their order."""
        rows = (
            self._database.row(
                "SELECT body FROM team_log WHERE team = ? AND seq = ?", (team_id, number)
            )
            for number in numbers
        )
        return [bytes(row[0]) for row in rows if row]

    def tag(self, team_id: str, seq: int) -> bytes:
        """The tag of one entry; empty when there is none."""
        row = self._database.row(
            "SELECT tag FROM team_log WHERE team = ? AND seq = ?", (team_id, seq)
        )
        return bytes(row[0]) if row else b""

    def set_aside(self, team_id: str, beside: str) -> None:
        """Keep a copy that turned out not to be the home's log under another name; of several the longest,
        so that no home can fill the disk with them."""
        if self._length(team_id) > self._length(beside):
            self._database.execute("DELETE FROM team_log WHERE team = ?", (beside,))
            self._database.execute("UPDATE team_log SET team = ? WHERE team = ?", (beside, team_id))
        else:
            self._database.execute("DELETE FROM team_log WHERE team = ?", (team_id,))

    def _length(self, team_id: str) -> int:
        row = self._database.row("SELECT max(seq) FROM team_log WHERE team = ?", (team_id,))
        return int(row[0] or 0) if row else 0
