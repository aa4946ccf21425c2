"""Which root keys sign for the fleet: the founder's, and those that followed it.

A root is named by the entry that made it the successor of the one before, the founder by nothing. From
then on both sign, until the successor retires the root before it and names what of it stands. What it
does not name is void, whenever it was signed and whenever it comes. Of two successors of one root neither
counts until one of them, and only one, has retired it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

FOUNDER = ""
"""What the founding root is named by."""
LONGEST_LINE = 8
"""Successions one after the other. Each entry carries all of those that it rests on."""


@dataclass(frozen=True, slots=True)
class Line:
    """The roots that count, by name, oldest first; what stands of those that are retired; and the
    successors of the last one that nobody has decided between."""

    roots: tuple[str, ...] = (FOUNDER,)
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    rivals: tuple[str, ...] = ()

    def is_retired(self, root: str) -> bool:
        """Whether it signs no more."""
        return root in self.kept

    def voids(self, root: str, entry_id: str) -> bool:
        """Whether an entry that this root signed is void for good."""
        return entry_id not in self.kept.get(root, (entry_id,))


Heirs = Mapping[str, Collection[str]]
"""By root: its successors."""
Retirements = Mapping[str, Mapping[str, frozenset[str]]]
"""By the root that says so: each word by which it retires the one before it, and what that word keeps."""


def line_of(heirs: Heirs, retirements: Retirements) -> Line:
    """The line, as far as it is decided."""
    root, roots = FOUNDER, [FOUNDER]
    kept: dict[str, frozenset[str]] = {}
    while True:
        standing = _standing(root, heirs, retirements)
        if standing is not None:
            kept[root] = standing
        found = [h for h in heirs.get(root, ()) if standing is None or h in standing]
        if len(found) != 1:
            return Line(tuple(roots), kept, tuple(sorted(found)))
        root = found[0]
        roots.append(root)


def _standing(root: str, heirs: Heirs, retirements: Retirements) -> frozenset[str] | None:
    """What stands of a root that was retired; None while it was not, or by two.

    What a successor that is retired itself has said of the root before it counts as far as it is kept.
    """
    by = {heir: words for heir in heirs.get(root, ()) if (words := _said(heir, heirs, retirements))}
    if len(by) != 1:
        return None
    ((heir, words),) = by.items()
    return words[0].intersection(*words[1:]) - (set(heirs[root]) - {heir})


def _said(root: str, heirs: Heirs, retirements: Retirements) -> list[frozenset[str]]:
    words = retirements.get(root)
    if not words:
        return []
    standing = _standing(root, heirs, retirements)
    return [kept for word, kept in words.items() if standing is None or word in standing]
