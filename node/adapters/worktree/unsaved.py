"""What is in a worktree and nowhere else, as git and the files tell it. Changes nothing."""

from __future__ import annotations

import asyncio
import filecmp
import os
from dataclasses import dataclass, field
from pathlib import Path

from fleet.core.errors.worktrees import WorktreeFailed
from fleet.core.worktree import WorktreeState, lost
from fleet.skill.folder import is_expendable
from node.adapters.worktree.command import Git, shown

MOST_COMMITS = 1_000
_PROGRESS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick"),
    ("BISECT_LOG", "bisect"),
)
_FIELDS_BEFORE_PATH = {"1": 8, "u": 10}
"""In ``git status --porcelain=v2``, by the kind of the line."""
_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class Place:
    """A checkout that was looked at: its folder as git has it, its own part of the repository
    (``own``), and what it shares with others."""

    folder: Path
    own: Path
    common: Path

    @property
    def is_linked(self) -> bool:
        """Whether it is a worktree beside others, not the repository itself."""
        return self.own != self.common


@dataclass(slots=True)
class _Status:
    branch: str = ""
    head: str = ""
    changed: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])
    ignored: list[str] = field(default_factory=list[str])


async def place_of(git: Git, folder: Path) -> Place:
    """Where the folder's repository is.

    Raises:
        WorktreeFailed: the folder is not the root of a checkout.
    """
    said = await git.run(
        str(folder), "rev-parse", "--path-format=absolute",
        "--show-toplevel", "--absolute-git-dir", "--git-common-dir",
    )  # fmt: skip
    top, own, common = (Path(line) for line in said.removesuffix("\n").split("\n"))
    if top != folder:
        raise WorktreeFailed(str(folder), f"it is a folder in the checkout {top}")
    return Place(folder, own.resolve(), common.resolve())


async def look(
    git: Git, place: Place, others: tuple[Path, ...], *, with_submodules: bool = True
) -> WorktreeState:
    """Everything of ``WorktreeState``; ``others`` are the repository's other checkouts."""
    folder = str(place.folder)
    said = await git.run(
        folder, "status", "--porcelain=v2", "-z", "--branch", "--no-renames",
        "--untracked-files=all", "--ignored=matching",
        f"--ignore-submodules={'none' if with_submodules else 'all'}",
    )  # fmt: skip
    status = _parsed(said)
    index = _indexed(await git.run(folder, "ls-files", "-v", "-s", "-z"))
    changed = status.changed + await _hidden(git, place.folder, index)
    unknown = await asyncio.to_thread(_not_elsewhere, place.folder, others, status.unknown)
    ignored = await asyncio.to_thread(_not_elsewhere, place.folder, others, status.ignored)
    ignored = await asyncio.to_thread(_not_ours, place.folder, ignored)
    submodules = [path for _, mode, _, path in index if mode == _GITLINK]
    return WorktreeState(
        branch=status.branch,
        head=status.head,
        uncommitted=tuple(map(shown, dict.fromkeys(changed + unknown))),
        ignored=tuple(map(shown, ignored)),
        homeless=()
        if status.branch or not status.head
        else await _commits(git, folder, "--branches", "--tags", "--remotes"),
        in_progress=next((what for name, what in _PROGRESS if (place.own / name).exists()), ""),
        nested=await _nested(git, place, submodules) if with_submodules else (),
        unpushed=await _commits(git, folder, *_elsewhere(status.branch)) if status.head else (),
        stashes=await _stashes(git, folder, status.branch),
    )


def _elsewhere(branch: str) -> tuple[str, ...]:
    return ("--remotes", *((f"--exclude={branch}",) if branch else ()), "--branches")


async def _commits(git: Git, folder: str, *without: str) -> tuple[str, ...]:
    """The commits from HEAD down that none of these refs has."""
    said = await git.run(
        folder, "log", "-z", "--format=%h %s", f"--max-count={MOST_COMMITS}", "HEAD", "--not", *without
    )  # fmt: skip
    return tuple(shown(line) for line in said.split("\0") if line)


async def _stashes(git: Git, folder: str, branch: str) -> tuple[str, ...]:
    """Entries that were made on the branch: all worktrees of a repository have one stash."""
    said = await git.run(folder, "stash", "list", "-z", "--format=%gd %gs")
    marks = (f"WIP on {branch or '(no branch)'}:", f"On {branch or '(no branch)'}:")
    return tuple(
        shown(line) for line in said.split("\0") if line.partition(" ")[2].startswith(marks)
    )


def _parsed(said: str) -> _Status:
    status = _Status()
    for line in said.split("\0"):
        kind, _, rest = line.partition(" ")
        match kind:
            case "#":
                name, _, value = rest.partition(" ")
                if name == "branch.oid" and value != "(initial)":
                    status.head = value
                elif name == "branch.head" and value != "(detached)":
                    status.branch = value
            case "?":
                status.unknown.append(rest)
            case "!":
                status.ignored.append(rest)
            case "1" | "u":
                status.changed.append(line.split(" ", _FIELDS_BEFORE_PATH[kind])[-1])
            case _:
                pass
    return status


def _not_ours(folder: Path, paths: list[str]) -> list[str]:
    """Without what this node has written for an agent, and can write again."""
    return [path for path in paths if not is_expendable(folder / path)]


def _indexed(said: str) -> list[tuple[str, str, str, str]]:
    """Tag, mode, object and path of each entry of the index."""
    entries: list[tuple[str, str, str, str]] = []
    for line in said.split("\0"):
        words, tab, path = line.partition("\t")
        if tab:
            tag, mode, oid, _stage = words.split(" ")
            entries.append((tag, mode, oid, path))
    return entries


async def _hidden(git: Git, folder: Path, index: list[tuple[str, str, str, str]]) -> list[str]:
    """Changed files of which git was told not to look at them: assume-unchanged, skip-worktree."""
    changed: list[str] = []
    for tag, mode, oid, path in index:
        if tag != "S" and not tag.islower():
            continue
        full = folder / path
        if full.is_symlink():
            was = await git.run(str(folder), "cat-file", "blob", oid)
            is_same = mode == "120000" and str(full.readlink()) == was
        elif full.is_file():
            now = await git.run(str(folder), "hash-object", f"--path={path}", "--", str(full))
            is_same = now.strip() == oid
        else:
            continue
        if not is_same:
            changed.append(path)
    return changed


async def _nested(git: Git, place: Place, submodules: list[str]) -> tuple[str, ...]:
    """What would be lost in submodules: each repository lies in its worktree's part, with all it has."""
    said: list[str] = []
    there: set[Path] = set()
    for path in submodules:
        folder = place.folder / path
        if folder.is_symlink() or not os.path.lexists(folder / ".git"):
            continue
        inner = await place_of(git, folder)
        there.add(inner.own)
        state = await look(git, inner, ())
        kept = await git.run(
            str(folder), "log", "-z", "--format=%h %s", f"--max-count={MOST_COMMITS}",
            "--branches", "HEAD", "--not", "--remotes", "--tags",
        )  # fmt: skip
        commits = tuple(line for line in kept.split("\0") if line)
        said.extend(
            f"in {shown(path)}: {words}" for words in lost(state) if "no branch" not in words
        )
        if commits:
            said.append(f"in {shown(path)}: {len(commits)} commits on no remote")
        if (await git.run(str(folder), "stash", "list")).strip():
            said.append(f"in {shown(path)}: stash entries")
    said.extend(_forsaken(place, there))
    return tuple(said)


def _forsaken(place: Place, there: set[Path]) -> list[str]:
    """Repositories of submodules that are not checked out now; what they hold is not looked into."""
    if not place.is_linked:
        return []
    heads = (place.own / "modules").glob("**/HEAD")
    found = {head.parent for head in heads if (head.parent / "objects").is_dir()}
    return [
        f"the repository of a submodule that is not checked out: {shown(p.name)}"
        for p in found - there
    ]


def _not_elsewhere(folder: Path, others: tuple[Path, ...], paths: list[str]) -> list[str]:
    """Those that do not lie just so in another checkout, as copies from an include list do."""
    return [p for p in paths if not any(_is_copy(folder / p, other / p) for other in others)]


def _is_copy(ours: Path, theirs: Path) -> bool:
    if ours.is_symlink():
        return theirs.is_symlink() and ours.readlink() == theirs.readlink()
    if ours.is_dir():
        return theirs.is_dir() and all(
            _is_copy(path, theirs / path.name) for path in ours.iterdir()
        )
    return ours.is_file() and theirs.is_file() and filecmp.cmp(ours, theirs, shallow=False)
