"""Real nodes with real agents that are made to fail while messages pass, and what came of it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fleet.cli.door import Broken, Door, Failed
from fleet.core.delivery import TERMINAL, State
from fleet.core.errors.base import FleetError
from fleet.paths import Paths
from node.faults import CONSENT, CONSENTS, FAULTS
from tests.faults.judge import Lane, Verdict, judge
from tests.support.homes import Home, Scene, is_zombie, scene
from tests.support.recording import Recording
from tests.support.terminals import PROFILES
from tests.support.until import until

AGENTS = ("rin", "kai")
PATIENCE_S = 45.0
_AGAIN_S = 0.05  # between two tries of one who was not answered


def arm(home: Home, plan: str) -> int:
    """Start a node anew so that it fails as planned; its process id."""
    home.ask("down")
    environment = {**home.environment, FAULTS: plan, CONSENT: CONSENTS}
    return int(replace(home, environment=environment).again()["pid"])


def heal(home: Home, pid: int, plan: str) -> None:
    """Wait until it has failed and is back; started again, if that was its end."""
    point, _, action = plan.rpartition("=")
    if action.startswith("kill"):
        until(partial(is_gone, pid), f"{home.name} is killed at {point}")
        home.again()
    else:
        until(partial(has_happened, home, point), f"{home.name} was at {point}")
        asked(home, "status")  # one that stands still answers when it goes on: patience begins then


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or is_zombie(pid)


def has_happened(home: Home, point: str) -> bool:
    """Whether the node has written down that it failed at a point since it was started last."""
    lines = [json.loads(line) for line in Paths(home.root).log.read_text().splitlines()]
    ups = [n for n, line in enumerate(lines) if line["event"] == "node up"]
    since = lines[ups[-1] if ups else 0 :]
    return any(line["event"] == "fault" and line["point"] == point for line in since)


def asked(home: Home, call: str, **args: object) -> Any:
    """One call at the home's door."""
    door = Door(str(home.root))
    try:
        return door.ask(call, args).result
    finally:
        door.close()


def acknowledged(home: Home, to: str, token: str) -> str:
    """Send until the node answers for it, always under one key; the envelope's id."""
    answers: list[str] = []

    def is_answered() -> bool:
        with contextlib.suppress(Broken, Failed, FleetError, TimeoutError):
            sent = asked(home, "send", to=to, text=token, key=token, wait="queued")
            answers.append(str(sent["id"]))
            return True
        time.sleep(_AGAIN_S)  # its node has just failed, or is being started
        return False

    until(is_answered, f"{home.name} takes {token}", PATIENCE_S)
    return answers[0]


@dataclass
class Field:
    """A sender's and a recipient's node, perhaps the same, and two agents on the latter."""

    scene: Scene
    sender: Home
    recipient: Home
    recordings: Mapping[str, Recording]
    runs: int = 0

    def fail(self, victim: Home, plan: str, each: int) -> Verdict:
        """Start a node so that it fails as planned, send so many messages to each agent meanwhile,
        start it again if it was killed, and judge."""
        pid = arm(victim, plan)
        until(self._is_linked, "there is a link")  # or all would go in one batch
        return self.exchange(each, partial(heal, victim, pid, plan))

    def exchange(self, each: int, meanwhile: Callable[[], None] = lambda: None) -> Verdict:
        """Send so many messages to each agent, wait until all is quiet, and judge."""
        self.runs += 1
        before = {agent: len(one.raw()) for agent, one in self.recordings.items()}
        with ThreadPoolExecutor(len(AGENTS)) as lanes:
            sending = [lanes.submit(self._lane, agent, each) for agent in AGENTS]
            meanwhile()
            sent = [lane.result() for lane in sending]
        ids = {id_ for lane in sent for id_ in lane.tokens.values()}
        with contextlib.suppress(
            AssertionError
        ):  # what still waits is judged as it is: lost, false
            until(partial(self._is_quiet, ids), "all is quiet", PATIENCE_S)
        logs = {agent: one.raw()[before[agent] :] for agent, one in self.recordings.items()}
        return judge(sent, logs, {id_: self._said(id_) for id_ in ids})

    def wait_known(self) -> None:
        """Wait until the sender's node knows the agents."""
        addresses = (f"{agent}@{self.recipient.name}" for agent in AGENTS)
        self.scene.wait_known(self.sender, *addresses)

    def taken(self) -> list[str]:
        """Every turn that the agents were given."""
        return [turn for recording in self.recordings.values() for turn in recording.raw()]

    def _lane(self, agent: str, each: int) -> Lane:
        to = f"{agent}@{self.recipient.name}"
        tokens = [f"run {self.runs} {self.sender.name} {agent} {n}" for n in range(each)]
        return Lane(agent, {token: acknowledged(self.sender, to, token) for token in tokens})

    def _is_linked(self) -> bool:
        if self.sender is self.recipient:
            return True
        nodes = asked(self.sender, "nodes")
        return any(n["node"] == self.recipient.name and n["state"] == "connected" for n in nodes)

    def _is_quiet(self, ids: set[str]) -> bool:
        """Whether each message has come to an end, as both nodes know it."""
        return all({*self._said(id_)} <= TERMINAL for id_ in ids)

    def _said(self, envelope_id: str) -> tuple[State, ...]:
        """What each node says of a message; one that never got it says nothing."""
        said = []
        for home in {one.name: one for one in (self.sender, self.recipient)}.values():
            with contextlib.suppress(Failed):
                said.append(State(asked(home, "show", id=envelope_id)["state"]))
        return tuple(said)


@contextlib.contextmanager
def field(*, nodes: int) -> Iterator[Field]:
    """One node that sends to its own agents, or two."""
    with scene() as stage:
        nova = stage.home("nova")
        sender = nova if nodes == 1 else stage.home("white")
        built = settled(stage, sender, nova)
        if sender is not nova:
            stage.join(sender, nova)
        built.wait_known()
        yield built


def settled(stage: Scene, sender: Home, recipient: Home) -> Field:
    """Both nodes up, not joined, and the agents running on the recipient's."""
    folder = recipient.root / "profiles"
    folder.mkdir(parents=True, mode=0o700)
    recipient.root.chmod(0o700)
    (folder / "recorder.toml").write_text(PROFILES["recorder"])
    for home in {one.name: one for one in (sender, recipient)}.values():
        home.up()
    recordings = {agent: Recording(stage.folder / f"{agent}.jsonl") for agent in AGENTS}
    for agent, recording in recordings.items():
        recording.start(recipient, agent, profile="recorder")
    return Field(stage, sender, recipient, recordings)
