"""The committed fleet/v1 is, byte for byte, what proto/ says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file()  # not __pycache__
    }


def test_the_generated_code_is_in_step_with_proto(tmp_path: Path):
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([ROOT / ".ci/proto", tmp_path], cwd=ROOT, env=environment, check=True)
    generated, committed = files(tmp_path / "fleet/v1"), files(ROOT / "fleet/v1")

    differing = sorted(
        name
        for name in generated.keys() | committed.keys()
        if generated.get(name) != committed.get(name)
    )
    if differing:
        pytest.fail(f"fleet/v1 is not what proto/ says: {', '.join(differing)}; run `make proto`")
