"""What a command line means, and what is said of one that means nothing."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError

import pytest

from fleet.cli import grants, letters, send, start, text
from fleet.cli.command import UsageError, seconds
from fleet.cli.main import TABLE, hey, parse, run
from fleet.core.envelope import TEXT_LIMIT_BYTES
from fleet.core.trust import Policy, Verb
from fleet.outcomes import WAITABLE


def given(*words: str) -> dict[str, object]:
    return vars(parse(words)[2])


def mistake(*words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(words)
    return caught.value


# --- options and what is none ---


@pytest.mark.parametrize(
    "words",
    [
        "send --wait typed rin hello",
        "send rin --wait typed hello",
        "send rin hello --wait typed",
        "send rin hello --wait=typed",
        "--json send rin --wait typed hello",
    ],
)
def test_options_stand_anywhere(words: str) -> None:
    told = given(*words.split())
    assert (told["to"], told["text"], told["wait"]) == ("rin", "hello", "typed")


@pytest.mark.parametrize(
    "words", ["--home /h --json ls", "ls --json --home /h", "--home=/h ls --json"]
)
def test_the_home_and_json_stand_before_or_behind_the_command(words: str) -> None:
    told = given(*words.split())
    assert (told["home"], told["json"]) == ("/h", True)


def test_nothing_behind_two_dashes_is_an_option() -> None:
    told = given("send", "--raw", "--", "rin", "--json")
    assert (told["to"], told["text"], told["raw"], told["json"]) == ("rin", "--json", True, False)


def test_a_text_behind_two_dashes_arrives_as_it_is_even_two_dashes() -> None:
    assert given("send", "rin", "--", "--")["text"] == "--"
    assert given("send", "rin", "--", "-")["text"] == "-"


def test_a_text_cannot_switch_the_form_of_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", "--", "rin", "one", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: unrecognized arguments: --json" in said.err


def test_a_text_that_begins_with_a_dash_and_has_blanks_is_a_text() -> None:
    assert given("send", "rin", "- one\n- two")["text"] == "- one\n- two"


def test_a_program_takes_everything_behind_two_dashes() -> None:
    told = given("start", "--cwd", "/tmp", "rin", "--", "claude", "--json", "--", "-x", "")
    assert told["program"] == ["claude", "--json", "--", "-x", ""]
    assert (told["name"], told["json"]) == ("rin", False)
    assert given("start", "rin")["program"] == []


def test_options_are_never_guessed_from_their_beginning() -> None:
    assert "--tim" in str(mistake("send", "rin", "hello", "--tim", "2"))
    assert "--jso" in str(mistake("ls", "--jso"))
    assert "--hom" in str(mistake("--hom", "/h", "ls"))


def test_commands_are_never_guessed_from_their_beginning() -> None:
    assert mistake("stat").hint == "did you mean start, status?"
    assert mistake("sned").hint == "did you mean send?"
    assert mistake("frobnicate").hint == "fleet --help lists the commands"


def test_hey_is_send(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["hey", "rin", "hello"])[1].prog == "fleet send"
    monkeypatch.setattr("sys.argv", ["hey"])
    assert hey() == 2
    assert "usage: fleet send" in capsys.readouterr().err


# --- mistakes ---


@pytest.mark.parametrize(
    "words",
    [
        "send", "send rin one two", "send rin x --wait soon", "send rin x --timeout soon",
        "send rin x --nonsense", "send rin x --key", "inbox -n many", "adopt", "completion fish",
        "ls rin", "frobnicate", "--nonsense", "--home", "grant neo@white", "profile rm",
        "up --listen", "start",
    ],
)  # fmt: skip
def test_a_mistake_is_exit_2_with_the_usage_and_a_hint_on_standard_error(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    said = capsys.readouterr()
    usage, error, hint = (
        next(n for n, line in enumerate(said.err.splitlines()) if line.startswith(beginning))
        for beginning in ("usage: fleet", "error: ", "hint: ")
    )
    assert said.out == ""
    assert usage < error < hint
    assert "Traceback" not in said.err


def test_a_mistake_with_json_is_one_object_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["send", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "error": {
            "code": "usage",
            "message": "the following arguments are required: TO",
            "hint": "fleet send --help says more, with an example",
            "layer": "input",
            "candidates": [],
        }
    }
    assert said.err == ""


def test_a_mistake_shows_words_as_they_were_typed() -> None:
    assert str(mistake("ls", "--", "-x")) == "unrecognized arguments: -x"


# --- help ---


@pytest.mark.parametrize("command", TABLE)
def test_every_command_has_help_with_an_example_and_is_in_the_overview(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run([command, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: fleet {command} ")
    assert f"\nexample:\n  fleet {command}" in shown
    assert "--json" in shown
    assert "--home DIR" in shown
    assert run(["--help"]) == 0
    assert f"\n  {command} " in capsys.readouterr().out


def test_help_is_as_wide_as_the_terminal_and_no_wider_than_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def widest(columns: str) -> int:
        monkeypatch.setenv("COLUMNS", columns)
        parser = parse(["ls"])[1]
        parser.description = "word " * 200
        parser.add_argument("--long", help="word " * 100)
        return max(map(len, parser.format_help().replace(parser.description, "").splitlines()))

    assert widest("60") <= 60 < widest("90") <= 90
    assert widest("4000") <= 100


def test_help_of_a_command_is_asked_in_either_order(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["help", "ls"], ["--help", "ls"], ["ls", "--help"], ["ls", "-h"]):
        with pytest.raises(SystemExit):
            run(words)
        shown.append(capsys.readouterr().out)
    assert len(set(shown)) == 1
    assert run([]) == run(["help"]) == run(["help", "nonsense"]) == 0


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == run(["-V"]) == run(["version"]) == 0
    assert len(set(capsys.readouterr().out.splitlines())) == 1
    assert run(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"].startswith("0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_completion_script_knows_every_command(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in TABLE)
    assert "--reply-to" in script or shell == "tcsh", "shtab gives tcsh no options"


# --- lengths of time and counts ---


@pytest.mark.parametrize(
    ("typed", "length_s"),
    [
        ("90", 90),
        ("0", 0),
        ("0.5", 0.5),
        ("10s", 10),
        ("10m", 600),
        ("1.5h", 5_400),
        ("7d", 604_800),
    ],
)
def test_lengths_of_time_have_units(typed: str, length_s: float) -> None:
    assert seconds(typed) == length_s


@pytest.mark.parametrize(
    "typed", ["", "s", "-1", "soon", "10 minutes", "1h30m", "nan", "inf", "1e300", "3651d", "10M"]
)
def test_what_is_no_length_of_time_is_refused_with_what_would_be(typed: str) -> None:
    with pytest.raises(ArgumentTypeError, match="seconds, or 10m, 2h, 7d"):
        seconds(typed)


@pytest.mark.parametrize(
    "words", ["inbox -n 0", "outbox -n -3", "log -n -1", "peek rin --lines -1"]
)
def test_a_count_below_the_least_is_a_mistake(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    assert "usage: fleet" in capsys.readouterr().err


def test_a_verb_that_does_not_exist_is_a_mistake_that_lists_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["grant", "neo@white", "observe,fly", "rin"]) == 2
    said = capsys.readouterr().err
    assert "'fly'" in said
    assert "hint: verbs: message, observe, control, spawn" in said


# --- what is written twice for speed says the same ---


def test_what_the_command_line_knows_by_heart_is_what_the_core_says() -> None:
    assert send.WAITS == WAITABLE
    assert tuple(policy.value for policy in Policy) == start.POLICIES
    assert tuple(verb.value for verb in Verb) == grants.VERBS
    assert text.LIMIT_BYTES == TEXT_LIMIT_BYTES
    assert set(letters.COMMANDS) | set(send.COMMANDS) <= set(TABLE)
