"""Searching what is remembered: words in, findings out, from a file that may be lost at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from structlog.testing import capture_logs

from fleet.core.errors.store import StoreFailed
from node.store.search import FINDING, TASK, Document, SearchIndex
from tests.support.strategies import any_texts

TEXTS = (
    "The lease runs out while its holder is away",
    "A lease is renewed by node/engine/peers.py",
    "The door is slow on Fridays: see docs/reference/local-door.md",
    "Über die Tür: die Tests laufen, naïve café",
    "quoting \" matters, and so does ' and \0 NUL",
)


class Log:
    """What the index is made from: documents by team, each with the number of its last change."""

    def __init__(self, teams: Mapping[str, Iterable[Document]]) -> None:
        self.teams = {team: list(documents) for team, documents in teams.items()}
        self.fills = 0

    def fill(self, index: SearchIndex) -> None:
        self.fills += 1
        for team, documents in self.teams.items():
            head = max((document.number for document in documents), default=0)
            index.follow(team, head, partial(later, documents))


def later(documents: Iterable[Document], after: int) -> list[Document]:
    return [document for document in documents if document.number > after]


def findings(*texts: str, role: str = "dev", first: int = 1) -> list[Document]:
    return [Document(FINDING, number, role, text) for number, text in enumerate(texts, first)]


def found(index: SearchIndex, query: str, **how: object) -> list[int]:
    return [hit.number for hit in index.search("kungfu", query, **how)]  # type: ignore[arg-type]


@pytest.fixture
def log() -> Log:
    return Log({"kungfu": findings(*TEXTS), "matrix": findings("another team's lease")})


@pytest.fixture
def index(tmp_path: Path, log: Log) -> SearchIndex:
    return SearchIndex(tmp_path / "search.db", log.fill)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("lease", [1, 2]),
        ("leases", [1, 2]),  # stems
        ("LEASE away", [1]),
        ("node/engine/peers.py", [2]),
        ("peers", [2]),
        ("uber tur", [4]),
        ("cafe\u0301", [4]),
        ("the", [1, 3]),
        ("the and is", [1, 2, 3, 5]),  # none has all of them
        ("elephant", []),
        ("elephant door", [3]),
        ("nul", [5]),
        ("", []),
        ("  \n ", []),
        ("😀 ‼ --", []),
        ("😀 door", [3]),
    ],
)
def test_what_has_all_words_is_found_or_else_what_has_some(
    index: SearchIndex, query: str, numbers: list[int]
) -> None:
    assert sorted(found(index, query)) == numbers


def test_the_best_comes_first_and_the_newest_among_equals(tmp_path: Path) -> None:
    log = Log({"kungfu": findings("red", "red", "red and blue and so much more", "red red red")})
    assert found(SearchIndex(tmp_path / "search.db", log.fill), "red") == [4, 2, 1, 3]


def test_no_more_are_told_than_asked_for(index: SearchIndex) -> None:
    assert len(found(index, "the and is", limit=2)) == 2


def test_a_snippet_shows_the_words_in_one_line(tmp_path: Path) -> None:
    text = "word " * 100 + "\nthe lease\n\x1b[2J runs\n" + "word " * 100
    log = Log({"kungfu": findings(text)})
    (hit,) = SearchIndex(tmp_path / "search.db", log.fill).search("kungfu", "lease")
    assert "the [lease] \\u{1b}[2J runs word" in hit.snippet
    assert hit.snippet.startswith("…")
    assert len(hit.snippet) <= 300


def test_a_role_sees_its_own_and_the_teams(tmp_path: Path) -> None:
    documents = [
        Document(FINDING, 1, "dev", "lease"), Document(FINDING, 2, "", "lease"),
        Document(FINDING, 3, "lead", "lease"), Document(TASK, 3, "", "lease"),
    ]  # fmt: skip
    index = SearchIndex(tmp_path / "search.db", Log({"kungfu": documents}).fill)
    assert sorted(found(index, "lease")) == [1, 2, 3]
    assert sorted(found(index, "lease", role="dev")) == [1, 2]
    assert sorted(found(index, "lease", role="")) == [2]
    assert [(hit.kind, hit.number) for hit in index.search("kungfu", "lease", kind=TASK)] == [
        (TASK, 3)
    ]


def test_tags_are_words_too(tmp_path: Path) -> None:
    log = Log({"kungfu": [Document(FINDING, 1, "", "slow", ("ci", "local-door"))]})
    assert found(SearchIndex(tmp_path / "search.db", log.fill), "local-door") == [1]


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '"lease', "lease AND", "NOT lease", "lease OR", "(lease", "text: lease", "-lease",
        "^lease", "lease*", "NEAR(lease away, 2)", "lease + away", "{text tags}: lease", "a:b:c",
        "\0", "lease\0door", "'; DROP TABLE words; --", "*", "AND", "\ud800", "lease \udfff",
        "x" * 100_000, "lease " * 10_000, "% _ \\",
    ],
)  # fmt: skip
def test_a_hostile_query_is_words_and_never_a_mistake(
    index: SearchIndex, log: Log, query: str
) -> None:
    with capture_logs() as said:
        numbers = found(index, query)
    assert said == []
    assert log.fills == 1
    assert 1 in numbers or "lease" not in query


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=any_texts)
def test_no_query_at_all_is_a_mistake(index: SearchIndex, log: Log, query: str) -> None:
    index.search("kungfu", query)
    assert log.fills == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=any_texts)
def test_any_text_can_be_stored_and_is_found_by_the_words_in_it(
    index: SearchIndex, log: Log, text: str
) -> None:
    documents = findings(f"{text} zanzibar", first=99)
    index.follow("kungfu", index.head("kungfu") + 1, lambda _: documents)
    assert 99 in found(index, "zanzibar")


# --- in step with the log ---


def test_it_is_told_only_what_is_new_and_remembers_how_far_it_came(
    tmp_path: Path, log: Log
) -> None:
    SearchIndex(tmp_path / "search.db", log.fill).close()
    asked: list[int] = []
    again = SearchIndex(tmp_path / "search.db", lambda _: None)

    def since(after: int) -> list[Document]:
        asked.append(after)
        return findings("a new lease", first=6)

    again.follow("kungfu", 5, since)
    assert asked == []
    again.follow("kungfu", 6, since)
    assert asked == [5]
    assert sorted(found(again, "lease")) == [1, 2, 6]
    assert again.head("kungfu") == 6


def test_what_was_edited_is_found_by_its_new_words_alone(index: SearchIndex) -> None:
    index.follow("kungfu", 6, lambda _: [Document(FINDING, 1, "", "nothing runs out")])
    assert found(index, "lease") == [2]
    assert found(index, "nothing", role="lead") == [1]


def test_an_index_that_knows_more_than_the_log_is_made_anew(tmp_path: Path, log: Log) -> None:
    SearchIndex(tmp_path / "search.db", log.fill).close()
    log.teams["kungfu"] = findings("an older lease")
    index = SearchIndex(tmp_path / "search.db", log.fill)
    assert [hit.snippet for hit in index.search("kungfu", "lease")] == ["an older [lease]"]
    assert found(index, "door") == []
    assert len(index.search("matrix", "lease")) == 1


def test_a_team_that_is_forgotten_is_not_found(index: SearchIndex) -> None:
    index.forget("kungfu")
    assert found(index, "lease") == []
    assert index.head("kungfu") == 0
    assert len(index.search("matrix", "lease")) == 1


def test_a_change_that_fails_half_way_changes_nothing(index: SearchIndex) -> None:
    def since(_after: int) -> Iterable[Document]:
        yield Document(FINDING, 6, "", "one more lease")
        raise KeyError

    with pytest.raises(KeyError):
        index.follow("kungfu", 9, since)
    assert sorted(found(index, "lease")) == [1, 2]
    assert index.head("kungfu") == 5


# --- a file that is lost ---


def damage_none(path: Path) -> None:
    path.unlink()


def damage_text(path: Path) -> None:
    path.write_text("this is no database, and it is longer than a header would be: " * 10)


def damage_tables(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4_096:] = b"\xa5" * (len(data) - 4_096)
    path.write_bytes(data)


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_version(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def damage_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE heads")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "is_said"),
    [
        (damage_none, False), (damage_empty, False), (damage_text, True), (damage_tables, True),
        (damage_version, True), (damage_schema, True),
    ],
)  # fmt: skip
def test_a_damaged_file_is_thrown_away_and_made_anew_and_the_log_says_so(
    tmp_path: Path, log: Log, damage: object, is_said: bool
) -> None:
    path = tmp_path / "search.db"
    SearchIndex(path, log.fill).close()
    assert callable(damage)
    damage(path)
    with capture_logs() as said:
        index = SearchIndex(path, log.fill)
        assert sorted(found(index, "lease")) == [1, 2]
    told = [(line["event"], line["log_level"]) for line in said]
    assert told == [("search index thrown away", "warning")] * is_said


def test_a_file_that_is_damaged_while_it_is_in_use_is_made_anew_too(
    tmp_path: Path, log: Log
) -> None:
    path = tmp_path / "search.db"
    index = SearchIndex(path, log.fill)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE words")
    other.close()
    with capture_logs() as said:
        assert sorted(found(index, "lease")) == [1, 2]
    assert [line["event"] for line in said] == ["search index thrown away"]
    index.follow("kungfu", 6, lambda _: findings("a new lease", first=6))
    assert sorted(found(index, "lease")) == [1, 2, 6]


def test_where_no_file_can_be_the_error_says_so(tmp_path: Path, log: Log) -> None:
    with pytest.raises(StoreFailed, match=r"search\.db failed: unable to open"):
        SearchIndex(tmp_path / "nowhere" / "search.db", log.fill)
