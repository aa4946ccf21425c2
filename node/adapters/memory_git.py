"""One git repository that only we commit to: no person's configuration, no hooks, no editor.

A commit is one run of ``git fast-import``: all of it or nothing, from bytes in memory, without the index
or the files beside it. A person may read, diff and even commit there; ours come on top.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path

from fleet.core.errors.store import StoreFailed

_BRANCH = "refs/heads/main"
_WHO = "fleet <fleet@localhost>"
_GIVE_UP_S = 60.0
_LAST_S = float(1 << 40)
_LOCKED_S = 1.0
"""For how long others may hold a reference; git does so for milliseconds, unless it was killed."""
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.logAllRefUpdates=false",
    "gc.autoDetach=false", "gc.packRefs=false", "gc.auto=2000",
)  # fmt: skip
_LOOSE = 2_000 // 256
"""Objects in one of 256 folders from which on git itself would pack them."""


def blob_id(data: bytes) -> str:
    """How git calls these bytes."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Repository:
    """The ``.git`` of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git = folder / ".git"

    def init(self) -> None:
        """Make it, or what is missing of it."""
        self._run("init", "--quiet", "--template=")
        self._run("symbolic-ref", "HEAD", _BRANCH)

    def files(self) -> dict[str, str] | None:
        """What the newest commit has: ids by path; None before the first one."""
        listed = self._tried("ls-tree", "-r", "-z", "--full-tree", _BRANCH)
        if listed.returncode:
            return None
        rows = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
        cells = (row.partition("\t") for row in rows if row)
        return {path: about.split(" ")[2] for about, _, path in cells}

    def commit(self, pages: Mapping[str, bytes], message: str, at_s: float) -> bool:
        """Have exactly these files in the newest commit; False when they were."""
        there = self.files()
        changed = {
            path: data for path, data in pages.items() if (there or {}).get(path) != blob_id(data)
        }
        gone = sorted((there or {}).keys() - pages.keys())
        if not changed and not gone:
            return False
        told, when_s = message.encode(), min(max(0.0, at_s), _LAST_S)
        stream = [
            b"commit %s\ncommitter %s %d +0000\n" % (_BRANCH.encode(), _WHO.encode(), when_s),
            b"data %d\n%s\n" % (len(told), told),
        ]
        if there is not None:
            stream.append(b"from %s^0\n" % _BRANCH.encode())
        stream += [b"D %s\n" % path.encode() for path in gone]
        for path, data in sorted(changed.items()):
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
        self._wait_for_locks()
        self._run("fast-import", "--quiet", "--done", given=b"".join((*stream, b"done\n")))
        self._tidy()
        return True

    def show_clean(self) -> None:
        """Have ``git status`` compare with the newest commit."""
        index = self.git / "fleet.index"
        index.with_name("fleet.index.lock").unlink(missing_ok=True)
        self._run("read-tree", _BRANCH, index=index)
        index.replace(self.git / "index")

    def _wait_for_locks(self) -> None:
        """A git that was killed leaves its locks behind; nobody else commits here for so long."""
        until_s = time.monotonic() + _LOCKED_S
        for lock in (self.git / "HEAD.lock", self.git / f"{_BRANCH}.lock"):
            while lock.exists() and time.monotonic() < until_s:
                time.sleep(0.02)
            lock.unlink(missing_ok=True)

    def _tidy(self) -> None:
        sample = self.git / "objects" / "17"
        if sample.is_dir() and sum(1 for _ in sample.iterdir()) > _LOOSE:
            self._run("gc", "--auto", "--quiet")

    def _run(self, *words: str, given: bytes = b"", index: Path | None = None) -> bytes:
        done = self._tried(*words, given=given, index=index)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise StoreFailed(
                f"git {words[0]} failed in {self.folder}: {said[-1] if said else done.returncode}",
                hint=f"if its repository is damaged, move {self.git} away: it is made anew",
            )
        return done.stdout

    def _tried(
        self, *words: str, given: bytes = b"", index: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        try:
            return subprocess.run(
                ["git", *settings, *words],
                input=given,
                capture_output=True,
                cwd=self.folder,
                env=self._environment(index),
                timeout=_GIVE_UP_S,
                check=False,
            )
        except FileNotFoundError:
            raise StoreFailed("git is not installed", hint="install git") from None
        except subprocess.TimeoutExpired:
            raise StoreFailed(f"git {words[0]} did not end in {self.folder}") from None

    def _environment(self, index: Path | None) -> dict[str, str]:
        """Nothing of the person's: neither files of configuration nor what their shell exports."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.git),
            "LC_ALL": "C",
            "GIT_DIR": str(self.git),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DEFAULT_HASH": "sha1",
            "GIT_TERMINAL_PROMPT": "0",
            **({"GIT_INDEX_FILE": str(index)} if index else {}),
        }
