"""Six members on two hosts take twelve tasks: one of them is killed, a node restarted, the home cut off.

As ``make demo-team``, with trouble: real namespaces, mDNS, TLS, a tmux server and git worktrees on each
host. In the end every task was done once, by one holder at a time, all that was learnt is there, and
everybody has said goodbye. How long it took is printed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene, is_zombie, scene
from tests.support.namespaces import Network, network
from tests.support.team_of_six import TASKS, TeamOfSix
from tests.support.until import until

WHERE = {"white": "10.77.0.1", "nova": "10.77.0.2"}
PAUSE_S = 1.5
LEASE_S = 30.0
"""The shortest that a team file may say: so long a killed member keeps what it held."""
CUT_S = 6.0
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Stage:
    """Two hosts with a node each, of one fleet, and the team that is to be on them."""

    wires: Network
    six: TeamOfSix

    @property
    def home(self) -> Home:
        return self.six.home

    @property
    def other(self) -> Home:
        return self.six.other


@pytest.fixture
def stage(_possible: None) -> Iterator[Stage]:
    with network() as wires, scene() as one, scene() as other:
        white, nova = _up(wires, one, "white"), _up(wires, other, "nova")
        one.join(white, nova)
        six = TeamOfSix(white, nova, one.folder)
        six.write(PAUSE_S, LEASE_S)
        yield Stage(wires, six)


def _up(wires: Network, stage: Scene, name: str) -> Home:
    wires.plug_in(name, WHERE[name])
    home = replace(stage.home(name), prefix=wires.on(name))
    home.ask("up", "--name", name, "--listen", "0.0.0.0:7717")
    return home


def test_twelve_tasks_are_done_once_each_whoever_dies_or_is_away(stage: Stage) -> None:
    six, began_s = stage.six, time.monotonic()
    form(stage)
    up_s = bring_up(stage)
    killed = kill_one(stage)
    restart_the_other(stage)
    cut_the_home_off(stage)
    try:
        until(six.are_done, "all tasks are done", PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{six.tale()}") from None
    six.judge()
    assert_came_back(stage, killed)
    bring_down(stage)
    took_s = time.monotonic() - began_s
    sys.stdout.write(
        f"\nteam of six: up and briefed after {up_s:.1f} s, the end after {took_s:.1f} s\n"
    )


def form(stage: Stage) -> None:
    six = stage.six
    stage.home.ask("team", "apply", str(six.file), "--yes")
    asked = stage.home.ask("team", "invite", "web", "nova")
    stage.other.ask("team", "accept", asked["id"], "--repo", f"shop={six.checkout(stage.other)}")
    six.add_tasks()


def bring_up(stage: Stage) -> float:
    began_s = time.monotonic()
    filled = stage.home.ask("team", "up", "web", "--checkout", str(stage.six.checkout(stage.home)))
    assert [one["brief"] for one in filled] == ["submitted"] * 6, filled
    assert {one["node"] for one in filled} == set(WHERE)
    return time.monotonic() - began_s


def kill_one(stage: Stage) -> tuple[str, str]:
    """A member at the home dies at its work; which, and what it was at."""
    six = stage.six
    here = [seat for seat, one in six.members().items() if one["address"].endswith("@white")]
    until(lambda: six.state_of("T1") == "done", "there is work for all")
    pids = six.programs()
    until(lambda: any(map(six.holds, here)), "somebody at home is at a task")
    while True:
        seat = next(filter(six.holds, here), here[0])
        pid = pids[six.members()[seat]["address"]]
        os.kill(pid, signal.SIGSTOP)
        until(partial(is_silent, pid), "no command of it is under way")
        if held := six.holds(seat):
            os.kill(pid, signal.SIGKILL)
            return seat, held[0]
        os.kill(pid, signal.SIGCONT)


def is_silent(pid: int) -> bool:
    """Whether a process that stands still has no child that runs."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return all(is_zombie(int(child)) for one in lists for child in one.read_text().split())


def restart_the_other(stage: Stage) -> None:
    """The other node dies; its members live on in their panes, and so do their claims."""
    before = there(stage)
    stage.other.kill()
    stage.other.ask("up")
    assert there(stage) == before
    until(partial(stage.home.sees, "nova"), "they have a link again")


def there(stage: Stage) -> dict[str, int]:
    """The members on nova, with their pids."""
    programs = stage.six.programs()
    return {who: pid for who, pid in programs.items() if who.endswith("@nova")}


def cut_the_home_off(stage: Stage) -> None:
    """While the home is away its list can be read on nova, and nothing can be written there."""
    stage.wires.cut("white")
    began_s = time.monotonic()
    until(lambda: not stage.other.sees("white"), "the link is gone", 40.0)
    assert len(stage.six.tasks(stage.other)) >= len(TASKS)
    said = stage.other.run("task", "add", "nobody hears this")
    assert said.code == 8, said
    until(lambda: time.monotonic() - began_s > CUT_S, "it was away for a while")
    stage.wires.heal("white")
    until(partial(stage.home.sees, "nova"), "they have a link again", 60.0)


def assert_came_back(stage: Stage, killed: tuple[str, str]) -> None:
    """What the dead member held was given to somebody else, with a note."""
    seat, task = killed
    history = stage.six.history(task)
    (released,) = (one for one in history if one["what"] == "task_released")
    assert f"the claim of {seat} ran out" in released["why"]
    first, second = (one["holder"] for one in history if one["what"] == "task_claimed")
    assert first == seat != second


def bring_down(stage: Stage) -> None:
    """The dead one is started again; then all six are asked, answer, and are gone."""
    six = stage.six
    stage.home.ask("team", "up", "web", "--checkout", str(six.checkout(stage.home)))
    parted = stage.home.ask("team", "down", "web", "--deadline", "60")
    assert [(one["seat"], one["answered"], one["ended"]) for one in parted] == [
        (seat, True, True) for seat in ("impl", "impl-2", "impl-3", "lead", "review", "ship")
    ]
    assert not six.programs()
    assert not six.members()
    assert len(six.worktrees()) == 0, "nothing in them was unsaved: they are all in the branches"
