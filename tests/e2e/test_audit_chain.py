"""With real nodes: the audit log is verified, with and without its node, and a changed one is told."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.promises import run, told
from tests.support.until import until

FIELDS = {"ok", "rows", "events", "hash", "kept_at", "broken"}


@pytest.fixture(scope="module")
def logged() -> Iterator[Scene]:
    """A home with a log of some rows, its node killed; copied by each test."""
    with scene(("white",)) as stage:
        white = stage.home("white")
        for who in ("neo", "ada", "tom"):
            told(white, "grant", f"{who}@nova", "observe")
        told(white, "send", "operator@white", "hello", "--wait", "accepted")
        yield stage


def verified(home: Home, *words: str, code: int = 0) -> dict[str, object]:
    said = home.run("log", "--verify", *words, "--json")
    assert said.code == code, said
    value = said.json
    assert value.keys() == FIELDS
    return dict(value)


@pytest.fixture
def copy(logged: Scene, tmp_path: Path) -> Home:
    """The log as it is now, in a home of its own that nobody serves."""
    home = logged.home("copied")
    shutil.rmtree(home.root, ignore_errors=True)
    home.root.mkdir(mode=0o700)
    source = sqlite3.connect(logged.home("white").root / "fleet.db")
    source.execute("VACUUM INTO ?", (str(home.root / "fleet.db"),))
    source.close()
    return home


def change(home: Home, *statements: str) -> None:
    connection = sqlite3.connect(home.root / "fleet.db")
    for statement in statements:
        assert connection.execute(statement).rowcount > 0, statement
    connection.commit()
    connection.close()


def test_a_running_nodes_log_holds_and_its_hash_can_be_kept(logged: Scene) -> None:
    white = logged.home("white")
    first = verified(white)
    assert first["ok"] is True
    assert first["broken"] is None
    kept = str(first["hash"])
    assert kept in run(white, "log", "--verify").out
    told(white, "grant", "eve@nova", "observe")
    later = verified(white, "--against", kept)
    assert later["kept_at"] == first["rows"]
    assert int(str(later["rows"])) > int(str(first["rows"]))
    assert f"that of row {first['rows']}" in run(white, "log", "--verify", "--against", kept).out


@pytest.mark.parametrize(
    ("statement", "n", "why"),
    [
        ("UPDATE audit SET events = replace(events, 'grant', 'grunt') WHERE n = 2", 2, "changed"),
        ("UPDATE audit SET events = CAST('x' AS BLOB) WHERE n = 2", 2, "no text"),
        ("UPDATE audit SET events = CAST(x'ff41' AS TEXT) WHERE n = 2", 2, "changed"),
        ("UPDATE audit SET at = at + 1 WHERE n = 2", 2, "time was changed"),
        ("UPDATE audit SET hash = upper(hash) WHERE n = 2", 2, "changed"),
        ("UPDATE audit SET n = 99 WHERE n = 2", 2, "missing"),
        ("UPDATE audit SET n = 0 WHERE n = 1", 0, "none of the log's"),
        ("DELETE FROM audit WHERE n = 1", 1, "missing"),
        ("DELETE FROM audit WHERE n = 3", 3, "missing"),
        ("INSERT INTO audit SELECT -1, at, events, hash FROM audit WHERE n = 1", -1, "none of"),
    ],
)
def test_what_was_changed_in_the_file_is_told_by_its_row(
    copy: Home, statement: str, n: int, why: str
) -> None:
    change(copy, statement)
    found = verified(copy, code=6)
    assert found["ok"] is False
    assert found["broken"]["n"] == n  # type: ignore[index]
    assert why in found["broken"]["why"]  # type: ignore[index]
    assert f"row {n}: " in run(copy, "log", "--verify").err


def test_rows_that_changed_places_are_told(copy: Home) -> None:
    moves = ((2, 1_000), (3, 2), (1_000, 3))
    change(copy, *(f"UPDATE audit SET n = {to} WHERE n = {at}" for at, to in moves))
    assert verified(copy, code=6)["broken"]["n"] == 2  # type: ignore[index]


def test_a_cut_end_is_told_against_a_kept_hash_only(copy: Home) -> None:
    kept = str(verified(copy)["hash"])
    change(copy, "DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)")
    assert verified(copy)["ok"] is True
    found = verified(copy, "--against", kept, code=6)
    assert found["broken"]["n"] is None  # type: ignore[index]
    assert "cut off" in run(copy, "log", "--verify", "--against", kept).err
    change(copy, "DELETE FROM audit")
    assert verified(copy)["rows"] == 0
    assert verified(copy, "--against", kept, code=6)["rows"] == 0


def test_what_is_no_hash_or_no_database_is_said(copy: Home) -> None:
    assert run(copy, "log", "--verify", "--against", "abc").code == 2
    assert run(copy, "log", "--against", "0" * 64).code == 2
    (copy.root / "fleet.db").write_bytes(b"this is no database" * 1_000)
    assert told(copy, "log", "--verify", code=8)["code"] == "store_failed"
    (copy.root / "fleet.db").unlink()
    assert told(copy, "log", "--verify", code=8)["layer"] == "store"
    assert not (copy.root / "fleet.db").exists(), "a look makes nothing"


def test_a_look_at_a_home_that_nobody_serves_leaves_nothing_behind(copy: Home) -> None:
    assert verified(copy)["ok"] is True
    assert [path.name for path in copy.root.iterdir()] == ["fleet.db"]


def test_a_killed_nodes_log_holds_and_the_next_life_goes_on_with_it(logged: Scene) -> None:
    white = logged.home("white")
    pid = int(white.ask("status")["pid"])
    os.kill(pid, signal.SIGKILL)
    until(lambda: white.run("status").code == 8, "it is gone")
    kept = str(verified(white)["hash"])
    white.up()
    told(white, "grant", "after@nova", "observe")
    assert verified(white, "--against", kept)["ok"] is True
