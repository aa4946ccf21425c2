"""Each program at its pinned version, in a folder of its own below one cache.

The locks in ``lock/`` hold digests and no addresses: npm and pip take the files from wherever this
host is set up to look, and refuse any other. What cannot be installed says why, and hinders no other.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.agents.programs import Program

LOCKS = Path(__file__).parent / "lock"
LIMIT_S = 900.0
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_AIDER_PYTHONS = ((3, 10), (3, 13))  # its own range, the upper end not in it


class NotInstalled(Exception):
    """It cannot be had here; the reason is for people."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A program that answers with its version."""

    executable: Path
    version: str


def cache() -> Path:
    """Where programs are kept; ``AGENTS_CACHE`` says otherwise."""
    return Path(os.environ.get("AGENTS_CACHE") or ".cache/agents").absolute()


def install(program: Program) -> Installed:
    """The program, installed unless it already is.

    Raises:
        NotInstalled: with the reason.
    """
    lock = LOCKS / program.name
    digest = hashlib.sha256(
        b"".join(path.read_bytes() for path in sorted(lock.iterdir()))
    ).hexdigest()[:12]
    folder = cache() / f"{program.name}-{program.version}-{digest}"
    stamp = folder / "installed"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (_with_npm if program.node else _with_pip)(program, lock, folder)
        stamp.touch()
    executable = folder / program.executable
    return Installed(executable, _version(executable, folder))


def _with_npm(program: Program, lock: Path, folder: Path) -> None:
    if shutil.which("npm") is None:
        raise NotInstalled(f"it needs node.js {program.node} or newer with npm (found: none)")
    found = _run(["node", "--version"], folder)
    if int(re.sub(r"\D.*", "", found.lstrip("v")) or 0) < program.node:
        raise NotInstalled(f"it needs node.js {program.node} or newer (found: {found.strip()})")
    for path in lock.iterdir():
        shutil.copy(path, folder)
    # Not `npm ci`: it demands a lock with every platform's packages, also those a mirror lacks.
    _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    if program.finish:
        _run(list(program.finish), folder)


def _with_pip(program: Program, lock: Path, folder: Path) -> None:
    python = _python()
    _run([python, "-m", "venv", "."], folder)
    words = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
    words += ["--require-hashes", "--only-binary", ":all:", "-r", str(lock / "requirements.txt")]
    _run(["bin/python", *words], folder)


def _python() -> str:
    """A Python that aider runs on."""
    low, high = _AIDER_PYTHONS
    if low <= sys.version_info[:2] < high:
        return sys.executable
    for minor in range(high[1] - 1, low[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    raise NotInstalled(f"it needs a Python from 3.{low[1]} to 3.{high[1] - 1}")


def _version(executable: Path, folder: Path) -> str:
    nobody = {"PATH": os.environ["PATH"], "HOME": str(folder / "nobody")}
    said = _run([str(executable), "--version"], folder, nobody)
    if found := _VERSION.search(said):
        return found.group()
    raise NotInstalled(f"it does not say its version: {said.strip()[:200]}")


def _run(words: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """What a command printed; it has to succeed."""
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{Path(words[0]).name}: {error}") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise NotInstalled(f"{Path(words[0]).name} failed: {' / '.join(last)}")
    return done.stdout
