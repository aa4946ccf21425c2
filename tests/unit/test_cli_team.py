"""``fleet team``: what stands below it, and ``check``, which needs no node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.cli.command import UsageError
from fleet.cli.main import parse, run
from fleet.core.team import agreed_digest, canonical, digest
from fleet.teamfile import read, read_form
from tests.support.door import bare_home
from tests.support.homes import Home

FILE = """
name = "web"
lead = "lead"
repository = "/srv/web"
[roles.lead]
profile = "claude"
worktree = "checkout"
[roles.impl]
command = ["chat", "--no splash"]
count = 2
node = "nova"
orders = "One task."
"""


@pytest.fixture
def home() -> Iterator[Home]:
    with bare_home() as bare:
        yield bare


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "team.toml"
    path.write_text(FILE)
    return path


# --- commands below a word ---


@pytest.mark.parametrize(
    "words",
    [
        "team check x --json --home /h",
        "--json --home /h team check x",
        "team --home=/h --json check x",
    ],
)
def test_options_stand_before_and_behind_both_words(words: str) -> None:
    _, parser, given = parse(words.split())
    assert parser.prog == "fleet team check"
    assert (given.file, given.json, given.home) == ("x", True, "/h")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("team", "fleet team does what?", "fleet team --help lists them"),
        ("team chek", "fleet team has no command 'chek'", "did you mean check?"),
        ("team --verbose check", "unknown option --verbose", "fleet --help lists the commands"),
        ("team check a b", "unrecognized arguments: b", "fleet team check --help says more"),
    ],
)
def test_what_is_no_command_below_the_word_is_said(words: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words.split())
    assert str(caught.value) == message
    assert caught.value.hint.startswith(hint)
    assert caught.value.usage.startswith("usage: fleet")


@pytest.mark.parametrize("words", ["team --help", "team -h", "help team"])
def test_the_word_alone_lists_what_stands_below_it(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run(words.split())
    assert end.value.code == 0
    assert re.search(r"^  check +read a team file", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("words", ["team check --help", "help team check"])
def test_each_command_below_has_a_help_of_its_own(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(words.split())
    assert capsys.readouterr().out.startswith("usage: fleet team check [-h]")


def test_a_shell_completes_what_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "bash"]) == 0
    assert "_shtab_fleet_team_check" in capsys.readouterr().out


# --- check ---


def test_the_roles_of_a_right_file_are_shown_as_a_table(home: Home, file: Path) -> None:
    said = home.run("team", "check", str(file))
    assert (said.code, said.err) == (0, "")
    facts, _, table = said.out.partition("\n\n")
    assert facts.splitlines()[0].split() == ["team", "web"]
    heading, impl, lead = table.splitlines()
    assert heading.split() == ["SEATS", "NODE", "PROGRAM", "FILES", "BRANCH", "CLAIMS", "ORDERS"]
    assert "impl, impl-2  nova  chat '--no splash'  own" in impl
    assert "{team}/{role}" in impl
    assert impl.endswith("9 characters")
    assert lead.split() == ["lead", "any", "claude", "checkout", "1", "none"]


def test_for_programs_the_plan_its_digest_and_what_each_node_would_agree_to(
    home: Home, file: Path
) -> None:
    told = home.run("team", "check", str(file), "--json").json
    plan = read(file)
    assert (told["file"], told["team"], told["digest"]) == (str(file), "web", digest(plan))
    assert read_form(json.dumps(told["plan"]), "the answer") == plan
    assert canonical(plan) == json.dumps(told["plan"], sort_keys=True, separators=(",", ":"))
    impl = plan.roles[0]
    assert told["seats"] == [
        {"seat": seat, "role": "impl", "agent": f"web.{seat}", "node": "nova",
         "branch": f"web/{seat}", "agreed": agreed_digest(impl)}
        for seat in ("impl", "impl-2")
    ] + [
        {"seat": "lead", "role": "lead", "agent": "web.lead", "node": "any", "branch": "",
         "agreed": agreed_digest(plan.roles[1])}
    ]  # fmt: skip


def test_without_a_name_it_is_the_file_of_this_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    assert run(["team", "check"]) == 0
    assert "web" in capsys.readouterr().out


def test_every_mistake_is_told_to_people_in_a_line_and_to_programs_apart(
    home: Home, file: Path
) -> None:
    file.write_text(FILE.replace("count = 2", "cuont = 2").replace('node = "nova"', "node = 3"))
    said = home.run("team", "check", str(file))
    assert (said.code, said.out) == (2, "")
    first, one, other, hint = said.err.splitlines()
    assert first == f"error: {file}: 2 mistakes"
    assert one.startswith("  roles.impl.cuont: no such key; allowed: ")
    assert other == "  roles.impl.node: 3; allowed: text in quotes"
    assert hint.startswith("hint: ")
    told = home.run("team", "check", str(file), "--json")
    assert told.code == 2
    error = told.json["error"]
    assert (error["code"], error["layer"], error["candidates"]) == (
        "malformed_team_file",
        "input",
        [],
    )
    assert [mistake["key"] for mistake in error["mistakes"]] == [
        "roles.impl.cuont", "roles.impl.node",
    ]  # fmt: skip
    assert error["mistakes"][0]["hint"] == "did you mean count?"


def test_a_file_that_steers_terminals_does_not_steer_this_one(home: Home, file: Path) -> None:
    file.write_text(FILE + 'profile = "\\u009b2J\\u001b[2J"\n"\\u202e" = 1\n')
    said = home.run("team", "check", str(file))
    assert said.code == 2
    assert not {"\x9b", "\x1b", "\u202e"} & {*said.err}
