"""Several tasks at once where there is room for few: the split that loses least in all.

With room for everything, each gets its own best; only then do tasks compete, and the best split of all of
them is better than one after the other. The Hungarian method, which needs no library for lists this long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_NOBODY = -1_000.0
"""What a task without anybody loses: more than any candidate ever does."""


def split(losses: Sequence[Mapping[str, float]], room: Mapping[str, int]) -> tuple[str | None, ...]:
    """Give each task to somebody who has room, so that the points lost are fewest in all.

    ``losses`` has for each task the points of those who can do it (0 or less), ``room`` how many
    more each can take. None for a task that stays without anybody. Of equal splits it is always the
    same one: tasks in their order, people by name.
    """
    slots = [who for who in sorted(room) for _ in range(min(room[who], len(losses)))]
    if not losses:
        return ()
    columns: list[str | None] = [*slots, *([None] * len(losses))]
    costs = [
        [-(_NOBODY if who is None else of.get(who, 2 * _NOBODY)) for who in columns]
        for of in losses
    ]
    found = _cheapest(costs)
    return tuple(
        columns[c] if columns[c] in of else None for c, of in zip(found, losses, strict=True)
    )


def _cheapest(costs: Sequence[Sequence[float]]) -> list[int]:
    """For each row its column, no column twice, the sum the smallest. At least as many columns as rows.

    Kuhn and Munkres with potentials: a row is added at a time along the cheapest augmenting path.
    """
    rows, columns = len(costs), len(costs[0])
    row_of = [0] * (columns + 1)  # 1-based; 0 is no row
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (columns + 1)
    for row in range(1, rows + 1):
        row_of[0] = row
        column = 0
        least = [math.inf] * (columns + 1)
        before = [0] * (columns + 1)
        seen = [False] * (columns + 1)
        while row_of[column]:
            seen[column] = True
            at, step, following = row_of[column], math.inf, 0
            for c in range(1, columns + 1):
                if seen[c]:
                    continue
                reduced = costs[at - 1][c - 1] - of_row[at] - of_column[c]
                if reduced < least[c]:
                    least[c], before[c] = reduced, column
                if least[c] < step:
                    step, following = least[c], c
            for c in range(columns + 1):
                if seen[c]:
                    of_row[row_of[c]] += step
                    of_column[c] -= step
                else:
                    least[c] -= step
            column = following
        while column:
            row_of[column] = row_of[before[column]]
            column = before[column]
    found = [0] * rows
    for c in range(1, columns + 1):
        if row_of[c]:
            found[row_of[c] - 1] = c - 1
    return found
