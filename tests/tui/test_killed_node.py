"""A node killed while it types: after its restart the marks in tmux decide, and each text is one turn."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import time
from functools import partial

import pytest

from fleet.paths import DATABASE
from tests.support.homes import is_zombie
from tests.support.terminals import Program, TerminalRoom
from tests.support.until import GIVE_UP_S, until

MESSAGES, KILLS, FLOODS = 25, 3, 10
DRAFT = "a draft, so that all of them wait"


def test_killed_between_paste_and_enter_it_presses_enter_once_after_its_restart(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("asker", "--ask")
    said = program.send("the message", "--timeout", "0.5")
    assert (said.code, said.json["state"]) == (5, "typed")
    room.home.kill()
    room.home.again()
    program.wait_shows("Allow this?")
    assert recording.raw() == [], "the question is still open"
    program.press("n")
    program.wait_state(said.json["id"], "submitted")
    answered, turn = recording.raw()
    assert answered == "DIALOG"
    assert turn.count("the message") == 1


def test_killed_between_enter_and_evidence_it_looks_for_evidence_after_its_restart(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("glutton", "--swallow", "3", profile="patient")
    said = program.send("the message", "--timeout", "0.4")
    assert (said.code, said.json["state"]) == (5, "typed")
    room.home.kill()
    room.home.again()
    program.wait_state(said.json["id"], "submitted")
    assert [turn.text for turn in recording.turns()] == ["the message"]


def passed_over(room: TerminalRoom, program: Program) -> str:
    """What the node has done and not yet written down: of the envelope it is typing, as its database
    and the marks in tmux tell while it stands still."""
    uri = f"file:{room.home.root / DATABASE}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        of_agent = "FROM inbox WHERE recipient = ?"
        row = database.execute(
            f"SELECT state, mark {of_agent} AND state IN ('typing', 'typed')", (program.name,)
        ).fetchone()
        (newest,) = database.execute(f"SELECT max(mark) {of_agent}", (program.name,)).fetchone()
    marks = "#{@fleet_last} #{@fleet_sub}"
    said = room.world.tmux("display-message", "-p", "-t", program.pane, marks)
    last, sub = map(int, said.split())
    assert last <= newest, "the intent is written down before the paste"
    match row:
        case (str(), int() as mark) if sub >= mark:
            return "Enter"
        case ("typing", int() as mark) if last >= mark:
            return "paste"
    return ""


@pytest.mark.parametrize("window", ["paste", "Enter"])
def test_killed_before_it_could_write_down_what_it_did_it_does_it_no_second_time(
    room: TerminalRoom, window: str
) -> None:
    """The node is stopped again and again until it stands in the window of a few milliseconds."""
    chance = random.Random(window)
    program, recording = room.recorder(f"flooded-{window.lower()}")
    sent: list[str] = []
    kills, pid = 0, room.home.pid
    for _ in range(FLOODS):
        sent += flood(program)
        end_s = time.monotonic() + GIVE_UP_S
        while kills < KILLS and len(recording.raw()) < len(sent) and time.monotonic() < end_s:
            time.sleep(chance.random() * 0.004)  # somewhere in the few steps of one message
            is_met = False
            os.kill(pid, signal.SIGSTOP)
            try:
                is_met = passed_over(room, program) == window
            finally:
                os.kill(pid, signal.SIGKILL if is_met else signal.SIGCONT)
            if is_met:
                until(partial(is_zombie, pid), "the node is gone")
                pid = int(room.home.again()["pid"])
                kills += 1
        for envelope_id in sent:
            program.wait_state(envelope_id, "submitted")
        if kills == KILLS:
            break
    assert kills == KILLS, "it was met in the window"
    drafts = [turn for turn in recording.raw() if turn == DRAFT]
    turns = [turn for turn in recording.raw() if turn != DRAFT]
    assert [turn.split("| id ")[1][:26] for turn in turns] == sent, "each once, in order"
    assert len(recording.raw()) == len(sent) + len(drafts), "no surplus Enter"


def flood(program: Program) -> list[str]:
    """Messages that wait behind a draft, which is then sent; their ids, in order."""
    program.write(DRAFT)
    program.wait_shows(f"> {DRAFT}")
    sent = [
        str(program.send(f"message {n}", "--wait", "accepted").json["id"]) for n in range(MESSAGES)
    ]
    program.press("Enter")
    return sent
