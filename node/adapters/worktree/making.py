"""Making a worktree, step by step; each can be the last one of a node's life."""

from __future__ import annotations

import asyncio
import contextlib
import shutil

from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.store import NoSpace
from fleet.core.errors.worktrees import BranchInUse, UnsavedWork, WorktreeFailed
from fleet.core.worktree import NotCopied, Worktree, WorktreeState, WorktreeWish, lost
from node.adapters.worktree.command import Git, refusal, shown
from node.adapters.worktree.include import copy_included
from node.adapters.worktree.removing import restored
from node.adapters.worktree.repository import (
    REASON,
    Entry,
    Repository,
    Site,
    branch_in,
    made_for,
    note_made_for,
    settled,
)
from node.adapters.worktree.unsaved import place_of
from node.faults import fault

_SMALL_BYTES = 1024 * 1024


async def prepared(git: Git, repository: Repository, site: Site, wish: WorktreeWish) -> Worktree:
    """The worktree, made or found; the caller is alone with the repository."""
    await restored(git, site)
    await _finished(git, repository, site)
    entries = await repository.entries(git)
    mine = next((entry for entry in entries if entry.folder == site.folder), None)
    if mine is not None and not site.folder.exists():
        await _forgotten(git, repository, mine)
        entries, mine = await repository.entries(git), None
    is_new = mine is None
    copied: tuple[str, ...] = ()
    refused: tuple[NotCopied, ...] = ()
    if mine is None:
        site.check_free()
        elsewhere = [e.folder for e in entries if e.branch == wish.branch]
        if elsewhere:
            raise BranchInUse(wish.branch, shown(str(elsewhere[0])))
        copied, refused = await _made(git, repository, site, wish)
    else:
        await _check_is_the_one(git, repository, site, wish.branch)
        copied, refused = await asyncio.to_thread(
            copy_included, repository.root, site.folder, wish.include
        )
    branch, head = await branch_in(git, site.folder)
    return Worktree(str(site.folder), branch, head, is_new, copied, refused)


async def _made(
    git: Git, repository: Repository, site: Site, wish: WorktreeWish
) -> tuple[tuple[str, ...], tuple[NotCopied, ...]]:
    """Make it out of sight, then move it to its place."""
    await _branched(git, repository, wish)
    fault("worktree:after_branch")
    try:
        site.making.parent.mkdir(parents=True, exist_ok=True)
        await _added(git, repository, site, wish.branch)
        fault("worktree:after_add")
        note_made_for((await place_of(git, site.making)).own, wish.branch)
        await _filled(git, site)
        fault("worktree:after_checkout")
        copied = await asyncio.to_thread(copy_included, repository.root, site.making, wish.include)
        fault("worktree:after_copy")
        site.making.rename(site.folder)
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            await _cleared(git, repository, site)
        raise
    fault("worktree:after_move")
    await _finished(git, repository, site)
    return copied


async def _added(git: Git, repository: Repository, site: Site, branch: str) -> None:
    """Have git make it, locked, so that nobody prunes what is not in its place yet."""
    said = await git.ask(
        str(repository.root), "worktree", "add", "--quiet", "--no-checkout",
        "--lock", "--reason", REASON, str(site.making), branch,
    )  # fmt: skip
    where = _in_use(said.err)
    if said.code and where:
        raise BranchInUse(branch, where)
    if said.code:
        raise refusal(str(site.folder), "worktree add", said)


async def _filled(git: Git, site: Site) -> None:
    """Check the files out, as ``git worktree add`` would, which leaves no trace of why it failed."""
    said = await git.ask(str(site.making), "reset", "--quiet", "--hard")
    if said.code and shutil.disk_usage(site.making).free < _SMALL_BYTES:
        raise NoSpace(str(site.folder))  # git says only that it could not write
    if said.code:
        raise refusal(str(site.folder), "reset", said)


async def _branched(git: Git, repository: Repository, wish: WorktreeWish) -> None:
    """Make the branch if there is none; where one begins that is there already is its own matter."""
    root = str(repository.root)
    ref = f"refs/heads/{wish.branch}"
    if (await git.ask(root, "show-ref", "--verify", "--quiet", ref)).code == 0:
        return
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{wish.base}^{{commit}}")
    base = await git.ask(root, *asked)
    if base.code:
        raise MalformedRequest(
            f"{wish.repository} has no commit {wish.base!r} to begin {wish.branch} at",
            hint=f"git -C {wish.repository} log {wish.base} shows whether it has one; fetch it first",
        )
    await git.run(root, "branch", "--no-track", wish.branch, base.out.strip())


async def _finished(git: Git, repository: Repository, site: Site) -> None:
    """What a node left half made: brought to its end if it was in its place, else cleared away."""
    if site.making.exists():
        await _cleared(git, repository, site)
    if site.is_worktree:
        await settled(git, await place_of(git, site.folder), site)
    if await repository.entry_of(git, site.making) is not None:
        await _cleared(git, repository, site)


async def _cleared(git: Git, repository: Repository, site: Site) -> None:
    """Take away what is half made. Nobody has worked there: nobody was told of it."""
    if await repository.entry_of(git, site.making) is not None:
        await git.ask(
            str(repository.root), "worktree", "remove", "--force", "--force", str(site.making)
        )
    if site.making.parent.exists():
        await asyncio.to_thread(shutil.rmtree, site.making.parent)


async def _forgotten(git: Git, repository: Repository, entry: Entry) -> None:
    """Have git forget a worktree whose folder was deleted by hand, if it is all that there is of it.

    Raises:
        WorktreeFailed: it is locked; its folder may come back with its disk.
        UnsavedWork: git's part of it leads to commits that are on no branch.
    """
    folder = str(entry.folder)
    if entry.locked not in {None, REASON}:
        raise WorktreeFailed(
            folder,
            f"the folder is gone, and the worktree is locked: {shown(entry.locked or 'no reason given')}",
            hint=f"bring it back, or let go of it: git worktree unlock {folder}",
        )
    if not entry.branch and entry.head.strip("0"):
        refs = ("--branches", "--tags", "--remotes")
        homeless = await git.run(
            str(repository.root), "log", "--format=%h %s", entry.head, "--not", *refs
        )
        if homeless:
            lines = tuple(shown(line) for line in homeless.splitlines())
            raise UnsavedWork(folder, lost(WorktreeState("", entry.head, homeless=lines)))
    await git.run(str(repository.root), "worktree", "remove", "--force", "--force", folder)


async def _check_is_the_one(git: Git, repository: Repository, site: Site, branch: str) -> None:
    """Refuse a worktree that is there for something else.

    One that was made for the branch may have another one checked out now: that is its member's doing.
    """
    place = await place_of(git, site.folder)
    if place.common != repository.common or not place.is_linked:
        raise WorktreeFailed(str(site.folder), "another repository is there")
    entry = await repository.entry_of(git, site.folder)
    now = entry.branch if entry else ""
    if branch not in {now, made_for(place.own)}:
        raise WorktreeFailed(
            str(site.folder),
            f"there is a worktree already, with {now or 'a detached head'} and not {branch}",
            hint="take another folder, or remove that worktree",
        )


def _in_use(err: str) -> str:
    """Where git says that the branch is in use: also where it is being rebased."""
    for mark in ("already checked out at '", "already used by worktree at '"):
        if mark in err:
            return shown(err.partition(mark)[2].partition("'")[0])
    return ""
