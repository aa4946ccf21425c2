"""Git, as a program: lists of arguments, no terminal, no network, and none of a repository's own programs
but its filters, without which the files are not the right ones (decision 0032).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import NamedTuple

from fleet.core.errors.base import FleetError
from fleet.core.errors.store import NoSpace
from fleet.core.errors.worktrees import WorktreeFailed

TIMEOUT_S = 300.0
"""How long one command may take: a checkout of a large repository on a slow disk takes minutes."""
LOCK_FILE = "fleet-worktrees.lock"

_SETTINGS = (
    "core.hooksPath=/dev/null",  # post-checkout would run
    "core.fsmonitor=false",  # may name a program that status runs
    "core.askPass=",
    "credential.helper=",
    "protocol.allow=never",  # a partial clone would call upon its remote for what is missing
    "gc.auto=0",  # would go on in the background
    "maintenance.auto=false",
    "log.showSignature=false",  # gpg.program
    "submodule.recurse=false",
    "core.quotePath=false",
)
_NOT_INHERITED = ("GIT_", "FLEET_", "SSH_ASKPASS")
_LINES_SHOWN = 3
_TRY_AGAIN_S = 0.02


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git. ``held`` is a descriptor of a lock that lives until the last command given it has ended:
    git goes on when a node is killed."""

    timeout_s: float = TIMEOUT_S
    held: int | None = None

    async def run(self, folder: str, *arguments: str) -> str:
        """What git prints on standard output, run in the folder.

        Raises:
            WorktreeFailed: git failed, in its own words, or took too long.
            NoSpace: the disk is full.
        """
        said = await self.ask(folder, *arguments)
        if said.code:
            raise refusal(folder, arguments[0], said)
        return said.out

    async def ask(self, folder: str, *arguments: str) -> Said:
        """The same where failing is an answer.

        Raises:
            WorktreeFailed: git is not there, or took too long.
        """
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        try:
            process = await asyncio.create_subprocess_exec(
                "git", *settings, "-C", folder, *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # so that its filters end with it
                pass_fds=() if self.held is None else (self.held,),
            )  # fmt: skip
        except OSError as error:
            raise WorktreeFailed(folder, f"git cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(self.timeout_s):
                out, err = await process.communicate()
        except TimeoutError:
            raise WorktreeFailed(
                folder, f"git {arguments[0]} took longer than {self.timeout_s:g} s"
            ) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return Said(process.returncode or 0, os.fsdecode(out), os.fsdecode(err))


def _environment() -> dict[str, str]:
    """Ours without what would send git elsewhere; in the one language whose words are looked at."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
    return inherited | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def refusal(folder: str, command: str, said: Said) -> FleetError:
    """The error for a command that failed; its last lines say why."""
    if os.strerror(ENOSPC) in said.err or os.strerror(EDQUOT) in said.err:
        return NoSpace(folder)
    lines = [shown(line.strip()) for line in said.err.splitlines() if line.strip()]
    why = " / ".join(lines[-_LINES_SHOWN:]) or f"it ended with {said.code}"
    return WorktreeFailed(folder, f"git {command}: {why}")


def trouble(folder: str, error: OSError) -> FleetError:
    """The error for a system call that failed."""
    if error.errno in {ENOSPC, EDQUOT}:
        return NoSpace(folder)
    where = (
        f"{shown(os.fsdecode(error.filename))}: " if isinstance(error.filename, str | bytes) else ""
    )
    return WorktreeFailed(folder, f"{where}{error.strerror or error}")


def shown(name: str) -> str:
    """A name as it can be told: what is no plain text is escaped."""
    return name if name.isprintable() else name.encode("unicode_escape").decode()


@contextlib.asynccontextmanager
async def alone(folder: str, common: str, timeout_s: float) -> AsyncGenerator[int]:
    """Only one at a time makes or removes worktrees of a repository, of all nodes of this host.

    Given: the lock's descriptor, for ``Git.held``.

    Raises:
        WorktreeFailed: somebody else is at it for too long.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(os.path.join(common, LOCK_FILE), flags, 0o600)  # noqa: PTH118 - a string it is
    except OSError as error:
        raise trouble(folder, error) from error
    try:
        await _locked(folder, descriptor, timeout_s)
        yield descriptor
    finally:
        os.close(descriptor)


async def _locked(folder: str, descriptor: int, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                with contextlib.suppress(BlockingIOError):
                    return flock(descriptor, LOCK_EX | LOCK_NB)
                await asyncio.sleep(_TRY_AGAIN_S)  # a thread that waits could not be called off
    except TimeoutError:
        raise WorktreeFailed(folder, "another worktree of the repository is being made") from None
