"""Metrics as Prometheus reads them: every line well-formed, every histogram counted up."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.metrics import Family, Histogram, Sample, exposed, labelled, single, timed


def test_a_number_is_told_with_what_it_is():
    assert exposed([single("fleet_peers", "gauge", "Other members.", 3)]) == (
        "# HELP fleet_peers Other members.\n# TYPE fleet_peers gauge\nfleet_peers 3\n"
    )


def test_a_label_says_anything_and_stays_on_its_line():
    told = exposed([labelled("x", "gauge", "a\\b\nc", "who", {'a"b\\c\nd': 0.5})])
    assert told.splitlines() == [
        r"# HELP x a\\b\nc", "# TYPE x gauge", r'x{who="a\"b\\c\nd"} 0.5',
    ]  # fmt: skip


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)))
def test_whatever_is_told_every_line_can_be_read(values: dict[str, float]):
    lines = exposed([labelled("x", "gauge", "y", "who", values)]).split("\n")
    assert lines.pop() == ""
    shape = re.compile(r'x\{who="((?:[^"\\\n]|\\["\\n])*)"\} (\S+)')
    found = [match.groups() for line in lines[2:] if (match := shape.fullmatch(line))]
    assert len(found) == len(values)
    assert [float(number) for _, number in found] == list(values.values())


def test_a_histogram_counts_up_and_its_bounds_are_upper_ends():
    histogram = Histogram(0.5, 1, 10)
    for took_s in (0.1, 0.5, 0.7, 1.0, 99.0):
        histogram.observe(took_s)
    assert exposed([timed("t", "Time.", histogram)]).splitlines()[2:] == [
        't_bucket{le="0.5"} 2',
        't_bucket{le="1"} 4',
        't_bucket{le="10"} 4',
        't_bucket{le="+Inf"} 5',
        "t_sum 101.3",
        "t_count 5",
    ]


def test_a_family_without_lines_is_still_announced():
    assert exposed([Family("x", "counter", "Nothing yet.")]).count("\n") == 2
    assert Sample({}, 1.0).suffix == ""
