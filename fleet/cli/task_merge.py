"""``fleet task merge-check``: two pieces of work merged for real, where nobody sees it.

It runs as whoever typed it, in their repository, and changes no branch, no index and no file of anybody's.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile

from fleet.cli.command import Command
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

_TASK = re.compile(r"(?:[^/\s]+/)?[Tt]\d+")
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.allow=never",
    "gc.auto=0",
)
_WHO = ("user.name=fleet", "user.email=fleet@localhost")
_CONFLICTS = 1
_USAGE = 129
EXIT_REFUSED = 9


class _Git:
    """Git in one repository; runs nothing of the repository's own but its filters."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def ask(self, *words: str, index: str = "") -> subprocess.CompletedProcess[str]:
        """Run it where failing is an answer."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        settings = [word for one in (*_SETTINGS, *_WHO) for word in ("-c", one)]
        return subprocess.run(
            ["git", *settings, "-C", self.folder, *words],
            env=kept | {"LC_ALL": "C"} | ({"GIT_INDEX_FILE": index} if index else {}),
            capture_output=True, check=False, errors="surrogateescape", encoding="utf-8",
        )  # fmt: skip

    def run(self, *words: str, index: str = "") -> str:
        """What it prints.

        Raises:
            WorktreeFailed: git failed, in its own words.
        """
        said = self.ask(*words, index=index)
        if said.returncode:
            raise _failed(words[0], said)
        return said.stdout.strip()


def _failed(word: str, said: subprocess.CompletedProcess[str]) -> Exception:
    from fleet.core.errors.worktrees import WorktreeFailed

    if word == "merge-tree" and said.returncode == _USAGE:
        return WorktreeFailed(
            "", "this git cannot merge out of sight", hint="git 2.38 or newer can"
        )
    lines = [line for line in said.stderr.splitlines() if line.strip()]
    return WorktreeFailed("", f"git {word}: {plain(lines[-1]) if lines else said.returncode}")


def _arguments(parser: Parser) -> None:
    for name in ("one", "other"):
        parser.add_argument(
            name, metavar=name.upper(),
            help="a task (T12: its holder's worktree on this node), a worktree's folder, a branch or commit",
        )  # fmt: skip
    parser.add_argument(
        "--test", metavar="COMMAND", default="",
        help="run this in a throw-away worktree of the merged result",
    )  # fmt: skip
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _merge_check(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    folders = [_folder(call, word) for word in (given.one, given.other)]
    git = _Git(next(filter(None, folders), "."))
    one, other = (
        _saved(folder) if folder else _commit(git, word)
        for word, folder in zip((given.one, given.other), folders, strict=True)
    )
    tree, conflicts = _merged(git, one, other)
    told: dict[str, Any] = {
        "one": given.one, "other": given.other, "conflicts": conflicts, "tree": tree, "test": None,
    }  # fmt: skip
    if given.test and not conflicts:
        told["test"] = _tested(git, (one, other), tree, given.test)
    if terminal.as_json:
        terminal.data(told)
    else:
        terminal.say(_words(told))
    return EXIT_REFUSED if conflicts or told["test"] else 0


def _words(told: dict[str, Any]) -> str:
    sides = f"{plain(told['one'])} and {plain(told['other'])}"
    if told["conflicts"]:
        listed = "".join(f"\n  {plain(path)}" for path in told["conflicts"])
        return f"{sides} conflict in:{listed}"
    test = {None: "", 0: "; the test passed on the result"}
    return f"{sides} merge cleanly" + test.get(
        told["test"], f"; the test failed on the result: it ended with {told['test']}"
    )


def _folder(call: Invocation, word: str) -> str:
    """The worktree that is meant; empty for a branch or commit."""
    from fleet.core.errors.requests import WrongState

    if not _TASK.fullmatch(word):
        return word if os.path.isdir(word) else ""
    task = call.ask("task", task=word, team=call.given.team).result
    team = task["team"].partition("@")[0]
    folder = os.path.join(call.home, "worktrees", team, task["holder"]) if task["holder"] else ""
    if not os.path.isdir(folder):
        where = f"{task['holder']} has no worktree here" if task["holder"] else "nobody holds it"
        raise WrongState(f"{word}: {plain(where)}", hint="name a branch instead")
    return folder


def _saved(folder: str) -> str:
    """A commit of all that is in a worktree now, what git does not know yet included; the worktree, its index
    and its branch stay as they are."""
    git = _Git(folder)
    with tempfile.TemporaryDirectory(prefix="fleet-merge-") as aside:
        index = os.path.join(aside, "index")
        git.run("read-tree", "HEAD", index=index)
        git.run("add", "--all", ":/", index=index)
        tree = git.run("write-tree", index=index)
    return git.run("commit-tree", tree, "-p", "HEAD", "-m", "as it stands")


def _commit(git: _Git, word: str) -> str:
    from fleet.core.errors.requests import MalformedRequest

    said = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}")
    if said.returncode:
        raise MalformedRequest(
            f"{plain(word)} is no task, worktree, branch or commit here",
            hint="run it in the repository; git branch --all lists branches",
        )
    return said.stdout.split()[-1]


def _merged(git: _Git, one: str, other: str) -> tuple[str, list[str]]:
    """The merged tree, and the files in it that conflict."""
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", one, other)
    said = git.ask(*words)
    if said.returncode not in {0, _CONFLICTS}:
        raise _failed("merge-tree", said)
    tree, *paths = said.stdout.rstrip("\0").split("\0")
    return tree, sorted(set(paths))


def _tested(git: _Git, sides: tuple[str, str], tree: str, command: str) -> int:
    """How the command ended in a worktree of the merged tree, which is gone afterwards. What it says goes to
    standard error."""
    parents = [word for side in sides for word in ("-p", side)]
    commit = git.run("commit-tree", tree, *parents, "-m", "merged to be tested")
    with tempfile.TemporaryDirectory(prefix="fleet-merge-") as aside:
        folder = os.path.join(aside, "merged")
        git.run("worktree", "add", "--detach", "--quiet", folder, commit)
        try:
            return subprocess.run(
                ["sh", "-c", command], cwd=folder, stdout=2, check=False
            ).returncode
        finally:
            git.run("worktree", "remove", "--force", "--force", folder)


COMMANDS = {
    "task merge-check": Command(
        _merge_check, _arguments, 'fleet task merge-check T3 T4 --test "make test"'
    ),
}
