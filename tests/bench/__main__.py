"""``make bench``: measures everything, prints a table, and leaves JSON and a plot behind.

python -m tests.bench [PART …]     resolver memory board choice commands panes durable idle strangers
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.bench import board, choice, commands, durable, idle, memory, panes, resolver, strangers
from tests.bench.figures import Figure, save, table

PARTS = {
    "resolver": resolver.measure,
    "memory": memory.measure,
    "board": board.measure,
    "choice": choice.measure,
    "commands": commands.measure,
    "panes": panes.measure,
    "durable": durable.measure,
    "idle": idle.measure,
    "strangers": strangers.measure,
}
FOLDER = Path("build/bench")


def main() -> None:
    """Measure the parts asked for; exits with 1 when a figure misses what it must reach."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"of {', '.join(PARTS)}")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}: {', '.join(PARTS)}")
    figures: list[Figure] = []
    for part in parts:
        began_s = time.monotonic()
        print(f"measuring {part} … ", end="", file=sys.stderr, flush=True)
        figures += PARTS[part]()
        print(f"{time.monotonic() - began_s:.0f} s", file=sys.stderr)
    save(figures, FOLDER)
    print(table(figures))
    print(f"\n{_host()}; saved in {FOLDER}/bench.json and bench.svg")
    sys.exit(any(figure.verdict == "missed" for figure in figures))


def _host() -> str:
    system = os.uname()
    return f"{os.cpu_count()} cores, {system.sysname} {system.release}, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main()
