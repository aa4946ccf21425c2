"""What teams remember, brought outside the log: Markdown files that people read, an index to search.

Both follow what is committed, in their own time, and again at each start. The only way back is an
``orders.md`` that somebody edited at the team's home: it is taken as an entry of the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import structlog

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.memory import Memory
from fleet.core.memory_events import OrdersSet
from fleet.core.memory_pages import pages_of
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.teams import Teams
from node.ports.host import Clock
from node.ports.memory import MemoryFolder, OrdersEdit, OrdersUnreadable
from node.store import SqliteStore
from node.store.search import FINDING, Document, Hit, SearchIndex

LOOK_S = 10.0
"""How often it is looked whether somebody edited standing orders."""
_NAME_CHARS, _ID_CHARS = 54, 8

log = structlog.get_logger()


class Remembering:
    """The files and the index of all teams of this node."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        store: SqliteStore,
        clock: Clock,
        folder: MemoryFolder,
        index: Path,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._clock = clock
        self._folder = folder
        self._index_path = index
        self._opened: SearchIndex | None = None
        self._behind = {team.team_id for team in teams.all()}
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._failed: set[str] = set()
        self._doubted: set[str] = set()
        self._told: set[OrdersEdit | OrdersUnreadable] = set()
        teams.grew, teams.replaced = self.grew, self.replaced
        store.database.on_loss(self._lost)

    def grew(self, team: Chronicle) -> None:
        """Something of a team is committed that was not before."""
        self._behind.add(team.team_id)
        self._wake.set()

    def replaced(self, team: Chronicle) -> None:
        """A team's log is not what it was: what the index knows of it may be of the other one."""
        self._doubted.add(team.team_id)

    def _lost(self) -> None:
        """A group of writes was taken back, perhaps with findings that the index has."""
        self._doubted |= {team.team_id for team in self._teams.all()}

    async def run(self) -> None:
        """Follow what is remembered, and look for what people edited."""
        await self.look()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_all())
            group.create_task(self._watch())

    def close(self) -> None:
        """Let go of the index."""
        if self._opened is not None:
            self._opened.close()

    # --- outwards ---

    async def _follow_all(self) -> None:
        while True:
            while self._behind:
                team = self._teams.by_id(self._behind.pop())
                if team is not None:
                    await self._written(team)
            self._wake.clear()
            await self._wake.wait()

    async def _written(self, team: Chronicle) -> None:
        memory = team.memory
        if not memory.head:
            return
        try:
            self._index_of(team)
            pages = pages_of(memory)
            await self._folder.write(self.folder_of(team), pages, memory.head, memory.at_s)
        except FleetError as error:
            log.warning("memory not written", team=team.row.name, error=str(error))
            self._failed.add(team.team_id)

    def folder_of(self, team: Chronicle) -> str:
        """What a team's folder is called: by its name, and by its id too where another one has the name."""
        name = team.row.name
        alike = [one for one in self._teams.all() if one.row.name == name]
        first = min(alike, key=lambda one: (not one.is_home, one.team_id), default=team)
        return name if first is team else f"{name[:_NAME_CHARS]}-{team.team_id[:_ID_CHARS]}"

    # --- searching ---

    def search(self, team: Chronicle, words: str, role: str | None, limit: int) -> list[Hit]:
        """Findings that have these words, best first; all that the board has is known.

        Raises:
            StoreFailed: the index cannot be read.
        """
        return self._index_of(team).search(
            team.team_id, words, kind=FINDING, role=role, limit=limit
        )

    def _index_of(self, team: Chronicle) -> SearchIndex:
        if self._opened is None:
            self._opened = SearchIndex(self._index_path, self._fill)
        if team.team_id in self._doubted:
            self._opened.forget(team.team_id)
            self._doubted.remove(team.team_id)
        memory = team.memory
        self._opened.follow(team.team_id, memory.head, partial(_documents, memory))
        return self._opened

    def _fill(self, index: SearchIndex) -> None:
        for team in self._teams.all():
            index.follow(team.team_id, team.memory.head, partial(_documents, team.memory))

    # --- inwards ---

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            await self.look()
            if self._failed:
                self._behind |= self._failed
                self._failed.clear()
                self._wake.set()

    async def look(self, only: Chronicle | None = None) -> None:
        """Take what people wrote into ``orders.md`` files as the standing orders, at each team's home.

        What cannot be taken stays as it is in its file, and the log says so, once.
        """
        async with self._one_at_a_time:
            for team in (only,) if only else self._teams.all():
                try:
                    for edit in await self._folder.edited(self.folder_of(team)):
                        await self._take(team, edit)
                except FleetError as error:
                    log.warning("memory not read", team=team.row.name, error=str(error))

    async def _take(self, team: Chronicle, edit: OrdersEdit | OrdersUnreadable) -> None:
        if isinstance(edit, OrdersUnreadable):
            self._complain(team, edit, edit.why)
            return
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            self._complain(team, edit, f"they are edited on {home}, the team's home")
            return
        orders = OrdersSet(edit.role, edit.text, edit.seen)
        try:
            team.memory.check(orders)
        except FleetError as error:
            self._complain(team, edit, str(error))
            return
        by = f"{OPERATOR}@{self._fleet.me.name}"
        await self._teams.write(team, by, "", (orders,))
        await self._folder.taken(edit)
        log.info("orders taken", team=team.row.name, role=edit.role)
        self.grew(team)

    def _complain(self, team: Chronicle, edit: OrdersEdit | OrdersUnreadable, why: str) -> None:
        if edit not in self._told:
            self._told.add(edit)
            log.warning("orders not taken", team=team.row.name, role=edit.role, detail=why)


def _documents(memory: Memory, since: int) -> Iterator[Document]:
    for one in memory.changed_since(since):
        yield Document(FINDING, one.number, one.role, one.text, one.tags)
