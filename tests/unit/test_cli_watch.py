"""What ``fleet watch`` shows of each change, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import threading
from typing import Any

import pytest

from fleet.cli.terminal import Terminal
from fleet.cli.watch import line
from tests.support.door import scripted

HELD: dict[str, Any] = {
    "at": "2026-11-23T10:00:00.123Z", "id": "01KB3FZ2Q0H4T4SJ6BVX0W6Y2N", "from": "operator@white",
    "to": "rin@nova", "node": "nova", "state": "held", "reason": "draft",
    "detail": "somebody has typed something", "evidence": None, "ms": 12.4,
}  # fmt: skip
FOLLOWS = {"progress": {"watching": ""}}


@pytest.fixture
def terminal() -> Terminal:
    return Terminal({}, as_json=False)


def test_a_line_has_when_which_the_way_the_state_why_and_how_long_after(terminal: Terminal) -> None:
    shown = line(terminal, HELD)
    assert re.fullmatch(
        r"\d\d:\d\d:00\.123  01KB3FZ2Q0H4T4  operator@white -> rin@nova  "
        r"held          draft: somebody has typed something  \+12 ms",
        shown,
    ), shown


def test_the_first_state_has_no_length_and_evidence_stands_where_a_reason_does(
    terminal: Terminal,
) -> None:
    queued = {**HELD, "state": "queued", "reason": "", "detail": "", "ms": None}
    assert line(terminal, queued).endswith("rin@nova  queued")
    taken = {**queued, "state": "submitted", "evidence": "hook", "ms": 1_500.0}
    assert line(terminal, taken).endswith("submitted     hook  +1.5 s")


def test_a_clock_behind_ours_makes_no_length_below_zero(terminal: Terminal) -> None:
    assert line(terminal, {**HELD, "ms": -70.0}).endswith("+0 ms")


def test_nothing_in_a_line_can_steer_a_terminal(terminal: Terminal) -> None:
    hostile = dict.fromkeys(("from", "to", "state", "reason", "detail", "evidence"), "\x1b[2J")
    assert "\x1b" not in line(terminal, {**HELD, **hostile, "at": "\x1b[2J"})


def test_lines_come_as_they_happen_and_ctrl_c_is_a_good_end() -> None:
    never = threading.Event()
    with scripted({"watch": [FOLLOWS, {"item": HELD}, never]}) as (home, door):
        process = home.begin("watch", "--json", "--agent", "rin")
        assert process.stdout
        assert json.loads(process.stdout.readline()) == HELD
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        never.set()
    assert (process.returncode, err) == (0, b"")
    assert door.asked == [{"call": "watch", "args": {"agent": "rin"}}]


def test_that_it_follows_is_said_once_the_node_says_so() -> None:
    with scripted({"watch": [FOLLOWS, {"item": HELD}, b""]}) as (home, _):
        said = home.run("watch")
    assert (said.code, said.err) == (0, "following; Ctrl-C ends it\nthe node has stopped\n")
    assert "operator@white -> rin@nova" in said.out


def test_an_error_of_the_node_is_told_as_any_other() -> None:
    error = {"code": "not_allowed", "message": "no", "hint": "ask", "layer": "trust"}
    with scripted({"watch": [{"error": error, "exit": 7}]}) as (home, _):
        said = home.run("watch")
    assert (said.code, said.out, said.err) == (7, "", "error: no\nhint: ask\n")
