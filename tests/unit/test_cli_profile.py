"""``fleet profile``: what is listed, one of them whole, and what is wrong with one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.cli.profile_check import Checked, checked
from fleet.profiles import load
from tests.support.door import bare_home, done, scripted
from tests.support.homes import Home

GOOD = "title = 'chat'\nprompt = '^you> '\n"
LISTED: dict[str, Any] = {
    "name": "chat", "title": "a chat", "aliases": [], "programs": ["chat"], "tested": "1.2",
    "source": "home",
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "name": "chat", "title": "a chat", "programs": ["chat", "talk"], "prompt": "^you> ",
    "launch": ["chat", "--no splash"], "resume": [],
    "dialog": [r"\(y/n\)", "^Allow"], "busy": [], "queues_while_busy": True, "settle_s": 0.25,
    "hooks": {"environment": {"TELL": "{tell}"}, "files": {"a.json": "{\n  1\n}"}, "adopt": ""},
    "tested": "", "source": "home", "file": "/home/profiles/chat.toml", "changed": False,
}  # fmt: skip


@pytest.fixture
def home() -> Iterator[Home]:
    with bare_home() as bare:
        (bare.root / "profiles").mkdir()
        yield bare


def write(folder: Path, text: str, name: str = "chat.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def told(path: Path) -> list[tuple[str, str, int]]:
    """Verdict, key and line of everything found in a file."""
    return [(f.verdict, f.key, f.line) for f in checked(path).findings]


# --- the list and one of them ---


def test_the_list_says_what_was_tested_and_where_each_is_from() -> None:
    with scripted({"profiles": [done([LISTED, {**LISTED, "tested": "", "source": "shipped"}])]}) as (
        home, _,
    ):  # fmt: skip
        heading, mine, ours = home.run("profile", "ls").out.splitlines()
    assert heading.split("  ")[-1].strip() == "FROM"
    assert "VERSION TESTED" in heading
    assert mine.split() == ["chat", "a", "chat", "chat", "1.2", "home"]
    assert ours.split()[-1] == "shipped"


def test_one_is_shown_whole_patterns_as_they_are_written_and_its_file() -> None:
    with scripted({"profile": [done(WHOLE)]}) as (home, door):
        shown = home.run("profile", "show", "chat").out.splitlines()
        assert home.run("profile", "show", "chat", "--json").json == WHOLE
    assert door.asked[0] == {"call": "profile", "args": {"name": "chat"}}
    assert shown == [
        "chat  home, /home/profiles/chat.toml",
        "title              a chat",
        "programs           chat",
        "                   talk",
        "prompt             '^you> '",
        "launch             chat '--no splash'",
        "resume             none",
        r"dialog             \(y/n\)",
        "                   ^Allow",
        "busy               none",
        "queues_while_busy  true",
        "settle_s           0.25",
        "hooks              environment = TELL = {tell}",
        "                   files = a.json = {",
        "                   files = a.json =   1",
        "                   files = a.json = }",
        "tested             none",
    ]


def test_that_the_file_says_something_else_by_now_is_said_beside_it() -> None:
    with scripted({"profile": [done({**WHOLE, "changed": True})]}) as (home, _):
        assert "fleet down, fleet up reads it" in home.run("profile", "show", "chat").err


@pytest.mark.parametrize("words", ["show", "show a b", "ls a"])
def test_a_wrong_number_of_names_is_a_mistake(home: Home, words: str) -> None:
    said = home.run("profile", *words.split())
    assert (said.code, said.out) == (2, "")
    assert "usage: fleet profile" in said.err


# --- what is wrong with a file ---


@pytest.mark.parametrize(
    ("text", "key", "line", "reason"),
    [
        ("title = 'x'\n\nprompt = '('\n", "prompt", 3, "is broken"),
        ("title = 'x'\ndialog = [\n  'a',\n  '[b',\n]\n", "dialog[1]", 4, "is broken"),
        ("title = 'x'\nsettle_s = 'soon'\n", "settle_s", 2, "Expected `float`"),
        ("title = 'x'\nsettle_s = -1\n", "settle_s", 2, "from 0 up"),
        ("title = 'x'\npaste = 'slowly'\n", "paste", 2, "Invalid enum value"),
        ("title = 'x'\n[hooks]\ntext = 3\n", "hooks.text", 3, "Expected `str`"),
        ("prompt = '> '\n", "", 0, "missing required"),
        ("title = 'x'\nprompt = \n", "", 2, "not TOML"),
    ],
)
def test_what_a_node_would_not_read_fails_with_key_line_and_reason(
    tmp_path: Path, text: str, key: str, line: int, reason: str
) -> None:
    (finding,) = checked(write(tmp_path, text)).findings
    assert (finding.verdict, finding.key, finding.line) == ("fail", key, line)
    assert reason in finding.reason
    assert str(tmp_path) not in finding.reason
    assert "/tmp/tmp" not in finding.reason


def test_every_unknown_key_is_named_with_the_one_that_may_have_been_meant(tmp_path: Path) -> None:
    text = "title = 'x'\npromt = '> '\nzebra = 1\n[hooks]\nargument = ['-x']\n"
    found = checked(write(tmp_path, text)).findings
    assert [(f.verdict, f.key, f.line) for f in found] == [
        ("fail", "promt", 2), ("fail", "zebra", 3), ("fail", "hooks.argument", 5),
    ]  # fmt: skip
    assert found[0].hint == "did you mean prompt?"
    assert found[1].hint.startswith("known: title, ")
    assert found[2].hint == "did you mean arguments?"


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    broken = tmp_path / "latin.toml"
    broken.write_bytes(b"title = 'x'\n# \xe9\n")
    assert told(broken) == [("fail", "", 2)]
    (gone,) = checked(tmp_path / "gone.toml").findings
    assert (gone.verdict, gone.reason) == ("fail", "No such file or directory")


# --- what is unwise ---


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("prompt = '^(> )?'", "prompt"), ("prompt = ' *'", "prompt"),
        ("prompt = '^ '", "prompt"),
        ("prompt = '> '\ndialog = ['sure', 'x*']", "dialog[1]"),
        ("prompt = '> '\nbusy = ['^\\s*$']", "busy[0]"),
        ("prompt = '> '\nstarting = ['|x']", "starting[0]"),
        ("prompt = '> '\ndialog_title = '.*'", "dialog_title"),
        ("prompt = '> '\nbusy_title = '^'", "busy_title"),
        ("prompt = '> '\npane_title = ''", "pane_title"),
        ("prompt = '> '\nplaceholder = '.+'", "placeholder"),
        ("prompt = '> '\nfolded = '.*'", "folded"),
        ("settle_s = 1", "prompt"),
    ],
)  # fmt: skip
def test_a_pattern_that_finds_nothing_in_particular_is_a_warning(
    tmp_path: Path, line: str, key: str
) -> None:
    path = write(tmp_path, f"title = 'x'\n{line}\n")
    (finding,) = checked(path).findings
    assert (finding.verdict, finding.key) == ("warn", key)
    assert load(tmp_path).named("chat").title == "x", "a node reads it all the same"


def test_questions_without_a_prompt_are_a_warning_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path, "title = 'x'\ndialog = ['y/n']\n")
    assert told(path) == [("warn", "prompt", 0), ("warn", "dialog", 2)]


def test_an_empty_row_may_belong_to_an_input(tmp_path: Path) -> None:
    assert told(write(tmp_path, GOOD + "continuation = '^(  |$)'\n")) == []


def test_nothing_of_ours_fails() -> None:
    folder = Path(str(load.__globals__["resources"].files("fleet.profiles")))
    found = {path.stem: checked(path).verdict for path in folder.glob("*.toml")}
    assert "generic" in found
    assert "fail" not in found.values()


def test_the_worst_of_what_was_found_is_the_verdict() -> None:
    def verdict(*found: str) -> str:
        from fleet.cli.profile_check import Finding

        return Checked("", "", tuple(Finding(one, "", "") for one in found)).verdict

    assert [verdict(), verdict("warn"), verdict("warn", "fail")] == ["ok", "warn", "fail"]


# --- the command ---


def test_all_of_a_home_is_checked_without_a_node_and_warnings_are_a_good_end(home: Home) -> None:
    folder = home.root / "profiles"
    write(folder, GOOD, "Good_One.toml")
    write(folder, "title = 'x'\n", "plain.toml")
    said = home.run("profile", "check")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[:2] == [
        f"ok    {folder}/Good_One.toml",
        f"warn  {folder}/plain.toml",
    ]
    listed = home.run("profile", "check", "--json").json
    assert [(one["name"], one["verdict"]) for one in listed] == [
        ("good-one", "ok"), ("plain", "warn"),
    ]  # fmt: skip


def test_a_file_that_no_node_would_read_ends_as_the_node_would(home: Home) -> None:
    path = write(home.root / "profiles", "title = 'x'\npromt = '> '\n")
    said = home.run("profile", "check", "chat")
    assert said.code == 2
    assert said.out == (
        f"fail  {path}\n  fail  line 2: promt: unknown key (did you mean prompt?)\n"
    )
    assert said.err == (f"error: {path}: line 2: promt: unknown key\nhint: did you mean prompt?\n")
    told_ = home.run("profile", "check", str(path), "--json")
    assert (told_.code, told_.err) == (2, "")
    assert told_.json[0]["findings"] == [
        {"verdict": "fail", "key": "promt", "line": 2, "reason": "unknown key",
         "hint": "did you mean prompt?"}
    ]  # fmt: skip


def test_a_name_is_ones_own_file_then_ours_then_unknown(home: Home) -> None:
    (ours,) = home.run("profile", "check", "generic", "--json").json
    assert ours["file"].endswith("fleet/profiles/generic.toml")
    write(home.root / "profiles", GOOD, "generic.toml")
    (own,) = home.run("profile", "check", "Generic", "--json").json
    assert own["file"] == str(home.root / "profiles/generic.toml")
    said = home.run("profile", "check", "nobody", "--json")
    assert (said.code, said.json["error"]["code"]) == (3, "unknown_profile")


def test_a_file_elsewhere_is_meant_by_its_path(home: Home, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert home.run("profile", "check", str(path)).out == f"ok    {path}\n"


def test_a_home_without_profiles_says_where_they_would_be(home: Home) -> None:
    said = home.run("profile", "check")
    assert (said.code, said.out) == (0, "")
    assert said.err == f"no profiles of your own in {home.root}/profiles\n"
    assert home.run("profile", "check", "--json").json == []
