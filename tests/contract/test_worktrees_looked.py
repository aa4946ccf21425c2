"""What a look into a git worktree finds, with submodules and without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet.core.errors.worktrees import UnsavedWork
from tests.support.repositories import GitStage, git
from tests.support.tending import listed, prepare, remove, state

pytestmark = pytest.mark.git


# --- looking ----------------------------------------------------------------------------------------


def test_names_that_no_line_can_hold_are_told_escaped(stage: GitStage) -> None:
    folder = prepare(stage).folder
    stage.write(folder, "two\nlines", "1")
    stage.write(folder, "two\nlines.log", "1")
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))).write_text("1")
    found = state(stage, folder)
    assert set(found.uncommitted) == {"two\\nlines", "\\udcff"}
    assert found.ignored == ("two\\nlines.log",)
    with pytest.raises(UnsavedWork) as caught:
        remove(stage, folder)
    assert str(caught.value).isprintable()


def test_changes_that_git_was_told_not_to_see_are_seen(stage: GitStage) -> None:
    for name in ("assumed", "skipped", "same"):
        stage.write(stage.repository, name, "1")
    stage.commit(stage.repository, "more")
    folder = prepare(stage).folder
    git(folder, "update-index", "--assume-unchanged", "assumed", "same")
    git(folder, "update-index", "--skip-worktree", "skipped")
    assert state(stage, folder).uncommitted == ()
    stage.write(folder, "assumed", "2")
    stage.write(folder, "skipped", "2")
    assert set(state(stage, folder).uncommitted) == {"assumed", "skipped"}


def test_a_repository_that_hides_everything_hides_nothing(stage: GitStage) -> None:
    folder = prepare(stage).folder
    for key, value in (
        ("status.showUntrackedFiles", "no"),
        ("core.excludesFile", str(stage.root / "all")),
        ("core.quotePath", "true"),
    ):
        git(stage.repository, "config", key, value)
    (stage.root / "all").write_text("*\n")
    stage.write(folder, "wörk", "1")
    assert state(stage, folder).ignored == ("wörk",)
    with pytest.raises(UnsavedWork, match="wörk"):
        remove(stage, folder)


def test_a_repository_inside_a_worktree_keeps_it(stage: GitStage) -> None:
    folder = prepare(stage).folder
    git(folder, "init", "--quiet", "local/inner")
    git(folder, "init", "--quiet", "inner")
    stage.write(folder, "inner/work", "1")
    with pytest.raises(UnsavedWork, match="inner"):
        remove(stage, folder)


def test_looking_changes_nothing(stage: GitStage) -> None:
    folder = prepare(stage).folder
    os.utime(Path(folder) / "README", (1, 1))  # same text, another time: git status would note it
    index = stage.root / "project" / ".git" / "worktrees" / "coder" / "index"
    before = index.read_bytes()
    assert state(stage, folder).uncommitted == ()
    assert index.read_bytes() == before


# --- submodules -------------------------------------------------------------------------------------


@pytest.fixture
def library(stage: GitStage) -> str:
    """A worktree with a submodule ``lib`` checked out in it."""
    git(stage.root, "init", "--quiet", "--initial-branch=main", "lib")
    stage.write(stage.folder("lib"), "code", "1")
    stage.commit(stage.folder("lib"), "library")
    git(stage.repository, "submodule", "--quiet", "add", stage.folder("lib"), "lib")
    stage.commit(stage.repository, "with a submodule")
    folder = prepare(stage).folder
    git(folder, "submodule", "--quiet", "update", "--init")
    assert stage.read(folder, "lib/code") == "1"
    return folder


def test_a_worktree_with_submodules_is_made_found_and_removed(
    stage: GitStage, library: str
) -> None:
    assert not prepare(stage).is_new
    found = state(stage, library)
    assert (found.uncommitted, found.nested) == ((), ())
    remove(stage, library)
    assert listed(stage) == [stage.repository]
    assert not Path(library).exists()


def test_what_is_only_in_a_submodule_keeps_its_worktree(stage: GitStage, library: str) -> None:
    inner = f"{library}/lib"
    stage.write(inner, "code", "2")
    with pytest.raises(UnsavedWork, match=r"in lib: 1 uncommitted file: code"):
        remove(stage, library)
    stage.stash(inner)
    with pytest.raises(UnsavedWork, match="in lib: stash"):
        remove(stage, library)
    git(inner, "stash", "drop", "--quiet")
    git(inner, "switch", "--quiet", "--create", "mine")
    stage.write(inner, "code", "3")
    stage.commit(inner, "only here")
    git(inner, "switch", "--quiet", "--detach", "origin/main")
    assert state(stage, library).uncommitted == ()
    with pytest.raises(UnsavedWork, match="in lib: 1 commit"):
        remove(stage, library)


def test_a_submodules_repository_is_kept_when_its_files_are_gone(
    stage: GitStage, library: str
) -> None:
    git(library, "submodule", "--quiet", "deinit", "lib")
    with pytest.raises(UnsavedWork, match="submodule that is not checked out: lib"):
        remove(stage, library)
