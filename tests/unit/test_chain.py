"""The audit log's chain as values: what was changed is found, and the first such row is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.chain import BEFORE_THE_FIRST, Break, Row, link, verify


def log(length: int) -> list[Row]:
    """A log of so many rows, the second and every other of two events."""
    rows: list[Row] = []
    last = BEFORE_THE_FIRST
    for n in range(1, length + 1):
        told = [{"at": n + part / 4, "kind": f"event {n}"} for part in range(2 - n % 2)]
        events = json.dumps(told)
        last = link(last, events)
        rows.append(Row(n, told[-1]["at"], events, last))
    return rows


def changed(rows: list[Row], at: int, **fields: object) -> list[Row]:
    return [row._replace(**fields) if row.n == at else row for row in rows]


def broken(rows: list[Row], kept: str = "") -> Break:
    found = verify(rows, kept).broken
    assert found is not None
    return found


def test_an_untouched_log_holds_and_its_last_hash_stands_for_all_of_it() -> None:
    rows = log(5)
    verdict = verify(rows)
    assert (verdict.rows, verdict.events, verdict.broken) == (5, 7, None)
    assert verdict.last_hash == rows[-1].hash
    assert verify([]).last_hash == BEFORE_THE_FIRST
    assert verify([]).broken is None


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("events", '[{"at": 1.0, "kind": "forged"}]', "its hash is not that of its events"),
        ("events", None, "no text"),
        ("events", b"[]", "no text"),
        ("hash", "0" * 64, "its hash is not that of its events"),
        ("hash", None, "its hash is not that of its events"),
        ("at_s", 0.5, "its time was changed: 0.5"),
        ("at_s", "1.0", "its time was changed"),
    ],
)
def test_each_column_that_was_changed_is_told_at_its_row(
    n: int, column: str, value: object, why: str
) -> None:
    verdict = verify(changed(log(5), n, **{column: value}))
    assert verdict.broken is not None
    assert verdict.broken.n == n
    assert why in verdict.broken.why
    assert verdict.rows == n - 1, "what stands before it holds"


@pytest.mark.parametrize("n", [1, 3, 4])
def test_a_row_that_is_missing_is_named(n: int) -> None:
    rows = [row for row in log(5) if row.n != n]
    assert broken(rows).n == n
    assert "it is missing" in broken(rows).why


def test_a_row_that_was_hidden_by_numbering_anew_is_told() -> None:
    left = [row for row in log(5) if row.n != 3]
    rows = [row._replace(n=n) for n, row in enumerate(left, 1)]
    assert broken(rows).n == 3
    assert "the row before" in broken(rows).why


def test_rows_that_changed_places_are_told_at_the_first_of_them() -> None:
    rows = log(5)
    rows[1], rows[3] = rows[3]._replace(n=2), rows[1]._replace(n=4)
    assert broken(rows).n == 2


@pytest.mark.parametrize("n", [0, -7, 3, "2", None])
def test_a_row_that_is_none_of_the_logs_is_told(n: object) -> None:
    rows = log(5)
    rows.insert(3 if n == 3 else 0, rows[2]._replace(n=n))
    assert broken(rows).n == (n if isinstance(n, int) else 1)
    assert "none of the log's" in broken(rows).why


@pytest.mark.parametrize("events", ["{", "[]", "{}", "3", '["a"]', '[{"kind": "a"}]'])
def test_events_that_are_none_are_told_although_their_hash_fits(events: str) -> None:
    rows = [Row(1, 1.0, events, link(BEFORE_THE_FIRST, events))]
    assert broken(rows) == Break(1, "its events are not a list of events")


def test_a_kept_hash_tells_what_the_chain_cannot() -> None:
    rows = log(5)
    kept = str(rows[3].hash)
    assert verify(rows, kept).kept_at == 4
    cut = rows[:3]
    assert verify(cut).broken is None, "the end was cut off; what is left holds"
    assert broken(cut, kept).n is None
    assert "cut off" in broken(cut, kept).why
    anew: list[Row] = []
    last = BEFORE_THE_FIRST
    for row in changed(rows, 2, events='[{"at": 2.25, "kind": "forged"}]'):
        last = link(last, str(row.events))
        anew.append(row._replace(hash=last))
    assert verify(anew).broken is None, "hashed anew by who changed it"
    assert broken(anew, kept).n is None
    assert broken([], kept).n is None


def test_a_broken_log_is_told_by_its_row_also_when_a_hash_was_kept() -> None:
    rows = changed(log(5), 2, at_s=9.0)
    assert broken(rows, str(rows[0].hash)).n == 2
    assert verify(rows, str(rows[0].hash)).kept_at == 1


@given(data=st.data())
def test_no_single_change_but_a_cut_at_the_end_goes_unseen(data: st.DataObject) -> None:
    rows = log(data.draw(st.integers(2, 6)))
    n = data.draw(st.integers(1, len(rows)))
    column = data.draw(st.sampled_from(Row._fields))
    others = (st.floats(), st.text(), st.binary(), st.none()) if column != "n" else ()
    value = data.draw(st.one_of(st.integers(), *others))
    old = getattr(rows[n - 1], column)
    assert (verify(changed(rows, n, **{column: value})).broken is None) == (old == value)
