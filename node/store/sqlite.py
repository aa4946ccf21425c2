"""The store as the engine sees it: mail, book, and one ``commit`` for both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from node.store.agreements import AgreementTable
from node.store.book import Book
from node.store.database import Database
from node.store.hosted import HostedTable
from node.store.inbox import InboxTable
from node.store.outbox import OutboxTable
from node.store.refused import RefusedTable
from node.store.rekey import followed, rekey
from node.store.teams import TeamTable
from node.store.ticks import TickTable

if TYPE_CHECKING:
    import asyncio


class SqliteStore:
    """One home's database."""

    def __init__(self, path: Path, node_id: str, database: Database | None = None) -> None:
        """Open or create it, unless it is open; see ``Database`` for what may go wrong."""
        self.database = database or Database(path)
        self.outbox = OutboxTable(self.database, node_id)
        self.inbox = InboxTable(self.database, node_id)
        self.refused = RefusedTable(self.database)
        self.book = Book(self.database)
        self.teams = TeamTable(self.database)
        self.agreements = AgreementTable(self.database)
        self.hosted = HostedTable(self.database)
        self.ticks = TickTable(self.database)
        self.audit = self.database.audit

    def followed(self) -> dict[str, str]:
        """The ids that nodes had, each with the one that its node has now."""
        return followed(self.database)

    def follow(self, old: str, new: str) -> None:
        """A node goes on under another id, and every row that was keyed by the old one with it; staged.

        Raises:
            StoreFailed: it could not be done.
        """
        rekey(self.database, old, new)

    def commit(self) -> asyncio.Future[None]:
        """Durable when the future is done."""
        return self.database.commit()

    def commit_soon(self) -> None:
        """Durable a moment later; for what may be lost in a crash and is then known again."""
        # The group's own callback looks at how it ended; nobody waits.
        self.database.commit().add_done_callback(lambda _group: None)
