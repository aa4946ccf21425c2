"""A git repository on this host and the places of its worktrees, as git and the file system have them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from fleet.core.errors.worktrees import WorktreeFailed
from node.adapters.worktree.command import Git, shown
from node.adapters.worktree.unsaved import Place

MAX_FOLDER_NAME_BYTES = 200  # a dot before it and our words behind it have to fit into a name
REASON = "fleet is making this"
"""The lock on a worktree that is not in its place yet."""
_MADE_FOR = "fleet-branch"
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of ``git worktree list``. ``locked`` is the reason, maybe empty; None when it is not."""

    folder: Path
    head: str = ""
    branch: str = ""
    locked: str | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """``root`` is where the files are, or the bare repository itself; ``common`` is git's folder."""

    root: Path
    common: Path

    async def entries(self, git: Git) -> tuple[Entry, ...]:
        """All its checkouts, itself first."""
        said = await git.run(str(self.common), "worktree", "list", "--porcelain")
        return tuple(_entry(block) for block in said.split("\n\n") if block.strip())

    async def entry_of(self, git: Git, folder: Path) -> Entry | None:
        """Its checkout in this folder, as far as git believes."""
        return next((e for e in await self.entries(git) if e.folder == folder), None)


def _entry(block: str) -> Entry:
    words: dict[str, str] = {}
    for line in block.splitlines():
        key, _, value = line.partition(" ")
        words[key] = value
    return Entry(
        Path(words.get("worktree", "")).resolve(),
        words.get("HEAD", ""),
        words.get("branch", "").removeprefix("refs/heads/"),
        words.get("locked"),
    )


@dataclass(frozen=True, slots=True)
class Site:
    """Where one worktree is or will be, and the three places beside it that only we use: where it is
    made, where it waits for the last look before it is removed, where it is deleted."""

    folder: Path
    making: Path
    aside: Path
    doomed: Path

    @property
    def is_worktree(self) -> bool:
        """Whether a linked worktree seems to be there, of whatever repository."""
        return (self.folder / ".git").is_file()

    def check_free(self) -> None:
        """Refuse a place where something is, if only a link.

        Raises:
            WorktreeFailed: the message names some of it.
        """
        if not os.path.lexists(self.folder):
            return
        if not self.folder.is_dir():
            raise WorktreeFailed(str(self.folder), "a file is in its place")
        names = sorted(path.name for path in self.folder.iterdir())
        if names:
            some = ", ".join(map(shown, names[:_NAMES_SHOWN]))
            raise WorktreeFailed(
                str(self.folder),
                f"the folder is not empty: {some}{', …' if len(names) > _NAMES_SHOWN else ''}",
                hint="take another folder; a worktree that lost its .git: git worktree repair",
            )

    def check_outside(self, repository: Repository) -> None:
        """Refuse the repository's own folders, and those around it.

        Raises:
            WorktreeFailed: the place is one of them.
        """
        if repository.root.is_relative_to(self.folder) or self.folder.is_relative_to(
            repository.common
        ):
            raise WorktreeFailed(str(self.folder), f"the repository {repository.root} is there")


def site_of(folder: str) -> Site:
    """The place that a path means; its parents may be links, itself not.

    Raises:
        WorktreeFailed: no worktree can be there.
    """
    path = Path(folder)
    why = ""
    if not path.is_absolute() or not path.name or path.name == "..":
        why = "it is not the whole path of a folder"
    elif not folder.isprintable():
        why = "its path is not plain text"
    elif len(os.fsencode(path.name)) > MAX_FOLDER_NAME_BYTES:
        why = f"its name is longer than {MAX_FOLDER_NAME_BYTES} bytes"
    elif path.is_symlink():
        why = "a link is in its place"
    if why:
        raise WorktreeFailed(shown(folder), why, hint="give the whole path of a folder to be")
    parent = path.parent.resolve()
    return Site(
        parent / path.name,
        parent / f".{path.name}.fleet-making" / path.name,
        parent / f".{path.name}.fleet-removing",
        parent / f".{path.name}.fleet-removed",
    )


async def repository_at(git: Git, folder: str) -> Repository:
    """The repository whose root is this folder.

    Raises:
        WorktreeFailed: there is none, it is not ours, or its configuration contradicts its files.
    """
    root = Path(folder)
    if not root.is_absolute() or not root.is_dir():
        raise WorktreeFailed("", f"{shown(folder)} is no folder of this host")
    root = root.resolve()
    said = await git.run(
        str(root), "rev-parse", "--path-format=absolute", "--git-common-dir", "--is-bare-repository"
    )
    common_line, is_bare = said.removesuffix("\n").rsplit("\n", 1)
    common = Path(common_line).resolve()
    top = common
    if is_bare != "true":
        top = Path((await git.run(str(root), "rev-parse", "--show-toplevel")).removesuffix("\n"))
    elif common == root / ".git":
        raise WorktreeFailed(
            "",
            f"{root} has files, and its configuration says that it is bare",
            hint=f"git -C {root} config core.bare false",
        )
    if top != root:
        raise WorktreeFailed("", f"{root} is a folder in the repository {top}", hint=f"name {top}")
    for path in (root, common):
        owner = path.stat().st_uid
        if owner != os.getuid():
            raise WorktreeFailed("", f"{path} belongs to user {owner}", hint="use a clone of yours")
    return Repository(root, common)


def repository_of(place: Place) -> Repository:
    """The repository that a worktree belongs to."""
    return Repository(place.common, place.common)


async def branch_in(git: Git, folder: Path) -> tuple[str, str]:
    """What is checked out: the branch, empty for a detached head, and the commit."""
    branch = await git.ask(str(folder), "symbolic-ref", "--quiet", "--short", "HEAD")
    head = await git.ask(str(folder), "rev-parse", "--verify", "--quiet", "HEAD")
    return branch.out.strip(), head.out.strip()


def note_made_for(own: Path, branch: str) -> None:
    """Keep, in git's part of a worktree, for which branch it was made."""
    (own / _MADE_FOR).write_text(f"{branch}\n", encoding="utf-8")


def made_for(own: Path) -> str:
    """The branch that a worktree was made for; empty if not by us."""
    try:
        return (own / _MADE_FOR).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def believed(place: Place) -> Path:
    """Where git believes the worktree to be, which may be where it was before."""
    return (place.own / (place.own / "gitdir").read_text(encoding="utf-8").strip()).parent


def locked_in(place: Place) -> str | None:
    """Why a worktree is locked, maybe without a word; None when it is not."""
    try:
        return (place.own / "locked").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None


async def settled(git: Git, place: Place, site: Site) -> None:
    """Tell git where a worktree is that was made and moved to its place, and take our lock off."""
    if locked_in(place) == REASON:
        await git.run(str(place.common), "worktree", "repair", str(place.folder))
        await git.run(str(place.common), "worktree", "unlock", str(place.folder))
    with contextlib.suppress(FileNotFoundError):
        site.making.parent.rmdir()
