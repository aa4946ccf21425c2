"""The tutorial of a team, as it stands: each command is run, and what the page says about it holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.homes import Said, scene
from tests.support.pages import DOCS, blocks
from tests.support.reader import Reader, steps
from tests.support.until import until

PAGE = "tutorial-team.md"
EXITS = {"how far is the paint?": 5, "--deadline 1": 5}
"""The ends other than 0 that the page announces."""


@pytest.fixture
def reader() -> Iterator[Reader]:
    with scene() as stage:
        reader = Reader(stage)
        yield reader
        for home in reader.homes.values():
            if home.root.exists():
                home.run("down")


def test_the_tutorial_of_a_team_goes_as_it_says(reader: Reader) -> None:
    white, nova = reader.homes["white"], reader.homes["nova"]
    (file,) = blocks((DOCS / PAGE).read_text(), "toml")
    Path(reader.environment["T"], "team.toml").write_text(file)
    at = ("", "")
    for prompted, shown in steps(PAGE, ("$ ", "! ")):
        prompt, _, line = prompted.partition(" ")
        if prompt == "!":
            plays(reader, *at, prompted, shown)
            continue
        if "mktemp" in line:
            continue
        if " attach " in line:
            at = ("white" if "/white" in line else "nova", line.split()[-1])
            continue
        if " team respawn " in line:
            until(lambda: white.sees("nova"), "nova is back")
        if " ID " in line:
            line = line.replace(" ID ", f" {nova.ask('team', 'invitations')[0]['id']} ")
        if "FINDING" in line:
            (found,) = white.ask("memory", "ls", "web")
            line = line.replace("FINDING", found["id"])
        said = reader.types(line)
        code = next((code for part, code in EXITS.items() if part in line), 0)
        assert said.code == code, (line, said)
        after(reader, line, said)


def plays(reader: Reader, home: str, agent: str, line: str, shown: list[str]) -> None:
    """Be an agent: type a line into its pane, and see what the page shows below it there."""
    reader.types_into(home, agent, "-l", line)
    reader.types_into(home, agent, "Enter")
    if "team bye" in line:
        until(lambda: "goodbye" in seat(reader, agent.partition(".")[2]), f"{agent} said goodbye")
    for row in shown:
        until(partial(stands, reader, home, agent, row), f"{row} stands in the pane of {agent}")


def stands(reader: Reader, home: str, agent: str, row: str) -> bool:
    """Whether a row is on an agent's screen."""
    return row in reader.homes[home].run("peek", agent, "--lines", "60").out.splitlines()


def seat(reader: Reader, name: str) -> str:
    """What the team's history says of a seat."""
    rows = reader.homes["white"].run("team", "retro", "web").out.splitlines()
    return next((row for row in rows if f" {name} said goodbye" in row), "")


def after(reader: Reader, line: str, said: Said) -> None:
    """What the page says of a line's answer."""
    white, nova = reader.homes["white"], reader.homes["nova"]
    if " join " in line:
        until(lambda: white.sees("nova") and nova.sees("white"), "they see each other")
    elif line.endswith("team invitations"):
        assert "team web of white" in said.out
    elif " team up " in line:
        assert said.out.count("submitted") == 2
        assert "web.impl@nova" in said.out
        assert (nova.root / "worktrees/web/impl/.git").exists()
    elif line.endswith("task show T1"):
        assert "evidence    commit 1f3c9a2; the door closes" in said.out
        assert "side-finds  T3" in said.out
    elif line.endswith("team status web"):
        assert "T2 paint it (claimed" in said.out
    elif " team respawn " in line:
        assert "web/impl is web.impl@white: submitted\nit holds T2\n" in said.out
    elif line.endswith("memory briefing web/impl"):
        briefed(reader, said.out)
    elif line.endswith("team down web"):
        assert "back on the list: T2" in said.out
        assert white.ask("task", "show", "T2")["state"] == "open"
    elif line.endswith("team retro web"):
        assert "T3 the bell is broken, while at T1" in said.out
    elif line.startswith("rm "):
        assert not white.root.exists()


def briefed(reader: Reader, briefing: str) -> None:
    """What is known by then is in it."""
    assert "One task at a time." in briefing
    tasks = [task["id"] for task in reader.homes["white"].ask("task", "ls", "--all")]
    assert ("the hinge takes a 4 mm screw" in briefing) == bool(tasks)
    told = "T2: the first coat is on" in briefing
    history = reader.homes["white"].run("team", "retro", "web").out
    assert told == ("said goodbye" in history)
