"""Blocks of real changes: what two trees of a git repository differ in, by function, section and statement.

A grammar where there is one, ctags where there is none, the whole file otherwise (decision 0043). Nothing is run
that comes from the repository.
"""

from __future__ import annotations

import asyncio

from fleet.core.collide import WHOLE, Block, Kind, Span, Touch
from node.adapters.blocks.changes import Change, changes
from node.adapters.blocks.finder import MAX_BYTES, Place, places
from node.adapters.worktree.command import Git

__all__ = ["touched"]


async def touched(git: Git, folder: str, base: str, other: str = "") -> tuple[Touch, ...]:
    """The blocks of ``base`` that differ in ``other``, a commit or tree; without one, in the files of the
    folder as they are now, those that git does not know included.

    Raises:
        WorktreeFailed: git cannot compare the two.
    """
    found: list[Touch] = []
    for change in await changes(git, folder, base, other):
        found += await _touches(git, folder, change)
    return tuple(sorted(found, key=lambda one: (one.block, one.spans)))


async def _touches(git: Git, folder: str, change: Change) -> list[Touch]:
    if change.spans == (WHOLE,):
        return [Touch(Block(change.path), change.spans)]
    text = (await git.run(folder, "cat-file", "blob", change.blob)).encode(
        "utf-8", "surrogateescape"
    )
    known: tuple[Place, ...] = ()
    if len(text) <= MAX_BYTES:
        known = await asyncio.to_thread(places, change.path, text)
    return _sorted_in(change, known)


def _sorted_in(change: Change, known: tuple[Place, ...]) -> list[Touch]:
    """Each changed span with the blocks it touches; with the file itself when it touches none."""
    by_block: dict[Block, list[Span]] = {}
    for span in change.spans:
        hit = [place for place in known if _touches_place(span, place)]
        blocks = [Block(change.path, place.kind, place.name) for place in hit]
        for block in blocks or [Block(change.path, Kind.FILE)]:
            by_block.setdefault(block, []).append(span)
    return [Touch(block, tuple(spans)) for block, spans in by_block.items()]


def _touches_place(span: Span, place: Place) -> bool:
    """Whether it changes lines of the place. What is put in behind its last line may be its new end, so it
    counts; an import that comes first is one more import."""
    if span.start == span.end:
        first = place.start if place.kind is Kind.IMPORTS else place.start + 1
        return first <= span.start <= place.end
    return span.start < place.end and place.start < span.end
