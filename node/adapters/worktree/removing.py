"""Removing a worktree: looked at, set aside, looked at once more, deleted."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from fleet.core.errors.worktrees import UnsavedWork, WorktreeFailed
from fleet.core.worktree import WorktreeState, lost, without
from node.adapters.worktree.command import Git, shown
from node.adapters.worktree.repository import Site, believed, locked_in, repository_of, settled
from node.adapters.worktree.unsaved import Place, look, place_of
from node.faults import fault


async def state_of(git: Git, folder: Path, *, is_moved: bool = False) -> WorktreeState:
    """What is only there. Of one that was moved the submodules are not looked into: they do not follow."""
    place = await place_of(git, folder)
    entries = await repository_of(place).entries(git)
    others = tuple(e.folder for e in entries if e.folder != folder and e.folder.is_dir())
    return await look(git, place, others, with_submodules=not is_moved)


async def removed(git: Git, site: Site, expendable: tuple[str, ...]) -> None:
    """Remove what is there; the caller is alone with the repository."""
    place = await place_of(git, site.folder)
    if not place.is_linked:
        raise WorktreeFailed(
            str(site.folder), "it is the repository itself, and no worktree of it", hint="keep it"
        )
    await settled(git, place, site)
    why = locked_in(place)
    if why is not None:
        raise WorktreeFailed(
            str(site.folder),
            f"it is locked: {shown(why) or 'no reason given'}",
            hint=f"git worktree unlock {site.folder}",
        )
    _refuse_losses(site, await state_of(git, site.folder), expendable)
    site.folder.rename(site.aside)
    fault("worktree:after_set_aside")
    try:
        _refuse_losses(site, await state_of(git, site.aside, is_moved=True), expendable)
    except BaseException:
        await restored(git, site)
        raise
    site.aside.rename(site.doomed)
    await _deleted(git, await place_of(git, site.doomed))


def _refuse_losses(site: Site, state: WorktreeState, expendable: tuple[str, ...]) -> None:
    what = lost(without(state, expendable))
    if what:
        raise UnsavedWork(str(site.folder), what)


async def restored(git: Git, site: Site) -> None:
    """End what a removal began: put back what was only set aside, delete what was seen to be saved."""
    if site.doomed.exists():
        common = await common_of(git, site.doomed)
        if common is None:
            await asyncio.to_thread(shutil.rmtree, site.doomed)
        else:
            await _deleted(git, await place_of(git, site.doomed))
    if site.aside.exists() and not os.path.lexists(site.folder):
        site.aside.rename(site.folder)
        await git.run(str(site.folder), "worktree", "repair")


async def _deleted(git: Git, place: Place) -> None:
    """Files first, the way into the repository last: without it nobody would know whose they are."""
    where = believed(place)
    await asyncio.to_thread(_emptied, place.folder)
    fault("worktree:after_delete")
    await git.run(str(place.common), "worktree", "remove", "--force", str(where))
    fault("worktree:after_forget")
    if place.folder.exists():
        await asyncio.to_thread(shutil.rmtree, place.folder)


def _emptied(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != ".git":
            path.unlink()


async def common_of(git: Git, folder: Path) -> Path | None:
    """The repository of a worktree; None for what is left of one that git has forgotten."""
    try:
        return (await place_of(git, folder)).common
    except WorktreeFailed:
        if folder.name.endswith(".fleet-removed"):
            return None
        raise
