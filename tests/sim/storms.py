"""One seed is one storm: played, judged, and told when something promised was broken."""

from __future__ import annotations

from hashlib import sha256

from tests.support.checkers import complaints
from tests.support.storm import Storm
from tests.support.tale import tale_of
from tests.support.world import World, play_world


async def _storm(world: World) -> str:
    await Storm(world).blow()
    return sha256("\n".join(world.net.trace).encode()).hexdigest()


def play(seed: int) -> str:
    """Play a seed; a digest of all that its network carried, by which two runs are compared.

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
