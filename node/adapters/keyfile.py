"""Secret files: mode 0600, ours, replaced whole or not at all.

A key that others could have read is not a secret any more, so a file with the wrong mode or owner is
refused, not corrected.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.trust import UnsafeHome

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SIZE_LIMIT = 64 * 1024


def read(path: Path) -> bytes | None:
    """What a secret file holds; None when there is no such file.

    Raises:
        UnsafeHome: others can read or replace it.
        StartFailed: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartFailed(
            f"{path} cannot be read: {error.strerror}", hint="restore it from a backup"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(file.fileno()))
        return file.read(_SIZE_LIMIT)


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeHome(str(path), "it is not a plain file", f"move {path} away")
    if found.st_uid != os.geteuid():
        raise UnsafeHome(
            str(path), f"it belongs to user {found.st_uid}", f"chown {os.geteuid()} {path}"
        )
    if found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise UnsafeHome(str(path), f"others can use it (mode {mode:o})", f"chmod 600 {path}")


def write(path: Path, data: bytes) -> None:
    """Put a secret file in place; after a crash there is the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new and renamed files in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
