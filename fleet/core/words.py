"""The words of a task that say what it is about: as they are counted, searched and compared.

Identifiers and paths fall into their parts (``leaseRenewal`` is *lease* and *renewal*), endings go
(*renewing* and *renewal* do not meet, *renews* and *renewed* do), and words without a subject are left out.
Words of languages written without spaces stay whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_ENDINGS = ("ings", "ing", "ers", "ies", "ed", "es", "er", "ly", "s")
_STEM_CHARS = 3
_WORD_CHARS = 40
_EMPTY = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its",
        "of", "on", "or", "that", "the", "this", "to", "was", "were", "with",
    }
)  # fmt: skip
PATH_WORDS = 20


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in its order, repeated as it repeats them."""
    found = _WORD.findall(_HUMP.sub(" ", text).lower())
    return tuple(stem(word[:_WORD_CHARS]) for word in found if word not in _EMPTY)


def subject(text: str) -> tuple[str, ...]:
    """The words of a text, each once."""
    return tuple(dict.fromkeys(words_of(text)))


def path_words(paths: Iterable[str]) -> tuple[str, ...]:
    """The words of paths, each once, the first ``PATH_WORDS`` of them."""
    return tuple(dict.fromkeys(word for path in paths for word in words_of(path)))[:PATH_WORDS]


def stem(word: str) -> str:
    """A word without its English ending. Not a linguist's stem: only the same for the same word."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_CHARS:
            return word[: -len(ending)]
    return word
