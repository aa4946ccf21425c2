"""A program on the stage: what its person does, what its screen shows, what is sent to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.core.composer import Composer, composer
from fleet.core.look import Look
from fleet.core.profile import Profile
from fleet.core.screen import asking, is_busy
from tests.agents.model_server import Request
from tests.agents.programs import Program
from tests.agents.stage import Stage
from tests.support.until import until

START_LIMIT_S = 90.0  # opencode once took that long to read its terminal
LIMIT_S = 60.0
HOLD_S = "1.5"
"""For a send that is expected to be held: the node's first word on it comes within milliseconds."""


class Stuck(Exception):
    """The program does not come where it should; the screen says where it is."""

    def __init__(self, what: str, screen: str) -> None:
        super().__init__(what)
        self.what = what
        self.screen = screen


@dataclass
class Actor:
    """One program as an agent of the stage's node."""

    program: Program
    profile: Profile
    stage: Stage
    command: Path
    with_hooks: bool
    pane: str = ""
    asked: list[str] = field(default_factory=list)  # what its person said to it

    @property
    def name(self) -> str:
        return self.program.name

    # --- its life ---

    def start(self) -> None:
        """Start it as the product does; comes back while it is still starting."""
        words = ["start", self.name, "--profile", self.profile.name, "--cwd", str(self.stage.work)]
        words += ["--hooks"] if self.with_hooks else []
        started = self.stage.home.ask_with((*words, "--"), [str(self.command)])
        self.pane = started["pane"]
        self.stage.show(self.pane)

    def restart(self) -> None:
        """End it and start it anew."""
        self.stage.server.release(self.name)
        self.stage.server.ask_for(self.name, "")
        self.stage.home.run("stop", self.name)
        self.start()

    def fresh(self) -> None:
        """A new life, ready for input."""
        self.restart()
        self.wait_idle(START_LIMIT_S)

    # --- its screen ---

    def look(self) -> Look:
        """What a person sees, as the product's own reader takes it."""
        told = self.stage.world.tmux(
            "display-message", "-p", "-t", self.pane, "#{cursor_x} #{cursor_y} #{pane_title}"
        )
        x, y, title = told.rstrip("\n").split(" ", 2)
        rows = tuple(self.screen().split("\n"))
        return Look(exists=True, rows=rows, cursor_x=int(x), cursor_y=int(y), title=title)

    def screen(self) -> str:
        return self.stage.world.tmux("capture-pane", "-p", "-t", self.pane)

    def pictured(self) -> str:
        """Cursor and title, then the screen."""
        look = self.look()
        return "\n".join((f"{look.cursor_x},{look.cursor_y} {look.title}", *look.rows))

    def shows(self, text: str) -> bool:
        """Whether the screen shows a text; breaks of rows and blanks make no difference."""
        return "".join(text.split()) in "".join(self.screen().split())

    def asks(self) -> bool:
        """Whether it asks its person about a command: by its own words, not by its profile."""
        return self.shows(self.program.question)

    def is_idle(self) -> bool:
        """Whether it waits for input: nothing is asked, answered or typed."""
        look = self.look()
        return (
            not self.stage.server.is_answering(self.name)
            and composer(self.profile, look) is Composer.EMPTY
            and not asking(self.profile, look)
            and not is_busy(self.profile, look)
        )

    def wait(self, condition: Any, what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for a condition.

        Raises:
            Stuck: it never came true.
        """
        try:
            until(condition, what, limit_s)
        except AssertionError:
            raise Stuck(what, self.pictured()) from None

    def wait_idle(self, limit_s: float = LIMIT_S) -> None:
        """Wait until it waits for input, in two looks that are the same: programs redraw."""
        seen: list[Look] = []

        def is_steady() -> bool:
            idle, look = self.is_idle(), self.look()
            was_same = bool(seen) and idle and seen[-1] == look
            seen.append(look)
            return was_same

        self.wait(is_steady, f"{self.name} waits for input", limit_s)

    # --- its person ---

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self.stage.world.tmux("send-keys", "-t", self.pane, *keys)

    def write(self, text: str) -> None:
        """Type a text, without Enter, and see it."""
        self.stage.world.tmux("send-keys", "-t", self.pane, "-l", text)
        self.wait(lambda: self.shows(text), f"{self.name} shows {text!r} as typed")

    def ask(self, text: str) -> None:
        """Type a prompt and Enter, again if Enter was swallowed; until the model has it."""
        prompt = f"{text} {secrets.token_hex(4)}"
        self.asked.append(prompt)
        self.write(prompt)
        for _ in range(3):
            self.press("Enter")
            try:
                until(lambda: self.was_told(prompt), "the model has it", 5.0)
            except AssertionError:
                continue
            return
        raise Stuck(f"{self.name} takes no prompt from its person", self.pictured())

    # --- what it was told ---

    def requests(self) -> list[Request]:
        """What it asked its model, helpers of the conversation left out."""
        return [r for r in self.stage.server.requests(self.name) if r.is_main]

    def was_told(self, text: str) -> bool:
        """Whether a text reached its model."""
        return any(text in turn for r in self.requests()[-4:] for turn in r.asked.texts)

    def send(self, text: str, key: str, timeout_s: str = "30") -> dict[str, Any]:
        """A message, from standard input; its receipt. The same key again only waits on."""
        words = ("send", self.name, "-f", "-", "--json", "--key", key, "--timeout", timeout_s)
        said = self.stage.home.run(*words, stdin=text.encode())
        told = said.json if said.out.strip() else {}
        if "state" not in told:
            raise Stuck(f"fleet send gives no receipt: {said}", self.pictured())
        return dict(told)

    def receipt(self, envelope_id: str) -> dict[str, Any]:
        """What the node says of an envelope now."""
        return dict(self.stage.home.ask("show", envelope_id))
