"""What two trees differ in: files of the base, and lines of them, as git tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet.core.collide import WHOLE, Span
from node.adapters.worktree.command import Git

_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
# As git's merge looks for what belongs together (merge-ort), so that the lines are the same.
_LINES = ("-U0", "--diff-algorithm=histogram", "--inter-hunk-context=0", "--no-indent-heuristic")
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)
_FILE = "100"


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs. ``blob`` is what it was in the base, empty for one that was not there."""

    path: str
    blob: str
    spans: tuple[Span, ...]


async def changes(git: Git, folder: str, base: str, other: str) -> list[Change]:
    """All files that differ between the base and another tree, or the folder's files. A file that was renamed
    is known by its old name; deleted, new, renamed ones and what is no text are changed as a whole.

    Raises:
        WorktreeFailed: git cannot compare them.
    """
    trees = [base, other] if other else [base]
    raw = await git.run(folder, "diff", "--raw", "-z", "--no-abbrev", "-M", *_DIFF, *trees, "--")
    found: list[Change] = []
    fields = raw.split("\0")[:-1]
    while fields:
        old_mode, mode, blob, _, status = fields.pop(0)[1:].split(" ")
        path = fields.pop(0)
        renamed = [fields.pop(0)] if status[0] in "RC" else []
        is_edit = status[0] == "M" and old_mode.startswith(_FILE) and mode.startswith(_FILE)
        spans = await _spans(git, folder, trees, path) if is_edit else (WHOLE,)
        found.append(Change(path, blob, spans))
        found += [Change(name, "", (WHOLE,)) for name in renamed]
    if not other:
        unknown = await git.run(folder, "ls-files", "-z", "--others", "--exclude-standard")
        found += [Change(name, "", (WHOLE,)) for name in unknown.split("\0") if name]
    return found


async def _spans(git: Git, folder: str, trees: list[str], path: str) -> tuple[Span, ...]:
    said = await git.run(folder, "diff", *_DIFF, *_LINES, *trees, "--", f":(top,literal){path}")
    spans = [_span(int(hunk[1]), int(hunk[2] or 1)) for hunk in _HUNK.finditer(said)]
    return tuple(spans) or (WHOLE,)


def _span(line: int, count: int) -> Span:
    """Git counts lines from 1, and names for an insertion the line before it."""
    return Span(line, line) if not count else Span(line - 1, line - 1 + count)
