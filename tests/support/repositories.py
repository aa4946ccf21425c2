"""Real git repositories for tests, with what people do in their worktrees; deaf to the host's own settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from node.adapters.worktree import GitWorktrees

IGNORED = ".env\n*.log\nbuild/\nlocal/\n"

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "rin",
    "GIT_AUTHOR_EMAIL": "rin@example.org",
    "GIT_COMMITTER_NAME": "rin",
    "GIT_COMMITTER_EMAIL": "rin@example.org",
    "LC_ALL": "C",
}


def git(folder: str | Path, *arguments: str, ok: bool = True) -> str:
    """Run git as a person would; what it printed."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments],
        env=_ENVIRONMENT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert not ok or done.returncode == 0, done
    return done.stdout


def committed(folder: Path) -> Path:
    """A repository with one commit, in a folder of its own."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "README").write_text("read me")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "begin")
    return folder


class GitStage:
    """A repository with a commit, ignored files and an empty remote, and people at work in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.worktrees = GitWorktrees(timeout_s=30.0)
        self.repository = str(root / "project")
        git(root, "init", "--quiet", "--initial-branch=main", "project")
        self.write(self.repository, ".gitignore", IGNORED)
        self.write(self.repository, "README", "read me")
        self.commit(self.repository, "first")
        git(root, "init", "--quiet", "--bare", "remote.git")
        git(self.repository, "remote", "add", "origin", str(root / "remote.git"))

    def folder(self, name: str) -> str:
        return str(self.root / name)

    def write(self, folder: str, name: str, text: str) -> None:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, folder: str, name: str) -> str | None:
        path = Path(folder) / name
        return path.read_text() if path.exists() else None

    def commit(self, folder: str, message: str) -> str:
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "-m", message)
        return git(folder, "rev-parse", "HEAD").strip()

    def push(self, folder: str) -> None:
        git(folder, "push", "--quiet", "origin", "HEAD")

    def switch(self, folder: str, branch: str) -> None:
        git(folder, "switch", "--quiet", "--create", branch)

    def detach(self, folder: str) -> None:
        git(folder, "switch", "--quiet", "--detach")

    def stash(self, folder: str) -> None:
        git(folder, "stash", "push", "--quiet")

    def begin_merge(self, folder: str) -> None:
        git(folder, "merge", "--no-ff", "--no-commit", "--quiet", "side")

    def lock(self, folder: str, reason: str) -> None:
        git(self.repository, "worktree", "lock", "--reason", reason, folder)

    def drop(self, folder: str) -> None:
        shutil.rmtree(folder)

    def branches(self) -> set[str]:
        return set(git(self.repository, "branch", "--format=%(refname:short)").split())

    def head(self, folder: str) -> str:
        return git(folder, "rev-parse", "HEAD").strip()
