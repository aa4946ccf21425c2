"""A team on two real nodes, by the command line: applied from its file."""

from __future__ import annotations

from pathlib import Path

from tests.support.homes import Home
from tests.support.promises import run, told

FILE = """
name = "web"
lead = "lead"
[roles.lead]
command = ["sleep", "1000"]
node = "white"
[roles.impl]
command = ["sleep", "1000"]
count = 2
node = "nova"
"""


def test_a_file_is_applied_after_a_yes_and_only_once(
    pair: tuple[Home, Home], tmp_path: Path
) -> None:
    white, _ = pair
    file = tmp_path / "team.toml"
    file.write_text(FILE)
    planned = run(white, "team", "plan", str(file))
    assert planned.code == 0
    assert "team web is new" in planned.out
    assert "role impl is new, with impl, impl-2 on nova (nova must accept it)" in planned.out
    unsaid = run(white, "team", "apply", str(file))
    assert unsaid.code == 2
    assert "fleet team apply --yes" in unsaid.err
    assert "web" not in run(white, "team", "ls").out
    done = told(white, "team", "apply", str(file), "--yes")
    assert (done["founds"], done["new"]) == (True, True)
    assert run(white, "team", "show", "web").code == 0
    again = run(white, "team", "apply", str(file))
    assert again.code == 0
    assert "nothing to write" in again.err
    file.write_text(FILE.replace("count = 2", "count = 1"))
    assert "roles.impl.count: 2 becomes 1" in run(white, "team", "apply", str(file), "--yes").out
    assert told(white, "team", "diff", str(file))["new"] is False
