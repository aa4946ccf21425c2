"""Every row that is keyed by a node's id speaks of the id that follows it, in one group of writes."""

from __future__ import annotations

from node.store.database import Database

_STEPS = (
    "UPDATE outbox SET to_node = ?2 WHERE to_node = ?1",
    "UPDATE inbox SET origin = ?2 WHERE origin = ?1",
    (
        "INSERT INTO reach SELECT ?2, seq FROM reach WHERE node_id = ?1"
        " ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)"
    ),
    "DELETE FROM reach WHERE node_id = ?1",
    "UPDATE OR REPLACE refused SET origin = ?2 WHERE origin = ?1",
    "UPDATE OR REPLACE directory SET node_id = ?2 WHERE node_id = ?1",
    "UPDATE OR IGNORE peers SET node_id = ?2 WHERE node_id = ?1",
    "DELETE FROM peers WHERE node_id = ?1",
    "UPDATE OR REPLACE spent SET node_id = ?2 WHERE node_id = ?1",
    "UPDATE OR REPLACE spent SET who = replace(who, ?1, ?2) WHERE instr(who, ?1)",
    "UPDATE OR REPLACE grants SET who = replace(who, ?1, ?2) WHERE instr(who, ?1)",
    "UPDATE OR REPLACE team_granted SET who = replace(who, ?1, ?2) WHERE instr(who, ?1)",
    "UPDATE team_invited SET home = ?2 WHERE home = ?1",
    "UPDATE team_agreed SET home = ?2 WHERE home = ?1",
    "UPDATE team_errands SET node = ?2 WHERE node = ?1",
    "UPDATE teams SET home = ?2 WHERE home = ?1",
    "UPDATE followed SET new = ?2 WHERE new = ?1",
    "INSERT OR REPLACE INTO followed VALUES (?1, ?2)",
)


def rekey(database: Database, old: str, new: str) -> None:
    """Stage it; doing it again changes nothing.

    Raises:
        StoreFailed: it could not be done.
    """
    for step in _STEPS:
        database.execute(step, (old, new) if "?2" in step else (old,))


def followed(database: Database) -> dict[str, str]:
    """The ids that nodes had, each with the one that its node has now."""
    return dict(database.rows("SELECT old, new FROM followed"))
