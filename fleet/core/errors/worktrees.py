"""Worktrees that cannot be made, or that stay because somebody's work is in them."""

from __future__ import annotations

from fleet.core.errors.base import FleetError


class WorktreeFailed(FleetError):
    """Git, or what lies in the way, keeps a worktree from being made, looked at or removed.

    Nobody's work was touched.
    """

    layer = "local-node"

    def __init__(self, folder: str, why: str, hint: str = "") -> None:
        super().__init__(f"no worktree at {folder}: {why}" if folder else why, hint=hint)


class BranchInUse(WorktreeFailed):
    """The branch is checked out in another worktree; git lets nobody have it twice."""

    def __init__(self, branch: str, where: str) -> None:
        FleetError.__init__(
            self,
            f"branch {branch} is checked out already, in {where}",
            hint="take another branch, or let go of it there: git switch --detach; "
            "if that folder is gone: git worktree prune",
        )


class UnsavedWork(FleetError):
    """Something would be lost with the worktree, so it stays as it is."""

    layer = "local-node"

    def __init__(self, folder: str, what: tuple[str, ...]) -> None:
        super().__init__(
            f"{folder} stays, with it would be lost: {'; '.join(what)}",
            hint=f"commit it, or put it elsewhere: git -C {folder} status --ignored",
        )
