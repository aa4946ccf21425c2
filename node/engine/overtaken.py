"""Members of this node whose seats went on elsewhere while it was away: ended as soon as the log says so.

Nothing of theirs is deleted: a worktree with anything unsaved in it is kept, and the team's home is told
what it holds. Looked at when the node starts and whenever a team's log grows, so that nothing has to be
remembered for it.
"""

from __future__ import annotations

import asyncio

import structlog

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.member import Hosted, Left, Stage
from fleet.core.quoted import one_line
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.hosting import Hosting
from node.engine.outbox import Outbox, Wish
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.teams import Standing

AGAIN_S = 30.0
"""After that it is tried again, where one could not be ended."""

log = structlog.get_logger()


class Overtaken:
    """Ends what is over. One per node."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        hosting: Hosting,
        outbox: Outbox,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._hosting = hosting
        self._outbox = outbox
        self._store = store
        self._clock = clock
        self._due = {team.team_id for team in teams.all()}
        self._wake = asyncio.Event()

    def grew(self, team: Chronicle) -> None:
        """A team's log has grown."""
        self._due.add(team.team_id)
        self._wake.set()

    async def run(self) -> None:
        """End whoever is over, for ever."""
        while True:
            self._wake.clear()
            due = frozenset(self._due)
            self._due.clear()
            failed = [team_id for team_id in due if not await self._looked_at(team_id)]
            self._due.update(failed)
            if failed:
                await self._clock.sleep(AGAIN_S)
            elif not self._due:
                await self._wake.wait()

    async def _looked_at(self, team_id: str) -> bool:
        """End those of a team; whether all of them were."""
        team, is_done = self._teams.by_id(team_id), True
        if team is None or team.row.standing is Standing.LEFT:
            return True
        for hosted in self._store.hosted.of(team_id):
            if not self._is_over(team, hosted):
                continue
            try:
                left = await self._hosting.unseat(team_id, hosted.seat, hosted.term)
                await self._tell(team, hosted, left)
            except FleetError as error:
                is_done = False
                log.warning(
                    "member not ended", team=team.row.name, seat=hosted.seat, error=str(error)
                )
        return is_done

    def _is_over(self, team: Chronicle, hosted: Hosted) -> bool:
        seat = team.board.seats.get(hosted.seat)
        return (
            hosted.stage is not Stage.ENDED
            and seat is not None
            and seat.node != self._fleet.me.node_id
            and seat.term > hosted.term
        )

    async def _tell(self, team: Chronicle, hosted: Hosted, left: Left) -> None:
        """The person at the home learns what became of it, once."""
        me, home = self._fleet.me, self._fleet.label(team.row.home)
        log.info("member overtaken", team=team.row.name, agent=hosted.agent, folder=left.folder)
        self._store.audit(
            "member overtaken", self._clock.wall_s(), team=team.row.name, seat=hosted.seat,
            term=hosted.term, ended=left.ended, folder=left.folder,
        )  # fmt: skip
        itself = Caller(NODE_ITSELF, me.name, me.node_id, is_local=True)
        key = f"overtaken {team.team_id} {hosted.seat} {hosted.term}"
        text = told(team.row.name, hosted, left, me.name)
        await self._outbox.send(itself, Wish(f"{OPERATOR}@{home}", text, key=key))


def told(team: str, hosted: Hosted, left: Left, node: str) -> str:
    """What the home's person is told of a member that is over."""
    end = "has been ended" if left.ended else "had ended"
    lines = [
        f"{team}/{hosted.seat} went on elsewhere while {node} was away; {hosted.agent}@{node} {end}."
    ]
    if left.folder:
        lines.append(f"Its folder is kept: {left.folder}")
    if left.unsaved:
        lines.append(f"In it and nowhere else: {'; '.join(map(one_line, left.unsaved))}")
    if left.unpushed:
        lines.append(f"On {node} only: {'; '.join(map(one_line, left.unpushed))}")
    return "\n".join(lines)
