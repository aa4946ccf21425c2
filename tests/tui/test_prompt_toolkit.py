"""Programs built on prompt_toolkit: a paste is one edit, and an editor of many lines admits no lie."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.recording import Recording
from tests.support.terminals import SIZES, Program, TerminalRoom
from tests.support.until import until

PROGRAM = Path(__file__).with_name("prompter.py")


def start(
    room: TerminalRoom, name: str, profile: str = "prompt-toolkit", *options: str
) -> tuple[Program, Recording]:
    recording = Recording(room.folder / f"{name}.jsonl")
    words = (sys.executable, str(PROGRAM), str(recording.path), *options)
    return room.start(name, profile, words, ">"), recording


@pytest.mark.parametrize("profile", ["prompt-toolkit", "generic"])
def test_every_size_is_one_turn_whole_and_enter_is_pressed_once(
    room: TerminalRoom, profile: str
) -> None:
    program, recording = start(room, f"size-{profile}", profile)
    texts = [*SIZES.values(), "\ttabs\tand 漢字, 👩‍💻", "'quotes'; $(id) `id` \\ !!"]
    for text in texts:
        receipt = program.sent(text)
        assert (recording.turns()[-1].id, receipt["cleaned"]) == (receipt["id"], 0)
    assert [turn.text for turn in recording.turns()] == texts


def test_a_draft_is_left_alone_and_the_message_comes_after_it(room: TerminalRoom) -> None:
    program, recording = start(room, "drafter")
    program.write("a half-typed thou")
    program.wait_shows("a half-typed thou")
    envelope_id = program.held("the message", "draft")
    program.write("ght")
    program.press("Enter")
    program.wait_state(envelope_id, "submitted")
    assert recording.raw()[0] == "a half-typed thought"
    assert len(recording.raw()) == 2
    assert "\nthe message\n" in recording.raw()[1]


@pytest.mark.parametrize("profile", ["prompt-toolkit", "hasty"])
def test_an_editor_where_enter_adds_a_line_is_unconfirmed_and_enter_is_not_repeated(
    room: TerminalRoom, profile: str
) -> None:
    program, recording = start(room, f"editor-{profile}", profile, "multiline")
    said = program.send(SIZES["3 lines"])
    assert (said.code, said.json["state"]) == (6, "unconfirmed")
    assert recording.raw() == []
    program.press("Escape", "Enter")  # as its person would submit it
    until(recording.raw, "the editor's text is submitted")
    assert recording.raw()[0].endswith("]\n"), "one line was added, and only one"
    assert SIZES["3 lines"] in recording.raw()[0]
