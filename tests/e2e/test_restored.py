"""A home whose database was put back from an older copy: nothing is typed twice, nothing is swallowed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.recording import Recording
from tests.support.until import until

PARTS = ("fleet.db", "fleet.db-wal", "fleet.db-shm")


@pytest.fixture
def stage() -> Iterator[Scene]:
    with scene() as built:
        yield built


def copy_of(home: Home) -> Callable[[], None]:
    """Copy a stopped home's database, start it again; what puts the copy back, later."""
    home.ask("down")
    kept = home.root.with_name(f"{home.name}-copy")
    kept.mkdir()
    for part in PARTS:
        if (home.root / part).exists():
            shutil.copy2(home.root / part, kept / part)
    home.again()

    def put_back() -> None:
        home.kill()
        for part in PARTS:
            (home.root / part).unlink(missing_ok=True)
        for file in kept.iterdir():
            shutil.copy2(file, home.root / file.name)
        home.again()

    return put_back


def waits_for(home: Home, envelope_id: str, state: str) -> None:
    until(lambda: home.state_of(envelope_id) == state, f"{home.name} says {state}")


class Agent:
    """Rin, on nova, whose pane can be made to take no input."""

    def __init__(self, stage: Scene, nova: Home) -> None:
        self.stage = stage
        self.recording = Recording(stage.folder / "rin.jsonl")
        self.recording.start(nova, "rin")

    def takes_input(self, *, yes: bool) -> None:
        shown = self.stage.tmux("list-panes", "-a", "-F", "#{pane_id} #{@fleet_inst}")
        (pane,) = [line.split()[0] for line in shown.splitlines() if len(line.split()) > 1]
        self.stage.tmux("select-pane", "-e" if yes else "-d", "-t", pane)

    def given(self) -> list[str]:
        return [turn.text for turn in self.recording.turns()]


def sent(home: Home, text: str, state: str) -> str:
    """Send, and wait until its node says so; the envelope's id."""
    envelope_id = str(home.run("send", "rin@nova", text, "--wait", "queued", "--json").json["id"])
    waits_for(home, envelope_id, state)
    return envelope_id


def test_what_a_recipients_older_copy_has_waiting_was_typed_and_is_not_again(stage: Scene) -> None:
    white, nova = stage.pair()
    rin = Agent(stage, nova)
    stage.wait_known(white, "rin@nova")
    sent(white, "first", "submitted")
    rin.takes_input(yes=False)
    held = sent(white, "held", "held")
    put_back = copy_of(nova)
    stage.wait_linked(white, nova)
    rin.takes_input(yes=True)
    waits_for(white, held, "submitted")
    since = sent(white, "since", "submitted")
    put_back()
    stage.wait_linked(white, nova)
    waits_for(nova, held, "in_doubt")
    sent(white, "after", "submitted")
    assert [white.state_of(i) for i in (held, since)] == ["submitted", "submitted"]
    assert rin.given() == ["first", "held", "since", "after"]


def test_what_a_recipients_older_copy_never_heard_of_is_offered_again(stage: Scene) -> None:
    white, nova = stage.pair()
    rin = Agent(stage, nova)
    stage.wait_known(white, "rin@nova")
    sent(white, "first", "submitted")
    rin.takes_input(yes=False)
    put_back = copy_of(nova)
    stage.wait_linked(white, nova)
    waiting = [sent(white, "one", "held"), sent(white, "two", "accepted")]
    put_back()
    stage.wait_linked(white, nova)
    rin.takes_input(yes=True)
    for envelope_id in waiting:
        waits_for(white, envelope_id, "submitted")
    assert rin.given() == ["first", "one", "two"]


def test_what_a_senders_older_copy_has_queued_was_typed_and_is_not_again(stage: Scene) -> None:
    white, nova = stage.pair()
    rin = Agent(stage, nova)
    stage.wait_known(white, "rin@nova")
    nova.ask("down")
    waits = sent(white, "waits", "queued")
    put_back = copy_of(white)
    nova.again()
    waits_for(white, waits, "submitted")
    put_back()
    waits_for(white, waits, "submitted")
    sent(white, "after", "submitted")
    assert rin.given() == ["waits", "after"]
