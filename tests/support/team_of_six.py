"""A team of six scripted members on two nodes, their twelve tasks, and what has to be true in the end.

One lead, who takes no tasks, three implementers, a reviewer and a shipper; each that works in a git
worktree of its own, on the node where it lives. Each node has a checkout of its own of one repository.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import worker
from tests.support.homes import Home

SHOP = "https://git.example.net/shop.git"
TASKS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("plan the shop", "", ()),
    ("write the catalogue", "", (1,)),
    ("write the basket", "found: the basket forgets what was in it", (1,)),
    ("write the checkout", "", (3,)),
    ("write the search", "", (2,)),
    ("draw the pages", "", (1,)),
    ("test the catalogue", "", (2,)),
    ("test the basket", "", (3,)),
    ("test the checkout", "", (4,)),
    ("review it all", "", (5, 7, 8, 9)),
    ("write the manual", "", (6,)),
    ("ship it", "", (10, 11)),
)
"""Title, text, and the numbers of the tasks that come before it."""
FOUND = "the basket forgets what was in it"

FILE = """\
name = "web"
lead = "lead"
about = "The shop that sells fish."
repository = "{shop}"
test = "make test"
lease_s = {lease_s:g}

[roles.lead]
profile = "generic"
command = {command}
node = "{home}"
worktree = "none"
limits = {{ claims = 0 }}

[roles.impl]
profile = "generic"
command = {command}
count = 3
orders = "One task at a time. Commit before you say done."

[roles.review]
profile = "generic"
command = {command}
node = "{other}"

[roles.ship]
profile = "generic"
command = {command}
node = "{home}"
"""


def git(folder: Path, *words: str) -> str:
    """A git command in a folder; what it printed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *worker.GIT_AS, *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout


def checkout(folder: Path) -> Path:
    """A checkout of the shop, as one lies on every host."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "README").write_text("A shop that sells fish.\n")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "begin")
    return folder


def _environment(entry: Path) -> dict[str, str]:
    pairs = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


@dataclass(frozen=True)
class TeamOfSix:
    """The team's two homes, the first of which is its own, and the folder for all else."""

    home: Home
    other: Home
    folder: Path

    @property
    def file(self) -> Path:
        """The team file."""
        return self.folder / "team.toml"

    def write(self, pause_s: float, lease_s: float) -> None:
        """The team file, and on each node a checkout of the shop."""
        command = json.dumps([str(worker.installed(self.folder, pause_s))])
        self.file.write_text(
            FILE.format(
                shop=SHOP, lease_s=lease_s, command=command, home=self.home.name,
                other=self.other.name,
            )
        )  # fmt: skip
        for home in (self.home, self.other):
            checkout(self.checkout(home))

    def checkout(self, home: Home) -> Path:
        """Where the shop lies on a home's host."""
        return self.folder / f"{home.name}-src"

    def add_tasks(self) -> None:
        """Put the twelve on the list."""
        for title, text, after in TASKS:
            behind = [word for number in after for word in ("--after", f"T{number}")]
            self.home.ask("task", "add", title, *(("--text", text) if text else ()), *behind)

    # --- how it stands ---

    def tasks(self, home: Home | None = None) -> list[dict[str, Any]]:
        """All tasks, by number."""
        return list((home or self.home).ask("task", "ls", "--all"))

    def are_done(self) -> bool:
        """Whether all are: the twelve, and the one that was found on the side."""
        states = [task["state"] for task in self.tasks()]
        return len(states) == len(TASKS) + 1 and set(states) == {"done"}

    def history(self, task: str) -> list[dict[str, Any]]:
        """All that happened to one task."""
        return list(self.home.ask("task", "show", task)["history"])

    def holds(self, seat: str) -> list[str]:
        """What a seat is at."""
        return [one["id"] for one in self.tasks() if self._is_at(one, seat)]

    def _is_at(self, task: dict[str, Any], seat: str) -> bool:
        return (task["holder"], task["state"]) == (seat, "started")

    def state_of(self, task: str) -> str:
        """Of one task."""
        return str(self.home.ask("task", "show", task)["state"])

    def programs(self) -> dict[str, int]:
        """The members' programs that run, by address, with their pids."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                given = _environment(entry)
                for home in (self.home, self.other):
                    if "tests.support.worker" in words and given["FLEET_HOME"] == str(home.root):
                        found[f"{given['FLEET_AGENT']}@{home.name}"] = int(entry.name)
        return found

    def pid_of(self, seat: str) -> int:
        """The program of the member in a seat."""
        return self.programs()[self.members()[seat]["address"]]

    def members(self) -> dict[str, dict[str, Any]]:
        """Who fills which seat."""
        return {one["seat"]: one for one in self.home.ask("team", "show", "web")["seats"]}

    def worktrees(self) -> dict[str, Path]:
        """Each folder that a member has had, by seat and node."""
        found = [*(h.root / "worktrees" / "web" for h in (self.home, self.other))]
        return {
            f"{seat.name}@{place.parents[1].name}": seat
            for place in found
            if place.is_dir()
            for seat in place.iterdir()
            if (seat / ".git").exists()
        }

    def tale(self) -> str:
        """The list as it stands, and the last that each member said and was answered."""
        told = [self.home.run("task", "ls", "--all").out]
        for record in sorted(self.folder.glob("*.jsonl")):
            told += [record.name, *(line[:300] for line in record.read_text().splitlines()[-4:])]
        return "\n".join(told)

    # --- what has to be true in the end ---

    def judge(self) -> None:
        """Every task done once, held by one at a time, with a commit that is there; all findings kept."""
        commits = self._commits()
        found = Counter(str(one["task"]) for one in self.home.ask("memory", "ls", "web"))
        for task in self.tasks():
            kinds = self._kinds(task["id"])
            assert kinds["task_done"] == 1, f"{task['id']} was done {kinds['task_done']} times"
            proof = task["evidence"].removeprefix("commit ")
            assert any(one.startswith(proof) for one in commits), f"{task} is committed nowhere"
            assert found[task["id"]] >= 1, f"nothing was learnt at {task['id']}"
        (side,) = (task for task in self.tasks() if task["title"] == FOUND)
        assert side["found_while"] == "T3"

    def _kinds(self, task: str) -> Counter[str]:
        """How often each thing happened to a task, which had one holder at a time."""
        holder, history = "", self.history(task)
        for one in history:
            match one["what"]:
                case "task_claimed":
                    assert not holder, (
                        f"{task} is claimed by {one['holder']}, and {holder} holds it"
                    )
                    holder = one["holder"]
                case "task_done" | "task_released":
                    holder = ""
                case _:
                    pass
        return Counter(one["what"] for one in history)

    def _commits(self) -> set[str]:
        """All commits that members have made."""
        return {
            line
            for home in (self.home, self.other)
            for line in git(self.checkout(home), "log", "--all", "--format=%H").splitlines()
        }
