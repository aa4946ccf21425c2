"""The tutorial, as it stands: each command is run, and what the page says about it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.homes import Home, Said, scene
from tests.support.reader import Reader, steps
from tests.support.until import until

EXITS = {'send rin "1 + 1"': 4, "were you asleep": 5, "route rin@nova": 8, '"2 + 2"': 5}
"""The ends other than 0 that the page announces."""


@pytest.fixture
def reader() -> Iterator[Reader]:
    with scene() as stage:
        reader = Reader(stage)
        yield reader
        for home in reader.homes.values():
            if home.root.exists():
                home.run("down")


def test_the_tutorial_goes_as_it_says(reader: Reader) -> None:
    for prompted, shown in steps("tutorial.md"):
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
