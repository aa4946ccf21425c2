"""A program whose prompt, questions and work are known: each message is one turn, at a safe moment."""

from __future__ import annotations

import pytest

from tests.support.recording import Recording
from tests.support.terminals import SIZES, Program, TerminalRoom
from tests.support.until import until


def texts(recording: Recording) -> list[str]:
    return [turn.text for turn in recording.turns()]


@pytest.mark.parametrize("profile", ["recorder", "generic"])
def test_every_size_is_one_turn_whole_and_enter_is_pressed_once(
    room: TerminalRoom, profile: str
) -> None:
    program, recording = room.recorder(f"size-{profile}", profile=profile)
    for text in SIZES.values():
        receipt = program.sent(text)
        assert recording.turns()[-1].id == receipt["id"]
    assert texts(recording) == list(SIZES.values())


def test_of_a_program_nobody_knows_enter_is_pressed_only_where_the_text_is_seen(
    room: TerminalRoom,
) -> None:
    """It may be asking: a question takes a text without showing it, and Enter as a yes."""
    program, recording = room.recorder("unseen", "--silent", profile="generic")
    said = program.send("yes")
    assert (said.code, said.json["state"]) == (6, "unconfirmed")
    assert "never showed the text" in said.json["detail"]
    assert recording.raw() == []


def test_a_prompt_that_never_shows_the_text_is_no_evidence_that_it_was_taken(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("silent", "--silent")
    said = program.send("taken, in fact")
    assert (said.code, said.json["state"]) == (6, "unconfirmed")
    assert texts(recording) == ["taken, in fact"]


@pytest.mark.parametrize("profile", ["recorder", "generic"])
@pytest.mark.parametrize("swallowed", [1, 2])
def test_an_enter_that_was_swallowed_is_pressed_again(
    room: TerminalRoom, profile: str, swallowed: int
) -> None:
    name = f"swallow-{profile}{swallowed}"
    program, recording = room.recorder(name, "--swallow", str(swallowed), profile=profile)
    assert program.sent(SIZES["3 lines"])["state"] == "submitted"
    assert texts(recording) == [SIZES["3 lines"]]
    assert len(recording.raw()) == 1, "no surplus Enter"


def test_a_program_that_swallows_every_enter_is_unconfirmed_and_never_typed_to_twice(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("glutton", "--swallow", "1000")
    said = program.send("the only copy")
    assert (said.code, said.json["state"], said.json["evidence"]) == (6, "unconfirmed", None)
    assert program.screen().count("the only copy") == 1
    assert recording.raw() == []
    program.held("waits behind it", "unknown")  # no prompt where the cursor is
    assert program.screen().count("the only copy") == 1


@pytest.mark.parametrize("profile", ["recorder", "hasty"])
def test_a_program_that_reads_and_does_nothing_is_unconfirmed_never_submitted(
    room: TerminalRoom, profile: str
) -> None:
    program, _ = room.recorder(f"mute-{profile}", "--mute", profile=profile)
    said = program.send("hello?")
    assert (said.code, said.json["state"], said.json["evidence"]) == (6, "unconfirmed", None)
    assert [e["state"] for e in said.json["timeline"]][-2:] == ["typed", "unconfirmed"]


def test_a_program_that_never_reads_leaves_it_typed_and_in_doubt_when_it_ends(
    room: TerminalRoom,
) -> None:
    program, _ = room.recorder("deaf", "--deaf", profile="hasty")
    said = program.send("hello?", "--timeout", "1.5")
    assert (said.code, said.json["state"]) == (5, "typed")
    room.home.ask("stop", "deaf")
    receipt = program.wait_state(said.json["id"], "in_doubt")
    assert receipt["id"] in [e["id"] for e in room.home.ask("inbox", "deaf", "--dead")]


def test_a_draft_is_left_alone_and_the_message_comes_after_it(room: TerminalRoom) -> None:
    program, recording = room.recorder("drafter")
    program.write("a half-typed thou")
    envelope_id = program.held("the message", "draft")
    program.write("ght")
    program.wait_shows("> a half-typed thought")
    assert recording.raw() == []
    program.press("Enter")
    program.wait_state(envelope_id, "submitted")
    assert recording.raw()[0] == "a half-typed thought"
    assert len(recording.raw()) == 2
    assert "\nthe message\n" in recording.raw()[1]


def test_a_question_is_never_answered_by_a_message(room: TerminalRoom) -> None:
    program, recording = room.recorder("asker", "--dialog")
    envelope_id = program.held("yes", "dialog")
    (asked,) = [one["question"] for one in room.home.ask("ls") if one["name"] == "asker"]
    assert asked == "Allow this? (y/n)"
    assert recording.raw() == []
    assert "yes" not in program.screen()
    program.press("n")
    program.wait_state(envelope_id, "submitted")
    assert recording.raw()[0] == "DIALOG"
    assert len(recording.raw()) == 2


def test_a_question_that_opens_between_paste_and_enter_gets_no_enter(room: TerminalRoom) -> None:
    program, recording = room.recorder("sudden", "--ask")
    waiting = program.begin("the message")
    program.wait_shows("Allow this?")
    until(lambda: room.home.ask("inbox", "sudden")[0]["state"] == "typed", "it is typed")
    said = program.send("another", "--timeout", "0.5")
    assert (said.code, said.json["state"]) == (5, "accepted"), "and nothing overtakes it"
    assert recording.raw() == []
    program.press("n")
    waiting.communicate()
    assert waiting.returncode == 0
    program.wait_state(said.json["id"], "submitted")
    assert recording.raw()[0] == "DIALOG"
    recording.path.write_text("".join(recording.path.read_text().splitlines(keepends=True)[1:]))
    assert texts(recording) == ["the message", "another"]


def test_a_program_at_work_that_does_not_queue_is_waited_for(room: TerminalRoom) -> None:
    program, recording = room.recorder("worker", "--busy", "1")
    first = program.sent("the first")
    said = program.send("the second")
    assert said.code == 0
    held = [e for e in said.json["timeline"] if e["state"] == "held"]
    assert {e["reason"] for e in held} == {"busy"}
    assert [turn.id for turn in recording.turns()] == [first["id"], said.json["id"]]


def test_a_reader_in_copy_mode_is_given_their_grace_and_then_stays_where_they_are(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("scroller")
    room.world.tmux("copy-mode", "-t", program.pane)
    envelope_id = program.held("beneath", "mode")
    assert recording.raw() == []
    program.wait_state(envelope_id, "submitted")
    assert texts(recording) == ["beneath"]
    mode = room.world.tmux("display-message", "-p", "-t", program.pane, "#{pane_mode}")
    assert mode.strip() == "copy-mode"


def test_a_program_that_ends_between_paste_and_enter_leaves_it_in_doubt(room: TerminalRoom) -> None:
    program, recording = room.recorder("quitter", "--quit")
    said = program.send("last words")
    assert (said.code, said.json["state"]) == (6, "in_doubt")
    assert recording.raw() == []


# --- a shell beneath -------------------------------------------------------------------------------


def assert_shell_ran_nothing(program: Program, *files: str) -> None:
    """The shell is at an empty prompt: what its person types next is all that it runs."""
    program.write("echo $((6 * 7))")
    program.press("Enter")
    program.wait_shows("\n42\n")
    assert "command not found" not in program.screen()
    assert [name for name in files if (program.room.folder / name).exists()] == []


def test_a_program_that_ends_between_paste_and_enter_runs_nothing_in_its_shell(
    room: TerminalRoom,
) -> None:
    program, _ = room.recorder_in_a_shell("quitter-beneath", "--quit")
    said = program.send("touch canary-1\ntouch canary-2\n")
    assert (said.code, said.json["state"]) == (6, "in_doubt")
    assert_shell_ran_nothing(program, "canary-1", "canary-2")


def test_a_program_that_has_ended_is_offline_and_its_shell_is_not_typed_into(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder_in_a_shell("ended-beneath")
    program.sent("while it lived")
    program.press("C-d")
    program.wait_shows("\n> shell$")
    envelope_id = program.held("touch canary-3\ntouch canary-4", "offline")
    assert_shell_ran_nothing(program, "canary-3", "canary-4")
    assert room.home.state_of(envelope_id) == "held"
    (agent,) = [agent for agent in room.home.ask("ls") if agent["name"] == program.name]
    assert agent["state"] == "offline"
    assert texts(recording) == ["while it lived"]


def test_what_is_longer_than_a_paste_only_when_it_is_typed_goes_to_a_file(
    room: TerminalRoom,
) -> None:
    program, recording = room.recorder("blanks", profile="blanks")
    program.sent("begin" + "\t" * 800 + "end")
    (turn,) = recording.turns()
    assert "the whole text (808 bytes, " in turn.text
