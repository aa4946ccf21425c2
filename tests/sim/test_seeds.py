"""Whatever goes wrong, what is promised holds, and when it is over everything comes to its end."""

from __future__ import annotations

import pytest

from tests.sim.storms import play

SEEDS = 20


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_storm_passes_and_nothing_promised_is_broken(seed: int) -> None:
    assert play(seed).digest


def test_the_same_seed_is_the_same_storm() -> None:
    assert play(1) == play(1) != play(2)
