"""Whole processes, as people and agents start them: ``fleet send`` and its smaller sisters."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from tests.bench.figures import Figure
from tests.support.homes import FLEET, Home, scene
from tests.support.recording import Recording

RUNS = 31
TODAY_S = 3.8
"""One send of the best-known tool, measured."""


def measure() -> Iterator[Figure]:
    """Commands beside a bare Python and a bare tmux call, taken in turns in one run."""
    with scene() as stage:
        white, nova = stage.pair()
        rin = Recording(stage.folder / "rin.jsonl").start(nova, "rin")
        neo = Recording(stage.folder / "neo.jsonl").start(white, "neo")
        stage.wait_known(white, rin, neo)
        took = _in_turns(
            {
                "python": lambda: _run(white, [sys.executable, "-c", "pass"]),
                "tmux": lambda: stage.tmux("display-message", "-p", "x"),
                "local": lambda: _send(white, neo),
                "remote": lambda: _send(white, rin),
                "help": lambda: _run(white, [str(FLEET), "--help"]),
                "status": lambda: _run(white, [str(FLEET), "status", "--json"]),
            }
        )
    floor, tmux = took["python"], took["tmux"]
    yield Figure(
        "fleet send, local, to submitted", took["local"], "ms", floor, "python -c pass", limit=5.0,
        note=f"{TODAY_S * 1e3 / took['local']:.0f} times faster than {TODAY_S} s (must: 20); "
        f"tmux call {tmux:.1f} ms",
    )  # fmt: skip
    yield Figure("fleet send, remote, to submitted", took["remote"], "ms", floor, "python -c pass")
    yield Figure("fleet send, local, against tmux", took["local"], "ms", tmux, "a tmux call")
    yield Figure("fleet status", took["status"], "ms", floor, "python -c pass")
    yield Figure("fleet --help", took["help"], "ms", floor, "python -c pass")


def _in_turns(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Medians in milliseconds; each round does everything once, so that noise hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(RUNS):
        for name, do in work.items():
            start_s = time.perf_counter()
            do()
            took[name].append((time.perf_counter() - start_s) * 1e3)
    return {name: statistics.median(each) for name, each in took.items()}


def _send(home: Home, to: str) -> None:
    _run(home, [str(FLEET), "send", to, "the tests are green"])


def _run(home: Home, words: Sequence[str]) -> None:
    subprocess.run(words, env=home.environment, stdout=subprocess.DEVNULL, check=True)
