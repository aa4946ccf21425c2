"""One seed is one storm: played, judged, and told when something promised was broken."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import NamedTuple

from tests.support.checkers import complaints
from tests.support.storm import Storm
from tests.support.tale import tale_of
from tests.support.team_storm import TeamStorm
from tests.support.world import World, play_world


class Played(NamedTuple):
    """What a storm was: a digest of all that its network carried, by which two runs are compared, and
    how often each fault happened."""

    digest: str
    faults: Counter[str]


def has_a_team(seed: int) -> bool:
    """Whether there is a team in the storm of this seed: one in four."""
    return seed % 4 == 3


async def _storm(world: World) -> Played:
    storm = TeamStorm(world) if has_a_team(world.seed) else Storm(world)
    await storm.blow()
    carried = "\n".join(world.net.trace)
    return Played(sha256(carried.encode()).hexdigest(), storm.faults.happened)


def play(seed: int) -> Played:
    """Play a seed.

    Raises:
        AssertionError: something promised was broken. It tells what, the story, and how to see it again.
    """

    def judge(world: World) -> None:
        if broken := complaints(world):
            raise AssertionError("\n".join([*broken, "", tale_of(world, broken)]))

    try:
        return play_world(_storm, judge, seed)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}\n{error}\nonce more: make sim SEEDS={seed}") from error
