"""Figures: measured values, their floors, their ratios; as a table, as JSON, as a plot."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value. ``limit`` is what the ratio (or, without floor, the value) must reach;
    ``better`` says which way."""

    name: str
    value: float
    unit: str
    floor: float = 0.0
    floor_name: str = ""
    limit: float = 0.0
    better: str = "lower"
    note: str = ""

    @property
    def ratio(self) -> float:
        """Value over floor; 0 without a floor."""
        return self.value / self.floor if self.floor else 0.0

    @property
    def compared(self) -> float:
        """What is held against the limit."""
        return self.ratio if self.floor else self.value

    @property
    def verdict(self) -> str:
        """``ok``, ``missed``, or nothing where there is no limit."""
        if not self.limit:
            return ""
        good = (
            self.compared <= self.limit if self.better == "lower" else self.compared >= self.limit
        )
        return "ok" if good else "missed"


def median_of(runs: int, measure: Callable[[], float]) -> float:
    """The median of several runs."""
    return statistics.median(measure() for _ in range(runs))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """For people."""
    rows = [("figure", "value", "floor", "ratio", "must", "", "note")]
    for f in figures:
        sign = "≤" if f.better == "lower" else "≥"
        unit = "x" if f.floor else f.unit
        rows.append(
            (
                f.name,
                f"{_short(f.value)} {f.unit}",
                f"{_short(f.floor)} {f.unit} ({f.floor_name})" if f.floor else "",
                f"{f.ratio:.2f}x" if f.floor else "",
                f"{sign} {_short(f.limit)} {unit}" if f.limit else "",
                f.verdict,
                f.note,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def save(figures: Sequence[Figure], folder: Path) -> None:
    """For programs and for the eye: ``bench.json`` and ``bench.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [{**asdict(f), "ratio": f.ratio, "verdict": f.verdict} for f in figures]
    (folder / "bench.json").write_text(json.dumps(shown, indent=1) + "\n")
    (folder / "bench.svg").write_text(plot([f for f in figures if f.floor]))


def plot(figures: Sequence[Figure]) -> str:
    """Ratios to the floor as bars on a logarithmic scale; a tick where the limit is."""
    row, left, width = 26, 330, 420
    top = max([f.ratio for f in figures] + [f.limit for f in figures] + [10.0])
    low = min([f.ratio for f in figures] + [0.1])

    def place(ratio: float) -> float:
        return left + width * math.log(max(ratio, low) / low) / math.log(top / low)

    one = place(1.0)
    height = row * (len(figures) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<line x1="{one:.0f}" y1="8" x2="{one:.0f}" y2="{row * (len(figures) + 1)}" stroke="#888"/>',
        f'<text x="{one:.0f}" y="{row * (len(figures) + 1) + 14}" text-anchor="middle">floor</text>',
    ]
    for number, f in enumerate(figures):
        y = row * number + 10
        end = place(f.ratio)
        colour = "#c0392b" if f.verdict == "missed" else "#2e7d5b"
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{f.name}</text>')
        parts.append(
            f'<rect x="{min(one, end):.1f}" y="{y}" width="{abs(end - one):.1f}" height="16" '
            f'fill="{colour}"/>'
        )
        parts.append(f'<text x="{max(one, end) + 5:.1f}" y="{y + 13}">{f.ratio:.2f}x</text>')
        if f.limit:
            x = place(f.limit)
            parts.append(
                f'<line x1="{x:.1f}" y1="{y - 3}" x2="{x:.1f}" y2="{y + 19}" stroke="#333" '
                'stroke-dasharray="3 2"/>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _short(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
