"""A thousand tasks of one public history, words and paths hashed: what is chosen does not get worse.

``make bench-competence DATA=…`` measures whole histories; docs/concepts/competence.md has its figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.core.competence import points
from fleet.core.experience import DAY_S
from tests.bench.competence import KNOWN, Tally, moments, read

SLICE = Path(__file__).parents[1] / "bench" / "slice.jsonl"


@pytest.mark.parametrize(
    ("hidden_days", "first", "three", "above_active"),
    [(0, 60.0, 87.0, 27.0), (14, 52.0, 83.0, 13.0)],
)
def test_the_slice_is_chosen_as_well_as_ever(
    hidden_days: int, first: float, three: float, above_active: float
) -> None:
    ours, active = Tally(), Tally()
    for moment in moments(read(SLICE, "who"), hidden_days * DAY_S, KNOWN):
        ours.take([one.who for one in points(moment.signals, moment.who)], moment.work.who)
        lately = moment.lately
        active.take(sorted(lately, key=lambda p: (-lately[p], p)), moment.work.who)
    assert ours.shares() >= (first, three)
    assert ours.shares()[1] >= three
    assert ours.shares()[0] - active.shares()[0] >= above_active
