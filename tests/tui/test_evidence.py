"""Whose word counts, and what Enter is bound to, with a program whose input has several rows."""

from __future__ import annotations

from tests.support.recording import Recording
from tests.support.terminals import Program, TerminalRoom
from tests.support.until import until


def boxed(
    room: TerminalRoom, name: str, *options: str, hooks: bool = False
) -> tuple[Program, Recording]:
    """A recorder of which its profile knows how its input looks, and how it is made to tell."""
    return room.recorder(name, *options, profile="boxed", hooks=hooks)


def texts(recording: Recording) -> list[str]:
    """What the program was given, each a whole message."""
    return [turn.text for turn in recording.turns()]


def test_a_program_with_hooks_says_itself_that_it_took_the_text(room: TerminalRoom) -> None:
    program, recording = boxed(room, "told", hooks=True)
    said = program.send("one\ntwo")
    assert (said.code, said.json["evidence"]) == (0, "hook")
    assert texts(recording) == ["one\ntwo"]
    again = program.send("three")
    assert (again.code, again.json["evidence"]) == (0, "hook")


def test_hooks_stay_with_an_agent_that_is_started_again_until_they_are_not_wanted(
    room: TerminalRoom,
) -> None:
    program, _ = boxed(room, "again", hooks=True)
    folder = room.home.root / "hooks" / "again"
    assert (folder / "tell").exists()
    room.home.ask("stop", "again")
    assert not folder.exists()
    program = Program("again", room.home.ask("start", "again")["pane"], room)
    program.wait_shows(">")
    assert program.send("hello").json["evidence"] == "hook"
    room.home.ask("stop", "again")
    program = Program("again", room.home.ask("start", "again", "--no-hooks")["pane"], room)
    program.wait_shows(">")
    assert program.send("hello").json["evidence"] == "screen"
    assert not folder.exists()


def test_what_a_program_changes_is_in_the_receipt(room: TerminalRoom) -> None:
    program, _ = boxed(room, "shouter", "--shout", hooks=True)
    receipt = program.send("hello").json
    last = receipt["timeline"][-1]
    assert (last["evidence"], last["detail"]) == ("hook", "the program took it with changes")


def test_a_transcript_speaks_where_no_hook_does(room: TerminalRoom) -> None:
    program, _ = boxed(room, "writer", "--log", str(room.folder / "talk.jsonl"))
    said = program.send("for the record")
    assert (said.code, said.json["evidence"]) == (0, "transcript")


def test_a_program_that_cannot_be_taught_says_so(room: TerminalRoom) -> None:
    command = ("start", "plain", "--profile", "recorder", "--hooks", "--json", "--", "cat")
    said = room.home.run(*command)
    assert (said.code, said.json["error"]["code"]) == (9, "hooks_unsupported")
    assert room.home.run("show", "plain").code != 0
    program, _ = room.recorder_in_a_shell("adopted")
    room.home.ask("forget", "adopted")
    words = ("adopt", "adopted", "--pane", program.pane, "--profile", "boxed", "--hooks", "--json")
    said = room.home.run(*words)
    assert (said.code, said.json["error"]["code"]) == (9, "hooks_unsupported")
    assert not (room.home.root / "hooks" / "adopted").exists()
    room.home.ask("adopt", "adopted", "--pane", program.pane, "--profile", "boxed")


def test_a_swallowed_enter_is_pressed_again_while_the_text_stands_there(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "tired", "--swallow", "1")
    said = program.send("one\ntwo")
    assert (said.code, said.json["evidence"]) == (0, "screen")
    assert texts(recording) == ["one\ntwo"]


def test_what_a_person_types_behind_our_text_is_never_sent_with_it(room: TerminalRoom) -> None:
    program, recording = boxed(room, "two-hands")
    sending = program.begin("ours", "--timeout", "0")
    program.wait_shows("[end ")
    program.write(" and more")
    sending.communicate()
    (mine,) = room.home.ask("inbox", "two-hands")
    program.wait_state(mine["id"], "unconfirmed")
    assert recording.raw() == []
    assert program.screen().rstrip().endswith(" and more")


def test_a_long_paste_of_a_persons_own_is_not_sent_while_a_stronger_word_is_waited_for(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "paster")
    sending = program.begin("ours")
    until(recording.raw, "ours was taken")
    program.write("[folded 7]")
    sending.communicate()
    assert sending.returncode == 0
    assert texts(recording) == ["ours"]
    assert program.screen().rstrip().endswith("> [folded 7]")


def test_a_text_that_its_program_shows_again_was_not_taken_and_is_sent_then(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "flicker", "--swallow", "1", "--flicker")
    said = program.send("ours")
    assert (said.code, said.json["evidence"]) == (0, "screen")
    assert texts(recording) == ["ours"]


def test_enter_waits_for_a_program_at_work_that_may_keep_a_question_back(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "at-work", "--banner", "(at work)\\n")
    said = program.send("later", "--timeout", "1")
    assert (said.code, said.json["state"]) == (5, "typed")
    assert recording.raw() == []
    program.press("C-l")
    program.wait_state(said.json["id"], "submitted")
    assert texts(recording) == ["later"]


def test_a_raw_text_that_a_person_took_away_is_not_proven_by_a_row_that_says_the_same(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "raw", "--banner", "(at work) all is ok\\n")
    said = program.send("ok", "--raw", "--timeout", "1")
    assert (said.code, said.json["state"]) == (5, "typed")
    program.press("C-u")
    program.wait_state(said.json["id"], "unconfirmed")
    assert recording.raw() == []


def test_a_turn_that_was_told_while_the_node_was_down_is_known_afterwards(
    room: TerminalRoom,
) -> None:
    program, recording = boxed(room, "alone", hooks=True)
    sending = program.begin("keep it", "--timeout", "0")
    program.wait_shows("[end ")
    room.home.kill()
    sending.communicate()
    program.press("Enter")
    until(recording.raw, "it was taken while the node was dead")
    program.write("[folded 7]")  # a long paste of the person's own, which must stay
    room.home.up()
    (mine,) = room.home.ask("inbox", "alone")
    assert program.wait_state(mine["id"], "submitted")["evidence"] == "hook"
    assert texts(recording) == ["keep it"]
