"""A team, shown: six scripted members on two nodes, twelve tasks, one of them killed, and a goodbye.

Real nodes, real mutual TLS, a real tmux server, real git worktrees, throw-away homes; no agent program and
no model. The members are ``tests/support/worker.py``: they read what is typed to them and run ``fleet``. As
in ``make demo``, each line that begins with a dollar sign is the command that was run, and a step that does
not do what its title says ends the demo with an error.
"""

from __future__ import annotations

import os
import signal
import time

from tests.demo.stage import BOLD, OFF, Stage
from tests.support.homes import Scene, scene
from tests.support.team_of_six import TASKS, TeamOfSix
from tests.support.until import until

PAUSE_S = 1.0
"""How long a member is at a task; the longest chain of tasks has six."""
VICTIM = "impl-2"


def main() -> None:
    """Play it."""
    began_s = time.monotonic()
    stage = Stage()
    with scene() as world:
        play(stage, world)
    took_s = time.monotonic() - began_s
    print(
        f"\n{BOLD}Done{OFF} in {took_s:.1f} s; nodes, members, worktrees and homes are gone again."
    )


def play(stage: Stage, world: Scene) -> None:
    """All steps."""
    white, nova = world.home("white"), world.home("nova")
    six = TeamOfSix(white, nova, world.folder)
    stage.step("Two nodes of one fleet, each with a checkout of the shop")
    for home in (white, nova):
        stage.run(home, "up", "--name", home.name, "--listen", "127.0.0.1:0", "--no-mdns")
    world.join(white, nova)
    six.write(PAUSE_S, lease_s=600)
    form(stage, six)
    bring_up(stage, six)
    work(stage, world, six)
    look(stage, six)
    bring_down(stage, six)


def form(stage: Stage, six: TeamOfSix) -> None:
    """One file, one invitation, one yes."""
    stage.step("A person writes one file, and applies it")
    stage.run(six.home, "team", "check", str(six.file), lines=3)
    stage.run(six.home, "team", "apply", str(six.file), "--yes")
    stage.step("nova is asked; its person sees what for, and says where the shop lies there")
    asked = stage.run(six.home, "team", "invite", "web", "nova").out.strip()
    stage.run(six.other, "team", "invitations")
    repository = f"shop={six.checkout(six.other)}"
    stage.run(six.other, "team", "accept", asked[:8], "--repo", repository, lines=3)
    stage.step("Twelve tasks; some wait for others")
    six.add_tasks()
    stage.run(six.home, "task", "ls")


def bring_up(stage: Stage, six: TeamOfSix) -> None:
    """Six members on two nodes."""
    stage.step(
        "The team is brought up: each member in a worktree of its own, told its job, with proof"
    )
    stage.run(six.home, "team", "up", "web", "--checkout", str(six.checkout(six.home)))
    stage.run(six.home, "team", "ls")


def work(stage: Stage, world: Scene, six: TeamOfSix) -> None:
    """They work; one is killed, and comes back with what it held."""
    stage.step(f"They work. {VICTIM} is killed in the middle of a task …")
    until(lambda: six.holds(VICTIM), f"{VICTIM} is at a task")
    (task,) = six.holds(VICTIM)
    os.kill(six.pid_of(VICTIM), signal.SIGKILL)
    stage.note(f"kill -9 of {VICTIM}, which holds {task}")
    until(lambda: six.members()[VICTIM]["state"] == "offline", "its death is known at the home")
    stage.run(six.home, "team", "status", "web")
    stage.step("… and comes back: told what it has to know, and what it still holds")
    stage.run(six.home, "team", "respawn", f"web/{VICTIM}")
    until(lambda: six.state_of(task) == "done", f"{task} is done")
    stage.run(six.home, "task", "show", task)
    until(six.are_done, "all tasks are done")


def look(stage: Stage, six: TeamOfSix) -> None:
    """What was done, and what was learnt."""
    stage.step(f"All {len(TASKS)} are done, and one that was found on the side")
    stage.run(six.home, "task", "ls", "--all")
    stage.note(
        "the same list on nova, read from its own copy; and what one member's terminal shows:"
    )
    stage.run(six.other, "task", "ls", "--all", lines=3)
    stage.run(six.other, "peek", "web/review", "--lines", "6")
    stage.run(six.home, "memory", "ls", "web", lines=5)
    six.judge()


def bring_down(stage: Stage, six: TeamOfSix) -> None:
    """Everybody is asked, and says goodbye."""
    stage.step("The team is brought down: everybody is asked to save, says goodbye, and is ended")
    stage.run(six.home, "team", "down", "web", "--deadline", "20s")
    stage.run(six.home, "team", "ls")
    stage.run(six.home, "team", "retro", "web", lines=12)


if __name__ == "__main__":
    main()
