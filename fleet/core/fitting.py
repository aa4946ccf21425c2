"""Weights fitted to a history of one's own: those under which what happened was most likely."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from fleet.core.competence import Signals, Weights, shortfall

_ROUNDS = 150
_STEP = 0.15
_HOLD = 0.02
"""How strongly the weights are held to those they begin from: few lessons move them little."""
_RMS_KEPT = 0.9


class Lesson(NamedTuple):
    """A task of which it is known who did it: what was measured of the candidates, and who was right."""

    signals: Signals
    who: Sequence[str]
    right: str


def fit(lessons: Sequence[Lesson], start: Weights) -> Weights:
    """The weights under which the right ones come first as often as can be had: a softmax over the
    points, by gradient, held to ``start``. The same lessons give the same weights.

    Without lessons it is ``start``.
    """
    if not lessons:
        return start
    names = sorted(lessons[0].signals)
    tables = [_table(lesson, names) for lesson in lessons]
    began = [float(getattr(start, name)) for name in names]
    weights, swing = list(began), [0.0] * len(names)
    for turn in range(_ROUNDS):
        slope = _slope(tables, weights)
        for n, pull in enumerate(slope):
            pulled = pull / len(tables) + _HOLD * (weights[n] - began[n])
            swing[n] = _RMS_KEPT * swing[n] + (1 - _RMS_KEPT) * pulled * pulled
            weights[n] -= _STEP / (1 + turn / 10) * pulled / (math.sqrt(swing[n]) + 1e-9)
    fitted: Mapping[str, float] = {
        n: max(0.0, round(w, 3)) for n, w in zip(names, weights, strict=True)
    }
    return replace(start, **fitted)


class _Rows(NamedTuple):
    rows: list[list[float]]
    right: int


def _table(lesson: Lesson, names: Sequence[str]) -> _Rows:
    columns = [shortfall(name, lesson.signals[name]) for name in names]
    rows = [[column[who] for column in columns] for who in lesson.who]
    return _Rows(rows, list(lesson.who).index(lesson.right))


def _slope(tables: Sequence[_Rows], weights: Sequence[float]) -> list[float]:
    """The gradient of the loss, summed over the lessons."""
    slope = [0.0] * len(weights)
    for rows, right in tables:
        sums = [sum(w * x for w, x in zip(weights, row, strict=True)) for row in rows]
        best = max(sums)
        odds = [math.exp(s - best) for s in sums]
        whole = sum(odds)
        for odd, row in zip(odds, rows, strict=True):
            for n, x in enumerate(row):
                slope[n] += odd / whole * x
        for n, x in enumerate(rows[right]):
            slope[n] -= x
    return slope
