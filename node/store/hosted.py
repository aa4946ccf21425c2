"""The seats of teams on this node: who was started for which, in which term."""

from __future__ import annotations

from fleet.core.member import Hosted, Stage
from node.store.database import Database


class HostedTable:
    """One row for each seat that ever was on this node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, team_id: str) -> list[Hosted]:
        """Those of a team, by seat."""
        return [
            Hosted(team, seat, role, agent, folder, bool(own), term, Stage(stage), token)
            for team, seat, role, agent, folder, own, term, stage, token in self._database.rows(
                "SELECT team, seat, role, agent, folder, own, term, stage, token FROM team_hosted"
                " WHERE team = ? ORDER BY seat",
                (team_id,),
            )
        ]

    def get(self, team_id: str, seat: str) -> Hosted | None:
        """One of them."""
        return next((one for one in self.of(team_id) if one.seat == seat), None)

    def begin_again(self, team_id: str) -> None:
        """The team's log is another one: the terms that are known are not of it. Staged."""
        self._database.execute("UPDATE team_hosted SET term = 0 WHERE team = ?", (team_id,))

    def put(self, one: Hosted) -> None:
        """Remember a seat as it is now; staged."""
        self._database.execute(
            "INSERT OR REPLACE INTO team_hosted VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.team_id, one.seat, one.role, one.agent, one.folder, one.own, one.term, one.stage,
                one.token,
            ),
        )  # fmt: skip
