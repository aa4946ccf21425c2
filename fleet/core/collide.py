"""Which pieces of work get in each other's way, and what to do about it.

What a task touches is given as blocks: functions, sections of a document, top-level statements, with the
lines of the common base where they are known. Two tasks on one function are put one after the other; two in
one file but in different functions go on side by side. What everybody touches (imports, changelog, version and
lock files) is no reason to wait: it is named, with what to do instead. The same works in the same order give the
same answer everywhere. Finding blocks in files is for ``node/adapters/blocks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

from fleet.core.commonplace import Advice, advice_for

NEAR_LINES = 3
"""Changes with fewer lines between them may conflict wherever a block ends: git sets changes that meet down as
one, and two sides do not always agree which of several equal lines was added."""
LIKELY = 0.5
"""From there on, a block that both are only thought to touch counts as touched by both."""


class Kind(StrEnum):
    """What a block is. ``file`` is a file of which nothing finer is known."""

    FUNCTION = "function"
    CLASS = "class"
    SECTION = "section"
    BLOCK = "block"
    IMPORTS = "imports"
    FILE = "file"


class Verdict(StrEnum):
    """What two tasks are to each other, the gravest first. Two that share no file are none of these."""

    QUEUE = "queue"
    SHARED = "shared"
    PARALLEL = "parallel"


class Span(NamedTuple):
    """Lines of the common base, from 0, ``end`` not among them. An insertion is empty: it lies before ``start``."""

    start: int
    end: int


WHOLE = Span(0, 2**31)
"""A whole file: it was deleted, renamed, is new, or not text."""


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """A place in a file. ``name`` is as people write it, ``Class.method``; empty for the whole file."""

    path: str
    kind: Kind = Kind.FILE
    name: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.name}" if self.name else self.path


@dataclass(frozen=True, slots=True)
class Touch:
    """A block that a task changes. ``weight`` is how sure that is, 1 for what was seen or named; ``spans`` are
    the lines, empty when nobody knows."""

    block: Block
    spans: tuple[Span, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """A task and what it touches."""

    task: str
    touches: tuple[Touch, ...]


@dataclass(frozen=True, slots=True)
class Common:
    """A block that everybody touches, and what to do about it."""

    block: Block
    advice: Advice


@dataclass(frozen=True, slots=True)
class Collision:
    """Two tasks in the same files. ``blocks`` are those that both touch, or files where they touch neighbouring
    lines; ``common`` those of them that everybody touches; ``likely`` how sure the verdict's meeting is.
    ``is_near`` says that changes were seen so close together that a conflict is to be expected."""

    first: str
    second: str
    verdict: Verdict
    blocks: tuple[Block, ...]
    common: tuple[Common, ...]
    files: tuple[str, ...]
    likely: float
    is_near: bool


def collisions(works: Sequence[Work]) -> tuple[Collision, ...]:
    """All pairs that share a file, in the order of the works; the gravest first."""
    found = [met for one, other in combinations(works, 2) if (met := meeting(one, other))]
    gravity = list(Verdict)
    return tuple(sorted(found, key=lambda one: gravity.index(one.verdict)))


def queues(found: Iterable[Collision]) -> Mapping[str, tuple[str, ...]]:
    """Behind which tasks each one waits: those before it in the order of the works, on a block of its own."""
    behind: dict[str, list[str]] = {}
    for one in found:
        if one.verdict is Verdict.QUEUE:
            behind.setdefault(one.second, []).append(one.first)
    return MappingProxyType({task: tuple(before) for task, before in behind.items()})


def meeting(one: Work, other: Work) -> Collision | None:
    """How two tasks meet; None when they share no file."""
    mine, theirs = _by_file(one), _by_file(other)
    files = tuple(sorted(mine.keys() & theirs.keys()))
    if not files:
        return None
    met: dict[Block, float] = {}
    is_near = False
    for path in files:
        for touch in mine[path]:
            for touched in theirs[path]:
                close = near(touch.spans, touched.spans)
                block = _same(touch, touched, is_near=close)
                if block is not None:
                    both = touch.weight * touched.weight
                    met[block] = 1 - (1 - met.get(block, 0.0)) * (1 - both)
                    is_near = is_near or close
    return _judged(one, other, files, met, is_near=is_near)


def near(one: Iterable[Span], other: Iterable[Span]) -> bool:
    """Whether some lines of the one are among or beside the other's."""
    spans = tuple(other)
    return any(max(a.start, b.start) - min(a.end, b.end) < NEAR_LINES for a in one for b in spans)


def _by_file(work: Work) -> dict[str, list[Touch]]:
    found: dict[str, list[Touch]] = {}
    for touch in work.touches:
        found.setdefault(touch.block.path, []).append(touch)
    return found


def _same(one: Touch, other: Touch, *, is_near: bool) -> Block | None:
    """The block in which two touches of one file meet. Lines decide where a file is one block."""
    if one.block == other.block and (one.block.kind is not Kind.FILE or is_near):
        return one.block
    if advice_for(one.block.path) is not None:
        return Block(one.block.path)
    if is_near:
        return min(one.block, other.block)
    return None


def _judged(
    one: Work, other: Work, files: tuple[str, ...], met: dict[Block, float], *, is_near: bool
) -> Collision:
    advised = {
        block: advice_for(block.path, block.name, is_imports=block.kind is Kind.IMPORTS)
        for block in met
    }
    common = tuple(Common(b, advice) for b, advice in sorted(advised.items()) if advice is not None)
    own = 1.0
    for block, weight in met.items():
        if advised[block] is None:
            own *= 1 - weight
    own = 1 - own
    verdict, likely = Verdict.PARALLEL, max(met.values(), default=0.0)
    if own >= LIKELY:
        verdict, likely = Verdict.QUEUE, own
    elif common:
        verdict, likely = Verdict.SHARED, max(met[one.block] for one in common)
    return Collision(
        one.task, other.task, verdict, tuple(sorted(met)), common, files, round(likely, 6), is_near
    )
