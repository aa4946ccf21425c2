"""How well conflicts are foreseen: the merges of a repository done again, and what their sides touch compared.

``make bench-collide REPO=folder`` takes every merge of two sides with one common base, of all branches. Whether
they conflict is what ``git merge-tree`` says; what was foreseen is what fleet says of the blocks of both. Nothing
in the repository changes but for the objects that git writes for a merged tree.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fleet.core.collide import Collision, Kind, Verdict, Work, meeting
from node.adapters.blocks import touched
from node.adapters.worktree.command import Git

MUST_RECALL, MUST_PRECISION = 99.0, 45.0
OURS = "conflict expected (near)"
RULES = {
    "a file": lambda met: True,
    "a function": lambda met: any(block.kind is Kind.FUNCTION for block in met.blocks),
    "a block (queue, shared)": lambda met: met.verdict is not Verdict.PARALLEL,
    OURS: lambda met: met.is_near,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides that were merged once. ``met`` is what fleet says of them, None when they share no file."""

    merge: str
    conflicts: bool
    met: Collision | None


@dataclass(frozen=True, slots=True)
class Score:
    """How often a rule spoke, and how often it was right."""

    said: int
    right: int
    conflicts: int

    @property
    def recall(self) -> float:
        """Of the conflicts those it told, in per cent; all of none."""
        return 100 * self.right / self.conflicts if self.conflicts else 100.0

    @property
    def precision(self) -> float:
        """Of what it told what was a conflict, in per cent; all of nothing."""
        return 100 * self.right / self.said if self.said else 100.0


async def pairs_of(repository: str, limit: int) -> list[Pair]:
    """The newest merges of a repository, done again."""
    git = Git()
    wanted = ("--all", "--min-parents=2", "--max-parents=2", f"--max-count={limit}", "--parents")
    merges = (await git.run(repository, "rev-list", *wanted)).splitlines()
    found: list[Pair] = []
    for line in merges:
        merge, one, other = line.split()
        said = await git.ask(repository, "merge-base", "--all", one, other)
        bases = said.out.split()
        if len(bases) != 1 or bases[0] in {one, other}:
            continue
        merged = await git.ask(repository, "merge-tree", "--write-tree", "--name-only", one, other)
        works = [
            Work(side, await touched(git, repository, bases[0], side)) for side in (one, other)
        ]
        found.append(Pair(merge, merged.code == 1, meeting(*works)))
    return found


def score(rule: str, pairs: Iterable[Pair]) -> Score:
    """A rule over all pairs."""
    told = [(RULES[rule](p.met) if p.met else False, p.conflicts) for p in pairs]
    return Score(
        sum(said for said, _ in told),
        sum(said and conflicts for said, conflicts in told),
        sum(conflicts for _, conflicts in told),
    )


def main() -> int:
    """Print the table; 1 when a floor was not reached, or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="make bench-collide", description=__doc__)
    parser.add_argument("repository", metavar="REPO", help="a git repository with merges")
    parser.add_argument("--limit", type=int, default=500, help="the newest so many (default: 500)")
    parser.add_argument("--missed", action="store_true", help="name the conflicts not foreseen")
    given = parser.parse_args()
    pairs = asyncio.run(pairs_of(str(Path(given.repository).resolve()), given.limit))
    scores = {rule: score(rule, pairs) for rule in RULES}
    table = Table("THE TWO SIDES SHARE", "PAIRS", "CONFLICTS", "RECALL %", "PRECISION %")
    for rule, one in scores.items():
        shares = (str(one.said), str(one.right), f"{one.recall:.1f}", f"{one.precision:.1f}")
        table.add_row(rule, *shares)
    Console().print(table)
    print(f"{len(pairs)} merges, {scores[OURS].conflicts} with conflicts")
    if given.missed:
        for pair in pairs:
            if pair.conflicts and not (pair.met and pair.met.is_near):
                print(f"not foreseen: {pair.merge}")
    ours = scores[OURS]
    is_good = ours.recall >= MUST_RECALL and ours.precision >= MUST_PRECISION
    return 0 if pairs and is_good else 1


if __name__ == "__main__":
    sys.exit(main())
