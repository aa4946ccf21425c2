"""Git worktrees where the world is not kind: folders, repositories, hooks, filters, full disks."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from fleet.core.errors.store import NoSpace
from fleet.core.errors.worktrees import BranchInUse, WorktreeFailed
from fleet.core.worktree import WorktreeWish
from node.adapters.worktree import GitWorktrees
from tests.support.repositories import GitStage, git
from tests.support.tending import BRANCH, beside, filtered, inside, listed, prepare, remove, state

pytestmark = pytest.mark.git


# --- folders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["with space", "größe-日本", "-dash", 'it\'s "quoted" $HOME', "[a]*"]
)
def test_a_folder_may_be_called_almost_anything(stage: GitStage, name: str) -> None:
    folder = prepare(stage, name).folder
    assert stage.read(folder, "README") == "read me"
    assert not prepare(stage, name).is_new
    assert state(stage, folder).branch == BRANCH
    remove(stage, folder)
    assert beside(stage) == set()


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "x" * 201])
def test_a_folder_that_could_not_be_told_is_refused(stage: GitStage, name: str) -> None:
    with pytest.raises(WorktreeFailed):
        prepare(stage, name)
    assert beside(stage) == set()


def test_what_lies_in_the_place_stays_as_it_is(stage: GitStage) -> None:
    (stage.root / "full").mkdir()
    (stage.root / "full" / "thesis").write_text("1")
    (stage.root / "file").write_text("1")
    (stage.root / "link").symlink_to(stage.root / "full")
    for name, why in (("full", "thesis"), ("file", "a file"), ("link", "a link")):
        with pytest.raises(WorktreeFailed, match=why):
            prepare(stage, name)
    assert beside(stage) == {"full", "file", "link"}
    assert (stage.root / "full" / "thesis").read_text() == "1"


def test_an_empty_folder_is_as_good_as_none(stage: GitStage) -> None:
    (stage.root / "coder").mkdir()
    assert prepare(stage).is_new


def test_a_worktree_without_its_git_file_is_not_made_over(stage: GitStage) -> None:
    folder = prepare(stage).folder
    stage.write(folder, "work", "1")
    (Path(folder) / ".git").unlink()
    for act in (prepare, lambda s: remove(s, folder)):
        with pytest.raises(WorktreeFailed):
            act(stage)
    assert stage.read(folder, "work") == "1"


def test_another_repository_in_the_folder_is_not_ours(stage: GitStage) -> None:
    git(stage.root, "clone", "--quiet", stage.repository, "coder")
    with pytest.raises(WorktreeFailed):
        prepare(stage)


def test_an_ordinary_folder_is_made_once_and_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        trees, folder = GitWorktrees(), tmp_path / "a" / "b"
        await trees.empty(str(folder))
        (folder / "work").write_text("half done")
        await trees.empty(str(folder))
        assert (folder / "work").read_text() == "half done"
        with pytest.raises(WorktreeFailed):
            await trees.empty(str(folder / "work"))

    asyncio.run(story())


# --- repositories -----------------------------------------------------------------------------------


def test_a_folder_in_a_repository_is_not_its_root(stage: GitStage) -> None:
    (Path(stage.repository) / "sub").mkdir()
    with pytest.raises(WorktreeFailed, match=f"a folder in the repository {stage.repository}"):
        asyncio.run(
            stage.worktrees.prepare(
                WorktreeWish(f"{stage.repository}/sub", stage.folder("coder"), BRANCH)
            )
        )


def test_a_repository_with_files_that_is_called_bare_is_refused_with_the_remedy(
    stage: GitStage,
) -> None:
    git(stage.repository, "config", "core.bare", "true")
    with pytest.raises(WorktreeFailed, match="says that it is bare") as caught:
        prepare(stage)
    assert caught.value.hint.endswith("config core.bare false")


def test_a_bare_repository_has_worktrees_too(stage: GitStage) -> None:
    stage.push(stage.repository)
    bare = str(stage.root / "remote.git")
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    wanted = WorktreeWish(bare, stage.folder("coder"), BRANCH)
    assert asyncio.run(stage.worktrees.prepare(wanted)).is_new
    remove(stage, stage.folder("coder"))
    assert beside(stage) == set()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_repository_is_refused(stage: GitStage) -> None:
    os.chown(stage.repository, 12345, -1)
    with pytest.raises(WorktreeFailed, match=r"belongs to user|dubious ownership"):
        prepare(stage)


def test_an_environment_that_would_send_git_elsewhere_is_not_heard(
    stage: GitStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(stage.root / "remote.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/dev/null")
    folder = prepare(stage).folder
    assert state(stage, folder).uncommitted == ()


def test_a_branch_that_is_being_rebased_elsewhere_is_in_use(stage: GitStage) -> None:
    folder = prepare(stage).folder
    stage.write(folder, "README", "mine")
    stage.commit(folder, "mine")
    stage.write(stage.repository, "README", "theirs")
    stage.commit(stage.repository, "theirs")
    git(folder, "rebase", "main", ok=False)
    assert state(stage, folder).in_progress == "rebase"
    assert not prepare(stage).is_new
    with pytest.raises(BranchInUse, match=folder):
        prepare(stage, "second")
    assert beside(stage) == {"coder"}


# --- what a repository would have run ---------------------------------------------------------------


def test_no_hook_and_no_monitor_of_the_repository_runs(stage: GitStage) -> None:
    ran = stage.root / "ran"
    hooks = Path(stage.repository) / ".git" / "hooks"
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / hook).write_text(f"#!/bin/sh\necho {hook} >> {ran}\nexit 1\n")
        (hooks / hook).chmod(0o755)
    for key in ("core.fsmonitor", "core.pager"):
        git(stage.repository, "config", key, str(hooks / "post-checkout"))
    folder = prepare(stage).folder
    assert state(stage, folder).branch == BRANCH
    remove(stage, folder)
    assert not ran.exists()


def test_a_filter_that_fails_is_told_and_nothing_half_made_stays(stage: GitStage) -> None:
    filtered(stage, "echo too bad >&2; false")
    with pytest.raises(WorktreeFailed, match="smudge filter slow failed"):
        prepare(stage)
    assert (beside(stage), listed(stage)) == (set(), [stage.repository])
    git(stage.repository, "config", "filter.slow.smudge", "cat")
    assert prepare(stage).is_new


def test_a_filter_that_never_ends_is_ended_in_time(stage: GitStage, pipe: Path) -> None:
    filtered(stage, f"cat {pipe}")
    stage.worktrees = GitWorktrees(timeout_s=1.0)
    with pytest.raises(WorktreeFailed, match="longer than 1 s"):
        prepare(stage)
    assert beside(stage) == set()


# --- a full disk ------------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_said_and_nothing_half_made_stays(stage: GitStage) -> None:
    for name in ("a", "b"):
        (Path(stage.repository) / name).write_bytes(os.urandom(700_000))
    stage.commit(stage.repository, "large")
    (Path(stage.repository) / ".env").write_bytes(b"x" * 700_000)
    small = stage.root / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "fleet-test", small], check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(NoSpace):
            prepare(stage, "small/coder")
        assert inside(small) == set()
        assert listed(stage) == [stage.repository]
        git(stage.repository, "branch", "--force", BRANCH, "main~1")
        with pytest.raises(NoSpace):
            prepare(stage, "small/coder", ".env", "a")
        assert inside(small) == set()
        assert prepare(stage, "small/coder").is_new
        assert state(stage, str(small / "coder")).uncommitted == ()
    finally:
        subprocess.run(["umount", small], check=True)
