"""With real nodes: what is held and why is seen everywhere, and what a person may do about it."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet.core.profile import Profile
from tests.support.homes import LOOPBACK, Home, Scene
from tests.support.promises import run, told
from tests.support.recording import Recording
from tests.support.until import until

SHELL = ("env", "PS1=$ ", "bash", "--norc", "--noprofile")


class Shell:
    """A bash on nova, called sho: its profile knows its prompt, so it tells drafts."""

    def __init__(self, world: Scene, home: Home) -> None:
        self._world = world
        self.home = home
        self.pane = ""
        self.begin()

    def begin(self) -> None:
        """Start it, or start it again."""
        words = ("start", "sho", "--profile", "bash", "--")
        self.pane = str(self.home.ask_with(words, SHELL)["pane"])
        until(lambda: self.row["state"] == "ready", "it shows its prompt")

    @property
    def row(self) -> Any:
        """What ``fleet ls`` says of it."""
        return next(agent for agent in self.home.ask("ls") if agent["name"] == "sho")

    def keys(self, *keys: str) -> None:
        """Press keys in its pane, as a person does."""
        self._world.tmux("send-keys", "-t", self.pane, *keys)

    def is_drafted(self) -> None:
        """Have a person begin a line there."""
        self.keys("-l", "echo half a thou")
        until(lambda: self.row["doing"] == "draft", "the draft is seen")


@pytest.fixture(scope="module")
def sho(world: Scene, pair: tuple[Home, Home]) -> Shell:
    shell = Shell(world, pair[1])
    world.wait_known(pair[0], "sho@nova")
    return shell


@pytest.fixture
def drafted(sho: Shell) -> Iterator[Shell]:
    sho.is_drafted()
    yield sho
    sho.keys("C-u")
    until(lambda: sho.row["doing"] == "ready", "the draft is gone")


def held(pair: tuple[Home, Home], reason: str) -> str:
    """The id of an envelope to sho that is held for this reason."""
    receipt = told(pair[0], "send", "sho", "echo late", "--timeout", "0.1", code=5)

    def is_held() -> bool:
        shown = pair[1].ask("show", receipt["id"])
        return (shown["state"], shown["reason"]) == ("held", reason)

    until(is_held, f"it is held for {reason}")
    return str(receipt["id"])


# --- seen ---


def test_what_is_held_and_why_is_in_every_list(pair: tuple[Home, Home], drafted: Shell) -> None:
    nova, envelope_id = pair[1], held(pair, "draft")
    row = drafted.row
    assert (row["state"], row["doing"], row["held"], row["held_reason"]) == (
        "draft", "draft", 1, "draft",
    )  # fmt: skip
    assert "1 (draft)" in run(nova, "ls").out
    assert "draft: somebody has typed something" in run(nova, "inbox", "sho").out
    assert told(nova, "peek", "sho")["state"] == "draft"
    whole = told(nova, "show", envelope_id)
    assert [(one["state"], one["layer"]) for one in whole["delays"]][-1] == ("held", "agent")
    shown = run(nova, "show", envelope_id).out
    assert "held  somebody has typed something" in shown
    assert "next  send or remove it there: fleet attach sho on nova" in shown
    told(nova, "cancel", envelope_id)
    assert (drafted.row["held"], drafted.row["held_reason"]) == (0, "")


def test_only_the_own_node_says_what_an_agent_does(pair: tuple[Home, Home], sho: Shell) -> None:
    (there,) = [agent for agent in told(pair[0], "ls") if agent["name"] == "sho"]
    assert (there["doing"], there["held"], there["held_reason"]) == (None, None, "")


# --- acted upon ---


def test_release_looks_again_and_types_nothing_over_a_draft(
    pair: tuple[Home, Home], sho: Shell
) -> None:
    white, nova = pair
    sho.is_drafted()
    envelope_id = held(pair, "draft")
    still = told(nova, "release", envelope_id, code=5)
    assert (still["state"], still["reason"]) == ("held", "draft")
    said = run(nova, "release", envelope_id)
    assert said.out.startswith("held       sho@nova")
    assert "error: sho@nova: it is held on nova: somebody has typed something" in said.err
    assert "half a thou" in told(nova, "peek", "sho")["rows"][-1], "it stands there as it was"
    sho.keys("C-u")
    until(lambda: white.state_of(envelope_id) == "submitted", "it is typed once that is gone")
    assert told(nova, "release", envelope_id, code=9)["code"] == "wrong_state"


@pytest.mark.parametrize("side", [0, 1], ids=["by its sender", "where it waits"])
def test_what_is_held_for_a_draft_can_be_taken_back(
    pair: tuple[Home, Home], drafted: Shell, side: int
) -> None:
    envelope_id = held(pair, "draft")
    assert told(pair[side], "cancel", envelope_id)["id"] == envelope_id
    for home in pair:
        until(partial(is_in, home, envelope_id, "cancelled"), f"{home.name} knows")
    assert (drafted.row["held"], drafted.row["held_reason"]) == (0, "")


def test_a_sender_is_told_when_a_draft_outlasts_what_was_to_be_waited(
    pair: tuple[Home, Home], drafted: Shell
) -> None:
    words = ("send", "sho", "echo late", "--draft-limit", "0.2")
    ended = told(pair[0], *words, code=9)
    assert (ended["state"], ended["reason"]) == ("expired", "draft")
    said = run(pair[0], *words)
    assert (said.code, "fleet revive" in said.err) == (9, True)
    assert "half a thou" in told(pair[1], "peek", "sho")["rows"][-1], "it stands there as it was"


def test_what_nobody_knows_is_held_and_let_through_once_a_person_says_so(
    pair: tuple[Home, Home], sho: Shell
) -> None:
    """A prompt that the profile does not know, of a shell that showed one that it knows before."""
    white, nova = pair
    told(white, "send", "sho", ":")
    sho.keys("PS1='odd '", "Enter")
    until(lambda: sho.row["doing"] == "unknown", "its prompt is another")
    envelope_id = held(pair, "unknown")
    assert (sho.row["state"], sho.row["held_reason"]) == ("unknown", "unknown")
    assert told(nova, "peek", "sho")["state"] == "unknown"
    assert "fleet release" in run(nova, "show", envelope_id).out
    assert told(nova, "release", envelope_id)["state"] != "held"
    until(lambda: not is_in(nova, envelope_id, "typing"), "it is typed")
    assert "echo late" in "\n".join(told(nova, "peek", "sho")["rows"])
    second = held(pair, "unknown")
    told(nova, "cancel", second)
    sho.keys("PS1='$ '", "Enter")
    until(lambda: sho.row["state"] == "ready", "its prompt is known again")


def test_what_waits_for_an_agent_that_does_not_run_is_the_panes_delay(
    pair: tuple[Home, Home], sho: Shell
) -> None:
    nova = pair[1]
    told(nova, "stop", "sho")
    envelope_id = held(pair, "offline")
    assert (sho.row["doing"], sho.row["held_reason"]) == ("offline", "offline")
    assert told(nova, "show", envelope_id)["delays"][-1]["layer"] == "pane"
    still = told(nova, "release", envelope_id, code=5)
    assert (still["state"], still["reason"]) == ("held", "offline")
    told(nova, "cancel", envelope_id)
    sho.begin()


def is_in(home: Home, envelope_id: str, state: str) -> bool:
    """Whether an envelope is in a state, as a home knows it."""
    return home.state_of(envelope_id) == state


# --- followed ---


def lines_until(process: subprocess.Popen[bytes], end: str) -> list[list[str]]:
    """The lines of a watch, each as its words, up to one that has the word ``end``."""
    assert process.stdout
    lines: list[list[str]] = []
    while not lines or end not in lines[-1]:
        lines.append(process.stdout.readline().decode().split())
        assert lines[-1], "it goes on"
    return lines


def watching(home: Home, *words: str) -> subprocess.Popen[bytes]:
    """A watch that has begun to follow."""
    process = home.begin("watch", *words)
    assert process.stderr
    assert process.stderr.readline() == b"following; Ctrl-C ends it\n"
    return process


@pytest.mark.parametrize("side", [0, 1], ids=["the sender's node", "the recipient's node"])
def test_a_watch_tells_each_state_as_it_happens_and_ends_well_with_ctrl_c(
    pair: tuple[Home, Home], rin: Recording, side: int
) -> None:
    white, home = pair[0], pair[side]
    process = watching(home, "--agent", "rin")
    told(white, "send", "operator@nova", "not of this agent")
    envelope_id = told(white, "send", "rin", "watch me")["id"]
    lines = lines_until(process, "submitted")
    process.send_signal(signal.SIGINT)
    assert (process.wait(), process.communicate()) == (0, (b"", b""))
    assert {tuple(line[1:5]) for line in lines} == {
        (envelope_id[:14], "operator@white", "->", "rin@nova")
    }
    states = [line[5] for line in lines]
    first = ["queued", "accepted"] if side == 0 else ["accepted"]
    assert states[: len(first)] == first
    assert [state for state in states if state != "typing"] == [*first, "typed", "submitted"]
    assert "screen" in lines[-1]
    assert all(line[-2].startswith("+") for line in lines[1:]), "how long after the state before"


def test_a_watch_for_programs_is_one_object_a_line(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    nova = pair[1]
    sent = partial(nova.run, "send", "operator@nova", "again")
    with nova.begin("watch", "--json") as process:
        assert process.stdout
        told_at = process.stdout.fileno()
        until(lambda: sent().code == 0 and has_line(told_at), "it follows")
        move = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert (move["state"], move["from"], move["to"]) == (
        "accepted", "operator@nova", "operator@nova",
    )  # fmt: skip
    assert (move["ms"], move["evidence"], len(move["id"])) == (None, None, 26)


@pytest.mark.parametrize("sender", ["operator@white", "zoe@nova"])
def test_a_watch_tells_once_that_a_message_waits_for_an_approval(
    world: Scene, pair: tuple[Home, Home], sender: str
) -> None:
    nova, name = pair[1], f"gate-{sender[:3]}"
    Recording(world.folder / f"{name}.jsonl").start(nova, name)
    nova.run("stop", name)
    told(nova, "start", name, "--policy", "approval")
    world.wait_known(pair[0], f"{name}@nova")
    process = watching(nova, "--agent", f"{name}@nova")
    if sender == "zoe@nova":
        words = f"fleet send {name} 'may I?' --timeout 0.1; exec sleep 1e6"
        nova.ask_with(("start", "zoe", "--"), ("bash", "-c", words))
    else:
        told(pair[0], "send", name, "may I?", "--timeout", "0.1", code=5)
    until(lambda: [one["state"] for one in nova.ask("inbox", name)] == ["held"], "it waits")
    (letter,) = nova.ask("inbox", name)
    assert letter["from"] == sender
    told(nova, "release", letter["id"])
    lines = lines_until(process, "submitted")
    process.send_signal(signal.SIGINT)
    assert (process.wait(), process.communicate()) == (0, (b"", b""))
    states = [line[5] for line in lines if line[5] != "typing"]
    assert states == ["accepted", "held", "accepted", "typed", "submitted"]
    assert lines[1][6].startswith("approval")


def has_line(descriptor: int) -> bool:
    """Whether there is something to read."""
    return bool(select.select([descriptor], [], [], 0)[0])


def test_to_watch_a_name_that_is_none_is_a_mistake(pair: tuple[Home, Home], rin: Recording) -> None:
    refused = pair[1].run("watch", "--agent", "not a name", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "malformed_name")


# --- profiles ---


def test_profiles_are_listed_with_where_they_are_from_and_shown_whole(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    """A file of one's own replaces ours; one that changed since the node started is said to have."""
    home = world.home("profiled")
    home.up()
    by_name = {one["name"]: one for one in told(home, "profile", "ls")}
    assert {one["source"] for one in by_name.values()} == {"shipped"}
    told(home, "down")
    folder = home.root / "profiles"
    folder.mkdir()
    own = folder / "bash.toml"
    own.write_text("title = 'mine'\nprompt = '^(%|\\$) '\ntested = '5.2'\n")
    home.again()
    by_name = {one["name"]: one for one in told(home, "profile", "ls")}
    assert (by_name["bash"]["source"], by_name["bash"]["tested"]) == ("home", "5.2")
    assert by_name["generic"]["source"] == "shipped"
    whole = home.ask("profile", "show", "bash")
    assert (whole["file"], whole["prompt"], whole["changed"]) == (str(own), "^(%|\\$) ", False)
    assert {field.name for field in fields(Profile)} <= whole.keys()
    own.write_text("title = 'mine, mended'\n")
    assert home.ask("profile", "show", "bash")["changed"] is True
    assert Path(home.ask("profile", "show", "generic")["file"]).read_text().startswith("#")
    told(home, "down")


def test_a_broken_profile_of_ones_own_is_named_when_the_node_does_not_start(world: Scene) -> None:
    home = world.home("broken")
    (home.root / "profiles").mkdir(parents=True, mode=0o700)
    home.root.chmod(0o700)
    path = home.root / "profiles/chat.toml"
    path.write_text("title = 'chat'\nprompt = '('\n")
    error = told(home, "up", "--no-mdns", "--listen", LOOPBACK, code=2)
    assert (error["code"], str(path) in error["message"]) == ("bad_config", True)
    checked = home.run("profile", "check")
    assert checked.code == 2
    assert f"{path}: line 2: prompt: " in checked.err
