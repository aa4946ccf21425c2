"""Worktrees of a stage tended one step at a time, and what stands there afterwards."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from fleet.core.worktree import Worktree, WorktreeState, WorktreeWish
from tests.support.repositories import GitStage, git

BRANCH = "crew/coder"


def let_go(pipe: Path) -> bool:
    """Let go on who reads the pipe; False when nobody does yet."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def prepare(stage: GitStage, name: str = "coder", *include: str, branch: str = BRANCH) -> Worktree:
    wanted = WorktreeWish(stage.repository, stage.folder(name), branch, include=include)
    return asyncio.run(stage.worktrees.prepare(wanted))


def state(stage: GitStage, folder: str) -> WorktreeState:
    return asyncio.run(stage.worktrees.state(folder))


def remove(stage: GitStage, folder: str) -> None:
    asyncio.run(stage.worktrees.remove(folder))


def inside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def beside(stage: GitStage) -> set[str]:
    """What is in the folder where worktrees are made, hidden places of ours included."""
    return inside(stage.root) - {"project", "remote.git"}


def listed(stage: GitStage) -> list[str]:
    """The worktrees that git knows, the repository itself first."""
    said = git(stage.repository, "worktree", "list", "--porcelain")
    return [line.partition(" ")[2] for line in said.splitlines() if line.startswith("worktree ")]


def filtered(stage: GitStage, command: str) -> None:
    """Have every file named ``*.slow`` go through a command on its way into a checkout."""
    stage.write(stage.repository, ".gitattributes", "*.slow filter=slow\n")
    stage.write(stage.repository, "a.slow", "1")
    stage.commit(stage.repository, "slow")
    git(stage.repository, "config", "filter.slow.smudge", command)
    git(stage.repository, "config", "filter.slow.required", "true")
