"""Git worktrees where the world is not kind: hooks, filters, links, names, full disks, and kill -9."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.core.errors.store import NoSpace
from fleet.core.errors.worktrees import BranchInUse, UnsavedWork, WorktreeFailed
from fleet.core.worktree import NotCopied, Worktree, WorktreeState, WorktreeWish
from node.adapters.worktree import GitWorktrees
from node.faults import CONSENT, CONSENTS, FAULTS
from tests.support.repositories import GitStage, git
from tests.support.until import GIVE_UP_S, until

pytestmark = pytest.mark.git

BRANCH = "crew/coder"


@pytest.fixture
def stage(tmp_path: Path) -> GitStage:
    return GitStage(tmp_path)


@pytest.fixture
def pipe(stage: GitStage) -> Iterator[Path]:
    """Holds up who reads it, at the longest until the test ends."""
    path = stage.root / "project" / ".git" / "pipe"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def let_go(pipe: Path) -> bool:
    """Let go on who reads the pipe; False when nobody does yet."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def prepare(stage: GitStage, name: str = "coder", *include: str, branch: str = BRANCH) -> Worktree:
    wanted = WorktreeWish(stage.repository, stage.folder(name), branch, include=include)
    return asyncio.run(stage.worktrees.prepare(wanted))


def state(stage: GitStage, folder: str) -> WorktreeState:
    return asyncio.run(stage.worktrees.state(folder))


def remove(stage: GitStage, folder: str) -> None:
    asyncio.run(stage.worktrees.remove(folder))


def inside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def beside(stage: GitStage) -> set[str]:
    """What is in the folder where worktrees are made, hidden places of ours included."""
    return inside(stage.root) - {"project", "remote.git"}


def listed(stage: GitStage) -> list[str]:
    """The worktrees that git knows, the repository itself first."""
    said = git(stage.repository, "worktree", "list", "--porcelain")
    return [line.partition(" ")[2] for line in said.splitlines() if line.startswith("worktree ")]


# --- folders -------------------------------------------------------------------------------------


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


# --- repositories --------------------------------------------------------------------------------


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


# --- what a repository would have run ------------------------------------------------------------


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


def filtered(stage: GitStage, command: str) -> None:
    """Have every file named ``*.slow`` go through a command on its way into a checkout."""
    stage.write(stage.repository, ".gitattributes", "*.slow filter=slow\n")
    stage.write(stage.repository, "a.slow", "1")
    stage.commit(stage.repository, "slow")
    git(stage.repository, "config", "filter.slow.smudge", command)
    git(stage.repository, "config", "filter.slow.required", "true")


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


# --- kill -9 -------------------------------------------------------------------------------------

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


# --- the include list ----------------------------------------------------------------------------


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


# --- looking -------------------------------------------------------------------------------------


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


# --- submodules ----------------------------------------------------------------------------------


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
