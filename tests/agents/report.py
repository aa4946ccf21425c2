"""The table, the JSON, and the page in the docs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.agents.cells import Cell, Ran
from tests.agents.situations import SITUATIONS
from tests.bench.figures import percentile

IDLE_SHARE = 0.995
IDLE_MS = 5_000.0
OURS_MS = 150.0
"""What an idle program may be kept waiting beyond its own settling time."""
PAGE = Path("docs/reference/agents.md")
BEGIN, END = "<!-- what follows is written by make test-agents -->", "<!-- to here -->"
HEAD = (
    "program",
    "situation",
    "right",
    "evidence",
    "p50 ms",
    "max ms",
    "in time",
    "false",
    "surplus",
    "Enter again",
    "open",
)


def is_good(ran: Sequence[Ran]) -> bool:
    """Whether every program ran, nothing was wrong, and an idle program got what it was sent in
    time."""
    idle = [cell for r in ran for cell in r.cells if cell.situation == "idle"]
    in_time = [cell for cell in idle if cell.ms is not None and cell.ms <= IDLE_MS]
    return (
        not any(r.trouble for r in ran)
        and not any(cell.wrong for r in ran for cell in r.cells)
        and len(in_time) >= IDLE_SHARE * len(idle)
    )


def rows(ran: Sequence[Ran]) -> list[tuple[str, ...]]:
    """Program by situation."""
    found: list[tuple[str, ...]] = []
    for r in ran:
        if r.trouble:
            found.append((r.program, r.trouble.partition(":")[0], *[""] * (len(HEAD) - 2)))
        for situation in SITUATIONS:
            cells = [cell for cell in r.cells if cell.situation == situation]
            found += [(r.program, situation, *_figures(r, cells))] if cells else []
    return found


def _figures(r: Ran, cells: Sequence[Cell]) -> tuple[str, ...]:
    right = sum(cell.verdict == "right" for cell in cells)
    evidence = Counter(cell.evidence for cell in cells if cell.evidence)
    is_idle = cells[0].situation == "idle"
    times = [cell.ms for cell in cells if cell.ms is not None]
    return (
        f"{right}/{len(cells)}",
        ", ".join(f"{kind} {count}" for kind, count in evidence.most_common()),
        f"{percentile(times, 0.5):.0f}" if times else "",
        f"{max(times):.0f}" if times else "",
        f"{sum(ms <= r.settle_ms + OURS_MS for ms in times)}/{len(times)}" if is_idle else "",
        str(sum(cell.is_false for cell in cells)),
        str(sum(w.startswith("surplus: ") for cell in cells for w in cell.wrong)),
        str(sum(cell.again for cell in cells)),
        str(sum(cell.verdict == "open" for cell in cells)),
    )


def table(ran: Sequence[Ran]) -> str:
    """For people; what was wrong stands beneath."""
    lines = [HEAD, *rows(ran)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    said = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    for r in ran:
        said += [f"\n{r.program}: {r.trouble}\n{r.screen}"] if r.trouble else []
        for cell in r.cells:
            if cell.verdict != "right":
                said.append(f"\n{r.program}, {cell.situation}, {cell.text}: {cell.verdict}")
                said.append(f"  {cell.envelope} {cell.state} {cell.reason}".rstrip())
                said += [f"  {wrong}" for wrong in cell.wrong]
    return "\n".join(said)


def save(ran: Sequence[Ran], size: str, path: Path) -> None:
    """For programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = [
        {**asdict(r), "cells": [{**asdict(c), "verdict": c.verdict} for c in r.cells]} for r in ran
    ]
    saved = {"size": size, "good": is_good(ran), "programs": told}
    path.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n")


def write_page(ran: Sequence[Ran], size: str) -> None:
    """Put the table into the page; all else on it is written by hand."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(f"{before}{begin}\n\n{_written(ran, size)}\n\n{end}{after}")


def _written(ran: Sequence[Ran], size: str) -> str:
    lines = [
        "| program | version | settles | hooks | messages | minutes |",
        "|---|---|---|---|---|---|",
    ]
    for r in ran:
        minutes, settles = f"{r.seconds / 60:.1f}", f"{r.settle_ms:.0f} ms"
        about = (r.program, r.version or "-", settles, "yes" if r.hooks else "no")
        lines.append(f"| {' | '.join((*about, str(len(r.cells)), minutes))} |")
    lines += ["", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(row)} |" for row in rows(ran)]
    if flaws := [f"- {flaw}" for r in ran for flaw in _flaws(r)]:
        lines += ["", "What was not right:", "", *flaws]
    texts = {"few": "a few of the texts", "usual": "the texts named above", "all": "every text"}
    return "\n".join([f"Sent: {texts[size]}.", "", *lines])


def _flaws(r: Ran) -> list[str]:
    found = [f"{r.program}: not run to its end"] if r.trouble else []
    for cell in r.cells:
        if cell.verdict != "right":
            kinds = sorted({wrong.partition(":")[0] for wrong in cell.wrong}) or [cell.state]
            found.append(f"{r.program}, {cell.situation}, {cell.text}: {', '.join(kinds)}")
    return found
