"""The matrix: which messages are sent in which situation, and what came of each."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fleet.profiles import load
from tests.agents.actor import START_LIMIT_S, Actor, Stuck
from tests.agents.install import Installed
from tests.agents.judge import find, meant, surplus
from tests.agents.programs import Program
from tests.agents.situations import SITUATIONS, Play
from tests.agents.stage import Stage
from tests.agents.texts import FEW, FEWEST, TEXTS
from tests.support.until import until

LATER_S = 60.0
ARRIVE_S = 30.0
"""For a turn to reach the model once the message is said to be submitted."""
_NOT_TYPED = frozenset({"queued", "accepted", "held", "refused", "expired", "cancelled"})
_LASTS = frozenset({"submitted", "unconfirmed", "in_doubt"})


@dataclass
class Cell:
    """One message. ``ms`` is the time from arrival to submitted, where nothing had to hold it."""

    situation: str
    text: str
    envelope: str = ""
    state: str = ""
    reason: str = ""
    evidence: str = ""
    held: str = ""
    ms: float | None = None
    again: int = 0  # how often Enter was pressed again, the text still standing in the input
    turns: int = 0
    is_elsewhere: bool = False
    wrong: list[str] = field(default_factory=list)
    receipt: dict[str, Any] = field(default_factory=dict)
    screen: str = ""

    @property
    def verdict(self) -> str:
        """``right``; ``open``: it did not arrive, and nobody said so; ``wrong``."""
        if self.wrong:
            return "wrong"
        return "right" if self.state == "submitted" else "open"

    @property
    def is_false(self) -> bool:
        """Whether it is said to be submitted and is not exactly one turn."""
        return self.state == "submitted" and any(w.startswith("turn: ") for w in self.wrong)


@dataclass
class Ran:
    """What came of one program. ``trouble`` says why there are no cells, or not all."""

    program: str
    version: str
    trouble: str = ""
    screen: str = ""
    hooks: bool = False
    settle_ms: float = 0.0
    cells: list[Cell] = field(default_factory=list)
    seconds: float = 0.0


def plan(size: str) -> Iterator[tuple[str, str]]:
    """Situation and text of every cell: ``all``, ``usual`` or ``few``."""
    for situation in SITUATIONS:
        if situation == "idle":
            texts = FEWEST if size == "few" else tuple(TEXTS)
        elif size == "few":
            texts = FEW[:2] if situation in {"just started", "copy mode"} else FEW[:3]
        else:
            texts = tuple(TEXTS) if size == "all" else FEW
        for text in texts:
            yield situation, text


def play_program(stage: Stage, program: Program, installed: Installed, size: str) -> Ran:
    """Start one program and send it everything."""
    began_s = time.monotonic()
    ran = Ran(program.name, installed.version)
    profiles = load()
    if program.name not in {p.name for p in profiles.all()}:
        ran.trouble = "there is no profile for it"
        return ran
    profile = profiles.named(program.name)
    ran.hooks = profile.hooks is not None
    ran.settle_ms = profile.settle_s * 1_000
    command = stage.prepare(program, installed.executable)
    actor = Actor(program, profile, stage, command, ran.hooks)
    try:
        actor.start()
        actor.wait_idle(START_LIMIT_S)
        first_s = time.monotonic()
        for situation, text in plan(size):
            ran.cells.append(_cell(actor, situation, text))
            _tell(ran.cells[-1])
        _later(actor, ran, first_s)
    except Stuck as stuck:
        ran.trouble, ran.screen = f"hangs, never came true: {stuck.what}", stuck.screen
    except AssertionError as error:  # what the stage asked of the product, and did not get
        ran.trouble = f"broken off: {error}"
    finally:
        stage.home.run("stop", program.name)
        ran.seconds = time.monotonic() - began_s
    return ran


def _cell(actor: Actor, situation: str, text: str) -> Cell:
    """Send one message; afterwards the program waits for input, if need be in a new life."""
    cell = Cell(situation, text)
    play = Play(actor, TEXTS[text], secrets.token_hex(4))
    seen = len(actor.requests())
    try:
        SITUATIONS[situation].play(play)
        _wait_arrived(actor, play)
    except Stuck as stuck:
        cell.wrong.append(f"stuck: {stuck.what}")
        cell.screen = stuck.screen
    _note(cell, play)
    cell.again = _pressed_again(actor, cell.envelope)
    _judge(cell, actor, seen)
    if cell.verdict != "right":
        cell.screen = cell.screen or play.screen or actor.screen()
        actor.stage.home.run("cancel", cell.envelope or "-")
        actor.fresh()
    return cell


def _wait_arrived(actor: Actor, play: Play) -> None:
    """Wait until the model has what is said to be submitted, and the program rests again."""
    if play.receipt["state"] != "submitted":
        return
    try:
        until(lambda: actor.was_told(play.receipt["id"]), "the model has it", ARRIVE_S)
    except AssertionError:
        return  # the judge will say so
    actor.wait_idle()


def _note(cell: Cell, play: Play) -> None:
    receipt = play.receipt
    if not receipt:
        return
    cell.receipt = receipt
    cell.envelope, cell.state = receipt["id"], receipt["state"]
    cell.reason, cell.evidence = receipt["reason"] or "", receipt["evidence"] or ""
    cell.held, cell.wrong = play.held, cell.wrong + play.wrong
    if cell.state == "submitted" and not SITUATIONS[cell.situation].holds and not cell.held:
        at = {entry["state"]: datetime.fromisoformat(entry["at"]) for entry in receipt["timeline"]}
        cell.ms = (at["submitted"] - at["accepted"]).total_seconds() * 1_000


def _pressed_again(actor: Actor, envelope_id: str) -> int:
    log = (actor.stage.home.root / "log" / "node.log").read_text().splitlines()
    events = [json.loads(line) for line in log if envelope_id and envelope_id in line]
    return sum(event["event"] == "enter again" for event in events)


def _judge(cell: Cell, actor: Actor, seen: int) -> None:
    requests = actor.requests()
    text = meant(TEXTS[cell.text], actor.profile)
    finding = find(requests, cell.envelope, text)
    cell.turns, cell.is_elsewhere = finding.turns, finding.is_elsewhere
    if finding.wrong:
        cell.wrong.append(f"turn: {finding.wrong}")
    if cell.turns > 1 or (cell.turns == 0 and cell.state == "submitted"):
        cell.wrong.append(f"turn: {cell.state}, and taken {cell.turns} times")
    if cell.turns and cell.state in _NOT_TYPED:
        cell.wrong.append(f"{cell.state}, and taken as a turn")
    if cell.state == "submitted" and not finding.is_elsewhere:
        counted = cell.receipt["cleaned"]
        if counted != text.changed:
            cell.wrong.append(f"{text.changed} changes, and its receipt says {counted}")
    if finding.turns and finding.is_elsewhere != (
        len(text.kept.encode()) > actor.profile.paste_limit_bytes
    ):
        cell.wrong.append("it went to a file, or did not, against its profile")
    extra = surplus(actor.name, requests[seen:], actor.asked)
    cell.wrong += [f"surplus: {text[:300]!r}" for text in extra]
    for sign in actor.stage.work.glob("sign-ran*"):
        cell.wrong.append("a line of the text was run by the shell")
        sign.unlink()


def _later(actor: Actor, ran: Ran, first_s: float) -> None:
    """What was said is still true a minute later, and nothing came after it."""
    until(lambda: time.monotonic() >= first_s + LATER_S, "a minute has gone", LATER_S + 5)
    requests = actor.requests()
    known = {w for cell in ran.cells for w in cell.wrong}
    for cell in (c for c in ran.cells if c.state in _LASTS):
        now = actor.receipt(cell.envelope)["state"]
        if now != cell.state:
            cell.wrong.append(f"a minute later it is {now}, not {cell.state}")
        finding = find(requests, cell.envelope, meant(TEXTS[cell.text], actor.profile))
        if finding.turns != cell.turns:
            cell.wrong.append(f"turn: a minute later taken {finding.turns} times")
    for text in surplus(actor.name, requests, actor.asked):
        if (said := f"surplus: {text[:300]!r}") not in known:
            ran.cells[-1].wrong.append(said)


def _tell(cell: Cell) -> None:
    """A line for whoever waits."""
    time_ms = f"{cell.ms:.0f} ms" if cell.ms is not None else ""
    words = (cell.situation, cell.text, cell.verdict, cell.state, cell.evidence, cell.held, time_ms)
    print("  " + ", ".join(word for word in words if word), *cell.wrong, sep="\n      ", flush=True)
