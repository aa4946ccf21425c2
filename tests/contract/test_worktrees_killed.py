"""Git worktrees whose node is killed, or that somebody works in while they are removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.core.errors.worktrees import UnsavedWork, WorktreeFailed
from fleet.core.worktree import WorktreeState
from node.adapters.worktree import GitWorktrees
from node.faults import CONSENT, CONSENTS, FAULTS
from tests.support.repositories import GitStage, git
from tests.support.tending import BRANCH, beside, filtered, let_go, listed, prepare, remove, state
from tests.support.until import GIVE_UP_S, until

pytestmark = pytest.mark.git


NODE = """
import asyncio, sys
from fleet.core.worktree import WorktreeWish
from node.adapters.worktree import GitWorktrees
what, repository, folder = sys.argv[1:]
worktrees = GitWorktrees()
if what == "prepare":
    wish = WorktreeWish(repository, folder, "crew/coder", include=(".env",))
    asyncio.run(worktrees.prepare(wish))
else:
    asyncio.run(worktrees.remove(folder))
"""


def node(stage: GitStage, what: str, fault: str = "", **environ: str) -> subprocess.Popen[bytes]:
    """A process of its own that does one thing with worktrees, and fails as planned."""
    plan = environ | ({FAULTS: fault, CONSENT: CONSENTS} if fault else {})
    return subprocess.Popen(
        [sys.executable, "-c", NODE, what, stage.repository, stage.folder("coder")],
        env={**os.environ, **plan, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.DEVNULL,
    )


def killed(stage: GitStage, what: str, fault: str) -> None:
    assert node(stage, what, f"{fault}=kill").wait(GIVE_UP_S) == -9


@pytest.mark.parametrize(
    "step", ["after_branch", "after_add", "after_checkout", "after_copy", "after_move"]
)
def test_what_a_killed_node_left_half_made_is_finished_or_made_anew(
    stage: GitStage, step: str
) -> None:
    stage.write(stage.repository, ".env", "KEY=1")
    killed(stage, "prepare", f"worktree:{step}")
    tree = prepare(stage, "coder", ".env")
    assert (tree.branch, stage.read(tree.folder, ".env")) == (BRANCH, "KEY=1")
    assert state(stage, tree.folder) == WorktreeState(BRANCH, tree.head)
    assert "locked" not in git(stage.repository, "worktree", "list", "--porcelain")
    assert beside(stage) == {"coder"}
    assert listed(stage) == [stage.repository, tree.folder]


def test_what_is_half_made_is_cleared_also_where_git_has_forgotten_it(stage: GitStage) -> None:
    killed(stage, "prepare", "worktree:after_checkout")
    shutil.rmtree(Path(stage.repository) / ".git" / "worktrees")
    assert prepare(stage).is_new
    assert beside(stage) == {"coder"}


def test_a_worktree_that_was_moved_when_the_node_died_can_be_removed(stage: GitStage) -> None:
    killed(stage, "prepare", "worktree:after_move")
    remove(stage, stage.folder("coder"))
    assert (beside(stage), listed(stage)) == (set(), [stage.repository])


@pytest.mark.parametrize("then", ["remove", "prepare"])
@pytest.mark.parametrize("step", ["after_set_aside", "after_delete", "after_forget"])
def test_a_removal_that_a_kill_cut_short_is_ended_by_the_next_call(
    stage: GitStage, step: str, then: str
) -> None:
    folder = prepare(stage).folder
    stage.write(folder, "done", "1")
    head = stage.commit(folder, "work")
    killed(stage, "remove", f"worktree:{step}")
    if then == "remove":
        remove(stage, folder)
        assert (beside(stage), listed(stage)) == (set(), [stage.repository])
        assert BRANCH in stage.branches()
    else:
        tree = prepare(stage)
        assert (tree.head, tree.is_new) == (head, step != "after_set_aside")
        assert (beside(stage), listed(stage)) == ({"coder"}, [stage.repository, folder])
        assert state(stage, folder).uncommitted == ()


def test_work_that_came_while_a_worktree_was_set_aside_brings_it_back(stage: GitStage) -> None:
    folder = prepare(stage).folder
    killed(stage, "remove", "worktree:after_set_aside")
    (aside,) = beside(stage)
    stage.write(str(stage.root / aside), "late", "1")
    with pytest.raises(UnsavedWork, match="late"):
        remove(stage, folder)
    assert stage.read(folder, "late") == "1"
    assert listed(stage) == [stage.repository, folder]


def test_work_that_comes_between_the_two_looks_keeps_a_worktree(
    stage: GitStage, pipe: Path
) -> None:
    folder = prepare(stage).folder
    tools = stage.root / "tools"
    tools.mkdir()
    (tools / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *fleet-removing\\ status*) cat {pipe} ;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    (tools / "git").chmod(0o755)
    process = node(stage, "remove", PATH=f"{tools}:{os.environ['PATH']}")
    aside = stage.root / ".coder.fleet-removing"
    until(lambda: aside.exists() or process.poll() is not None, "the worktree is set aside")
    stage.write(str(aside), "late", "1")
    until(lambda: let_go(pipe) or process.poll() is not None, "the second look begins")
    assert process.wait(GIVE_UP_S) == 1
    assert stage.read(folder, "late") == "1"
    assert listed(stage) == [stage.repository, folder]


def test_git_that_outlives_its_node_is_waited_for(stage: GitStage, pipe: Path) -> None:
    filtered(stage, f"cat {pipe}")
    process = node(stage, "prepare")
    making = stage.root / ".coder.fleet-making" / "coder" / "README"
    until(making.exists, "git checks files out")
    process.kill()
    process.wait()
    stage.worktrees = GitWorktrees(timeout_s=0.5)
    with pytest.raises(WorktreeFailed, match="another worktree of the repository"):
        prepare(stage)
    assert making.exists()
    pipe.write_text("1")  # git goes on, and lets go
    git(stage.repository, "config", "filter.slow.smudge", "cat")
    stage.worktrees = GitWorktrees(timeout_s=GIVE_UP_S)
    assert prepare(stage).is_new
    assert beside(stage) == {"coder"}
