"""What is copied into a git worktree: links, patterns, files of the branch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet.core.worktree import NotCopied
from tests.support.repositories import GitStage
from tests.support.tending import inside, prepare

pytestmark = pytest.mark.git


def test_links_lead_nowhere_outside_and_become_files_inside(stage: GitStage) -> None:
    secret = stage.root / "secret"
    secret.write_text("key")
    root = Path(stage.repository)
    (root / "local").mkdir()
    (root / "local" / "real").write_text("KEY=1")
    (root / "local" / "real").chmod(0o4640)
    (root / ".env").symlink_to("local/real")
    (root / "out.log").symlink_to(secret)
    (root / "dead.log").symlink_to("nowhere")
    (root / "dir.log").symlink_to(stage.root)
    os.mkfifo(root / "pipe.log")
    tree = prepare(stage, "coder", ".env", "*.log", "dir.log/secret")
    assert tree.copied == (".env",)
    copy = Path(tree.folder) / ".env"
    assert (copy.is_symlink(), copy.read_text()) == (False, "KEY=1")
    assert copy.stat().st_mode & 0o7777 == 0o640
    assert set(tree.not_copied) == {
        NotCopied("dead.log", "No such file or directory"),
        NotCopied("dir.log", "it is a link that leads out of the repository"),
        NotCopied("out.log", "it is a link that leads out of the repository"),
        NotCopied("pipe.log", "it is not a file"),
        NotCopied("dir.log/secret", "there is no such file"),
    }


def test_a_copy_never_leaves_the_worktree_by_a_link_in_it(stage: GitStage) -> None:
    (stage.root / "outside").mkdir()
    root = Path(stage.repository)
    (root / "config").symlink_to(stage.root / "outside")
    stage.commit(stage.repository, "a link")
    (root / "config").unlink()
    stage.write(stage.repository, "config/local.log", "1")
    tree = prepare(stage, "coder", "config/local.log")
    assert tree.not_copied == (
        NotCopied("config/local.log", "a folder on the way is a link in the worktree"),
    )
    assert inside(stage.root / "outside") == set()


def test_patterns_find_files_at_any_depth_but_not_other_repositories(stage: GitStage) -> None:
    for name in ("a.log", "x/b.log", "x/y/c.log", "x/y/keep.txt", "local/d/e"):
        stage.write(stage.repository, name, name)
    folder = prepare(stage, "project/local/tree", branch="inner").folder
    stage.write(folder, "f.log", "other")
    assert prepare(stage, "one", "**/*.log", branch="one").copied == (
        "a.log",
        "x/b.log",
        "x/y/c.log",
    )
    assert prepare(stage, "two", "x/*", branch="two").copied == (
        "x/b.log",
        "x/y/c.log",
        "x/y/keep.txt",
    )
    assert prepare(stage, "three", "local/**", branch="three").copied == ("local/d/e",)
    assert prepare(stage, "four", "local/tree/f.log", branch="four").copied == ()


def test_a_file_of_the_branch_is_not_replaced_by_a_copy(stage: GitStage) -> None:
    stage.write(stage.repository, "README", "half written")
    tree = prepare(stage, "coder", "README")
    assert (tree.copied, tree.not_copied) == ((), ())
    assert stage.read(tree.folder, "README") == "read me"
