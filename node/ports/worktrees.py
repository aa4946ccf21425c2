"""Worktrees of git repositories on this host."""

from __future__ import annotations

from typing import Protocol

from fleet.core.worktree import Worktree, WorktreeState, WorktreeWish


class Worktrees(Protocol):
    """Git worktrees of repositories on this host. No branch is ever deleted, nothing fetched or pushed.

    Every method may raise ``WorktreeFailed`` with git's own words, or ``NoSpace``.
    """

    async def prepare(self, wish: WorktreeWish) -> Worktree:
        """Make the worktree, or find it: the same wish again is the same worktree, and nothing in it has
        changed but for included files that were not there. What a killed node left half made is made
        anew; nobody has worked there.

        Raises:
            MalformedRequest: no such branch name, base, or pattern is possible.
            BranchInUse: the branch is checked out elsewhere.
            WorktreeFailed: the repository cannot be used, or something else is in the folder.
        """
        ...

    async def empty(self, folder: str) -> None:
        """Make an ordinary folder, with those above it; one that is there stays as it is.

        Raises:
            WorktreeFailed: something else is there.
        """
        ...

    async def state(self, folder: str) -> WorktreeState:
        """What would be lost with a worktree, and what would be on this host only; changes nothing.

        Raises:
            WorktreeFailed: there is no worktree in exactly this folder.
        """
        ...

    async def remove(self, folder: str, expendable: tuple[str, ...] = ()) -> None:
        """Remove a worktree in which nothing would be lost; its branch stays. One that is not there is no
        error.

        ``expendable`` are patterns of what may be lost among the ignored, as in an include list or as a
        bare name: ``node_modules``.

        Raises:
            UnsavedWork: something would be lost; everything is as it was.
            WorktreeFailed: it is the repository itself, or somebody locked it.
        """
        ...
