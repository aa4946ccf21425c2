"""Rates: how they are typed, how a bucket fills, and that nobody gets more than was granted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.errors.requests import MalformedRequest
from fleet.core.rate import Rate, parse_rate

TEN = Rate(10, "m")
UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


@pytest.mark.parametrize(
    ("typed", "rate"),
    [("10/m", TEN), (" 1/S ", Rate(1, "s")), ("500/d", Rate(500, "d")), ("7/h", Rate(7, "h"))],
)
def test_a_rate_is_so_many_in_a_unit(typed: str, rate: Rate) -> None:
    assert parse_rate(typed) == rate
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize(
    "typed", ["", "10", "10/", "/m", "0/m", "-1/m", "1.5/m", "10/5m", "10/w", "10 / m", "\uff11/m", "9" * 8 + "/s"]
)  # fmt: skip
def test_what_is_no_rate_is_said(typed: str) -> None:
    with pytest.raises(MalformedRequest, match="is not a rate") as refused:
        parse_rate(typed)
    assert "10/m" in refused.value.hint


def test_a_bucket_fills_evenly_up_to_its_count() -> None:
    assert TEN.left(0.0, 6.0) == pytest.approx(1.0)
    assert TEN.left(9.5, 6.0) == 10.0
    assert TEN.left(3.0, -100.0) == 3.0, "a clock went back"


def test_who_comes_when_it_was_told_to_is_not_late() -> None:
    assert TEN.wait_s(10.0) == TEN.wait_s(1.0) == 0.0
    assert TEN.wait_s(0.0) == pytest.approx(6.0)
    assert TEN.wait_s(TEN.left(0.25, TEN.wait_s(0.25))) == 0.0


@given(st.integers(1, 50), st.sampled_from("smhd"), st.lists(st.floats(0.0, 100.0), max_size=200))
def test_nobody_gets_more_than_the_count_and_what_has_grown_since(
    count: int, unit: str, pauses: list[float]
) -> None:
    rate = Rate(count, unit)
    left, used, passed_s = float(count), 0, 0.0
    for pause_s in pauses:
        passed_s += pause_s
        left = rate.left(left, pause_s)
        if not rate.wait_s(left):
            left, used = left - 1.0, used + 1
    assert used <= count + passed_s * count / UNITS_S[unit] + 1e-3
