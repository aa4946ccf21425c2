"""What must survive, in one SQLite file."""

from node.store.sqlite import SqliteStore

__all__ = ["SqliteStore"]
