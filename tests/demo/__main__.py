"""The main job, shown: two nodes, three agents, one name that two of them share.

Real nodes, real mutual TLS, a real tmux server, throw-away homes. Every line that begins with a
dollar sign is the command that was run, and what follows is what it said. Ends by itself and takes
everything down again. A step that does not do what its title says ends the demo with an error.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.demo.stage import BOLD, GREEN, OFF, Stage
from tests.support.homes import Home, Scene, scene
from tests.support.until import until

TUI = Path(__file__).parent.parent / "support" / "recorder.py"


def main() -> None:
    """Play it."""
    began_s = time.monotonic()
    stage = Stage()
    with scene() as world:
        play(stage, world)
    took_s = time.monotonic() - began_s
    print(f"\n{BOLD}Done{OFF} in {took_s:.1f} s; nodes, agents, tmux and homes are gone again.")


def play(stage: Stage, world: Scene) -> None:
    """All steps."""
    white, nova = world.home("white"), world.home("nova")
    pair(stage, world, white, nova)
    agents(stage, world, white, nova)
    talk(stage, world, white, nova)
    away(stage, world, white, nova)
    layers(stage, world, white, nova)


def pair(stage: Stage, world: Scene, white: Home, nova: Home) -> None:
    """Two nodes find each other and trust each other by key."""
    stage.step("Two nodes on one host, each with a home of its own")
    for home in (white, nova):
        stage.run(home, "up", "--name", home.name, "--listen", "127.0.0.1:0", "--no-mdns")
    stage.step("white lets nova in: a one-time token, carried by hand")
    token = stage.run(white, "invite").out.strip()
    stage.run(nova, "join", token)
    world.wait_linked(white, nova)
    stage.run(white, "nodes")
    stage.note("a stranger who copied the token is refused, for it was good once:")
    eve = world.home("eve")
    eve.up()
    stage.run(eve, "join", token, code=7)
    eve.ask("down")


def agents(stage: Stage, world: Scene, white: Home, nova: Home) -> None:
    """Three agents; two share a name."""
    stage.step("Three agents in tmux: rin on both nodes, kai on nova")
    for home, name in ((white, "rin"), (nova, "rin"), (nova, "kai")):
        record = str(world.folder / f"{home.name}-{name}.jsonl")
        words = ("start", name, "--", sys.executable, str(TUI), record)
        print(f"{GREEN}{home.name}{OFF} $ fleet start {name} -- …")
        said = home.run(*words)
        if said.code:
            raise SystemExit(said.err)
    world.wait_known(white, "rin@white", "rin@nova", "kai@nova")
    stage.run(white, "ls")


def talk(stage: Stage, world: Scene, white: Home, nova: Home) -> None:
    """By qualified name; the bare one is refused; the agent answers."""
    stage.step("A message by qualified name, across nodes, until rin has it as a turn")
    sent = stage.run(white, "send", "rin@nova", "the tests are green")
    stage.note("what rin's terminal shows:")
    stage.run(nova, "peek", "rin@nova", "--lines", "6")
    envelope_id = next(word for word in (sent.out + sent.err).split() if len(word) == 26)
    stage.run(white, "show", envelope_id)
    stage.step("The bare name could mean two agents: refused, and both are named")
    stage.run(white, "send", "rin", "which of you?", code=4)
    stage.run(white, "send", "kay", "and a name that nobody has", code=3)


def away(stage: Stage, world: Scene, white: Home, nova: Home) -> None:
    """A stopped node's mail waits and arrives."""
    stage.step("nova goes away; a message to it waits in white's outbox")
    stage.run(nova, "down")
    later = ("send", "kai@nova", "read this when you are back", "--timeout", "0.5")
    sent = stage.run(white, *later, code=5)
    envelope_id = next(word for word in (sent.out + sent.err).split() if len(word) == 26)
    stage.run(white, "outbox", lines=6)
    stage.step("fleet route names the layer that failed, and the remedy")
    stage.run(white, "route", "kai@nova", code=8)
    stage.step("nova comes back, and so does the message")
    stage.run(nova, "up", "--no-mdns")
    until(lambda: white.state_of(envelope_id) == "submitted", "the message arrived")
    stage.run(white, "show", envelope_id)


def layers(stage: Stage, world: Scene, white: Home, nova: Home) -> None:
    """A failure deeper in."""
    stage.step("An agent whose program ended: the route fails one layer later")
    stage.run(nova, "stop", "kai")
    stage.run(white, "route", "kai@nova", "--probe", code=5)
    stage.run(white, "status")


if __name__ == "__main__":
    main()
