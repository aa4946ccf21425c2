"""``fleet task merge-check`` on real repositories: what conflicts, what works, and that nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.door import bare_home, done, scripted
from tests.support.homes import Home
from tests.support.repositories import GitStage, git

pytestmark = pytest.mark.git


@pytest.fixture
def stage(tmp_path: Path) -> GitStage:
    """Branches one, same and apart: the first two change the same line, the third a file of its own."""
    stage = GitStage(tmp_path)
    for branch, name, text in (
        ("one", "README", "red me"),
        ("same", "README", "read us"),
        ("apart", "MORE", "more"),
    ):
        git(stage.repository, "switch", "--quiet", "--create", branch, "main")
        stage.write(stage.repository, name, text)
        stage.commit(stage.repository, branch)
    git(stage.repository, "switch", "--quiet", "main")
    return stage


@pytest.fixture
def home() -> Iterator[Home]:
    with bare_home() as found:
        yield found


def left_of(stage: GitStage) -> tuple[str, ...]:
    """All that a person could miss or stumble over."""
    asked = (("status", "--porcelain"), ("worktree", "list", "--porcelain"), ("branch", "-v"))
    return tuple(git(stage.repository, *words) for words in asked)


def check(home: Home, stage: GitStage, *words: str) -> tuple[int, dict[str, object]]:
    said = home.run("task", "merge-check", *words, "--json", cwd=stage.repository)
    assert said.out, said
    return said.code, json.loads(said.out)


def test_two_branches_that_changed_one_line_conflict_in_their_file(
    home: Home, stage: GitStage
) -> None:
    before = left_of(stage)
    code, told = check(home, stage, "one", "same", "--test", "true")
    assert (code, told["conflicts"], told["test"]) == (9, ["README"], None)
    said = home.run("task", "merge-check", "one", "same", cwd=stage.repository)
    assert (said.code, said.out) == (9, "one and same conflict in:\n  README\n")
    assert left_of(stage) == before


@pytest.mark.parametrize(
    ("test", "code", "ended"),
    [
        ("grep red README && grep more MORE", 0, 0),
        ("exit 3", 9, 3),
        ("git rm -q MORE; touch left; chmod -w .; test -e .git", 0, 0),
    ],
)
def test_a_clean_merge_is_tested_in_a_worktree_that_is_gone_afterwards(
    home: Home, stage: GitStage, test: str, code: int, ended: int
) -> None:
    before = left_of(stage)
    assert check(home, stage, "one", "apart")[1]["test"] is None
    found, told = check(home, stage, "one", "apart", "--test", test)
    assert (found, told["conflicts"], told["test"]) == (code, [], ended)
    assert left_of(stage) == before


def test_a_worktree_counts_as_it_stands_with_what_git_does_not_know(
    home: Home, stage: GitStage
) -> None:
    folder = stage.folder("tree")
    git(stage.repository, "worktree", "add", "--quiet", folder, "apart")
    stage.write(folder, "README", "read them")
    stage.write(folder, "src/new", "new")
    stage.write(folder, "staged", "staged")
    git(folder, "add", "staged")
    before = (*left_of(stage), git(folder, "status", "--porcelain"))
    said = home.run("task", "merge-check", folder, "one", cwd=stage.root)
    assert (said.code, said.out) == (9, f"{folder} and one conflict in:\n  README\n")
    assert (
        check(home, stage, "main", folder, "--test", "test -e src/new && test -e staged")[1]["test"]
        == 0
    )
    assert (*left_of(stage), git(folder, "status", "--porcelain")) == before


def test_a_task_is_its_holders_worktree_on_this_node(stage: GitStage) -> None:
    task = {"id": "T3", "team": "site", "holder": "rin"}
    nobodys = {"id": "T4", "team": "site", "holder": ""}
    answers = {"task": [done(task)]}
    with scripted(answers) as (home, door):
        folder = home.root / "worktrees" / "site" / "rin"
        git(stage.repository, "worktree", "add", "--quiet", str(folder), "one")
        assert check(home, stage, "T3", "same")[1]["conflicts"] == ["README"]
        assert door.asked[0]["args"]["task"] == "T3"
    for told, why in ((nobodys, "nobody holds it"), (task, "rin has no worktree here")):
        with scripted({"task": [done(told)]}) as (home, _):
            said = home.run("task", "merge-check", "T3", "same", cwd=stage.repository)
            assert said.code == 9
            assert why in said.err


def test_what_is_nothing_here_is_said_to_be_so(home: Home, stage: GitStage) -> None:
    said = home.run("task", "merge-check", "one", "--nowhere", cwd=stage.repository)
    assert said.code == 2
    said = home.run("task", "merge-check", "one", "nowhere", cwd=stage.repository)
    assert said.code == 2
    assert "nowhere is no task, worktree, branch or commit here" in said.err


def test_a_repository_runs_nothing_of_its_own(home: Home, stage: GitStage, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    hook = Path(stage.repository, ".git", "hooks", "post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{proof}'\n")
    hook.chmod(0o755)
    git(stage.repository, "config", "core.fsmonitor", f"touch '{proof}'; false")
    assert check(home, stage, "one", "apart", "--test", "true")[0] == 0
    assert not proof.exists()
