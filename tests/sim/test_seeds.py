"""Whatever goes wrong, what is promised holds, and when it is over everything comes to its end."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.support.checkers import check
from tests.support.storm import Storm
from tests.support.world import World, play_world

SEEDS = 20


async def storm(world: World) -> list[str]:
    await Storm(world).blow()
    return world.net.trace


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_storm_passes_and_nothing_promised_is_broken(seed: int) -> None:
    assert play_world(storm, check, seed)


def test_the_same_seed_is_the_same_storm() -> None:
    one, again, another = (
        sha256("\n".join(play_world(storm, check, seed)).encode()).hexdigest() for seed in (1, 1, 2)
    )
    assert one == again != another
