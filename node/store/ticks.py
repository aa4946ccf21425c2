"""What a home's supervisor has open about each of its teams, and whom it has still to tell."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from fleet.core.nudges import To
from fleet.core.supervise import Incident
from node.store.database import Database


class Owed(msgspec.Struct, frozen=True):
    """A letter that is written and perhaps not sent: its key says that it is sent once. After ``until_s``,
    wall time, it is of no use any more."""

    to: To
    address: str
    text: str
    key: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a team's last tick left: incidents, letters, and how many letters there ever were."""

    incidents: tuple[Incident, ...] = ()
    owed: tuple[Owed, ...] = ()
    letters: int = 0


class TickTable:
    """One row for each team at home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, team_id: str) -> Kept:
        """What was kept; nothing at first."""
        row = self._database.row("SELECT body FROM team_tick WHERE team = ?", (team_id,))
        return msgspec.json.decode(bytes(row[0]), type=Kept) if row else Kept()

    def put(self, team_id: str, kept: Kept) -> None:
        """Keep this in place of what was kept; staged."""
        self._database.execute(
            "INSERT OR REPLACE INTO team_tick VALUES (?, ?)", (team_id, msgspec.json.encode(kept))
        )
