"""``fleet down`` while the node is not there yet, or not any more, or between two of its lives."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fleet.paths import Paths
from node.faults import CONSENT, CONSENTS, FAULTS
from tests.support.homes import LOOPBACK, Home, is_zombie, scene
from tests.support.until import until

STALLED_S = 1.5


def failing(home: Home, point: str) -> Home:
    """The same home, whose next node stands still for a moment at a point."""
    faults = {FAULTS: f"{point}=stall{STALLED_S}", CONSENT: CONSENTS}
    return replace(home, environment={**home.environment, **faults})


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or is_zombie(pid)


def stopped(home: Home) -> int:
    """``fleet down`` finds a node, which is gone when it comes back."""
    pid = home.ask("down")["stopped"]
    assert pid, "it found one"
    assert is_gone(pid)
    assert home.ask("down") == {"stopped": None}
    return int(pid)


def test_a_node_that_is_only_just_starting_is_waited_for_and_stopped() -> None:
    with scene() as stage:
        white = stage.home("white")
        start = failing(white, "db:write").begin(
            "up", "--name", "white", "--listen", LOOPBACK, "--no-mdns"
        )
        until(Paths(white.root).lock.exists, "the home is taken")
        assert not Paths(white.root).door.exists(), "and the node has no door yet"
        stopped(white)
        start.communicate()
        assert white.again()["node"] == "white", "nothing is in its way afterwards"


def test_a_node_between_two_lives_is_stopped_and_has_its_new_key_when_it_is_started() -> None:
    with scene() as stage:
        white = failing(stage.home("white"), "rotate:before_rekey_commit")
        before = white.up()
        rotation = white.begin("trust", "rotate-key", "--json")
        door = Paths(white.root).door
        until(lambda: not door.exists(), "its first life is over")
        assert stopped(white) == before["pid"], "it is the same process"
        rotation.send_signal(signal.SIGINT)  # or it would wait for the node a while longer
        rotation.communicate()
        after = white.again()
        assert after["id"] != before["id"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_that_is_told_to_end_while_it_starts_leaves_nothing_in_the_way(number: int) -> None:
    with scene() as stage:
        white = stage.home("white")
        start = failing(white, "db:write").begin("up", "--name", "white", "--no-mdns", "--json")
        lock = Paths(white.root).lock
        until(lock.exists, "the home is taken")
        (pid,) = node_of(white)
        os.kill(pid, number)
        until(partial(is_gone, pid), "it has ended")
        start.communicate()
        assert start.returncode != 0, "who started it is told"
        assert white.up()["node"] == "white"


def node_of(home: Home) -> list[int]:
    """The process that holds a home which has no door yet."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode().split("\0")
        except OSError:
            continue
        if str(home.root) in words and "node" in words:
            found.append(int(entry.parent.name))
    return found
