"""The home on disk: made safe before anything secret is written into it, and locked while served."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from pathlib import Path

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.requests import WrongState
from fleet.core.errors.store import NoSpace
from fleet.core.errors.trust import UnsafeHome
from fleet.paths import Paths

_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a path that agents, tmux and logs are told may not hold."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LEAST_FREE_BYTES = 8 * 1024 * 1024  # a log in pieces and a database that cannot grow help nobody


def prepare(paths: Paths) -> None:
    """Create what is missing, 0700, and refuse what others could reach.

    Raises:
        UnsafeHome: wrong owner or mode, or a link where a folder should be.
        NoSpace: the disk is full.
        StartFailed: a folder cannot be made, or its path cannot be told.
    """
    if _NO_TEXT.search(str(paths.root)):
        raise StartFailed(
            f"{str(paths.root)!a} cannot be a home: its path is not plain text",
            hint="choose another home: --home DIR",
        )
    for folder in paths.folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartFailed(
                f"cannot make {folder}: {error.strerror}", hint="choose another home: --home DIR"
            ) from error
        _check(folder)
    if shutil.disk_usage(paths.root).free < _LEAST_FREE_BYTES:
        raise NoSpace(str(paths.root))


def _check(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeHome(str(folder), "it is not a folder", f"move {folder} away")
    if found.st_uid != os.getuid():
        raise UnsafeHome(
            str(folder), f"it belongs to user {found.st_uid}", f"chown {os.getuid()} {folder}"
        )
    if found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise UnsafeHome(str(folder), f"others can reach it (mode {mode:o})", f"chmod 700 {folder}")


def lock(paths: Paths) -> tuple[int, int]:
    """Take the home for this process; held until it ends, however it ends.

    The file is what people look at; the folder cannot be tidied away while it is served.

    Raises:
        WrongState: another node serves this home.
        UnsafeHome: there is a link in the lock's place.
    """
    folder = os.open(paths.run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(paths.lock, flags, 0o600)
    except OSError as error:
        os.close(folder)
        raise UnsafeHome(
            str(paths.lock), error.strerror or str(error), f"move {paths.lock} away"
        ) from None
    try:
        for descriptor in (folder, file):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        os.close(file)
        served = WrongState(
            f"a node serves {paths.root} already", hint="fleet status, or fleet down first"
        )
        served.layer = "local-node"  # and not what was asked for, as with another name
        raise served from None
    return folder, file
