"""What nobody foresaw: one line and a code, never a traceback, and the details where they help."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from fleet.cli.edge import as_json, told
from fleet.cli.terminal import Terminal
from fleet.core.errors.base import Candidate, FleetError
from fleet.core.errors.names import AmbiguousName
from fleet.core.errors.nodes import NodeNotRunning
from fleet.core.errors.tree import every_error
from fleet.outcomes import OUTCOMES
from tests.support.door import bare_home, done, receipt, scripted
from tests.support.homes import FLEET, Home

SECRET = "the text of a message"
BROKEN = [done({"nonsense": 1})]
"""An answer that the command cannot make sense of: nobody foresaw it."""


def crashes(home: Home) -> list[str]:
    return [path.read_text() for path in (home.root / "log").glob("crash-*.txt")]


def test_a_bug_is_one_line_and_exit_1_and_the_traceback_goes_into_the_home() -> None:
    with scripted({"send": BROKEN}) as (home, _):
        (home.root / "log").mkdir()
        said = home.run("send", "rin", SECRET)
        (noted,) = crashes(home)
        (path,) = (home.root / "log").iterdir()
        assert said.code == 1
        assert said.out == ""
        assert said.err.startswith("error: this is a bug in fleet: KeyError: ")
        assert f"hint: please report it; the details are in {path}\n" in said.err
        assert "Traceback" not in said.err
        assert "Traceback" in noted
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_noted_of_a_bug_has_no_text_of_a_message() -> None:
    with scripted({"send": BROKEN}) as (home, _):
        (home.root / "log").mkdir()
        home.run("send", "rin", SECRET)
        (noted,) = crashes(home)
    assert SECRET not in noted


def test_a_bug_where_nothing_can_be_noted_is_told_all_the_same() -> None:
    with scripted({"status": BROKEN}) as (home, _):
        said = home.run("down", "--json")
        assert not (home.root / "log").exists(), "a home is made by fleet up, not by a bug"
    assert (said.code, said.err) == (1, "")
    error = said.json["error"]
    assert (error["code"], error["hint"]) == ("fleet_error", "please report it")


def test_the_home_that_a_bug_is_noted_in_is_the_one_that_was_meant() -> None:
    with scripted({"send": BROKEN}) as (home, _):
        (home.root / "log").mkdir()
        for number, words in enumerate((["--home", str(home.root)], [f"--home={home.root}"]), 1):
            away = Home(home.name, home.root, {**home.environment, "FLEET_HOME": "/nowhere"})
            assert away.run(*words, "send", "rin", "x").code == 1
            assert len(crashes(home)) == number


def test_an_error_with_json_has_exactly_its_five_fields() -> None:
    with bare_home() as home:
        said = home.run("ls", "--json")
    assert list(said.json) == ["error"]
    assert list(said.json["error"]) == ["code", "message", "hint", "layer", "candidates"]
    assert said.out.count("\n") == 1
    assert said.err == ""


def test_candidates_are_told_in_full() -> None:
    one = Candidate("rin@nova", "nova", "online", "now")
    error = as_json(AmbiguousName("rin", (one,)))
    assert error["candidates"] == [
        {"address": "rin@nova", "node": "nova", "state": "online", "last_seen": "now"}
    ]


@pytest.mark.parametrize("code", every_error())
def test_every_error_that_is_made_here_ends_with_the_code_of_the_table(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = every_error()[code].rebuilt("what failed", "what to do", "name", ())
    assert told(error, [], Terminal({}, as_json=True)) == OUTCOMES[type(error)].exit_code
    assert json.loads(capsys.readouterr().out)["error"] == {
        "code": code, "message": "what failed", "hint": "what to do", "layer": "name",
        "candidates": [],
    }  # fmt: skip


def test_an_error_without_a_hint_has_no_empty_hint(capsys: pytest.CaptureFixture[str]) -> None:
    told(FleetError("what failed"), [], Terminal({}, as_json=False))
    assert capsys.readouterr().err == "error: what failed\n"
    told(NodeNotRunning("/home"), [], Terminal({}, as_json=False))
    assert capsys.readouterr().err == "error: no node is running for /home\nhint: fleet up\n"


# --- signals and streams ---


def test_ctrl_c_is_130_without_a_word() -> None:
    never = threading.Event()
    with scripted({"send": [{"progress": receipt(state="queued")}, never]}) as (home, door):
        process = home.begin("send", "rin", "x")
        while not door.asked:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        never.set()
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("words", [["--help"], ["inbox"], ["inbox", "--json"]])
def test_a_reader_that_went_away_is_141_without_a_word(words: list[str]) -> None:
    letters = [{**receipt(), "text": "x" * 1_000, "at": ""}] * 100
    with scripted({"inbox": [done(letters)]}) as (home, _):
        reading, writing = os.pipe()
        os.close(reading)
        with subprocess.Popen(
            [FLEET, *words], env=home.environment, stdout=writing, stderr=subprocess.PIPE
        ) as process:
            os.close(writing)
            _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize("words", [["whoami"], ["whoami", "--json"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_no_success(words: list[str]) -> None:
    answers = {"whoami": [done({"identity": "operator@white"})]}
    with scripted(answers) as (home, _), Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [FLEET, *words], env=home.environment, stdout=full, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert b"standard output cannot be written: No space left" in ended.stderr
    assert b"bug" not in ended.stderr


def test_an_error_that_standard_output_cannot_take_is_told_in_words() -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [FLEET, "show", "--json"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"error: the following arguments are required: ID")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_reason_to_crash(closed: str) -> None:
    with scripted({"whoami": [done({"identity": "operator@white"})]}) as (home, _):
        ended = subprocess.run(
            ["sh", "-c", f"exec {FLEET} whoami {closed}"], env=home.environment,
            capture_output=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 0, ended
    assert b"Traceback" not in ended.stderr
