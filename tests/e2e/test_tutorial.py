"""The tutorial, as it stands: each command is run, and what the page says about it holds."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.homes import Home, Said, Scene, scene
from tests.support.pages import DOCS, blocks
from tests.support.until import until

EXITS = {'send rin "1 + 1"': 4, "were you asleep": 5, "route rin@nova": 8, '"2 + 2"': 5}
"""The ends other than 0 that the page announces."""


class Reader:
    """Somebody who types what the page shows, into a shell or into an agent's pane."""

    def __init__(self, world: Scene) -> None:
        self.world = world
        folder = world.folder / "t"
        folder.mkdir()
        shell = {k: v for k, v in world.home("t").environment.items() if k != "FLEET_HOME"}
        self.environment = {**shell, "T": str(folder)}
        self.homes = {name: Home(name, folder / name, self._of(name)) for name in ("white", "nova")}

    def _of(self, name: str) -> dict[str, str]:
        return {**self.environment, "FLEET_HOME": f"{self.environment['T']}/{name}"}

    def types(self, line: str) -> Said:
        """Run a line in a shell; ports are any free ones, an ID is the newest envelope's."""
        line = re.sub(r"127\.0\.0\.1:78\d\d", "127.0.0.1:0", line)
        if line.endswith(" ID"):
            line = line.replace(" ID", f" {self.homes['white'].ask('outbox')[0]['id']}")
        done = subprocess.run(
            ["bash", "-c", line], env=self.environment, capture_output=True, check=False, text=True
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def types_into(self, home: str, agent: str, *keys: str) -> None:
        """Press keys in an agent's pane, as a person who is attached does."""
        pane = self.homes[home].ask("attach", agent)["pane"]
        self.world.tmux("send-keys", "-t", pane, *keys)

    def state_of(self, text: str) -> str:
        """What became of a message that white sent."""
        sent = self.homes["white"].ask("outbox")
        return str(next(one["state"] for one in sent if one["text"] == text))


@pytest.fixture
def reader() -> Iterator[Reader]:
    with scene() as stage:
        reader = Reader(stage)
        yield reader
        for home in reader.homes.values():
            if home.root.exists():
                home.run("down")


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each line that is typed, its prompt included, and what the page shows below it."""
    for block in blocks((DOCS / "tutorial.md").read_text(), "console"):
        shown: list[str] = []
        line = ""
        for row in block.splitlines():
            if row.startswith(("$ ", ">>> ")):
                if line:
                    yield line, shown
                line, shown = row, []
            else:
                shown.append(row)
        yield line, shown


def test_the_tutorial_goes_as_it_says(reader: Reader) -> None:
    for prompted, shown in steps():
        prompt, _, line = prompted.partition(" ")
        if prompt == ">>>":
            reader.types_into("white", "neo", "-l", line)
            reader.types_into("white", "neo", "Enter")
            until(lambda: reader.homes["white"].ask("inbox", "operator"), "neo's message came")
            continue
        if "mktemp" in line:
            continue
        before(reader, line)
        said = reader.types(line)
        code = next((code for part, code in EXITS.items() if part in line), 0)
        assert said.code == code, (line, said)
        assert all(row in said.err.splitlines() for row in shown), (line, said)
        after(reader, line, said)


def before(reader: Reader, line: str) -> None:
    """What the page has one do, or wait for, before a line is typed."""
    if '"2 + 2"' in line:
        until(lambda: reader.state_of("print('were you asleep?')") == "submitted", "it woke up")
        reader.types_into("nova", "rin", "-l", "x =")
        until(lambda: here(reader.homes["nova"], "rin")["state"] == "draft", "the draft is there")


def after(reader: Reader, line: str, said: Said) -> None:
    """What the page says of a line's answer, or what it has one do then."""
    home = reader.homes["white"]
    if line.endswith("join $(fleet --home $T/white invite)"):
        assert "in that fleet already" in reader.types(line).err
        until(lambda: home.sees("nova"), "they see each other")
    elif "start" in line:
        name = line.split(" start ")[1].split(maxsplit=1)[0]
        where = reader.homes["white" if "/white" in line else "nova"]
        until(lambda: here(where, name)["state"] == "ready", f"{name} shows its prompt")
        until(lambda: len(home.ask("ls")) == len(known(reader)), "white knows of it")
    elif line.endswith("peek rin"):
        assert ">>> print('hello from white')\nhello from white\n" in said.out
        assert "# [fleet " in said.out
        assert "# [end " in said.out
    elif "show" in line:
        assert said.out.startswith("submitted  rin@nova")
    elif '"2 + 2"' in line:
        assert said.out.startswith("held       rin@nova")
        assert "(draft" in said.out
        reader.types_into("nova", "rin", "BSpace", "BSpace", "BSpace")
        until(lambda: reader.state_of("2 + 2") == "submitted", "it arrives by itself")
    elif line.endswith("inbox operator"):
        (letter,) = json.loads(reader.types(f"{line} --json").out)
        assert (letter["from"], letter["text"]) == ("neo@white", "I am done")
    elif line.startswith("rm "):
        assert not home.root.exists()


def here(home: Home, name: str) -> dict[str, str]:
    return next(a for a in home.ask("ls") if a["name"] == name and a["node"] == home.name)


def known(reader: Reader) -> set[str]:
    """The agents of both nodes, each by its own word."""
    return {
        str(agent["address"])
        for home in reader.homes.values()
        for agent in home.ask("ls")
        if agent["node"] == home.name
    }
