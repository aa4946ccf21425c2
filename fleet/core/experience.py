"""What was done by whom: the ground of everything that is said about competence.

A fold over finished work. The order in which work arrives makes no difference to what is read from it, so
every node that knows the same work answers the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fleet.core.words import path_words, words_of

DAY_S = 86_400.0
SIMILAR = 40
"""How many pieces of work count as similar to a task."""
_GUIDES = 20
"""From how many of them it is guessed which files a task will touch; and how many files that are."""
_PATHS = 10
_TOUCHES = 50
_FADE_S = 180 * DAY_S
_PRIOR_WORDS = 300.0
_UNHEARD = 0.5
_FORGOTTEN = 8
"""Half-lives after which work does not show in a sum any more."""


class Work(NamedTuple):
    """A piece of work that ``who`` finished at ``at_s``. ``key`` tells it from all others, in every copy
    of the team's log."""

    key: str
    who: str
    at_s: float
    title: str
    paths: tuple[str, ...] = ()


class Like(NamedTuple):
    """A piece of work that is like a task, and how much: more is more, and nothing is 0."""

    work: Work
    score: float


class _Touch(NamedTuple):
    at_s: float
    who: str


@dataclass(frozen=True, slots=True)
class Heard:
    """How often words were heard, of one or of all."""

    of: Counter[str]
    total: int


class Experience:
    """The fold."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._of: dict[str, Counter[str]] = defaultdict(Counter)
        self._total: Counter[str] = Counter()
        self._all: Counter[str] = Counter()
        self._all_total = 0
        self._times: dict[str, list[float]] = defaultdict(list)
        self._touched: dict[str, list[_Touch]] = defaultdict(list)

    def learn(self, work: Work) -> None:
        """Take a piece of work in; one that is known is not counted again."""
        if work.key in self._known:
            return
        self._known.add(work.key)
        words = set(words_of(work.title)) | set(path_words(work.paths))
        self._of[work.who].update(words)
        self._total[work.who] += len(words)
        self._all.update(words)
        self._all_total += len(words)
        insort(self._times[work.who], work.at_s)
        for path in work.paths:
            insort(self._touched[path], _Touch(work.at_s, work.who))

    def count(self, who: str, since_s: float = -math.inf) -> int:
        """How much work of somebody's is known."""
        times = self._times.get(who, ())
        return len(times) - bisect_left(times, since_s)

    def words(self, who: str) -> Counter[str]:
        """The words of somebody's work, and in how many pieces each is."""
        return Counter(self._of_whom(who))

    def knows(self, words: Sequence[str], who: str) -> float:
        """The share of a task's words that were met in somebody's work; rare words weigh more."""
        weights = [self._rarity(word) for word in words]
        met = [w for w, word in zip(weights, words, strict=True) if self._of_whom(who)[word]]
        return sum(met) / sum(weights) if weights else 0.0

    def likelihood(self, words: Sequence[str], who: str) -> float:
        """The logarithm of how likely somebody's work speaks in these words, against everybody's: a naive
        Bayes without a prior, which leans on everybody's words as far as somebody's are few."""
        own, total = self._of_whom(who), self._total[who]
        ground = self._all_total + _UNHEARD * (len(self._all) + 1)
        parts = [
            math.log(
                (own[word] + _PRIOR_WORDS * (self._all[word] + _UNHEARD) / ground)
                / (total + _PRIOR_WORDS)
            )
            for word in words
        ]
        return math.fsum(parts)

    def lately(self, who: str, now_s: float, half_s: float) -> float:
        """How much somebody did lately; work counts half after each ``half_s``."""
        since_s = now_s - _FORGOTTEN * half_s
        times = self._times.get(who, [])
        return math.fsum(
            faded(now_s - at_s, half_s) for at_s in times[bisect_left(times, since_s) :]
        )

    def owners(self, paths: Mapping[str, float], now_s: float) -> dict[str, float]:
        """Whose the paths are, by weight: who touched each of them, the latest touches most."""
        owned: dict[str, list[float]] = defaultdict(list)
        for path, weight in sorted(paths.items()):
            shares: dict[str, list[float]] = defaultdict(list)
            for touch in self._touched.get(path, ())[-_TOUCHES:]:
                shares[touch.who].append(faded(now_s - touch.at_s, _FADE_S))
            total = math.fsum(part for parts in shares.values() for part in parts)
            for who, parts in shares.items():
                owned[who].append(weight * math.fsum(parts) / total if total else 0.0)
        return {who: math.fsum(parts) for who, parts in owned.items()}

    def _of_whom(self, who: str) -> Counter[str]:
        return self._of.get(who, Counter())

    def _rarity(self, word: str) -> float:
        return math.log(1 + (self._all_total + 1) / (self._all[word] + 1))


def faded(age_s: float, half_s: float) -> float:
    """What is left of 1 after ``age_s``. What lies in the future is as if it were now."""
    return math.pow(0.5, max(0.0, age_s) / half_s)


def similar(likes: Iterable[Like], now_s: float) -> dict[str, float]:
    """How much work like a task somebody did: the most similar pieces, squared, fading with their age."""
    parts = sorted(
        ((like.score**2 * faded(now_s - like.work.at_s, _FADE_S), like.work) for like in likes),
        key=lambda part: (-part[0], part[1].key),
    )
    found: dict[str, list[float]] = defaultdict(list)
    for part, work in parts[:SIMILAR]:
        found[work.who].append(part)
    return {who: math.fsum(parts) for who, parts in found.items()}


def guessed_paths(likes: Iterable[Like]) -> dict[str, float]:
    """The paths that a task will probably touch, with a weight: those of the work that is most like it."""
    weights: dict[str, list[float]] = defaultdict(list)
    for like in sorted(likes, key=lambda one: (-one.score, one.work.key))[:_GUIDES]:
        paths = like.work.paths[:_PATHS]
        for path in paths:
            weights[path].append(like.score**2 / len(paths))
    found = sorted(((math.fsum(parts), path) for path, parts in weights.items()), reverse=True)
    return {path: weight for weight, path in found[:_GUIDES]}
