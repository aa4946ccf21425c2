"""Many seeds on two processes: ``make sim SEEDS=0-9999``, or one of them again."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from tests.sim.storms import play

PROCESSES = 2
HANGS_AFTER_S = 60
"""A seed takes a fraction of a second. Real time, for it is the process that may hang."""
_AT_ONCE = 10
_TELL_EVERY_S = 10.0


Judged = tuple[int, str, Counter[str]]


def judged(seed: int) -> Judged:
    """A seed, what is told of it (nothing when all is well), and how often each fault happened in it."""
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(HANGS_AFTER_S)
    try:
        faults = play(seed).faults
    except Exception as error:  # noqa: BLE001 - whatever it is, the other seeds go on
        said = str(error) if isinstance(error, AssertionError) else f"seed {seed}: {error!r}"
        return seed, said, Counter()
    finally:
        signal.alarm(0)
    return seed, "", faults


def _hang(_number: int, _frame: object) -> None:
    raise TimeoutError(f"it has run for {HANGS_AFTER_S} s")


def seeds_in(text: str) -> list[int]:
    """``5``, ``0-299``, or several of these behind commas."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def run(seeds: list[int]) -> list[int]:
    """Play them all, and tell of those that fail; which they were."""
    if len(seeds) <= _AT_ONCE:
        return _told(map(judged, seeds), len(seeds))
    with ProcessPoolExecutor(PROCESSES) as pool:
        return _told(pool.map(judged, seeds, chunksize=_AT_ONCE), len(seeds))


def _told(judgements: Iterable[Judged], count: int) -> list[int]:
    failed: list[int] = []
    faults: Counter[str] = Counter()
    began_s = told_s = time.monotonic()
    for number, (seed, why, happened) in enumerate(judgements, 1):
        faults += happened
        if why:
            failed.append(seed)
            print(why, end="\n\n", flush=True)
        now_s = time.monotonic()
        if now_s - told_s >= _TELL_EVERY_S or number == count:
            told_s, rate = now_s, number / (now_s - began_s)
            failures = f", failed: {failed}" if failed else ""
            words = f"{number} of {count} seeds, {rate:.1f} a second{failures}"
            print(words, file=sys.stderr, flush=True)
    told = ", ".join(f"{name} {times}" for name, times in sorted(faults.items()))
    print(f"{faults.total()} faults: {told}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seeds", help="5, 0-299, or several of these behind commas")
    sys.exit(1 if run(seeds_in(parser.parse_args().seeds)) else 0)
