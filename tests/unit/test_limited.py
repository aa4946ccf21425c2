"""A program that says that it is limited: for how long still, by what its profile knows of such rows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fleet.core.limited import UNSAID_S, limit_said, limited_s
from tests.support.looks import BOXED, PROFILES, look

HOUR_S = 3_600.0
PROFILE = replace(
    BOXED,
    limited=(
        re.compile(r"limit reached, resets at (?P<hour>\d+)(:(?P<minute>\d\d))? ?(?P<half>am|pm)?"),
        re.compile(r"try again in ((?P<hours>\d+) h )?(?P<minutes>\d+) min"),
        re.compile(r"overloaded"),
    ),
)

# fmt: off
ROWS = [
    ("all is well", 0.0, 12.0, 0.0),
    ("limit reached, resets at 15:30", 0.0, 15.0, 1_800.0),
    ("limit reached, resets at 3pm", 0.0, 14.5, 1_800.0),
    ("limit reached, resets at 12am", 0.0, 23.0, HOUR_S),
    ("limit reached, resets at 12pm", 0.0, 11.0, HOUR_S),
    ("limit reached, resets at 1", 0.0, 23.0, 2 * HOUR_S),  # of the next day
    ("limit reached, resets at 15:00", 0.0, 15.0, 0.0),
    ("limit reached, resets at 15:00", 0.0, 15.1, 0.0),  # it is over, and the row still there
    ("limit reached, resets at 15:00", 5 * HOUR_S, 14.0, HOUR_S),  # a time is a time
    ("try again in 25 min", 0.0, 12.0, 1_500.0),
    ("try again in 25 min", 600.0, 12.0, 900.0),
    ("try again in 25 min", 1_600.0, 12.0, 0.0),
    ("try again in 2 h 5 min", 0.0, 12.0, 2 * HOUR_S + 300.0),
    ("try again in 99999999999999999999 min", 0.0, 12.0, 0.0),
    ("overloaded", 600.0, 12.0, UNSAID_S - 600.0),
    ("overloaded", UNSAID_S, 12.0, 0.0),
]
# fmt: on


@pytest.mark.parametrize(("row", "shown_s", "hour", "wanted_s"), ROWS)
def test_what_a_row_says_is_counted_from_when_it_was_shown(
    row: str, shown_s: float, hour: float, wanted_s: float
):
    seen = look(row, "> ")
    assert limited_s(PROFILE, seen, shown_s, hour * HOUR_S) == pytest.approx(wanted_s)


def test_the_longest_of_several_limits_counts():
    seen = look("try again in 5 min", "limit reached, resets at 3pm", "> ")
    assert limited_s(PROFILE, seen, 0.0, 14 * HOUR_S) == HOUR_S


def test_what_was_said_in_the_conversation_limits_nobody():
    seen = look("try again in 25 min", *["…"] * 10, "> ")
    assert limited_s(PROFILE, seen, 0.0, 0.0) == 0.0
    typed = look("> try again in 25 min", cursor_x=2)
    assert limited_s(PROFILE, typed, 0.0, 0.0) == 0.0


def test_what_it_says_is_told_in_its_own_words():
    assert limit_said(PROFILE, look("● try again in 5 min", "overloaded", "> ")) == (
        "try again in 5 min\noverloaded"
    )
    assert limit_said(BOXED, look("overloaded", "> ")) == ""


def test_no_profile_of_ours_claims_to_know_what_was_never_measured():
    """It is in ``docs/reference/profiles.md``; whoever measures one changes both."""
    assert [one.name for one in PROFILES.all() if one.limited] == []
