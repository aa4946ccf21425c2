"""A worktree for each member: what is wished for, what is there, and what would be lost with it.

A worktree may go when nothing that somebody made goes with it. The branch stays in any case; so what counts
is what is on no branch: changes that are not committed, files that git ignores, commits of a detached head.
Making and removing is for ``node/adapters/worktree.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from fleet.core.errors.requests import MalformedRequest

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WorktreeWish:
    """A worktree as somebody wants it.

    ``repository`` is a folder of this host, the root of a git repository of ours. ``base`` is where the
    branch begins if there is none of that name; one that exists is taken up as it is. ``include`` are
    patterns of files to copy from the repository's folder: relative, ``*`` and ``?`` within a name,
    ``**`` for any folders; a folder stands for all that is in it.
    """

    repository: str
    folder: str
    branch: str
    base: str = "HEAD"
    include: tuple[str, ...] = ()


class NotCopied(NamedTuple):
    """A file or pattern of an include list of which there is no copy, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Worktree:
    """A worktree that is there. ``branch`` is what is checked out in it now, empty for a detached head:
    its member may have gone on to another one than was wished for.

    ``copied`` are the files of the include list that came in just now, ``not_copied`` those that could
    not. What was there already is in neither.
    """

    folder: str
    branch: str
    head: str
    is_new: bool
    copied: tuple[str, ...] = ()
    not_copied: tuple[NotCopied, ...] = ()


@dataclass(frozen=True, slots=True)
class WorktreeState:
    """What is in a worktree and nowhere else.

    ``uncommitted`` are files that differ from the last commit, or that git does not know. ``ignored`` are
    files and folders that git is told to ignore. A file that lies just so in another worktree of the
    repository is in neither. ``homeless`` are commits on no branch, tag or remote; all three are lost with
    the worktree, as is ``in_progress``: a merge, rebase or the like. ``nested`` is what would be lost in
    repositories below, submodules above all.

    ``unpushed`` are commits on no remote and no other branch, ``stashes`` the stash entries made on this
    branch. They stay in the repository, on this host only.
    """

    branch: str
    head: str
    uncommitted: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    homeless: tuple[str, ...] = ()
    in_progress: str = ""
    nested: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()
    stashes: tuple[str, ...] = ()


def check_include(pattern: str) -> tuple[str, ...]:
    """The parts of a pattern of an include list.

    Raises:
        MalformedRequest: it is not relative, leads out of the folder, or means git's own files.
    """
    parts = tuple(part for part in pattern.split("/") if part not in {"", "."})
    why = ""
    if not parts or not pattern.isprintable():
        why = "it names no file"
    elif pattern.startswith(("/", "~")):
        why = "it is not relative to the repository"
    elif ".." in parts:
        why = "it leads out of the repository"
    elif any(part.lower() == ".git" for part in parts):
        why = "git's own files are not copied"
    if why:
        raise MalformedRequest(
            f"{pattern!r} cannot be included: {why}", hint="for example .env, or config/*.local"
        )
    return parts


def without(state: WorktreeState, expendable: tuple[str, ...]) -> WorktreeState:
    """The state as if what may be lost were not there.

    A pattern without a slash fits a file or folder of that name anywhere; one with a slash is relative to
    the worktree. A folder stands for all that is in it. Only what git ignores can be expendable.
    """
    kept = tuple(path for path in state.ignored if not _fits(path, expendable))
    return replace(state, ignored=kept)


def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    parts = path.strip("/").split("/")
    for pattern in patterns:
        wanted = pattern.strip("/").split("/")
        starts = range(len(parts)) if "/" not in pattern.strip("/") else (0,)
        if any(_begins(parts[start:], wanted) for start in starts):
            return True
    return False


def _begins(parts: list[str], wanted: list[str]) -> bool:
    """Whether the path is what is wanted, or below it."""
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def lost(state: WorktreeState) -> tuple[str, ...]:
    """What would be lost with the worktree, each kind in words; empty when it may go."""
    said = (
        _counted(state.uncommitted, "uncommitted file"),
        _counted(state.ignored, "ignored file or folder", "ignored files or folders"),
        _counted(state.homeless, "commit on no branch", "commits on no branch"),
        f"a {state.in_progress} in progress" if state.in_progress else "",
        *state.nested,
    )
    return tuple(words for words in said if words)


def left(state: WorktreeState) -> tuple[str, ...]:
    """What stays behind on this host only, each kind in words: it is safe, and nobody else has it."""
    said = (
        _counted(state.unpushed, "commit on no remote", "commits on no remote"),
        _counted(state.stashes, "stash entry", "stash entries"),
    )
    return tuple(words for words in said if words)


def _counted(names: tuple[str, ...], one: str, several: str = "") -> str:
    if not names:
        return ""
    kind = one if len(names) == 1 else several or f"{one}s"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{len(names)} {kind}: {', '.join(names[:_NAMES_SHOWN])}{more}"
