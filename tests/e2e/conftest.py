"""What most end-to-end tests stand on: two linked nodes, and one agent on the second, for a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.recording import Recording

NUMBERS = count(1)


@pytest.fixture(scope="module")
def world() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


@pytest.fixture(scope="module")
def pair(world: Scene) -> tuple[Home, Home]:
    """White and nova, up and linked."""
    return world.pair()


@pytest.fixture(scope="module")
def rin(world: Scene, pair: tuple[Home, Home]) -> Recording:
    """What rin@nova was given, and white knows it."""
    recording = Recording(world.folder / "rin.jsonl")
    assert recording.start(pair[1], "rin") == "rin@nova"
    world.wait_known(pair[0], "rin@nova")
    return recording


@pytest.fixture
def lone(world: Scene) -> Iterator[Home]:
    """A home that a test may break."""
    home = world.home(f"lone{next(NUMBERS)}")
    home.root.mkdir(mode=0o700)
    yield home
    home.run("down")
