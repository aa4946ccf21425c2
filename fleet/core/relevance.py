"""Which texts share most with what is asked for: words and paths, weighed as BM25 does.

No model, and no fractions: the same texts give the same order on every node. A word that more than half
of the texts have says nothing; one that few have says much, and most of all a whole path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import log2

_WORD = re.compile(r"[^\W_]{2,}")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+")
_SCALE = 1_000
_TERMS = 512
"""Of a question; what is asked for with more words is not asked any better."""


def terms_of(text: str) -> frozenset[str]:
    """The words of a text and the paths in it, in lower case."""
    lower = text.lower()
    words = frozenset(_WORD.findall(lower))
    return words | frozenset(_PATH.findall(lower)) if "/" in lower else words


class Texts:
    """Some texts by number, ready to be compared with a question."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.having: dict[str, list[int]] = {}

    def add(self, number: int, text: str) -> None:
        """One more text."""
        terms = terms_of(text)
        self.sizes[number] = len(terms)
        for term in terms:
            self.having.setdefault(term, []).append(number)

    def remove(self, number: int, text: str) -> None:
        """A text is not there any more; it is said once more what it was."""
        del self.sizes[number]
        for term in terms_of(text):
            self.having[term].remove(number)


def ranked(groups: Sequence[Texts], question: Iterable[str], limit: int) -> tuple[int, ...]:
    """The numbers of the texts that share most with the question, best first, newest first among equals.

    Texts that share nothing which tells them from the others are not among them.
    """
    count = sum(len(group.sizes) for group in groups)
    average = max(1, sum(sum(group.sizes.values()) for group in groups) // max(1, count))
    scores: dict[int, int] = {}
    for term in sorted(set(question))[:_TERMS]:
        lists = [group.having.get(term, ()) for group in groups]
        found = sum(map(len, lists))
        if not found or 2 * found > count:
            continue
        weight = round(_SCALE * log2(1 + (2 * count - 2 * found + 1) / (2 * found + 1)))
        for group, numbers in zip(groups, lists, strict=True):
            for number in numbers:
                damped = 1_000 + 300 + 900 * group.sizes[number] // average
                scores[number] = scores.get(number, 0) + weight * 2_200 // damped
    return tuple(sorted(scores, key=lambda number: (-scores[number], -number))[:limit])
