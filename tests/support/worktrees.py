"""Worktrees in memory, for tests of the engine: a repository is a few dictionaries.

Passes the contract suite of the real ones as far as that is about what the engine relies on. A person's
hand in a worktree is a method here, too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count

from fleet.core.branch import check_branch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.worktrees import BranchInUse, UnsavedWork, WorktreeFailed
from fleet.core.worktree import (
    NotCopied,
    Worktree,
    WorktreeState,
    WorktreeWish,
    check_include,
    lost,
    without,
)

IGNORED = (".env", ".log", "build/", "local/")


@dataclass(frozen=True)
class Commit:
    subject: str
    parent: str
    files: dict[str, str]


@dataclass
class Tree:
    """A checkout; ``branch`` is empty for a detached head."""

    branch: str
    made_for: str
    files: dict[str, str]
    head: str = ""
    is_merging: bool = False
    locked: str | None = None
    is_there: bool = True


@dataclass
class FakeRepository:
    """Commits, branches, a remote and checkouts; the first is the repository's own."""

    root: str
    ids: count[int] = field(default_factory=lambda: count(1))
    commits: dict[str, Commit] = field(default_factory=dict[str, Commit])
    branches: dict[str, str] = field(default_factory=dict[str, str])
    pushed: set[str] = field(default_factory=set[str])
    stashes: list[str] = field(default_factory=list[str])
    trees: dict[str, Tree] = field(default_factory=dict[str, Tree])

    def head(self, folder: str) -> str:
        tree = self.trees[folder]
        return self.branches[tree.branch] if tree.branch else tree.head

    def line(self, oid: str) -> list[str]:
        """A commit and all before it, newest first."""
        found: list[str] = []
        while oid:
            found.append(oid)
            oid = self.commits[oid].parent
        return found

    def beyond(self, oid: str, tips: list[str]) -> tuple[str, ...]:
        """The commits down from one that none of the tips has."""
        known = {c for tip in tips for c in self.line(tip)}
        return tuple(f"{c} {self.commits[c].subject}" for c in self.line(oid) if c not in known)

    def commit(self, folder: str, subject: str) -> str:
        tree = self.trees[folder]
        parent = self.head(folder) if tree.head or tree.branch in self.branches else ""
        kept = {name: text for name, text in tree.files.items() if not is_ignored(name)}
        oid = f"c{next(self.ids)}"
        self.commits[oid] = Commit(subject, parent, kept)
        tree.is_merging = False
        if tree.branch:
            self.branches[tree.branch] = oid
        else:
            tree.head = oid
        return oid


def is_ignored(name: str) -> bool:
    return name.endswith(IGNORED[:2]) or name.startswith(IGNORED[2:])


class FakeWorktrees:
    """``node.ports.worktrees.Worktrees`` over repositories in memory."""

    def __init__(self, *repositories: FakeRepository) -> None:
        self.repositories = {repository.root: repository for repository in repositories}
        self.folders: set[str] = set()

    async def empty(self, folder: str) -> None:
        self.folders.add(folder)

    async def prepare(self, wish: WorktreeWish) -> Worktree:
        check_branch(wish.branch)
        patterns = [check_include(pattern) for pattern in wish.include]
        await asyncio.sleep(0)
        repository = self.repositories.get(wish.repository)
        if repository is None:
            raise WorktreeFailed("", f"{wish.repository} is no repository")
        tree = repository.trees.get(wish.folder)
        if tree is not None and not tree.is_there:
            self._forget(repository, wish.folder, tree)
            tree = None
        is_new = tree is None
        if tree is None:
            tree = self._made(repository, wish)
        elif wish.branch not in {tree.branch, tree.made_for} or wish.folder == wish.repository:
            raise WorktreeFailed(wish.folder, "there is a worktree already")
        source = repository.trees[repository.root].files
        copied, refused = [], []
        for pattern, parts in zip(wish.include, patterns, strict=True):
            named = "/".join(parts)
            names = [n for n in source if n == named or n.startswith(f"{named}/")]
            if not names:
                refused.append(NotCopied(pattern, "there is no such file"))
            copied += [name for name in names if name not in tree.files]
        tree.files |= {name: source[name] for name in copied}
        head = repository.head(wish.folder)
        return Worktree(wish.folder, tree.branch, head, is_new, tuple(copied), tuple(refused))

    @staticmethod
    def _made(repository: FakeRepository, wish: WorktreeWish) -> Tree:
        for folder, tree in repository.trees.items():
            if tree.branch == wish.branch:
                raise BranchInUse(wish.branch, folder)
        if wish.branch not in repository.branches:
            tips = repository.branches | {c: c for c in repository.commits}
            tips["HEAD"] = repository.head(repository.root)
            if wish.base not in tips:
                raise MalformedRequest(f"{wish.repository} has no commit {wish.base!r}")
            repository.branches[wish.branch] = tips[wish.base]
        files = dict(repository.commits[repository.branches[wish.branch]].files)
        tree = Tree(wish.branch, wish.branch, files)
        repository.trees[wish.folder] = tree
        return tree

    @staticmethod
    def _forget(repository: FakeRepository, folder: str, tree: Tree) -> None:
        if tree.locked is not None:
            raise WorktreeFailed(folder, f"the worktree is locked: {tree.locked}")
        homeless = _homeless(repository, tree)
        if homeless:
            raise UnsavedWork(folder, lost(WorktreeState("", tree.head, homeless=homeless)))
        del repository.trees[folder]

    def _tree(self, folder: str) -> tuple[FakeRepository, Tree] | None:
        for repository in self.repositories.values():
            tree = repository.trees.get(folder)
            if tree is not None and tree.is_there:
                return repository, tree
        return None

    async def state(self, folder: str) -> WorktreeState:
        found = self._tree(folder)
        if found is None:
            raise WorktreeFailed(folder, "there is none")
        repository, tree = found
        head = repository.head(folder)
        committed = repository.commits[head].files
        others = [t.files for f, t in repository.trees.items() if f != folder and t.is_there]
        unknown = [
            name
            for name, text in tree.files.items()
            if name not in committed and not any(o.get(name) == text for o in others)
        ]
        changed = [name for name in committed if tree.files.get(name) != committed[name]]
        tips = [tip for name, tip in repository.branches.items() if name != tree.branch]
        on_it = f"On {tree.branch}:"
        return WorktreeState(
            tree.branch,
            head,
            uncommitted=tuple(changed + [name for name in unknown if not is_ignored(name)]),
            ignored=tuple(name for name in unknown if is_ignored(name)),
            homeless=_homeless(repository, tree),
            in_progress="merge" if tree.is_merging else "",
            unpushed=repository.beyond(head, [*tips, *repository.pushed]),
            stashes=tuple(s for s in repository.stashes if s.startswith(on_it)),
        )

    async def remove(self, folder: str, expendable: tuple[str, ...] = ()) -> None:
        found = self._tree(folder)
        if found is None:
            return
        repository, tree = found
        if folder == repository.root or tree.locked is not None:
            raise WorktreeFailed(folder, f"it is locked: {tree.locked}, or the repository itself")
        what = lost(without(await self.state(folder), expendable))
        if what:
            raise UnsavedWork(folder, what)
        del repository.trees[folder]


def _homeless(repository: FakeRepository, tree: Tree) -> tuple[str, ...]:
    if tree.branch:
        return ()
    return repository.beyond(tree.head, [*repository.branches.values(), *repository.pushed])


class FakeStage:
    """A fake repository with a commit, and people at work in it."""

    def __init__(self, _root: object) -> None:
        self.repository = "/project"
        self._of = FakeRepository(self.repository)
        self.worktrees = FakeWorktrees(self._of)
        self._of.trees[self.repository] = Tree("main", "main", {"README": "read me"})
        self._of.commit(self.repository, "first")

    def folder(self, name: str) -> str:
        return f"/{name}"

    def write(self, folder: str, name: str, text: str) -> None:
        self._of.trees[folder].files[name] = text

    def read(self, folder: str, name: str) -> str | None:
        tree = self._of.trees.get(folder)
        return tree.files.get(name) if tree and tree.is_there else None

    def commit(self, folder: str, message: str) -> str:
        return self._of.commit(folder, message)

    def push(self, folder: str) -> None:
        self._of.pushed.add(self._of.head(folder))

    def switch(self, folder: str, branch: str) -> None:
        self._of.branches[branch] = self._of.head(folder)
        self._of.trees[folder].branch = branch

    def detach(self, folder: str) -> None:
        tree = self._of.trees[folder]
        tree.head, tree.branch = self._of.head(folder), ""

    def stash(self, folder: str) -> None:
        tree = self._of.trees[folder]
        tree.files = dict(self._of.commits[self._of.head(folder)].files)
        self._of.stashes.append(f"On {tree.branch}:")

    def begin_merge(self, folder: str) -> None:
        self._of.trees[folder].is_merging = True

    def lock(self, folder: str, reason: str) -> None:
        self._of.trees[folder].locked = reason

    def drop(self, folder: str) -> None:
        self._of.trees[folder].is_there = False

    def branches(self) -> set[str]:
        return {*self._of.branches}

    def head(self, folder: str) -> str:
        return self._of.head(folder)
