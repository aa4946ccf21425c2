"""Worktrees by git's command line (``node.ports.worktrees.Worktrees``).

A worktree is made out of sight, in ``.NAME.fleet-making`` beside the place where it is wanted, and moved
there when it is complete: so a folder in that place is either whole or somebody else's, and what lies half
made holds nobody's work. It goes the same way: set aside, looked at once more, then deleted. A lock with
our words keeps others from pruning it meanwhile. Whatever a killed node left behind, the next ``prepare``
or ``remove`` of the same folder takes it to its end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace

from fleet.core.branch import check_branch
from fleet.core.worktree import Worktree, WorktreeState, WorktreeWish, check_include
from node.adapters.worktree.command import TIMEOUT_S, Git, alone, trouble
from node.adapters.worktree.making import prepared
from node.adapters.worktree.removing import common_of, removed, restored, state_of
from node.adapters.worktree.repository import repository_at, site_of

__all__ = ["GitWorktrees"]


class GitWorktrees:
    """The worktrees of any repository of this user. One at a time is made or removed in each."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._git = Git(timeout_s)
        self._timeout_s = timeout_s

    async def prepare(self, wish: WorktreeWish) -> Worktree:
        """Make or find the worktree (``Worktrees.prepare``)."""
        check_branch(wish.branch)
        for pattern in wish.include:
            check_include(pattern)
        site = site_of(wish.folder)
        try:
            repository = await repository_at(self._git, wish.repository)
            site.check_outside(repository)
            async with alone(wish.folder, str(repository.common), self._timeout_s) as held:
                return await prepared(replace(self._git, held=held), repository, site, wish)
        except OSError as error:
            raise trouble(wish.folder, error) from error

    async def empty(self, folder: str) -> None:
        """Make an ordinary folder (``Worktrees.empty``)."""
        try:
            await asyncio.to_thread(os.makedirs, folder, 0o700, exist_ok=True)
        except OSError as error:
            raise trouble(folder, error) from error

    async def state(self, folder: str) -> WorktreeState:
        """What is only there (``Worktrees.state``)."""
        site = site_of(folder)
        try:
            return await state_of(self._git, site.folder)
        except OSError as error:
            raise trouble(folder, error) from error

    async def remove(self, folder: str, expendable: tuple[str, ...] = ()) -> None:
        """Remove what nobody would miss (``Worktrees.remove``)."""
        site = site_of(folder)
        there = next(
            (p for p in (site.folder, site.aside, site.doomed) if os.path.lexists(p)), None
        )
        if there is None:
            return
        try:
            common = await common_of(self._git, there)
            if common is None:  # git has forgotten it already
                await asyncio.to_thread(shutil.rmtree, site.doomed)
                return
            async with alone(folder, str(common), self._timeout_s) as held:
                git = replace(self._git, held=held)
                await restored(git, site)
                if site.folder.exists():
                    await removed(git, site, expendable)
        except OSError as error:
            raise trouble(folder, error) from error
