"""The files of an include list, copied into a worktree: found without following links, written without
overwriting anything, and never from or to a place outside the two folders.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from fleet.core.worktree import NotCopied, check_include
from node.adapters.worktree.command import shown

_COPYING = ".fleet-copying"
_MAGIC = frozenset("*?[")


def copy_included(
    source: Path, target: Path, patterns: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[NotCopied, ...]]:
    """Copy what fits and is not in the target yet; what came, and what could not, and why.

    A link to a file inside the source becomes a file: a worktree shares nothing. Modes are kept.

    Raises:
        OSError: the target cannot be written, for example for want of space.
    """
    copied: list[str] = []
    refused: list[NotCopied] = []
    for pattern in patterns:
        names = list(dict.fromkeys(_found(source, check_include(pattern), target)))
        if not names:
            refused.append(NotCopied(pattern, "there is no such file"))
        for name in names:
            why = _copied(source, target, name)
            if why:
                refused.append(NotCopied(shown(name), why))
            elif why is None:
                copied.append(shown(name))
    return tuple(dict.fromkeys(copied)), tuple(dict.fromkeys(refused))


def _found(folder: Path, parts: tuple[str, ...], target: Path, at: str = "") -> Iterator[str]:
    """Names below the folder that fit, folders replaced by what is in them; no other repository's."""
    first, rest = (parts[0], parts[1:]) if parts else ("*", ())
    if first == "**":
        yield from _found(folder, rest, target, at)
        if not rest:
            return
        first, rest = "*", parts
    for name in _listed(folder, first):
        path = folder / name
        if not _is_folder(path):
            if not rest:
                yield f"{at}{name}"
        elif name.lower() != ".git" and path != target and not os.path.lexists(path / ".git"):
            yield from _found(path, rest, target, f"{at}{name}/")


def _listed(folder: Path, part: str) -> list[str]:
    if not _MAGIC & set(part):
        return [part] if os.path.lexists(folder / part) else []
    return sorted(path.name for path in folder.iterdir() if fnmatchcase(path.name, part))


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def _copied(source: Path, target: Path, name: str) -> str | None:
    """Why a file was not copied; None if it was, nothing if there is one already."""
    if os.path.lexists(target / name):
        return ""
    try:
        real = (source / name).resolve(strict=True)
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return error.strerror or str(error)
    found = os.fstat(descriptor)
    opened = Path(f"/proc/self/fd/{descriptor}").readlink()  # whatever became of the path since
    is_inside = opened.is_relative_to(source.resolve())
    if not is_inside or not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        return "it is not a file" if is_inside else "it is a link that leads out of the repository"
    with os.fdopen(descriptor, "rb") as file:
        folder = _made_folder(target, Path(name).parent)
        if folder is None:
            return "a folder on the way is a link in the worktree"
        temporary = folder / f"{Path(name).name}{_COPYING}"
        temporary.unlink(missing_ok=True)  # of a node that was killed
        try:
            with temporary.open("xb") as copy:
                shutil.copyfileobj(file, copy)
                os.fchmod(copy.fileno(), found.st_mode & 0o777)
            os.link(temporary, target / name, follow_symlinks=False)  # fails where something is
        finally:
            temporary.unlink(missing_ok=True)
    return None


def _made_folder(target: Path, below: Path) -> Path | None:
    """The folder in the worktree, made if it is not there; None if the way to it leads through a link."""
    folder = target
    for part in below.parts:
        folder /= part
        if not os.path.lexists(folder):
            folder.mkdir()
        if not _is_folder(folder):
            return None
    return folder
