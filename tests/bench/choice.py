"""Who should do a task: one decision over 16 nodes and 5,000 finished tasks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from fleet.core.assign import Candidate, Job, Known, decide
from fleet.core.experience import DAY_S, Experience, Work
from fleet.core.words import subject
from node.store.likeness import Likeness
from tests.bench.figures import Figure, percentile

NODES, WORKS, TASKS = 16, 5_000, 200
_WORDS = 3_000
_LONG = 12


def measure() -> Iterator[Figure]:
    """Generated work, as long as real titles are, words as rare as in a language."""
    dice = random.Random(11)
    words = [
        f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(_WORDS)
    ]

    def title() -> str:
        return " ".join(
            words[int(_WORDS * dice.random() ** 3)] for _ in range(dice.randint(4, _LONG))
        )

    experience, likeness = Experience(), Likeness()
    works = [
        Work(
            f"{n:05}",
            f"impl@node{n % NODES}",
            dice.random() * 300 * DAY_S,
            title(),
            (f"src/{n % 400}.py",),
        )
        for n in range(WORKS)
    ]
    for work in works:
        experience.learn(work)
    likeness.learn(works)
    candidates = [Candidate(f"impl-{n}", f"impl@node{n}") for n in range(NODES)]
    took_s = []
    for n in range(TASKS):
        job = Job(f"t{n}", title())
        began_s = time.perf_counter()
        likes = likeness.like(subject(job.title))
        decide(job, candidates, Known(experience, likes, 300 * DAY_S, {}, {}))
        took_s.append(time.perf_counter() - began_s)
    likeness.close()
    what = f"one decision, {NODES} nodes, {WORKS:,} finished tasks"
    yield Figure(f"{what}, p50", percentile(took_s, 0.5) * 1e3, "ms", limit=20.0)
    yield Figure(f"{what}, p99", percentile(took_s, 0.99) * 1e3, "ms", limit=20.0)
