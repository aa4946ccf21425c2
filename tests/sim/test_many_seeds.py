"""The same as ``test_seeds.py`` with more seeds. For ten thousand: ``make sim SEEDS=0-9999``."""

from __future__ import annotations

import pytest

from tests.sim.storms import play
from tests.sim.test_seeds import SEEDS

MANY = 300

pytestmark = pytest.mark.many


@pytest.mark.parametrize("seed", range(SEEDS, MANY))
def test_a_storm_passes_and_nothing_promised_is_broken(seed: int) -> None:
    assert play(seed).digest
