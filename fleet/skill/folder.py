"""The skill in a folder where a program looks for skills: written, renewed, taken away; nobody's file is lost.

Folders are opened one below the other and no link among them is followed, so what a repository holds
cannot lead us out of it. What is written for an agent has a ``.gitignore`` beside it that hides the whole
folder from git, and itself; without that file a person has put the skill there, and it is not ours to touch.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator
from enum import StrEnum
from pathlib import Path

from fleet.skill import FILE, LIMIT_BYTES, NAME, is_ours, skill

_HIDES = ".gitignore"
_HIDDEN = "# An agent in this folder is taught by what is here. Made by fleet; it goes with the agent.\n*\n"
_NEW = ".fleet-new"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Was(StrEnum):
    """What became of the skill in a folder."""

    NEW = "new"
    RENEWED = "renewed"
    SAME = "same"
    KEPT = "kept"  # somebody else's is there, or one that was changed by hand: it stays


def put(root: Path, below: str = "", *, hidden: bool) -> Was:
    """Write the skill into ``root/below/fleet``; folders are made. ``hidden`` from git, it is an agent's;
    else a person's own.

    Raises:
        OSError: it cannot be written there.
    """
    try:
        with _opened(root, f"{below}/{NAME}", is_made=True) as folder:
            return _put(folder, hidden=hidden)
    except NotADirectoryError:  # a link or a file is where a folder would be
        return Was.KEPT


def renew(root: Path, below: str) -> Was | None:
    """Write it anew where an agent's lies already; None where none does.

    Raises:
        OSError: it cannot be written there.
    """
    if not has(root, below):
        return None
    return put(root, below, hidden=True)


def has(root: Path, below: str) -> bool:
    """Whether an agent's skill of ours lies there, of whatever version."""
    try:
        with _opened(root, f"{below}/{NAME}") as folder:
            return _is_hidden(folder) and is_ours(_read(folder, FILE) or "")
    except OSError:
        return False


def take(root: Path, below: str) -> bool:
    """Take an agent's skill away, and the folders above it that are empty then; whether one was there.

    Raises:
        OSError: it cannot be removed.
    """
    if not has(root, below):
        return False
    parts = [*_parts(below), NAME]
    with _opened(root, "/".join(parts)) as folder:
        for name in (FILE, _HIDES):
            os.unlink(name, dir_fd=folder)
    while parts:
        name = parts.pop()
        with _opened(root, "/".join(parts)) as above:
            try:
                os.rmdir(name, dir_fd=above)
            except OSError:
                break  # there is something else in it
    return True


def is_expendable(path: Path) -> bool:
    """Whether a file is ours, or a folder has nothing but such files: nobody's work goes with it."""
    try:
        if path.is_symlink():
            return False
        if path.is_dir():
            return all(is_expendable(one) for one in path.iterdir())
        with _opened(path.parent, "") as folder:
            text = _read(folder, path.name) or ""
    except OSError:
        return False
    if path.parent.name != NAME:
        return False
    return (path.name == FILE and is_ours(text)) or (path.name == _HIDES and text == _HIDDEN)


def _put(folder: int, *, hidden: bool) -> Was:
    before = _read(folder, FILE)
    is_free = not _exists(folder, FILE) or (before is not None and is_ours(before))
    if not is_free or (hidden and not _hide(folder, is_new=before is None)):
        return Was.KEPT
    if not hidden and _is_hidden(folder):
        os.unlink(_HIDES, dir_fd=folder)
    text = skill()
    if before == text:
        return Was.SAME
    _write(folder, FILE, text)
    return Was.NEW if before is None else Was.RENEWED


def _hide(folder: int, *, is_new: bool) -> bool:
    """Have git not see a new folder; whether it does not."""
    if is_new and not _exists(folder, _HIDES):
        _write(folder, _HIDES, _HIDDEN)
    return _is_hidden(folder)


def _is_hidden(folder: int) -> bool:
    return _read(folder, _HIDES) == _HIDDEN


def _parts(below: str) -> list[str]:
    return [part for part in below.split("/") if part not in {"", "."}]


@contextlib.contextmanager
def _opened(root: Path, below: str, *, is_made: bool = False) -> Generator[int]:
    """A folder below another one, reached through no link."""
    folder = os.open(root, _FOLDER)
    try:
        for part in _parts(below):
            if is_made:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, name: str) -> str | None:
    """A file's text; None where there is no ordinary one, or none that could be ours."""
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(LIMIT_BYTES + 1)
            return data.decode() if len(data) <= LIMIT_BYTES else None
        except (OSError, UnicodeDecodeError):
            return None


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(folder: int, name: str, text: str) -> None:
    """Whole or not at all, over what was there."""
    new = f"{name}{_NEW}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    with os.fdopen(os.open(new, _WRITE, 0o644, dir_fd=folder), "wb") as file:
        file.write(text.encode())
    os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
