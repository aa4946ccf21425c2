"""Two of the real programs with a part of the matrix; ``make test-agents`` has all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.cells import plan
from tests.agents.install import NotInstalled, install
from tests.agents.programs import PROGRAMS

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 600.0


@pytest.mark.parametrize("name", ["codex", "claude"])
def test_every_message_is_one_turn_or_held_and_its_receipt_is_true(
    name: str, tmp_path: Path
) -> None:
    try:
        install(PROGRAMS[name])
    except NotInstalled as why:
        pytest.skip(f"{name} cannot be installed here: {why}")
    output = tmp_path / "agents.json"
    words = ["-m", "tests.agents", "--only", name, "--size", "few", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [ran] = json.loads(output.read_text())["programs"]
    assert ran["version"] == PROGRAMS[name].version
    assert [(cell["situation"], cell["text"]) for cell in ran["cells"]] == [*plan("few")]
    assert {cell["verdict"] for cell in ran["cells"]} == {"right"}
