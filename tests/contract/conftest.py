"""Where the contracts of panes and of git worktrees are played."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pane_stories import On, on_fake, on_tmux
from tests.support.repositories import GitStage


@pytest.fixture(
    params=[
        pytest.param(on_fake, id="fake"),
        pytest.param(on_tmux, id="tmux", marks=pytest.mark.tmux),
    ]
)
def on(request: pytest.FixtureRequest) -> On:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def stage(tmp_path: Path) -> GitStage:
    return GitStage(tmp_path)


@pytest.fixture
def pipe(stage: GitStage) -> Iterator[Path]:
    """Holds up who reads it, at the longest until the test ends."""
    path = stage.root / "project" / ".git" / "pipe"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
