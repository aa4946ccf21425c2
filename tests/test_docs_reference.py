"""The reference pages and the code say the same: help texts, errors, keys, files, calls, codes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path

import pytest

from docs.write_reference import PAGE, every_command, renewed
from fleet import config, outcomes
from fleet.cli.main import EXIT_INTERRUPTED, EXIT_PIPE
from fleet.cli.send import WAITS
from fleet.core.errors.base import LAYERS
from fleet.core.errors.tree import every_error
from fleet.core.profile import Hooks, Profile
from fleet.core.trust import Policy, Verb
from fleet.outcomes import OUTCOMES
from fleet.paths import Paths
from fleet.profiles import load as load_profiles
from node.doors.calls.call import Taking, Who
from node.doors.calls.table import CALLS
from tests.support.pages import DOCS, blocks, exit_codes, json_fields, quoted, rows, section

ERRORS = DOCS / "reference/errors.md"
PROFILES = DOCS / "reference/profiles.md"
CONFIG = DOCS / "reference/config.md"
FILES = DOCS / "reference/files.md"
TEAM_FILES = (DOCS / "guides/form-a-team.md", DOCS / "tutorial-team.md")
DOOR = DOCS / "reference/local-door.md"


# --- commands ---


def test_every_help_text_on_the_page_is_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = PAGE.read_text()
    assert renewed(page) == page, "make docs FIX=1 writes them"


@pytest.mark.parametrize("command", every_command())
def test_every_section_has_the_help_text_the_json_fields_and_the_exit_codes(command: str) -> None:
    told = section(PAGE, f"fleet {command}")
    assert f"$ fleet {command} --help" in told
    has_more_below = any(other.startswith(f"{command} ") for other in every_command())
    assert json_fields(command) or has_more_below
    assert exit_codes(command) <= set(range(10))


# --- errors ---


def test_every_error_is_on_the_page_as_the_code_has_it_and_nothing_else_is() -> None:
    shown = [(code.strip("`"), *rest[:3]) for code, *rest in rows(section(ERRORS, "All errors"))]
    assert len(shown) == len(every_error())
    assert set(shown) == {
        (code, cls.layer, str(OUTCOMES[cls].exit_code), OUTCOMES[cls].status)
        for code, cls in every_error().items()
    }


def test_every_error_is_explained_in_words() -> None:
    for code, *_, means, do in rows(section(ERRORS, "All errors")):
        assert means, code
        assert do or code == "`cancelled`"


def test_every_exit_code_is_explained_and_no_other() -> None:
    table = section(ERRORS, "Exit codes")
    explained = {int(c) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
                 for c in row.split(",")}  # fmt: skip
    known = {value for name, value in vars(outcomes).items() if name.startswith("EXIT_")}
    assert explained == known | {EXIT_INTERRUPTED, EXIT_PIPE}


def test_the_layers_are_listed_in_their_order() -> None:
    listed = quoted(section(ERRORS, "Layers"))
    assert tuple(listed[1 : len(LAYERS) + 1]) == LAYERS
    guide = DOCS / "guides/when-a-message-does-not-arrive.md"
    walked = [row[0].strip("`") for row in rows(section(guide, "2. How far does the way go?"))]
    assert tuple(walked) == LAYERS


# --- profiles and configuration ---


def default_of(value: object) -> str:
    match value:
        case None | () | "":
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case StrEnum():
            return f"`{value.value}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


def test_every_key_of_a_profile_is_on_the_page_with_its_default_and_no_other() -> None:
    known = {
        field.name: "" if field.default is MISSING else default_of(field.default)
        for field in fields(Profile)
        if field.name != "name"
    }
    shown = {row[0].strip("`"): row[1] for row in rows(section(PROFILES, "The file"))}
    assert shown == known
    assert all(len(row) == 3 and row[2] for row in rows(section(PROFILES, "The file")))


def test_the_profile_shown_as_an_example_loads_and_knows_its_prompt(tmp_path: Path) -> None:
    example, limits = blocks(PROFILES.read_text(), "toml")
    (tmp_path / "chat.toml").write_text(f"{limits}\n{example}")
    profile = load_profiles(tmp_path).recognise("chat", ("chat",))
    assert profile.name == "chat"
    assert profile.prompt is not None
    assert profile.prompt.match("you> hello")
    assert any(pattern.search("Allow this to run? (y/n) ") for pattern in profile.dialog)
    assert len(profile.limited) == 2


def test_every_key_of_a_profiles_hooks_is_on_the_page() -> None:
    shown = [row[0].strip("`") for row in rows(section(PROFILES, "Hooks"))]
    assert shown == [field.name for field in fields(Hooks)]


def test_every_key_of_the_configuration_is_on_the_page_and_no_other() -> None:
    keys, _, rest = (
        CONFIG.read_text().partition("## Environment")[0].partition("### What the outbox")
    )
    assert tuple(row[0].strip("`") for row in rows(keys)) == config.Config.__struct_fields__
    limits = config.OutboxLimits()
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows(rest)}
    assert shown == {key: str(getattr(limits, key)) for key in limits.__struct_fields__}


def test_the_configurations_shown_as_examples_can_be_used(tmp_path: Path) -> None:
    shown = [block for page in DOCS.rglob("*.md") for block in blocks(page.read_text(), "toml")
             if page not in {PROFILES, *TEAM_FILES}]  # fmt: skip
    assert shown
    for number, example in enumerate(shown):
        path = tmp_path / f"{number}.toml"
        path.write_text(example)
        assert config.load(path) != config.Config(), "it says something"
    assert set(tomllib.loads(next(blocks(CONFIG.read_text(), "toml")))) == set(
        config.Config.__struct_fields__
    )


# --- files ---


def test_every_file_of_a_home_is_on_the_page() -> None:
    root = Path("/home")
    kept = {str(path.relative_to(root)) for path in vars(Paths(root)).values() if path != root}
    listed = {name for row in rows(FILES.read_text()) for name in quoted(row[0])}
    folders = {name.rpartition("/")[0] for name in listed if "/" in name}
    assert kept <= listed | folders


# --- the local door ---


def door_rows() -> dict[str, list[str]]:
    return {call: row for row in rows(DOOR.read_text()) for call in quoted(row[0])}


def test_every_call_of_the_local_door_is_on_the_page_and_no_other() -> None:
    assert door_rows().keys() == CALLS.keys()


@pytest.mark.parametrize("call", CALLS)
def test_the_name_of_a_call_is_words_with_underscores_between_them(call: str) -> None:
    assert re.fullmatch("[a-z]+(_[a-z]+)*", call)


NOT_ALL = {"start", "adopt", "ungrant", "outbox"}
"""Calls that share the arguments of another and have no use for some of them."""


@pytest.mark.parametrize("call", CALLS)
def test_the_arguments_of_a_call_are_those_on_the_page_and_the_optional_ones_are_marked(
    call: str,
) -> None:
    shown = {name.rstrip("?"): name.endswith("?") for name in quoted(door_rows()[call][1])}
    act = CALLS[call][1]
    told = act.arguments() if isinstance(act, Taking) else []
    known = {arg["name"]: not arg["required"] for arg in told}
    if call in NOT_ALL:
        assert shown.keys() <= known.keys()
        return
    if call == "grant":
        known["verbs"] = False  # the same arguments as of ungrant, which has none
    assert shown == known


def test_who_may_make_which_call_is_as_the_decision_says() -> None:
    table = (DOCS / "decisions/0014-who-may-call-what-locally.md").read_text()
    for label, who in (
        ("anyone", Who.ANYONE),
        ("the operator", Who.OPERATOR),
        ("the operator, or who has `spawn`", Who.SPAWNER),
    ):
        line = next(line for line in table.splitlines() if line.startswith(f"| {label} |"))
        assert set(quoted(line.split("|")[2])) == {
            call for call, (whose, _) in CALLS.items() if whose is who
        }


@pytest.mark.parametrize(("command", "call"), [
    ("status", "status"), ("whoami", "whoami"), ("invite", "invite"), ("join", "join"),
    ("revoke", "revoke"), ("start", "start"), ("route", "route"), ("attach", "attach"), ("peek", "peek"), ("ungrant", "ungrant"),
    ("grants", "grants"), ("policy", "policy"), ("trust", "trust"), ("profile", "profiles"), ("ls", "ls"),
])  # fmt: skip
def test_both_pages_name_the_same_fields(command: str, call: str) -> None:
    shown = {field for part in quoted(door_rows()[call][2]) for field in part.split()}
    assert shown == json_fields(command)


# --- words that a person types ---


def test_policies_verbs_and_states_to_wait_for_are_explained_where_the_pages_say() -> None:
    trust = (DOCS / "concepts/trust.md").read_text()
    verbs = section(DOCS / "concepts/trust.md", "What a member may do")
    assert [row[0].strip("`") for row in rows(verbs)] == [verb.value for verb in Verb]
    assert {policy.value for policy in Policy} <= set(quoted(trust))
    assert set(WAITS) <= set(quoted(DOOR.read_text()))
