"""Terminal programs as agents of one real node, and the person who sits at them.

Programs write down what they were given, and that is what tests judge by; a receipt is compared with
it, never believed alone.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.homes import Home, Said, Scene, scene
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

PROFILES = {
    "recorder": """
title = "recorder"
paste = "bracketed"
prompt = '^> '
dialog = ['^Allow this\\?']
busy = ['^\\(at work\\)']
show_limit_s = 0.5
evidence_limit_s = 2.5
""",
    "boxed": """
title = "recorder, whose input has several rows"
paste = "bracketed"
prompt = '^> '
continuation = '^  '
folded = '\\[folded \\d+\\]'
busy = ['^\\(at work\\)']
queues_while_busy = true
settle_s = 0.3
busy_enter_s = 0.05
show_limit_s = 0.5
evidence_limit_s = 1.5
stronger_s = 1.0
transcript = ["talk.jsonl"]

[hooks]
arguments = ["--tell", "{tell}"]
""",
    "blanks": """
title = "recorder, which makes blanks of tabs"
paste = "bracketed"
prompt = '^> '
keeps_tabs = false
paste_limit_bytes = 2000
evidence_limit_s = 1.5
""",
    "patient": """
title = "recorder, waited for longer"
paste = "bracketed"
prompt = '^> '
""",
    "hasty": """
title = "any program, given up on soon"
line_reader = true
show_limit_s = 0.2
evidence_limit_s = 0.5
""",
}
"""``recorder.py`` as a profile would tell of it, and ``generic`` for tests that wait for the limit."""

SIZES = {
    "1 line": "the tests are green",
    "3 lines": "one\n  two, indented\n\nthree after a blank one",
    "500 lines": "\n".join(f"line {number:03d} of 500 " + "x" * 52 for number in range(500)),
}
"""The last is 34 KB."""


@dataclass(frozen=True)
class Program:
    """One agent's terminal."""

    name: str
    pane: str
    room: TerminalRoom

    def press(self, *keys: str) -> None:
        """What its person presses; names of keys as tmux has them."""
        self.room.world.tmux("send-keys", "-t", self.pane, *keys)

    def write(self, text: str) -> None:
        """What its person types."""
        self.room.world.tmux("send-keys", "-t", self.pane, "-l", text)

    def screen(self) -> str:
        return self.room.world.tmux("capture-pane", "-p", "-t", self.pane)

    def wait_shows(self, text: str) -> None:
        """Wait until the screen shows a text."""
        until(lambda: text in self.screen(), f"{self.name} shows {text!r}")

    def send(self, text: str, *options: str) -> Said:
        """A message to it, from standard input."""
        words = ("send", self.name, "-f", "-", "--json", *options)
        return self.room.home.run(*words, stdin=text)

    def begin(self, text: str, *options: str) -> subprocess.Popen[bytes]:
        """A message to it that is left waiting."""
        return self.room.home.begin("send", self.name, text, "--json", *options)

    def sent(self, text: str, *options: str) -> Any:
        """A message that has to be submitted; its receipt."""
        said = self.send(text, *options)
        assert said.code == 0, said
        assert (said.json["state"], said.json["evidence"]) == ("submitted", "screen")
        return said.json

    def held(self, text: str, reason: str) -> str:
        """A message that has to be held for this reason; its id."""
        said = self.send(text, "--timeout", "0.4")
        assert said.code == 5, said
        envelope_id = str(said.json["id"])
        self.wait_held(envelope_id, reason)
        return envelope_id

    def wait_held(self, envelope_id: str, reason: str) -> None:
        """Wait until a message is held for this reason."""

        def held() -> bool:
            shown = self.room.home.ask("show", envelope_id)
            return (shown["state"], shown["reason"]) == ("held", reason)

        until(held, f"{envelope_id} is held: {reason}")

    def wait_state(self, envelope_id: str, state: str) -> Any:
        """Wait until a message is in this state; its receipt."""
        until(lambda: self.room.home.state_of(envelope_id) == state, f"{envelope_id} is {state}")
        return self.room.home.ask("show", envelope_id)


@dataclass(frozen=True)
class TerminalRoom:
    """One node, one tmux server, any number of programs."""

    world: Scene
    home: Home

    @property
    def folder(self) -> Path:
        return self.world.folder

    def start(
        self, name: str, profile: str, program: Sequence[str], shows: str, *options: str
    ) -> Program:
        """Start a program as an agent and wait for what it shows first."""
        words = ("start", name, "--profile", profile, "--cwd", str(self.folder), *options, "--")
        agent = Program(name, self.home.ask_with(words, program)["pane"], self)
        agent.wait_shows(shows)
        return agent

    def recorder(
        self, name: str, *options: str, profile: str = "recorder", hooks: bool = False
    ) -> tuple[Program, Recording]:
        """Start a recorder as an agent."""
        recording = Recording(self.folder / f"{name}.jsonl")
        program = (sys.executable, str(PROGRAM), str(recording.path), *options)
        shows = "Allow this?" if "--dialog" in options else ">"
        start = ("--hooks",) if hooks else ()
        return self.start(name, profile, program, shows, *start), recording

    def recorder_in_a_shell(self, name: str, *options: str) -> tuple[Program, Recording]:
        """Adopt a recorder that a person has started in their shell."""
        recording = Recording(self.folder / f"{name}.jsonl")
        pane = self.world.tmux(
            "new-session", "-d", "-s", name, "-x", "100", "-y", "30", "-P", "-F", "#{pane_id}",
            "-c", str(self.folder), "env", "PS1=shell$ ", "bash", "--norc", "--noprofile", "-i",
        ).strip()  # fmt: skip
        program = Program(name, pane, self)
        program.wait_shows("shell$")
        program.write(f"{sys.executable} {PROGRAM} {recording.path} {' '.join(options)}")
        program.press("Enter")
        program.wait_shows("\n>")
        self.home.ask("adopt", name, "--pane", pane, "--profile", "recorder")
        return program, recording


@contextlib.contextmanager
def terminal_room() -> Iterator[TerminalRoom]:
    """A node that is up, with the profiles of tests."""
    with scene() as world:
        home = world.home("white")
        folder = home.root / "profiles"
        folder.mkdir(parents=True, mode=0o700)
        home.root.chmod(0o700)
        for name, text in PROFILES.items():
            (folder / f"{name}.toml").write_text(text)
        home.up()
        yield TerminalRoom(world, home)
