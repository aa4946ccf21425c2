"""How well each of several candidates fits a task, as points that anyone can add up.

For each signal the best candidate loses nothing and the others lose points: ``weight * ln(x / best)``,
down to a floor. Weights were fitted on public histories of version control and rounded
(docs/concepts/competence.md has the measurements); they are the same for everybody, and numbered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from fleet.core.experience import DAY_S, Experience, Like, guessed_paths, similar

WEIGHTS_VERSION = 1
_FLOOR = 0.01
_WORDS_FLOOR = -8.0
_PLACES = 4
"""Of the points; what the processors of two hosts might round differently lies beyond."""
FORTNIGHT_S = 14 * DAY_S
DAYS_S = 3 * DAY_S


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts."""

    words: float = 0.5
    similar: float = 1.0
    fortnight: float = 0.65
    days: float = 0.3
    owners: float = 0.7
    repository: float = 1.0
    declared: float = 0.15
    outcomes: float = 0.5
    free: float = 0.5
    rarity: float = 0.25


SHIPPED = Weights()
SIGNALS = tuple(one.name for one in fields(Weights))
"""The signals, in the order of the table that ``--explain`` prints."""

Signals = Mapping[str, Mapping[str, float]]
"""For each signal what was measured of each candidate: 0 or more. ``words`` alone is a logarithm."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate and what it lost, by signal. ``total`` is their sum; 0 loses nothing."""

    who: str
    lost: tuple[tuple[str, float], ...]
    total: float


def earned(
    experience: Experience,
    likes: Sequence[Like],
    words: Sequence[str],
    paths: Iterable[str],
    who: Iterable[str],
    now_s: float,
) -> Signals:
    """The signals that come from finished work. ``paths`` are those that the task names; where it names
    none, those of similar work stand for them."""
    candidates = tuple(who)
    near = similar(likes, now_s)
    owned = experience.owners(dict.fromkeys(paths, 1.0) or guessed_paths(likes), now_s)
    return {
        "words": {c: experience.likelihood(words, c) for c in candidates},
        "similar": {c: near.get(c, 0.0) for c in candidates},
        "fortnight": {c: experience.lately(c, now_s, FORTNIGHT_S) for c in candidates},
        "days": {c: experience.lately(c, now_s, DAYS_S) for c in candidates},
        "owners": {c: owned.get(c, 0.0) for c in candidates},
    }


def points(signals: Signals, who: Iterable[str], weights: Weights = SHIPPED) -> tuple[Scored, ...]:
    """The candidates and their points, the best first; of equals by name, which decides nothing."""
    candidates = tuple(who)
    lost: dict[str, list[tuple[str, float]]] = {c: [] for c in candidates}
    for name in SIGNALS:
        if name not in signals:
            continue
        weight = getattr(weights, name)
        for c, part in shortfall(name, signals[name]).items():
            lost[c].append((name, round(weight * part, _PLACES)))
    scored = (
        Scored(c, tuple(parts), round(math.fsum(p for _, p in parts), _PLACES))
        for c, parts in lost.items()
    )
    return tuple(sorted(scored, key=lambda one: (-one.total, one.who)))


def shortfall(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """How far each candidate is behind the best of a signal, as a logarithm: 0 for the best."""
    best = max(values.values(), default=0.0)
    if name == "words":
        return {c: max(x - best, _WORDS_FLOOR) for c, x in values.items()}
    if best <= 0:
        return dict.fromkeys(values, 0.0)
    return {c: min(0.0, math.log(x / best + _FLOOR)) for c, x in values.items()}
