"""What the store promises: durable groups, one fsync for all, everything or nothing, a true chain."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from fleet.core.delivery import Event, Evidence, State
from fleet.core.envelope import Entry
from fleet.core.errors.base import FleetError
from fleet.core.errors.ends import Expired
from fleet.core.errors.names import UnknownAgent
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.store import StoreFailed
from fleet.core.rate import Rate
from fleet.core.trust import Grant, Verb
from node.records import Incoming
from node.store import SqliteStore
from node.store.database import SCHEMA_VERSION
from node.store.refused import KEPT
from tests.support.letters import HERE, THERE, letter, ulid
from tests.support.until import GIVE_UP_S, until

QUEUED = Entry(State.QUEUED, 1_000.0, "white")
ACCEPTED = Entry(State.ACCEPTED, 1_001.0, "nova")
SUBMITTED = Entry(State.SUBMITTED, 1_002.0, "nova", evidence=Evidence.SCREEN)


def opened(tmp_path: Path, node_id: str = HERE) -> SqliteStore:
    return SqliteStore(tmp_path / "fleet.db", node_id)


def test_what_was_committed_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        store.outbox.add(letter(), "key", State.QUEUED, QUEUED)
        await store.commit()
        # No close: what counts is what the file holds, as after a kill.

    asyncio.run(write())
    found = opened(tmp_path).outbox.get(ulid(1))
    assert found is not None
    assert found.envelope == letter()
    assert found.timeline == (QUEUED,)


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    async def write() -> None:
        opened(tmp_path).outbox.add(letter(), "", State.QUEUED, QUEUED)

    asyncio.run(write())
    assert opened(tmp_path).outbox.get(ulid(1)) is None


def test_everything_of_one_loop_turn_shares_one_commit(tmp_path: Path) -> None:
    async def write() -> int:
        store = opened(tmp_path)
        groups = set()

        async def send(number: int) -> None:
            store.outbox.add(letter(number), "", State.QUEUED, QUEUED)
            group = store.commit()
            groups.add(id(group))
            await group

        await asyncio.gather(*(send(number) for number in range(50)))
        return len(groups)

    assert asyncio.run(write()) == 1


def test_the_database_is_synced_in_full(tmp_path: Path) -> None:
    async def read() -> tuple[object, object]:
        database = opened(tmp_path).database
        return database.row("PRAGMA synchronous"), database.row("PRAGMA journal_mode")

    assert asyncio.run(read()) == ((2,), ("wal",))


def test_a_failed_write_takes_its_group_back_and_tells_every_waiter(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        store.outbox.add(letter(1), "", State.QUEUED, QUEUED)
        waiting = store.commit()
        store.outbox.add(letter(1), "", State.QUEUED, QUEUED)  # the id exists
        with pytest.raises(StoreFailed):
            await store.commit()
        with pytest.raises(StoreFailed):
            await waiting
        assert store.outbox.get(ulid(1)) is None
        store.outbox.add(letter(2), "", State.QUEUED, QUEUED)
        await store.commit()
        assert store.outbox.get(ulid(2)) is not None

    asyncio.run(write())


def test_what_nobody_foresaw_takes_a_group_back_too_and_leaves_no_waiter_waiting(
    tmp_path: Path,
) -> None:
    """A fact that is no JSON, a text that is no UTF-8: whoever shared the group is told, or it would
    believe for ever that its own is under way."""

    async def scenario() -> None:
        store = opened(tmp_path)
        waiter = store.commit()
        store.database.put_meta("mine", b"1")
        store.audit("odd", 1.0, fact=object())
        with pytest.raises(StoreFailed):
            async with asyncio.timeout(GIVE_UP_S):
                await waiter
        waiter = store.commit()
        store.database.stage("INSERT INTO meta VALUES (?, ?)", ("mine", b"2"))
        store.database.stage("INSERT INTO meta VALUES (?, ?)", ("\udcff", b"3"))
        with pytest.raises(StoreFailed):
            await waiter
        assert store.database.meta("mine") is None
        store.database.put_meta("mine", b"4")
        await store.commit()
        assert opened(tmp_path).database.meta("mine") == b"4"

    asyncio.run(scenario())


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        store.outbox.add(letter(1), "", State.QUEUED, QUEUED)
        await store.commit()
        (pages,) = store.database.row("PRAGMA page_count") or (0,)
        store.database.rows(f"PRAGMA max_page_count = {pages}")
        big = letter(2, text="x" * 200_000)
        store.outbox.add(big, "", State.QUEUED, QUEUED)
        with pytest.raises(StoreFailed, match="no space left"):
            await store.commit()
        store.database.rows("PRAGMA max_page_count = 100000")
        assert store.outbox.get(ulid(1)) is not None
        store.outbox.add(big, "", State.QUEUED, QUEUED)
        await store.commit()

    asyncio.run(write())


def test_a_database_of_a_newer_fleet_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(VersionMismatch, match="newer fleet"):
        SqliteStore(path, HERE)
    assert path.read_bytes() == before


DOWN = {
    3: (
        "ALTER TABLE directory DROP COLUMN seats", "ALTER TABLE agents DROP COLUMN skill",
        "DROP TABLE team_invited", "DROP TABLE team_agreed", "DROP TABLE team_granted",
        "DROP TABLE team_hosted", "DROP TABLE team_tick",
        "DROP TABLE team_errands",
        "DROP TABLE teams", "DROP TABLE team_log", "DROP TABLE refused", "DROP TABLE followed",
        "DROP INDEX outbox_dead", "DROP INDEX inbox_ready", "DROP INDEX inbox_held",
        "DROP INDEX inbox_dead", "DROP INDEX outbox_queued", "DROP INDEX inbox_open",
        "DROP INDEX outbox_open",
        "CREATE INDEX outbox_queued ON outbox (to_node, seq) WHERE state = 'queued'",
        ("CREATE INDEX outbox_open ON outbox (to_node, seq)"
        " WHERE state IN ('accepted', 'held', 'typing', 'typed')"),
        ("CREATE INDEX inbox_open ON inbox (recipient, seq)"
        " WHERE state IN ('accepted', 'held', 'typing', 'typed')"),
    ),
    2: (
        "ALTER TABLE grants DROP COLUMN rate", "DROP TABLE spent", "DROP INDEX outbox_open",
    ),
    1: tuple(
        f"ALTER TABLE {table} DROP COLUMN {column}"
        for table, column in (
            ("agents", "hooks"), ("outbox", "draft_limit"), ("inbox", "draft_limit"),
        )
    ),
}  # fmt: skip
"""What each version had not yet; from the newest back."""


@pytest.mark.parametrize("version", DOWN)
def test_a_database_of_an_earlier_fleet_is_brought_up_to_date_and_kept_beside(
    tmp_path: Path, version: int
) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        store.outbox.add(letter(1), "", State.QUEUED, QUEUED)
        await store.commit()
        store.database.close()

    asyncio.run(write())
    path = tmp_path / "fleet.db"
    fresh = as_it_was(path, version)
    store = opened(tmp_path)
    found = store.outbox.get(ulid(1))
    assert found is not None
    assert found.envelope == letter(1)
    store.database.close()
    connection = sqlite3.connect(path)
    assert columns(connection) | indexes(connection) == fresh, "as if it had been made today"
    connection.close()
    copy = sqlite3.connect(tmp_path / f"fleet.db.schema-{version}")
    assert copy.execute("PRAGMA user_version").fetchone() == (version,)
    assert copy.execute("SELECT id FROM outbox").fetchall() == [(ulid(1),)]
    copy.close()
    again = opened(tmp_path)
    assert again.outbox.get(ulid(1)) == found
    again.database.close()


def as_it_was(path: Path, version: int) -> set[tuple[object, ...]]:
    """Make a database one of an earlier version; its columns before that."""
    connection = sqlite3.connect(path)
    fresh = columns(connection) | indexes(connection)
    for statement in (line for n, lines in DOWN.items() if n >= version for line in lines):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return fresh


def columns(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Every column of every table, but not in which place it stands."""
    rows = connection.execute(
        'SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk'
        " FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    )
    return set(rows.fetchall())


def indexes(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Every index as it was made, but not how its statement was laid out."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql > ''"
    )
    return {(name, "".join(sql.split())) for name, sql in rows}


@pytest.mark.parametrize("seen", ["fleet.db.schema-1.part", "fleet.db.schema-1"])
def test_a_node_that_is_killed_while_it_brings_a_database_up_to_date_loses_nothing_of_it(
    tmp_path: Path, seen: str
) -> None:
    """While the copy is made, and right after: the next life finds one version or the other, whole."""
    letters, text = 200, "x" * 100_000

    async def write() -> None:
        store = opened(tmp_path)
        for number in range(letters):
            store.outbox.add(letter(number, text=text), "", State.QUEUED, QUEUED)
        await store.commit()
        store.database.close()

    asyncio.run(write())
    path = tmp_path / "fleet.db"
    as_it_was(path, 1)
    program = f"from node.store import SqliteStore; SqliteStore(__import__('pathlib').Path({str(path)!r}), 'a')"
    life = subprocess.Popen([sys.executable, "-c", program])
    until((tmp_path / seen).exists, "it is under way")
    life.kill()
    life.wait()
    with sqlite3.connect(path) as left:
        assert left.execute("PRAGMA user_version").fetchone()[0] in {1, SCHEMA_VERSION}
    left.close()
    store = opened(tmp_path)
    assert len(store.outbox.queued(letter().to_node, 0, letters + 1)) == letters
    store.database.close()
    with sqlite3.connect(tmp_path / "fleet.db.schema-1") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM outbox").fetchone() == (letters,)
    copy.close()


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "fleet.db").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(StoreFailed, match="damaged"):
        opened(tmp_path)


def test_an_accepted_envelope_again_changes_nothing(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path, THERE)
        assert store.inbox.add(letter(), State.ACCEPTED, (ACCEPTED,), approved=True)
        assert not store.inbox.add(letter(text="other"), State.HELD, (ACCEPTED,), approved=True)
        await store.commit()
        found = store.inbox.get(ulid(1))
        assert found is not None
        assert (found.envelope.text, found.state) == ("text 1", State.ACCEPTED)

    asyncio.run(write())


def test_taking_moves_only_what_is_still_queued(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        for number in (1, 2):
            store.outbox.add(letter(number), "", State.QUEUED, QUEUED)
        store.outbox.end(ulid(2), Entry(State.CANCELLED, 1_001.0, "white"))
        assert store.outbox.take([1, 2], ACCEPTED) == (1, len("text 1"))
        await store.commit()
        assert [r.state for r in store.outbox.recent(9, dead=False)] == [
            State.CANCELLED,
            State.ACCEPTED,
        ]

    asyncio.run(write())


def test_queued_envelopes_come_in_order_and_only_for_their_node(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        for number in (3, 1, 2):
            store.outbox.add(letter(number), "", State.QUEUED, QUEUED)
        store.outbox.add(letter(4, to_node=HERE), "", State.QUEUED, QUEUED)
        await store.commit()
        rows = store.outbox.queued(THERE, 0, 10)
        assert [envelope.id for _, envelope in rows] == [ulid(3), ulid(1), ulid(2)]
        assert [e.id for _, e in store.outbox.queued(THERE, rows[1][0], 10)] == [ulid(2)]

    asyncio.run(write())


def test_a_timeline_only_grows(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path)
        store.outbox.add(letter(), "", State.QUEUED, QUEUED)
        store.outbox.take([1], ACCEPTED)
        store.outbox.report(ulid(1), (SUBMITTED,), 2, 3)
        await store.commit()
        found = store.outbox.get(ulid(1))
        assert found is not None
        assert found.timeline == (QUEUED, ACCEPTED, SUBMITTED)
        assert (found.state, found.remote, found.cleaned) == (State.SUBMITTED, 2, 3)

    asyncio.run(write())


def test_what_waits_for_approval_holds_up_its_own_sender_only(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path, THERE)
        held = Entry(State.HELD, 1_001.0, "nova", "approval")
        store.inbox.add(letter(1), State.HELD, (ACCEPTED, held), approved=False)
        store.inbox.add(letter(2), State.ACCEPTED, (ACCEPTED,), approved=True)
        other = letter(3, sender="ada@white")
        store.inbox.add(other, State.ACCEPTED, (ACCEPTED,), approved=True)
        await store.commit()
        assert store.inbox.next("rin").envelope.id == ulid(3)  # type: ignore[union-attr]

    asyncio.run(write())


def test_news_is_kept_until_the_sender_has_it(tmp_path: Path) -> None:
    async def write() -> None:
        store = opened(tmp_path, THERE)
        store.inbox.add(letter(), State.ACCEPTED, (ACCEPTED,), approved=True)
        assert store.inbox.untold(HERE, 9) == []
        item = store.inbox.get(ulid(1))
        assert isinstance(item, Incoming)
        store.inbox.update(item, (SUBMITTED,))
        await store.commit()
        assert [i.envelope.id for i in store.inbox.untold(HERE, 9)] == [ulid(1)]
        store.inbox.told(HERE, [(ulid(1), 2)])
        store.inbox.told(HERE, [(ulid(1), 1)])  # an older word that came late
        await store.commit()
        assert store.inbox.untold(HERE, 9) == []

    asyncio.run(write())


def test_what_was_refused_is_remembered_as_it_was_told_and_no_more_of_it_than_fits(
    tmp_path: Path,
) -> None:
    async def write(first: int, *errors: FleetError) -> None:
        store = opened(tmp_path)
        store.refused.add(HERE, [(n, ulid(n), error) for n, error in enumerate(errors, first)])
        await store.commit()
        store.database.close()

    asyncio.run(write(0, Expired("too late", hint="send it again"), UnknownAgent("rin@nova")))
    store = opened(tmp_path)
    told = [(n, i, e.code, e.message, e.hint, e.layer) for n, i, e in store.refused.of(HERE)]
    unknown = UnknownAgent("rin@nova")
    assert told == [
        (0, ulid(0), "expired", "too late", "send it again", "agent"),
        (1, ulid(1), "unknown_agent", unknown.message, unknown.hint, "name"),
    ]
    assert store.refused.of(THERE) == []
    store.database.close()
    asyncio.run(write(2, *[Expired("too late")] * KEPT))
    store = opened(tmp_path)
    assert [n for n, _, _ in store.refused.of(HERE)] == list(range(2, KEPT + 2))
    store.database.close()


def test_grants_are_remembered_with_their_rate_and_what_is_left_of_it(tmp_path: Path) -> None:
    grants = [
        Grant("*@white", "rin", frozenset({Verb.MESSAGE, Verb.OBSERVE}), 9.5, Rate(10, "m")),
        Grant("neo@white", "*", frozenset({Verb.SPAWN})),
    ]

    async def write() -> None:
        store = opened(tmp_path)
        for one in grants:
            store.book.put_grant(one)
        store.book.put_spent("*@white", "rin", THERE, 1.5, 1_000.0)
        store.book.put_spent("*@white", "rin", THERE, 0.5, 1_001.0)
        store.book.put_spent("*@white", "ada", THERE, 7.0, 1_001.0)
        await store.commit()

    asyncio.run(write())
    book = opened(tmp_path).book
    assert book.grants() == grants
    assert book.spent("*@white", "rin", THERE) == (0.5, 1_001.0)
    assert book.spent("*@white", "rin", HERE) is None
    book.drop_spent("*@white", "rin")
    assert book.spent("*@white", "rin", THERE) is None
    assert book.spent("*@white", "ada", THERE) == (7.0, 1_001.0)


def test_the_audit_log_is_a_chain_over_its_groups(tmp_path: Path) -> None:
    async def write() -> list[tuple[str, str]]:
        store = opened(tmp_path)
        told: list[dict[str, object]] = []
        store.database.listen(told.extend)
        for kind in ("one", "two"):
            store.audit(kind, 1.0, fact=Event.ACK)
            await store.commit()
        assert [event["kind"] for event in told] == ["one", "two"]
        return store.database.rows("SELECT events, hash FROM audit ORDER BY n")

    last = ""
    for events, chained in asyncio.run(write()):
        last = sha256(f"{last}\n{events}".encode()).hexdigest()
        assert chained == last
    assert [e["kind"] for e in opened(tmp_path).database.audit_tail(1)] == ["two"]
