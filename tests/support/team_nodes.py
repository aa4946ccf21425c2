"""A team of six on two real nodes, driven by the command line; its programs write down what they were given."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from tests.support.homes import Home, Scene
from tests.support.promises import told
from tests.support.recording import PROGRAM, Recording
from tests.support.repositories import committed

FILE = """
name = "{name}"
lead = "lead"
repository = "git@git.example.net:shop/web.git"
[roles.lead]
command = {command}
profile = "generic"
node = "white"
worktree = "checkout"
[roles.impl]
command = {command}
profile = "generic"
count = 3
node = "any"
[roles.ship]
command = {command}
profile = "generic"
node = "nova"
[roles.review]
command = {command}
profile = "generic"
worktree = "none"
"""
SIX = ["impl", "impl-2", "impl-3", "lead", "review", "ship"]


class Team:
    """A team of six; nova is invited for all of it that may live there."""

    def __init__(self, world: Scene, white: Home, nova: Home, name: str) -> None:
        self.world, self.white, self.nova, self.name = world, white, nova, name
        self.repository = world.folder / f"shop-{name}"
        if not self.repository.exists():
            committed(self.repository)

    def apply(self, **changed: str) -> None:
        record = f"exec {sys.executable} {PROGRAM} {self.world.folder}/$FLEET_AGENT"
        command = json.dumps(["sh", "-c", record])
        text = FILE.format(name=self.name, command=command)
        for before, after in changed.items():
            assert before in text
            text = text.replace(before, after)
        file = self.world.folder / "team.toml"
        file.write_text(text)
        told(self.white, "team", "apply", str(file), "--yes")

    def invite(self) -> None:
        asked = told(self.white, "team", "invite", self.name, "nova")
        told(self.nova, "team", "accept", asked["id"], "--repo", f"web={self.repository}")

    def words(self) -> tuple[str, ...]:
        """How it is brought up."""
        return ("team", "up", self.name, "--checkout", str(self.repository))

    def up(self, code: int = 0) -> dict[str, dict[str, Any]]:
        """What became of each seat."""
        return {one["seat"]: one for one in told(self.white, *self.words(), code=code)}

    def turns(self, seat: str) -> list[str]:
        """What the member in a seat was told, in all its lives."""
        return [turn.text for turn in Recording(self.world.folder / f"{self.name}.{seat}").turns()]

    def windows(self) -> Counter[str]:
        """The programs of the team that were started, and how often."""
        names = self.world.tmux("list-windows", "-a", "-F", "#{window_name}").split()
        return Counter(name for name in names if name.startswith(f"{self.name}."))
