import json
from math import inf, nan

import pytest

from fleet.core.moment import iso_time


@pytest.mark.parametrize(
    ("at_s", "shown"),
    [
        (0, ""),
        (0.001, "1970-01-01T00:00:00.001Z"),
        (1_700_000_000, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
        (253_402_300_799.0, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_a_moment_is_utc_with_milliseconds_and_none_is_the_empty_text(at_s: float, shown: str):
    assert iso_time(at_s) == shown


@pytest.mark.parametrize("at_s", [1e12, 1e300, inf])
def test_a_deadline_past_every_calendar_is_shown_as_its_end(at_s: float):
    assert iso_time(at_s) == "9999-12-31T23:59:59.000Z"


@pytest.mark.parametrize("at_s", [-1.0, -1e300, -inf, nan])
def test_what_is_before_any_clock_of_ours_is_shown_as_its_beginning(at_s: float):
    assert json.dumps(iso_time(at_s)) == '"1970-01-01T00:00:00.000Z"'
