"""Who is given to an agent next: everyone in turn, each pair in order, at the same price however much waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.delivery import State
from fleet.core.envelope import Entry
from node.records import Incoming, Waiting
from node.store import SqliteStore
from tests.support.letters import HERE, THERE, letter

ACCEPTED = Entry(State.ACCEPTED, 1_001.0, "nova")
HELD = Entry(State.HELD, 1_002.0, "nova", "approval")
OTHER = "c" * 52


def keep(
    store: SqliteStore, names: Iterable[str], *, node: str = HERE, approved: bool = True
) -> None:
    """A letter to rin from each of these senders, in this order."""
    for name in names:
        number = (store.database.row("SELECT max(seq) FROM inbox") or (None,))[0] or 0
        one = letter(number + 1, sender=name if "@" in name else f"{name}@white", from_node=node)
        entries = (ACCEPTED,) if approved else (ACCEPTED, HELD)
        store.inbox.add(one, entries[-1].state, entries, approved=approved)


def given(store: SqliteStore, count: int = 1_000) -> list[str]:
    """Who is given to rin, and which letter, one after the other."""
    said: list[str] = []
    while len(said) < count and (item := store.inbox.next("rin")) is not None:
        store.inbox.took_turn(item)
        store.inbox.update(replace(item, state=State.SUBMITTED), ())
        said.append(f"{item.envelope.sender.partition('@')[0]}{item.seq}")
    return said


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[SqliteStore], None]], None]:
    def run(story: Callable[[SqliteStore], None]) -> None:
        async def within() -> None:
            store = SqliteStore(tmp_path / "fleet.db", THERE)
            story(store)
            await store.commit()

        asyncio.run(within())

    return run


Play = Callable[[Callable[[SqliteStore], None]], None]


def test_what_the_node_itself_says_comes_first_also_before_what_was_picked(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo", "neo"])
        first = store.inbox.next("rin")
        assert first is not None
        store.inbox.update(replace(first, state=State.HELD), ())
        keep(store, ["fleet@white"])
        keep(store, ["fleet@nova", "fleet@nova"], node=THERE)
        assert given(store) == ["fleet4", "fleet5", "neo1", "fleet3", "neo2"]

    play(story)


def test_one_with_thousands_waiting_lets_others_have_their_turn_and_each_pair_its_order(
    play: Play,
) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo"] * 3_000)
        keep(store, ["kai", "kai"], node=OTHER)
        assert given(store, 1) == ["neo1"]
        assert given(store, 5) == ["kai3001", "neo2", "kai3002", "neo3", "neo4"]
        keep(store, ["kai"], node=OTHER)
        assert given(store, 2) == ["kai3003", "neo5"]

    play(story)


def test_of_one_node_each_sender_has_its_turn_too(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo"] * 4 + ["ada"])
        assert given(store) == ["neo1", "ada5", "neo2", "neo3", "neo4"]

    play(story)


def test_a_node_has_no_more_turns_by_naming_more_senders(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, [f"a{number}" for number in range(2_000)])
        keep(store, ["kai"] * 3, node=OTHER)
        said = given(store, 6)
        assert [one for one in said if one.startswith("kai")] == ["kai2001", "kai2002", "kai2003"]

    play(story)


def test_however_many_senders_a_node_names_each_has_a_turn(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        names = [f"a{number}" for number in range(600)]
        keep(store, names * 2)
        said = given(store)
        assert {one.partition("@")[0] for one in said[:600]} == {
            f"{name}{seq}" for seq, name in enumerate(names, 1)
        }
        assert len(said) == 1_000

    play(story)


def test_who_waits_alone_is_given_in_the_order_of_arrival(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo", "ada", "bob"])
        keep(store, ["kai"], node=OTHER)
        assert given(store) == ["neo1", "kai4", "ada2", "bob3"]

    play(story)


def test_a_node_that_is_called_otherwise_now_is_the_same_sender(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo@white", "neo@white", "neo@white~aaaa"])
        assert given(store) == ["neo1", "neo2", "neo3"]

    play(story)


def test_what_was_looked_at_and_is_held_stays_the_next(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo", "neo"])
        item = store.inbox.next("rin")
        assert isinstance(item, Incoming)
        store.inbox.update(replace(item, state=State.HELD), ())
        keep(store, ["kai"], node=OTHER)
        assert given(store) == ["neo1", "kai3", "neo2"]

    play(story)


def test_what_waits_behind_one_that_needs_a_person_waits_and_no_other(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo"], approved=False)
        keep(store, ["neo"] * 3 + ["ada"] * 2)
        keep(store, ["neo"], node=OTHER)
        assert given(store) == ["ada5", "neo7", "ada6"]
        first = store.inbox.open("rin")[0]
        assert not first.approved
        store.inbox.update(replace(first, state=State.ACCEPTED, approved=True), ())
        assert given(store) == ["neo1", "neo2", "neo3", "neo4"]

    play(story)


def steps(store: SqliteStore, ask: Callable[[], object]) -> int:
    """What SQLite does for a question, counted in its own steps."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    store.database.rows("SELECT 1")  # what is staged is written before
    store.database._connection.set_progress_handler(count, 10)
    ask()
    store.database._connection.set_progress_handler(None, 10)
    return counted


ASKED: dict[str, Callable[[SqliteStore], object]] = {
    "next": lambda store: store.inbox.next("rin"),
    "begun": lambda store: store.inbox.begun("rin"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_pick_costs_the_same_however_much_waits(play: Play, asked: str) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo"], approved=False)
        for node in (HERE, OTHER):
            keep(store, ["neo", "ada"] * 10, node=node)
        few = steps(store, lambda: ASKED[asked](store))
        for node in (HERE, OTHER):
            keep(store, ["neo", "ada"] * 2_000, node=node)
        keep(store, ["neo"] * 1_000, approved=False)
        assert steps(store, lambda: ASKED[asked](store)) <= few + 10

    play(story)


TABLES: dict[str, Callable[[SqliteStore], object]] = {
    "inbox.states": lambda store: store.inbox.states(),
    "inbox.waiting": lambda store: store.inbox.waiting(),
    "inbox.holds_of": lambda store: store.inbox.holds_of(),
    "inbox.held": lambda store: store.inbox.held(),
    "inbox.overdue": lambda store: store.inbox.overdue(1_500.0),
    "outbox.states": lambda store: store.outbox.states(),
    "outbox.waiting": lambda store: store.outbox.waiting(),
    "outbox.overdue": lambda store: store.outbox.overdue(THERE, 1_500.0),
}


@pytest.mark.parametrize("asked", TABLES)
def test_what_has_ended_costs_nothing_when_it_is_counted_what_has_not(
    play: Play, asked: str
) -> None:
    def story(store: SqliteStore) -> None:
        store.outbox.add(letter(), "", State.QUEUED, ACCEPTED)
        keep(store, ["neo"] * 2)
        few = steps(store, lambda: TABLES[asked](store))
        for number in range(10, 4_000):
            store.inbox.add(letter(number), State.SUBMITTED, (ACCEPTED,), approved=True)
            store.outbox.add(letter(number), "", State.ACKNOWLEDGED, ACCEPTED)
        assert steps(store, lambda: TABLES[asked](store)) <= few + 10

    play(story)


def test_what_is_held_is_counted_for_each_reason_and_since_when(play: Play) -> None:
    def story(store: SqliteStore) -> None:
        keep(store, ["neo"] * 2, approved=False)
        keep(store, ["ada"])
        item = store.inbox.next("rin")
        assert item is not None
        dialog = Entry(State.HELD, 1_005.0, "nova", "dialog")
        store.inbox.update(replace(item, state=State.HELD), (dialog,))
        assert store.inbox.holds_of() == [
            ("rin", Waiting("approval", 2, 1_000.0)),
            ("rin", Waiting("dialog", 1, 1_005.0)),
        ]
        keep(store, ["bob"])
        store.inbox.add(letter(9), State.EXPIRED, (ACCEPTED,), approved=True)
        assert store.inbox.states() == [
            Waiting("accepted", 1, 1_000.0),
            Waiting("expired", 1, 1_000.0),
            Waiting("held", 3, 1_000.0),
        ]

    play(story)
