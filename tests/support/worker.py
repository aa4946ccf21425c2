"""A scripted agent of a team: reads what is typed to it, and works as its briefing says.

    PYTHONPATH=REPOSITORY python -m tests.support.worker RECORD [--pause SECONDS] …

Once it has been told its place it takes one task after the other: claims it, starts, writes a file into
its folder and commits that, tells what it learnt, and says done with the commit. A line ``found: WORDS`` in
a task's text is something that it finds on the side: a task of its own. Asked to shut down it finishes what
it is at, and says goodbye with a note to the next one. Everything it does goes through ``fleet``, each
command with a key, so that it can be asked again while a home is away.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from tests.support import recorder
from tests.support.recorder import Recorder
from tests.support.recording import FRAMED

PLACE = re.compile(
    r"^You are (?P<team>[^/\s]+)/(?P<seat>[^,\s]+), a member of the team", re.MULTILINE
)
FOUND = re.compile(r"^found: (?P<words>.+)$", re.MULTILINE)
BROUGHT_DOWN = re.compile(r"^The team \S+ is being brought down\.", re.MULTILINE)
NOT_THERE = frozenset({5, 8})
"""Exit codes after which the same is asked again."""
SOONEST_S, LATEST_S = 0.25, 2.0
GIT_AS = ("-c", "user.name=agent", "-c", "user.email=agent@example.net")

Told = dict[str, Any]


class Worker(Recorder):
    """A recorder that does what it is told."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._life = uuid.uuid4().hex[:8]
        self._said = 0
        self._screen = threading.Lock()
        self._waiting: list[str] = []
        self._is_asked_to_end = threading.Event()
        self._work: threading.Thread | None = None
        self.seat = ""

    # --- its screen ---

    def feed(self, data: bytes, now_s: float) -> None:
        with self._screen:
            super().feed(data, now_s)
            if not self.turn and not self.in_paste and self._waiting:
                self._flush()

    def say(self, line: str) -> None:
        """A row above the prompt, once nothing stands in that."""
        with self._screen:
            self._waiting.append(line)
            if not self.turn and not self.in_paste:
                self._flush()

    def _flush(self) -> None:
        self.show("\r\x1b[K" + "".join(f"* {line}\r\n" for line in self._waiting))
        self._waiting.clear()
        self.prompt()

    # --- what it is told ---

    def tell(self, text: str) -> None:
        """A turn has come."""
        super().tell(text)
        framed = FRAMED.fullmatch(text)
        words = framed["text"] if framed else text
        if BROUGHT_DOWN.search(words):
            self._is_asked_to_end.set()
            if self._work is None:
                self._begin()
        elif (place := PLACE.search(words)) and self._work is None:
            self.seat = place["seat"]
            self._begin()

    def _begin(self) -> None:
        threading.excepthook = lambda what: self.note(died=repr(what.exc_value))
        self._work = threading.Thread(target=self._live, daemon=True)
        self._work.start()

    # --- what it does ---

    def _live(self) -> None:
        self._go_on()
        pause_s = SOONEST_S
        while not self._is_asked_to_end.wait(pause_s):
            task = self._fleet("task", "claim")
            pause_s = min(pause_s * 2, LATEST_S) if task is None else SOONEST_S
            if task is not None:
                self._do(task)
        self._end()

    def _go_on(self) -> None:
        """What its seat holds already, it finishes first."""
        for task in self._look("task", "ls", "--holder", self.seat) if self.seat else ():
            claimed = self._fleet("task", "claim", task["id"])
            if claimed is not None:
                self._do(claimed)

    def _do(self, task: Told) -> None:
        """One task, as far as it stays its own."""
        name, token = task["id"], ("--token", str(task["token"]))
        self.say(f"{name} claimed: {task['title']}")
        if self._fleet("task", "start", name, *token) is None:
            return
        for found in FOUND.finditer(task["text"]):
            self._find(found["words"], name)
        time.sleep(self.options.pause)
        commit = self._commit(name, task["title"])
        learnt = f"{name}: {task['title']} is in work/{name}.md"
        self._fleet("memory", "add", learnt, "--task", name)
        if self._fleet("task", "done", name, f"commit {commit}", *token) is not None:
            self.say(f"{name} done, commit {commit}")

    def _find(self, words: str, name: str) -> None:
        """Something on the side of a task, unless whoever was at it before has said so."""
        known = [
            task["title"]
            for task in self._look("task", "ls", "--all")
            if task["found_while"] == name
        ]
        if words not in known:
            self._fleet("task", "add", words, "--found-while", name)

    def _commit(self, name: str, title: str) -> str:
        """Put a file into its folder and commit it; the commit."""
        file = Path("work") / f"{name}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{title}\n\nby {os.environ['FLEET_AGENT']}\n", encoding="utf-8")
        _git("add", str(file))
        _git("commit", "-q", "--allow-empty", "-m", f"{name}: {title}")
        return _git("rev-parse", "--short", "HEAD").strip()

    def _end(self) -> None:
        if self._fleet("team", "bye", "--note", "nothing is half done") is not None:
            self.say("said goodbye")

    # --- how it speaks ---

    def _fleet(self, *words: str) -> Told | None:
        """A command that counts once; asked again until there is an answer, None when that is a no."""
        self._said += 1
        key = () if words[0] == "team" else ("--key", f"{self._life}-{self._said}")
        while True:
            said = _run("fleet", *words, *key, "--json")
            self.note(said=list(words), code=said.returncode, told=said.stdout)
            if said.returncode not in NOT_THERE:
                return json.loads(said.stdout) if said.returncode == 0 else None
            time.sleep(LATEST_S)

    def _look(self, *words: str) -> list[Told]:
        said = _run("fleet", *words, "--json")
        return list(json.loads(said.stdout)) if said.returncode == 0 else []


def _git(*words: str) -> str:
    said = _run("git", *GIT_AS, *words)
    assert said.returncode == 0, said.stderr
    return said.stdout


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )


def installed(folder: Path, pause_s: float) -> Path:
    """A program to be named in a team file, as short as any: this one, its records in the same folder."""
    program = folder / "agent"
    program.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={Path(__file__).parents[2]} exec {sys.executable} -m tests.support.worker"
        f' "{folder}/$FLEET_AGENT@$FLEET_NODE.jsonl" --pause {pause_s:g}\n'
    )
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    recorder.main(Worker)
