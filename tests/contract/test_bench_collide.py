"""The measurement of foreseen conflicts, on a repository in which they are known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bench.collide import OURS, Pair, pairs_of, score
from tests.support.repositories import GitStage, git

pytestmark = pytest.mark.git


def merge_of(stage: GitStage, name: str, old: str, mine: str, theirs: str) -> None:
    """Two branches that changed a file each in its way, merged by somebody who took one of them."""
    stage.switch(stage.repository, f"base-{name}")
    stage.write(stage.repository, f"{name}.py", old)
    base = stage.commit(stage.repository, "base")
    heads: list[str] = []
    for text in (mine, theirs):
        git(stage.repository, "switch", "--quiet", "--detach", base)
        stage.write(stage.repository, f"{name}.py", text)
        heads.append(stage.commit(stage.repository, text[-9:]))
    parents = [word for head in heads for word in ("-p", head)]
    merged = git(
        stage.repository, "commit-tree", f"{heads[0]}^{{tree}}", *parents, "-m", "m"
    ).strip()
    git(stage.repository, "update-ref", f"refs/heads/merge-{name}", merged)
    git(stage.repository, "switch", "--quiet", "main")


def test_merges_are_done_again_and_compared_with_what_was_foreseen(tmp_path: Path) -> None:
    stage = GitStage(tmp_path)
    body = "".join(f"    x{n} = {n}\n" for n in range(20))
    text = f"def one():\n{body}\n\ndef two():\n{body}"
    both = text.replace("x3 = 3\n", "x3 = 30\n", 1)
    merge_of(stage, "conflict", text, both, text.replace("x3 = 3\n", "x3 = 31\n", 1))
    merge_of(stage, "far", text, both, text.replace("x15 = 15\n", "x15 = 1\n", 1))
    second = text.replace("def two", "def two_", 1)
    merge_of(stage, "apart", text, both, second)
    pairs = asyncio.run(pairs_of(stage.repository, 10))
    assert sorted(pair.conflicts for pair in pairs) == [False, False, True]
    scores = {rule: score(rule, pairs) for rule in ("a file", "a function", OURS)}
    told = {rule: (one.said, one.right) for rule, one in scores.items()}
    assert told == {"a file": (3, 1), "a function": (2, 1), OURS: (1, 1)}


def test_of_no_conflicts_all_are_foreseen_and_of_nothing_said_all_is_right() -> None:
    one = score(OURS, [Pair("m", conflicts=False, met=None)])
    assert (one.recall, one.precision) == (100.0, 100.0)
    missed = score(OURS, [Pair("m", conflicts=True, met=None)])
    assert (missed.recall, missed.precision) == (0.0, 100.0)
