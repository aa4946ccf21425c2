"""Teams' memory as files: written again for nothing, and a person's edit is never lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleet.core.errors.requests import MalformedName
from fleet.core.errors.store import StoreFailed
from node.adapters.memory_folder import MemoryFolders, TeamFolder
from node.adapters.memory_git import Repository, blob_id
from node.ports.memory import MemoryFolder, OrdersEdit, OrdersUnreadable
from tests.support.memory_folders import FakeMemoryFolders

PAGES = {"orders.md": "Be kind.\n", "dev/orders.md": "Run the tests.\n", "dev/findings.md": "# F\n"}
MORE = {
    **PAGES,
    "dev/orders.md": "Run all tests.\n",
    "dev/findings.md": "# F\n\n# G\n",
    "notes.md": "n\n",
}


class Both:
    """A folder to be spoken to as the engine does, and as a person does."""

    def __init__(self, port: MemoryFolder, root: Path | None) -> None:
        self._port, self._root = port, root

    def write(self, pages: Mapping[str, str], head: int) -> None:
        asyncio.run(self._port.write("kungfu", pages, head, 10.0 * head))

    def edited(self) -> tuple[OrdersEdit | OrdersUnreadable, ...]:
        return asyncio.run(self._port.edited("kungfu"))

    def taken(self, edit: OrdersEdit | OrdersUnreadable) -> None:
        assert isinstance(edit, OrdersEdit)
        asyncio.run(self._port.taken(edit))

    def files(self) -> dict[str, bytes]:
        if isinstance(self._port, FakeMemoryFolders):
            return {path: data for (_, path), data in self._port.files.items()}
        assert self._root
        return seen(self._root / "kungfu")

    def put(self, path: str, data: bytes | None) -> None:
        """What a person does with an editor."""
        if isinstance(self._port, FakeMemoryFolders):
            if data is None:
                del self._port.files["kungfu", path]
            else:
                self._port.files["kungfu", path] = data
            return
        assert self._root
        file = self._root / "kungfu" / path
        if data is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def seen(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but git's."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        name: path.read_bytes()
        for path in files
        if not (name := str(path.relative_to(folder))).startswith(".git/")
    }


def encoded(pages: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in pages.items()}


@pytest.fixture(params=["fake", "real"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    if request.param == "fake":
        return Both(FakeMemoryFolders(), None)
    return Both(MemoryFolders(tmp_path), tmp_path)


def test_what_is_written_is_there_and_nothing_of_it_is_an_edit(folder: Both) -> None:
    assert folder.edited() == ()
    folder.write(PAGES, 3)
    assert folder.files() == encoded(PAGES)
    assert folder.edited() == ()
    folder.write(MORE, 5)
    assert folder.files() == encoded(MORE)
    assert folder.edited() == ()


def test_pages_that_are_no_more_are_gone(folder: Both) -> None:
    folder.write(MORE, 5)
    folder.write({"orders.md": "Be kind.\n"}, 3)
    assert folder.files() == {"orders.md": b"Be kind.\n"}
    assert folder.edited() == ()


def test_an_edit_is_told_with_what_its_author_had_seen_and_not_written_over(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("dev/orders.md", b"Run no tests.\n\n")
    folder.put("orders.md", b"Be kinder.\n")
    edits = (
        OrdersEdit("kungfu", "", "Be kinder.", 3),
        OrdersEdit("kungfu", "dev", "Run no tests.", 3),
    )
    assert folder.edited() == edits
    folder.write(MORE, 5)
    edited = {"dev/orders.md": b"Run no tests.\n\n", "orders.md": b"Be kinder.\n"}
    assert folder.files() == encoded(MORE) | edited
    assert folder.edited() == edits


def test_an_edit_that_was_taken_is_none_any_more_and_may_be_replaced(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("dev/orders.md", b"Run no tests.\n\n")
    (edit,) = folder.edited()
    folder.taken(edit)
    assert folder.edited() == ()
    then = {**PAGES, "dev/orders.md": "Run no tests.\n\nBe quick.\n"}
    folder.write(then, 4)
    assert folder.files() == encoded(then)


def test_who_edits_again_before_the_first_edit_was_taken_is_heard_too(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("orders.md", b"one\n")
    (edit,) = folder.edited()
    folder.put("orders.md", b"two\n")
    folder.taken(edit)
    folder.write({**PAGES, "orders.md": "one\n"}, 4)
    assert folder.edited() == (OrdersEdit("kungfu", "", "two", 3),)
    assert folder.files()["orders.md"] == b"two\n"


def test_what_an_edit_says_may_be_in_the_pages_already(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("orders.md", b"Be kinder.\n")
    folder.write({**PAGES, "orders.md": "Be kinder.\n"}, 4)
    assert folder.edited() == ()
    folder.put("orders.md", b"Be kind.\n")
    assert folder.edited() == (OrdersEdit("kungfu", "", "Be kind.", 4),), "back to what once was"


def test_orders_for_a_role_that_had_none_are_an_edit_and_empty_ones_are_not(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("lead/orders.md", b"Lead.\n")
    folder.put("tester/orders.md", b"\n \n")
    assert folder.edited() == (OrdersEdit("kungfu", "lead", "Lead.", 0),)
    folder.put("orders.md", b"")
    assert folder.edited()[0] == OrdersEdit("kungfu", "", "", 3)


def test_a_file_that_was_removed_is_written_again_and_other_files_are_no_edits(
    folder: Both,
) -> None:
    folder.write(PAGES, 3)
    folder.put("orders.md", None)
    folder.put("dev/findings.md", b"mine")
    assert folder.edited() == ()
    folder.write(PAGES, 3)
    assert folder.files() == encoded(PAGES)


def test_what_is_no_text_is_said_and_left_as_it_is(folder: Both) -> None:
    folder.write(PAGES, 3)
    folder.put("dev/orders.md", b"\xff\xfe")
    (trouble,) = folder.edited()
    assert isinstance(trouble, OrdersUnreadable)
    assert trouble.role == "dev"
    assert "UTF-8" in trouble.why
    folder.write(MORE, 4)
    assert folder.files()["dev/orders.md"] == b"\xff\xfe"


# --- the real one: git ---


def git(folder: Path, *words: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    return subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def write(root: Path, pages: Mapping[str, str], head: int) -> Path:
    TeamFolder(root / "kungfu", "kungfu").write(dict(pages), head, 10.0 * head)
    return root / "kungfu"


def test_every_change_is_a_commit_of_our_own_and_the_same_again_is_none(tmp_path: Path) -> None:
    write(tmp_path, PAGES, 3)
    folder = write(tmp_path, PAGES, 3)
    write(tmp_path, MORE, 5)
    write(tmp_path, MORE, 6)
    log = git(folder, "log", "--format=%an <%ae> %cn %ct %s").splitlines()
    assert log == [
        "fleet <fleet@localhost> fleet 50 memory of kungfu, event 5",
        "fleet <fleet@localhost> fleet 30 memory of kungfu, event 3",
    ]
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "show", "HEAD~1:dev/orders.md") == PAGES["dev/orders.md"]
    assert git(folder, "fsck", "--strict") == ""


def test_the_same_history_is_the_same_commits_everywhere(tmp_path: Path) -> None:
    heads = set()
    for name in ("a", "b"):
        write(tmp_path / name, PAGES, 3)
        heads.add(git(write(tmp_path / name, MORE, 5), "rev-parse", "HEAD"))
    assert len(heads) == 1


def test_no_configuration_no_hook_and_no_variable_of_the_persons_has_a_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    for hook in ("pre-commit", "reference-transaction", "post-index-change"):
        (home / "hooks" / hook).write_text("#!/bin/sh\nexit 1\n")
        (home / "hooks" / hook).chmod(0o700)
    (home / ".gitconfig").write_text(
        f"[user]\nname=me\n[core]\nhooksPath={home}/hooks\n[init]\ndefaultBranch=trunk\n"
        "[commit]\ngpgsign=true\n"
    )
    for name, value in {
        "HOME": str(home), "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_AUTHOR_NAME": "me",
        "GIT_COMMITTER_DATE": "1 +0000", "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    folder = write(tmp_path, PAGES, 3)
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    for script in (home / "hooks").iterdir():
        script.rename(folder / ".git" / "hooks" / script.name)
    write(tmp_path, MORE, 5)
    assert git(folder, "log", "--format=%an %ct %D").splitlines() == [
        "fleet 50 HEAD -> main",
        "fleet 30 ",
    ]


def test_what_a_person_committed_there_stays_in_the_history(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    (folder / "notes.md").write_text("mine")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=me", "-c", "user.email=me@x", "commit", "-qm", "mine")
    write(tmp_path, MORE, 5)
    assert git(folder, "log", "--format=%an").split() == ["fleet", "me", "fleet"]
    assert seen(folder) == encoded(MORE)


def test_locks_of_a_git_that_was_killed_do_not_keep_us_out(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    for lock in ("HEAD.lock", "refs/heads/main.lock", "index.lock", "fleet.index.lock"):
        (folder / ".git" / lock).touch()
    write(tmp_path, MORE, 5)
    assert git(folder, "show", "HEAD:notes.md") == "n\n"


def test_without_git_or_room_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as nothing:
        nothing.setenv("PATH", str(tmp_path))
        with pytest.raises(StoreFailed, match="git is not installed"):
            write(tmp_path, PAGES, 3)
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="Not a directory"):
        write(tmp_path / "file", PAGES, 3)
    folder = write(tmp_path, PAGES, 3)
    (folder / ".git/HEAD").write_text("nonsense")
    with pytest.raises(StoreFailed, match="git"):
        write(tmp_path, MORE, 5)
    with pytest.raises(MalformedName):
        asyncio.run(MemoryFolders(tmp_path).write("../up", PAGES, 3, 1.0))


def test_a_repository_that_is_gone_is_made_anew_and_edits_are_still_seen(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    (folder / ".git").rename(tmp_path / "moved")
    (folder / "orders.md").write_text("Be kinder.\n")
    write(tmp_path, MORE, 5)
    edits = TeamFolder(folder, "kungfu").edited()
    assert [(e.role, e.text) for e in edits if isinstance(e, OrdersEdit)] == [
        ("", "Be kinder."), ("dev", "Run the tests."),
    ]  # fmt: skip
    assert git(folder, "log", "--format=%s").splitlines() == ["memory of kungfu, event 5"]


def test_notes_of_ours_that_make_no_sense_cost_no_edit(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    (folder / ".git/fleet.json").write_text("{")
    (folder / "orders.md").write_text("Be kinder.\n")
    write(tmp_path, MORE, 5)
    assert (folder / "orders.md").read_text() == "Be kinder.\n"
    assert (folder / "notes.md").read_text() == "n\n"


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    assert folder.stat().st_mode & 0o077 == 0
    assert all((folder / path).stat().st_mode & 0o077 == 0 for path in PAGES)


def test_a_link_to_what_never_ends_is_not_read(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    (folder / "orders.md").unlink()
    (folder / "orders.md").symlink_to("/dev/zero")
    (trouble,) = TeamFolder(folder, "kungfu").edited()
    assert isinstance(trouble, OrdersUnreadable)
    assert "no plain file" in trouble.why


@pytest.mark.parametrize("both", [False, True])
def test_an_edit_between_our_look_and_our_write_is_brought_back(tmp_path: Path, both: bool) -> None:
    """As it is left by a node that was killed after it moved the file aside."""
    folder = write(tmp_path, PAGES, 3)
    (folder / ".orders.md.old").write_text("saved at the last moment\n")
    if both:
        (folder / "orders.md").write_text("and once more\n")
    else:
        (folder / "orders.md").unlink()
    edits = TeamFolder(folder, "kungfu").edited()
    text = "and once more" if both else "saved at the last moment"
    assert edits == (OrdersEdit("kungfu", "", text, 3),)
    write(tmp_path, MORE, 5)
    assert (folder / "orders.md").read_text() == f"{text}\n"
    saved = folder / "orders.saved.md"
    assert (saved.read_text() if both else saved.exists()) == (
        "saved at the last moment\n" if both else False
    )


def test_git_calls_bytes_as_we_do(tmp_path: Path) -> None:
    folder = write(tmp_path, PAGES, 3)
    assert Repository(folder).files() == {
        path: blob_id(data) for path, data in encoded(PAGES).items()
    }


def killed_at(step: int, root: Path, pages: Mapping[str, str], head: int) -> bool:
    """Write in a process that is killed before it changes something for the n-th time; False: it came to
    its end."""
    pid = os.fork()
    if pid == 0:
        left = [step]

        def count(event: str, arguments: tuple[object, ...]) -> None:
            flags = arguments[2] if event == "open" else os.O_WRONLY
            if event in _CHANGES and isinstance(flags, int) and flags & os.O_ACCMODE:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        write(root, pages, head)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


_CHANGES = {"open", "os.rename", "os.remove", "os.link", "os.mkdir", "subprocess.Popen"}


@pytest.mark.many
@pytest.mark.parametrize("before", [None, PAGES])
def test_a_writer_that_is_killed_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, before: Mapping[str, str] | None
) -> None:
    step, was_killed = 0, True
    while was_killed:
        step += 1
        root = tmp_path / str(step)
        if before is not None:
            write(root, before, 3)
        was_killed = killed_at(2 * step - (before is None), root, MORE, 5)
        orders = root / "kungfu/dev/orders.md"
        edited = step % 2 == 0 and orders.parent.exists()
        if edited:
            orders.write_text("Mine.\n")
        folder = write(root, MORE, 5)
        assert seen(folder) == encoded(MORE) | ({"dev/orders.md": b"Mine.\n"} if edited else {}), (
            step
        )
        edits = TeamFolder(folder, "kungfu").edited()
        assert [e.text for e in edits if isinstance(e, OrdersEdit)] == ["Mine."] * edited, step
        log = git(folder, "log", "--format=%s").splitlines()
        assert log == [f"memory of kungfu, event {n}" for n in ((5, 3) if before else (5,))], step
        assert git(folder, "diff", "--cached", "--stat") == "", step
    assert step > 10
