"""The stage leaves nothing behind, and touches nothing that is not its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.agents.stage import end_left


def test_what_has_its_home_on_the_stage_ends_with_it_and_nothing_else(tmp_path: Path) -> None:
    folder, other = tmp_path / "stage", tmp_path / "stage-2"
    folder.mkdir()
    left, mine = (
        subprocess.Popen(["sleep", "60"], env={"HOME": f"{home}/user", "PATH": "/usr/bin:/bin"})
        for home in (folder, other)
    )
    try:
        end_left(folder)
        assert left.wait() < 0
        assert mine.poll() is None
        assert not folder.exists()
    finally:
        mine.kill()
        mine.wait()
