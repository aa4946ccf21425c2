"""Three hosts that write to each other while their network is bad, and what their agents really got.

The judge reads the recorders' own files: every text once, and in order for each sender and agent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from typing import Any

from fleet.cli.door import Door
from tests.support.homes import Home
from tests.support.recording import Recording
from tests.support.until import until

PAIRS = (
    ("white", "rin@nova"), ("white", "mio@kai"), ("nova", "mio@kai"), ("nova", "ren@white"),
    ("kai", "rin@nova"), ("kai", "ren@white"),
)  # fmt: skip
LONG_S = 900.0


@dataclass
class Traffic:
    """Homes by name, the recorder of each agent, and what was sent to it by whom, in order."""

    homes: dict[str, Home]
    agents: dict[str, Recording]
    sent: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # envelope id -> its sender's node

    def send(self, title: str, number: int, *, rest_s: float = 0.0, but: str = "") -> None:
        """Write to all agents in turn, from all nodes ``but`` one; none of it is waited for."""
        pairs = [pair for pair in PAIRS if pair[0] != but]
        with self._doors() as doors:
            for count, (name, to) in enumerate(islice(cycle(pairs), number)):
                text = f"{title} {count}"
                said = doors[name].ask(
                    "send", {"to": to, "text": text, "wait": "queued", "timeout_s": 10.0}
                )
                self.sent.setdefault((f"operator@{name}", to), []).append(text)
                self.ids[said.result["id"]] = name
                time.sleep(
                    rest_s
                )  # how fast people write is part of the story, nobody waits for it

    @contextmanager
    def _doors(self) -> Iterator[dict[str, Door]]:
        doors = {name: Door(str(home.root)) for name, home in self.homes.items()}
        try:
            yield doors
        finally:
            for door in doors.values():
                door.close()

    def arrived(self) -> int:
        """How many turns the agents were given, however often."""
        return sum(len(agent.raw()) for agent in self.agents.values())

    def judge(self, give_up_s: float = LONG_S) -> int:
        """Wait until all are there; each once, each pair in order, each receipt true. How many."""
        wanted = sum(map(len, self.sent.values()))
        until(lambda: self.arrived() >= wanted, f"all {wanted} arrive", give_up_s)
        for to, agent in self.agents.items():
            turns = agent.turns()
            for (sender, addressed), texts in self.sent.items():
                if addressed == to:
                    got = [turn.text for turn in turns if turn.sender == sender]
                    assert got == texts, f"{sender} to {to}: {got} of {texts}"
        until(lambda: not self._open(), "every receipt says so", give_up_s)
        return wanted

    def _open(self) -> list[str]:
        """Envelopes that their sender's node does not know to be submitted."""
        with self._doors() as doors:
            states = {i: doors[name].ask("show", {"id": i}).result for i, name in self.ids.items()}
        self.ids = {i: self.ids[i] for i, told in states.items() if told["state"] != "submitted"}
        return list(self.ids)

    def links(self, name: str) -> int:
        """How many links a node has."""
        with self._doors() as doors:
            told: list[dict[str, Any]] = doors[name].ask("nodes", {}).result
        return sum(row["state"] == "connected" for row in told)

    def linked(self, give_up_s: float = LONG_S) -> float:
        """Wait until all have links with all; how long that took."""
        start_s = time.monotonic()
        for name in self.homes:
            until(partial(self._is_linked, name), f"{name} has its links", give_up_s)
        return time.monotonic() - start_s

    def _is_linked(self, name: str) -> bool:
        return self.links(name) == len(self.homes) - 1
