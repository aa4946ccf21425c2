"""A team brought up on a real node: programs in tmux, each in a git worktree of its own, all told their job."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

FILE = """
name = "web"
lead = "lead"
repository = {repository}
test = "make test"
[roles.lead]
profile = "generic"
command = {command}
worktree = "checkout"
[roles.impl]
profile = "generic"
command = {command}
count = 2
orders = "One task at a time."
"""


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.net")
    done = subprocess.run(
        ["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def repository(world: Scene) -> Path:
    folder = world.folder / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "README").write_text("read me")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "begin")
    return folder


def applied(home: Home, world: Scene, repository: Path, **changed: str) -> Path:
    """The team's file, applied; its programs record what they are given under what they were told."""
    record = f"exec {sys.executable} {PROGRAM} {world.folder}/$FLEET_TEAM.$FLEET_ROLE.$FLEET_AGENT"
    command = json.dumps(["sh", "-c", record])
    text = FILE.format(repository=json.dumps(str(repository)), command=command)
    for before, after in changed.items():
        text = text.replace(before, after)
    file = world.folder / "team.toml"
    file.write_text(text)
    told(home, "team", "apply", str(file), "--yes")
    return file


def test_every_member_is_started_in_its_own_place_and_told_its_job_once(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, nova = pair
    applied(white, world, repository)
    first = told(white, "team", "up", "web")
    assert [(one["seat"], one["started"], one["brief"]) for one in first] == [
        ("impl", True, "submitted"),
        ("impl-2", True, "submitted"),
        ("lead", True, "submitted"),
    ]
    for one in first:
        record = Recording(world.folder / f"web.{one['role']}.web.{one['seat']}")
        (turn,) = record.turns()
        briefing = told(white, "memory", "briefing", f"web/{one['seat']}")["text"]
        assert (turn.sender, turn.text) == ("fleet@white", briefing.removesuffix("\n"))
        assert f"\nYou are web/{one['seat']}, a member of the team web.\n" in turn.text
        assert ("> One task at a time." in turn.text) == (one["role"] == "impl")
    for seat in ("impl", "impl-2"):
        folder = white.root / "worktrees" / "web" / seat
        assert git(folder, "branch", "--show-current").strip() == f"web/{seat}"
    paths = world.tmux("list-panes", "-a", "-F", "#{pane_current_path}").split()
    assert {str(repository), str(white.root / "worktrees/web/impl-2")} <= set(paths)
    again = told(white, "team", "up", "web")
    assert [one["started"] for one in again] == [False] * 3
    assert [one["id"] for one in again] == [one["id"] for one in first]
    world.wait_known(nova, "web.lead@white")
    assert told(nova, "send", "web/impl-2@white", "hello")["to"] == "web.impl-2@white"
    refused = told(nova, "send", "web/impl-2", "hello", code=4)
    assert refused["code"] == "seat_in_doubt", "nova is not of the team"
    assert [one["address"] for one in refused["candidates"]] == ["web.impl-2@white"]
    (claimed,) = (one for one in told(nova, "ls") if one["name"] == "web.impl-2")
    assert (claimed["seats"], claimed["seats_claimed"]) == ([], ["web/impl-2"])


def test_who_has_ended_is_started_again_and_nobody_else(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    applied(white, world, repository)
    before = {one["seat"]: one for one in told(white, "team", "up", "web")}
    work = white.root / "worktrees" / "web" / "impl" / "half done"
    work.write_text("not committed")
    told(white, "stop", "web.impl")
    said = run(white, "team", "up", "web", "--role", "impl")
    assert said.code == 0
    assert "lives; submitted" in said.out
    after = {one["seat"]: one for one in told(white, "team", "up", "web")}
    assert after["impl"]["term"] > before["impl"]["term"]
    assert after["impl-2"]["term"] == before["impl-2"]["term"]
    assert work.read_text() == "not committed"


def test_what_cannot_be_started_is_said_and_leaves_nothing_behind(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    applied(
        white, world, repository, **{'name = "web"': 'name = "shop"', "count = 2": 'node = "nova"'}
    )
    elsewhere = run(white, "team", "up", "shop")
    assert elsewhere.code == 7
    assert "role impl may not live on a node that is not of the team" in elsewhere.err
    assert run(white, "team", "up", "shop", "--role", "cook").code == 2
    applied(
        white,
        world,
        repository,
        **{'name = "web"': 'name = "broken"', 'profile = "generic"': 'profile = "none-such"'},
    )
    failed = told(white, "team", "up", "broken", code=3)
    assert {one["error"]["code"] for one in failed} == {"unknown_profile"}
    assert not (white.root / "worktrees" / "broken" / "impl").exists()
    assert "broken/impl" in git(repository, "branch"), "a branch is never deleted"
    assert not [a for a in white.ask("ls") if a["name"].startswith("broken")]
    assert not told(white, "team", "show", "broken")["seats"]


def test_messages_that_waited_stand_in_the_briefing_which_comes_before_them(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, nova = pair
    applied(white, world, repository)
    told(white, "team", "up", "web")
    told(white, "stop", "web.impl-2")
    for words in ("the first", "the second"):
        assert nova.run("send", "web.impl-2@white", words, "--timeout", "0").code == 5
    until(lambda: len(told(white, "inbox", "web.impl-2", "--held")) == 1, "the first is held")
    page = told(white, "memory", "briefing", "web/impl-2")["text"]
    assert page.index("> the first") < page.index("> the second")
    record = Recording(world.folder / "web.impl.web.impl-2")
    before = len(record.turns())
    assert run(white, "team", "up", "web").code == 0
    until(lambda: len(record.turns()) == before + 3, "all of it was given")
    assert [turn.text for turn in record.turns()[before:]] == [
        page.removesuffix("\n"), "the first", "the second",
    ]  # fmt: skip
