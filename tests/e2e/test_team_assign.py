"""Work goes to who is best at it, on a real node: offered in a real pane, claimed from there, explained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import PROGRAM
from tests.support.until import until

FILE = """
name = "shop"
lead = "lead"
[roles.lead]
profile = "generic"
command = {mute}
worktree = "none"
limits = {{ claims = 0 }}
[roles.impl]
profile = "generic"
command = {takes}
worktree = "none"
[[roles.impl.skills]]
id = "doors"
name = "Doors"
description = "mends doors and hinges"
tags = ["doors"]
[roles.docs]
profile = "generic"
command = {passes}
worktree = "none"
[[roles.docs.skills]]
id = "docs"
name = "Documents"
description = "writes tutorials"
tags = ["docs"]
"""
NUMBER = """t=$(grep -o "T[0-9]* is offered to you" | cut -d" " -f1); test -z "$t" ||"""


def command(world: Scene, tell: str) -> str:
    script = world.folder / f"tell-{abs(hash(tell))}"
    script.write_text(tell)
    record = (
        f"exec {sys.executable} {PROGRAM} {world.folder}/$FLEET_AGENT.jsonl --tell 'sh {script}'"
    )
    return json.dumps(["sh", "-c", record])


@pytest.fixture(scope="module")
def white(pair: tuple[Home, Home], world: Scene) -> Home:
    home = pair[0]
    text = FILE.format(
        mute=command(world, "cat >/dev/null"),
        takes=command(world, f"{NUMBER} fleet task claim $t"),
        passes=command(world, f'{NUMBER} fleet task refuse $t "no time"'),
    )
    file: Path = world.folder / "shop.toml"
    file.write_text(text)
    told(home, "team", "apply", str(file), "--yes")
    told(home, "team", "up", "shop")
    return home


def test_what_is_offered_is_claimed_passed_on_and_explained(white: Home) -> None:
    for title, wants in (
        ("mend the red door", ()), ("write a tutorial", ("docs",)), ("weld a beam", ("welding",)),
    ):  # fmt: skip
        told(white, "task", "add", title, *(word for want in wants for word in ("--want", want)))
    trial = run(white, "assign", "--dry-run", "--explain")
    assert trial.code == 0
    assert "T1 mend the red door\nchosen -> impl" in trial.out
    assert "impl  out: lacks:docs" in trial.out
    assert told(white, "task", "show", "T1")["decision"] is None
    door, tutorial, beam = told(white, "assign")
    assert (door["who"], door["offered"]) == ("impl", True)
    assert (tutorial["who"], tutorial["offered"]) == ("docs", True)
    assert (beam["answer"], beam["reasons"]) == (
        "unroutable", {"lacks:welding": 2, "full": 1},
    )  # fmt: skip
    until(lambda: told(white, "task", "show", "T1")["holder"] == "impl", "impl took its offer")
    until(lambda: not told(white, "task", "show", "T2")["offered_to"], "docs passed it on")
    shown = told(white, "task", "show", "T2")
    assert [one["what"] for one in shown["history"]] == [
        "task_added", "task_decided", "offer_ended", "task_decided",
    ]  # fmt: skip
    assert shown["decision"]["answer"] == "unroutable"
    assert {"seat": "docs", "why": "excluded"} in shown["decision"]["out"]
    (docs,) = told(white, "competence", "show", "docs")
    assert (docs["finished"], docs["handed_back"]) == (0, 1.0)


def test_who_may_not_assign_is_told_so_and_may_look(white: Home, world: Scene) -> None:
    out = world.folder / "agent.out"
    script = f"fleet assign --json >{out}.new 2>&1; echo exit $? >>{out}.new; mv {out}.new {out}; sleep 1000"
    white.ask_with(("start", "stranger", "--"), ("sh", "-c", script))
    until(out.exists, "it has run")
    assert "exit 7" in out.read_text()


def test_a_version_is_given_once(white: Home) -> None:
    assert run(white, "slot", "take", "version", "--key", "r1").out == "1\n"
    assert run(white, "slot", "take", "version", "--key", "r1").out == "1\n"
    assert run(white, "slot", "take", "version").out == "2\n"
    assert told(white, "slot", "ls") == [{"team": "shop", "slot": "version", "last": 2}]
