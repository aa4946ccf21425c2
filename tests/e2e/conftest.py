"""What most end-to-end tests stand on: two linked nodes, and one agent on the second, for a whole module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.recording import Recording


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
