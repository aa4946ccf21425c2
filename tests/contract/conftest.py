"""Where the contract of panes is played."""

from __future__ import annotations

import pytest

from tests.support.pane_stories import On, on_fake, on_tmux


@pytest.fixture(
    params=[
        pytest.param(on_fake, id="fake"),
        pytest.param(on_tmux, id="tmux", marks=pytest.mark.tmux),
    ]
)
def on(request: pytest.FixtureRequest) -> On:
    return request.param  # type: ignore[no-any-return]
