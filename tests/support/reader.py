"""Somebody who reads a tutorial and does what it says, in a shell and in the panes of agents."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence

from tests.support.homes import Home, Said, Scene
from tests.support.pages import DOCS, blocks


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


def steps(page: str, prompts: Sequence[str] = ("$ ", ">>> ")) -> Iterator[tuple[str, list[str]]]:
    """Each line of a page that is typed, its prompt included, and what the page shows below it."""
    for block in blocks((DOCS / page).read_text(), "console"):
        shown: list[str] = []
        line = ""
        for row in block.splitlines():
            if row.startswith(tuple(prompts)):
                if line:
                    yield line, shown
                line, shown = row, []
            else:
                shown.append(row)
        yield line, shown
