"""Copies of a team's log on the team's other nodes: told what is new, and caught up after a pause.

A node with a copy says on each new link how far it goes; the home answers with what follows, a word at a
time, and tells what is new as soon as it is durable. It says so again now and then, and so a word that
was lost on the way is missed for no longer. What the two have is compared by the tag of the last
entry: a home that was put back from an old copy of its database takes its own entries back from the
others, also a whole team, and where both have gone on since, the home's log is the log, and the other
one is set aside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from fleet.core.bounds import LAST_COUNT
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.store import StoreFailed
from fleet.core.errors.teams import LogFull
from fleet.core.frames import TeamBeat, TeamFrame, TeamHave, TeamWord
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.teams import Standing

BEAT_S = 15.0
"""How often a node tells a team's home who lives. Leases are many times as long."""

log = structlog.get_logger()

Say = Callable[[str, TeamFrame], bool]
"""Sends a frame to a node that is connected and knows of teams; whether there is such a link."""


class Copies:
    """What the team's nodes know of each other's logs. One per node."""

    def __init__(self, teams: Teams, fleet: Fleet, store: SqliteStore, clock: Clock) -> None:
        self._teams = teams
        self._fleet = fleet
        self._store = store
        self._clock = clock
        self._told: dict[tuple[str, str], int] = {}
        self._telling: set[str] = set()
        self._full: set[str] = set()  # teams with a longer log than a copy is kept of, in this life
        self.say: Say = lambda _node, _frame: False
        teams.appended = self.appended

    # --- links ---

    def linked(self, node_id: str) -> None:
        """A new link stands: say how far the copies of that node's teams go."""
        for team in self._teams.all():
            if not team.is_home and team.row.home == node_id:
                self.say(node_id, team.have())

    def parted(self, node_id: str) -> None:
        """The link is gone; what it was told is asked anew on the next."""
        for key in [one for one in self._told if one[0] == node_id]:
            del self._told[key]

    async def heard(self, node_id: str, frame: TeamFrame) -> None:
        """A node of a team says something; of a team that is not known here and was never this
        node's nothing comes."""
        team = self._teams.by_id(frame.team)
        if team is None:
            await self._heard_of_unknown(node_id, frame)
            return
        match frame:
            case TeamBeat(seats=seats):
                self._teams.heard_of(node_id, frame.team, seats)
            case TeamHave() if team.is_home:
                self._caught_up(team, node_id, frame)
            case TeamHave() if team.row.home == node_id:
                self._give_back(team, node_id, frame)
            case TeamWord() if team.is_home:
                await self._taken_back(team, node_id, frame)
            case TeamWord() if team.row.home == node_id:
                await self._take(team, node_id, frame)
            case _:
                log.debug("no word of its home", team=frame.team, peer=node_id[:12])

    async def run(self) -> None:
        """Tell homes who lives here, and let claims lapse that nobody speaks for."""
        while True:
            await self._clock.sleep(BEAT_S)
            self.beat()
            try:
                await self._teams.lapse()
            except FleetError as error:
                log.warning("lapse failed", error=error.code, detail=str(error))

    def beat(self) -> None:
        """Tell each home who lives here, and how far its copy here goes."""
        for team in self._teams.all():
            if team.row.standing is not Standing.COPY:
                continue
            if team.team_id not in self._full:
                self.say(team.row.home, team.have())
            if seats := self._teams.living(team):
                self.say(team.row.home, TeamBeat(team.team_id, seats))

    # --- at home ---

    def appended(self, team: Chronicle) -> None:
        """Something new is durable: tell those who had all before it, in one word with all else that
        became durable at the same moment."""
        if team.team_id not in self._telling:
            self._telling.add(team.team_id)
            asyncio.get_running_loop().call_soon(self._tell_all, team)

    def _tell_all(self, team: Chronicle) -> None:
        self._telling.discard(team.team_id)
        with contextlib.suppress(StoreFailed):  # the copies ask, a beat later
            self._tell_those(team)

    def _tell_those(self, team: Chronicle) -> None:
        for (node_id, team_id), told in list(self._told.items()):
            if team_id == team.team_id and told < team.told_head:
                self._tell(team, node_id, told)
                if node_id not in team.board.nodes:  # it has learnt that it is not of the team
                    self._told.pop((node_id, team_id), None)

    def _tell(self, team: Chronicle, node_id: str, after: int, *, anew: bool = False) -> None:
        """What follows; to one that has left, nothing behind its leaving."""
        board = team.board
        until = LAST_COUNT if node_id in board.nodes else board.left.get(node_id, 0)
        word = team.word(after, anew=anew, until=until)
        if word.entries and self.say(node_id, word):
            self._told[node_id, team.team_id] = after + len(word.entries)

    def _caught_up(self, team: Chronicle, node_id: str, have: TeamHave) -> None:
        """A copy goes so far; also that of a node which has left, and may not know it yet."""
        board = team.board
        if (
            have.head > team.told_head
        ):  # our database is older than its copy; the tags prove the rest
            self.say(node_id, team.have())
            return
        if node_id not in board.nodes and node_id not in board.left:
            log.warning("no node of the team", team=team.row.name, peer=node_id[:12])
            return
        if have.tag != team.tag_at(have.head):
            log.warning("copy goes another way", team=team.row.name, peer=node_id[:12])
            self._tell(team, node_id, 0, anew=True)
        else:
            self._told[node_id, team.team_id] = have.head
            self._tell(team, node_id, have.head)
        if node_id not in board.nodes:
            self._told.pop((node_id, team.team_id), None)

    async def _taken_back(self, team: Chronicle, node_id: str, word: TeamWord) -> None:
        count = team.take_back(word)
        if count:
            head = team.board.head
            self._restored(team, node_id, count)
            await self._store.commit()
            team.committed(head)
            self._teams.lease_anew(team)
            self._told[node_id, team.team_id] = head
            self.appended(team)
            self._teams.grew(team)
        if word.head > team.told_head:
            self.say(node_id, team.have())

    def _restored(self, team: Chronicle, node_id: str, count: int) -> None:
        self._store.audit(
            "team log restored", self._clock.wall_s(), team=team.row.name, entries=count,
            peer=self._fleet.label(node_id),
        )  # fmt: skip

    async def _heard_of_unknown(self, node_id: str, frame: TeamFrame) -> None:
        """Somebody has a team that is not known here: perhaps ours, and our database older than it. Then
        its entries, which only we can have made, come in answer to the question for them."""
        match frame:
            case TeamHave(team=team_id, head=head) if head:
                self.say(node_id, TeamHave(team_id, 0, b""))
            case TeamWord(first=1):
                team = await self._teams.regain(frame)
                if team is None:
                    log.warning("no team of this node", team=frame.team, peer=node_id[:12])
                    return
                self._restored(team, node_id, team.told_head)
                self._store.commit_soon()
                if frame.head > team.told_head:
                    self.say(node_id, team.have())
            case _:
                pass

    # --- elsewhere ---

    def _give_back(self, team: Chronicle, node_id: str, have: TeamHave) -> None:
        """The home knows less than we do; give it its own entries back, if they follow what it has."""
        if have.tag != team.tag_at(have.head):
            self.say(node_id, TeamHave(team.team_id, have.head, team.tag_at(have.head)))
        else:
            self.say(node_id, team.word(have.head))

    async def _take(self, team: Chronicle, node_id: str, word: TeamWord) -> None:
        is_replacing = team.is_replacing(word)
        if team.team_id in self._full and not is_replacing:
            return
        try:
            count = team.take(word)
        except LogFull as error:
            self._too_long(team, node_id, error)
            return
        except (MalformedRequest, VersionMismatch) as error:
            log.warning("team log not taken", team=team.row.name, error=str(error))
            return
        if is_replacing:
            self._full.discard(team.team_id)
            self._teams.replaced(team)
            self._store.audit(
                "team log replaced", self._clock.wall_s(), team=team.row.name, entries=count
            )
        if count:
            await self._store.commit()
            self._teams.copied(team)
            self._teams.grew(team)
        # What was known already is no reason to ask: the answer to an earlier question brings the rest.
        if team.board.head < word.head and (
            count or word.first + len(word.entries) - 1 > team.board.head
        ):
            self.say(node_id, team.have())

    def _too_long(self, team: Chronicle, node_id: str, error: LogFull) -> None:
        """The home's log is longer than is kept here: the copy stays as it is, and is asked about no more."""
        self._full.add(team.team_id)
        log.warning("team log too long", team=team.row.name, error=str(error))
        self._store.audit(
            "team log too long", self._clock.wall_s(), team=team.row.name,
            home=self._fleet.label(node_id), entries=team.board.head,
        )  # fmt: skip
        self._store.commit_soon()
