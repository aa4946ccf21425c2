"""What a program is at when a message arrives, and how a person brings that to its end.

A situation says what was wrong to see, if anything; what became of the message is judged elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.agents.actor import HOLD_S, START_LIMIT_S, Actor, Stuck
from tests.agents.stage import COLUMNS, ROWS, TINY_COLUMNS, TINY_ROWS
from tests.support.until import until

QUEUE_S = "10"
HELD_LIMIT_S = 8.0  # for the reason to be seen on a host that is slow just now
READ_LIMIT_S = 10.0
_DRAFT = "half a thou"
Receipt = dict[str, Any]


@dataclass
class Play:
    """One message in one situation, as it goes on."""

    actor: Actor
    text: str
    key: str
    receipt: Receipt = field(default_factory=dict)
    held: str = ""  # the reason it was held for, when the situation asks for that
    wrong: list[str] = field(default_factory=list)
    screen: str = ""  # the cursor, the title and the rows when it was not submitted

    def send(self, timeout_s: str = "30") -> None:
        """Send it, or wait on for what was sent."""
        self.receipt = self.actor.send(self.text, self.key, timeout_s)
        if self.receipt["state"] != "submitted":
            self.screen = self.actor.pictured()

    def expect_held(self, reason: str) -> None:
        """Send it; it has to be held for this reason."""
        self.send(HOLD_S)
        with contextlib.suppress(AssertionError):
            until(lambda: self._is_held(reason), f"it is held for {reason}", HELD_LIMIT_S)
        state, self.held = self.receipt["state"], str(self.receipt["reason"] or "")
        if (state, self.held) != ("held", reason):
            self.wrong.append(f"not held for {reason}: {state} {self.held}".rstrip())

    def _is_held(self, reason: str) -> bool:
        self.receipt = self.actor.receipt(self.receipt["id"])
        return (self.receipt["state"], self.receipt["reason"]) == ("held", reason)

    def must(self, holds: object, otherwise: str) -> None:
        """Note what was wrong to see."""
        if not holds:
            self.wrong.append(otherwise)


def idle(play: Play) -> None:
    """It waits for input."""
    play.actor.wait_idle()
    play.send()


def busy(play: Play) -> None:
    """Its model is talking: queued by programs that queue, else held."""
    actor = play.actor
    actor.wait_idle()
    actor.stage.server.hold(actor.name)
    try:
        actor.ask("talk for a while")
        if actor.profile.queues_while_busy:
            play.send(QUEUE_S)
            play.held = str(play.receipt["reason"] or "")
        else:
            play.expect_held("busy")
        play.must(actor.stage.server.is_answering(actor.name), "its answer was broken off")
    finally:
        actor.stage.server.release(actor.name)
    play.send()


def copy_mode(play: Play) -> None:
    """Its person is reading further up."""
    actor = play.actor
    actor.wait_idle()
    tmux = actor.stage.world.tmux
    tmux("copy-mode", "-t", actor.pane)
    play.send()
    if tmux("display-message", "-p", "-t", actor.pane, "#{pane_in_mode}").strip() == "1":
        tmux("send-keys", "-t", actor.pane, "-X", "cancel")


def tiny(play: Play) -> None:
    """Its person looks through a very small window."""
    actor = play.actor
    actor.stage.resize(actor.pane, TINY_COLUMNS, TINY_ROWS)
    with contextlib.suppress(
        Stuck
    ):  # aider may show too little then to be read: it is the node's turn
        actor.wait_idle(READ_LIMIT_S)
    play.send()
    actor.stage.resize(actor.pane, COLUMNS, ROWS)


def draft(play: Play) -> None:
    """Its person has typed half a thought."""
    actor = play.actor
    actor.wait_idle()
    actor.write(_DRAFT)
    play.expect_held("draft")
    play.must(actor.shows(_DRAFT), "the draft is gone")
    actor.press("-N", str(len(_DRAFT)), "BSpace")
    play.send()


def dialog(play: Play) -> None:
    """It asks its person whether it may run a command."""
    actor = play.actor
    ran = actor.stage.work / f"ran-{play.key}"
    actor.wait_idle()
    actor.stage.server.ask_for(actor.name, f"echo ran >> {ran}")
    actor.ask("run it")
    actor.wait(actor.asks, f"{actor.name} asks its person")
    play.expect_held("dialog")
    play.must(not ran.exists(), "the command ran without its person")
    play.must(actor.asks(), "the question is gone")
    actor.press(*actor.program.allow)
    actor.wait(ran.exists, "the command runs once it is allowed")
    play.send()
    play.must(ran.read_text() == "ran\n", "the command ran twice")


def just_started(play: Play) -> None:
    """It was started a moment ago."""
    play.actor.restart()
    play.send(str(int(START_LIMIT_S)))


@dataclass(frozen=True, slots=True)
class Situation:
    """One of them."""

    play: Callable[[Play], None]
    holds: bool = False  # a message has to be held here, so its time says nothing of us


SITUATIONS = {
    "idle": Situation(idle),
    "busy": Situation(busy),
    "copy mode": Situation(copy_mode),
    "tiny client": Situation(tiny),
    "draft": Situation(draft, holds=True),
    "dialog": Situation(dialog, holds=True),
    "just started": Situation(just_started),
}
