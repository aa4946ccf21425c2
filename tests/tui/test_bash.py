"""A shell that is an agent on purpose: one edit, one Enter, and the frame is a comment."""

from __future__ import annotations

import pytest

from tests.support.terminals import SIZES, Program, TerminalRoom
from tests.support.until import until


class Shell:
    """A bash that writes down each prompt that it shows."""

    def __init__(self, room: TerminalRoom, name: str) -> None:
        self.prompts_file = room.folder / f"{name}.prompts"
        words = ("env", "PS1=sh$ ", f"PROMPT_COMMAND=echo >> {self.prompts_file}")
        self.program: Program = room.start(
            name, "bash", (*words, "bash", "--norc", "--noprofile", "-i"), "sh$"
        )

    def prompts(self) -> int:
        """How often it has asked for input: one more than it was given."""
        return len(self.prompts_file.read_text().splitlines())


@pytest.fixture(scope="module")
def shell(room: TerminalRoom) -> Shell:
    return Shell(room, "sh")


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_one_edit_and_what_runs_is_what_was_sent(
    room: TerminalRoom, shell: Shell, size: str
) -> None:
    out = room.folder / f"out {size}"
    before = shell.prompts()
    shell.program.sent(f"cat > '{out}' <<'END'\n{SIZES[size]}\n\ttab 漢 \\ $HOME `id`\nEND")
    until(lambda: shell.prompts() > before, "it asks for more")
    assert out.read_text() == f"{SIZES[size]}\n\ttab 漢 \\ $HOME `id`\n"
    assert shell.prompts() == before + 1, "no surplus Enter"


def test_neither_header_nor_end_line_is_run(room: TerminalRoom, shell: Shell) -> None:
    shell.program.press("C-l")
    shell.program.sent("echo $((6 * 7))")
    shell.program.wait_shows("\n42\n")
    assert "not found" not in shell.program.screen()
    assert "# [fleet " in shell.program.screen()


def test_a_draft_is_left_alone_and_the_message_comes_after_it(room: TerminalRoom) -> None:
    drafter = Shell(room, "drafter").program
    drafter.write("echo half a thou")
    drafter.wait_shows("half a thou")
    envelope_id = drafter.held("echo the message > message", "draft")
    assert not (room.folder / "message").exists()
    drafter.write("ght > draft")
    drafter.press("Enter")
    drafter.wait_state(envelope_id, "submitted")
    until((room.folder / "message").exists, "the message was run")
    assert (room.folder / "draft").read_text() == "half a thought\n"


def test_a_command_that_runs_is_waited_for_and_given_nothing(room: TerminalRoom) -> None:
    """What is typed while it runs would be its input."""
    runner = Shell(room, "runner").program
    runner.write("cat > taken")
    runner.press("Enter")
    until((room.folder / "taken").exists, "the command runs")
    envelope_id = runner.held("echo later > later", "busy")
    runner.press("C-d")
    runner.wait_state(envelope_id, "submitted")
    until((room.folder / "later").exists, "the message was run")
    assert (room.folder / "taken").read_text() == ""


def test_a_command_longer_than_the_wait_for_evidence_was_submitted_all_the_same(
    room: TerminalRoom, shell: Shell
) -> None:
    """The terminal is a cooked one while a command runs, and that is seen at once."""
    receipt = shell.program.sent("until [ -e go-on ]; do :; done")
    assert receipt["state"] == "submitted"
    (room.folder / "go-on").touch()


def test_a_shell_that_is_nobodys_agent_is_not_taken_for_one(room: TerminalRoom) -> None:
    pane = room.world.tmux(
        "new-session", "-d", "-s", "plain", "-P", "-F", "#{pane_id}", "bash", "--norc"
    ).strip()
    said = room.home.run("adopt", "plain", "--pane", pane, "--json")
    assert (said.code, said.json["error"]["code"]) == (9, "pane_is_shell")


def test_a_shell_that_no_profile_knows_is_not_started_unless_one_is_named(
    room: TerminalRoom,
) -> None:
    white = room.home
    said = white.run("start", "any", "--json", "--", "sh")
    assert (said.code, said.json["error"]["code"]) == (9, "pane_is_shell")
    assert not [one for one in white.ask("ls") if one["name"] == "any"]
    script = white.run("start", "any", "--json", "--", "sh", "-c", "exec cat")
    assert script.code == 0, "a shell that runs something else is a program like any"
