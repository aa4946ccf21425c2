"""How often the work goes to who did it: histories replayed, with nothing later than a task known.

``make bench-competence DATA=folder`` reads ``owners-NAME.jsonl`` (``t``, ``who``, ``title``, ``files``; oldest
first) and ``nodes.jsonl`` (``node`` in place of ``who``). The first 70 % of a history are known, each of
the rest is a task: who did it is looked for among those with five or more pieces of work in the year before.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from fleet.core.competence import SHIPPED, Signals, Weights, earned, points
from fleet.core.experience import DAY_S, Experience, Like, Work, similar
from fleet.core.fitting import Lesson, fit
from fleet.core.words import subject
from node.store.likeness import Likeness

KNOWN = 0.7
YEAR_S = 365 * DAY_S
WORK_IN_YEAR = 5
HIDDEN_DAYS = (0, 14)
_PAST_OF_NODE = 1_500
_WORDS_OF_TASK = 3
MUST = {
    "first": 61.0, "in three": 89.0, "first, 14 days hidden": 54.0, "in three, 14 days hidden": 84.0,
    "fitted, first": 64.0, "fitted, in three": 90.0, "nodes, first": 58.0, "nodes, in three": 76.0,
    "above most active lately": 18.0,
}  # fmt: skip


@dataclass
class Tally:
    """Answers of one method on one history."""

    tasks: int = 0
    first: int = 0
    three: int = 0

    def take(self, ranked: Sequence[str], right: str) -> None:
        """Count one answer: the candidates as a method ranks them."""
        place = ranked.index(right)
        self.tasks += 1
        self.first += place == 0
        self.three += place < 3

    def shares(self) -> tuple[float, float]:
        """First choice and in three, in per cent."""
        return 100 * self.first / (self.tasks or 1), 100 * self.three / (self.tasks or 1)


@dataclass
class Replay:
    """A history replayed with every method."""

    name: str
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    took_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """One task of a history, with all that was known then."""

    work: Work
    who: tuple[str, ...]
    signals: Signals
    like: Mapping[str, float]
    lately: Mapping[str, float]
    took_s: float


def read(path: Path, who: str) -> list[Work]:
    """A history; the newest last."""
    rows = (json.loads(line) for line in path.read_text().splitlines() if line.strip())
    return [
        Work(f"{n:08}", row[who], float(row["t"]), row["title"], tuple(row["files"]))
        for n, row in enumerate(rows)
    ]


def moments(history: Sequence[Work], hidden_s: float, since: float) -> Iterator[Moment]:
    """The tasks after the first ``since`` of a history that somebody known did."""
    experience, likeness = Experience(), Likeness()
    people = sorted({work.who for work in history})
    known = 0
    for number in range(int(len(history) * since), len(history)):
        task = history[number]
        while known < number and history[known].at_s <= task.at_s - hidden_s:
            experience.learn(history[known])
            likeness.learn([history[known]])
            known += 1
        who = tuple(p for p in people if experience.count(p, task.at_s - YEAR_S) >= WORK_IN_YEAR)
        if task.who in who and len(who) > 1:
            yield _moment(experience, likeness, task, who)


def _moment(experience: Experience, likeness: Likeness, task: Work, who: tuple[str, ...]) -> Moment:
    began_s = time.perf_counter()
    words = subject(task.title)
    likes = likeness.like(words)
    signals = earned(experience, likes, words, (), who, task.at_s)
    points(signals, who)
    took_s = time.perf_counter() - began_s
    lately = {p: experience.lately(p, task.at_s, 180 * DAY_S) for p in who}
    return Moment(task, who, signals, _near(likes, task.at_s, who), lately, took_s)


def _near(likes: Iterable[Like], now_s: float, who: Iterable[str]) -> dict[str, float]:
    found = similar(likes, now_s)
    return {p: found.get(p, 0.0) for p in who}


def lesson(moment: Moment) -> Lesson:
    """What a task teaches about the weights."""
    return Lesson(moment.signals, moment.who, moment.work.who)


def owners(path: Path, hidden_days: int) -> Replay:
    """Replay one history of owners."""
    history = read(path, "who")
    replay = Replay(path.stem.removeprefix("owners-"))
    hidden_s = hidden_days * DAY_S
    fitted = _fitted(history, hidden_s)
    dice = random.Random(7)
    for moment in moments(history, hidden_s, KNOWN):
        replay.took_s.append(moment.took_s)
        methods: dict[str, Sequence[str]] = {
            "random": dice.sample(moment.who, len(moment.who)),
            "most active lately": _by(moment.lately),
            "similar work (BM25)": _by(moment.like),
            "ours": [one.who for one in points(moment.signals, moment.who)],
            "ours, fitted": [one.who for one in points(moment.signals, moment.who, fitted)],
        }
        for method, ranked in methods.items():
            replay.tallies[method].take(ranked, moment.work.who)
    return replay


def _fitted(history: Sequence[Work], hidden_s: float) -> Weights:
    """Weights learnt from the part of a history that is known; the first half of it is only read."""
    known = history[: int(len(history) * KNOWN)]
    return fit([lesson(moment) for moment in moments(known, hidden_s, 0.5)], SHIPPED)


def _by(values: Mapping[str, float]) -> list[str]:
    return sorted(values, key=lambda p: (-values[p], p))


def nodes(path: Path) -> Replay:
    """Which node a bare title belongs to. Names of nodes are taken out of titles and paths; a node's past
    is its last 1,500 pieces before its tests; dates say nothing, since the histories lie years apart."""
    history = read(path, "node")
    of: dict[str, list[Work]] = defaultdict(list)
    for work in history:
        of[work.who].append(_nameless(work, {w.who for w in history}))
    experience, likeness = Experience(), Likeness()
    tests: list[Work] = []
    for works in of.values():
        known = works[: int(len(works) * KNOWN)][-_PAST_OF_NODE:]
        tests += works[int(len(works) * KNOWN) :]
        likeness.learn(known)
        for work in known:
            experience.learn(work)
    replay = Replay("nodes")
    for task in tests:
        if len(subject(task.title)) >= _WORDS_OF_TASK:
            moment = _moment(experience, likeness, task, tuple(sorted(of)))
            replay.took_s.append(moment.took_s)
            replay.tallies["similar work (BM25)"].take(_by(moment.like), task.who)
            ranked = [one.who for one in points(moment.signals, moment.who)]
            replay.tallies["ours"].take(ranked, task.who)
    return replay


def _nameless(work: Work, names: Iterable[str]) -> Work:
    """A piece of work without its node's name and without its time."""
    name = re.compile(
        "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True)), re.IGNORECASE
    )
    paths = tuple(name.sub("", path) for path in work.paths)
    return work._replace(at_s=0.0, title=name.sub("", work.title), paths=paths)


def figures(folder: Path, console: Console) -> dict[str, float]:
    """Replay everything in a folder; what was reached, by name."""
    reached: dict[str, float] = {}
    took_s: list[float] = []
    for days in HIDDEN_DAYS:
        replays = []
        for path in sorted(folder.glob("owners-*.jsonl")):
            console.print(f"[dim]{path.stem}, {days} days hidden …[/]", highlight=False)
            replays.append(owners(path, days))
            took_s += replays[-1].took_s
        if not replays:
            raise SystemExit(f"no owners-NAME.jsonl in {folder}")
        title = f"owners, {days} days hidden" if days else "owners, everything known at once"
        console.print(_table(title, replays))
        mean = {m: _mean(replays, m) for m in replays[0].tallies}
        ending = f", {days} days hidden" if days else ""
        reached[f"first{ending}"], reached[f"in three{ending}"] = mean["ours"]
        if not days:
            reached["fitted, first"], reached["fitted, in three"] = mean["ours, fitted"]
            active = mean["most active lately"][0]
            reached["above most active lately"] = mean["ours"][0] - active
    if (path := folder / "nodes.jsonl").exists():
        replay = nodes(path)
        console.print(_table("nodes", [replay]))
        reached["nodes, first"], reached["nodes, in three"] = replay.tallies["ours"].shares()
        took_s += replay.took_s
    took_s.sort()
    reached["a task, ms, p50"] = statistics.median(took_s) * 1e3
    reached["a task, ms, p99"] = took_s[math.floor(len(took_s) * 0.99)] * 1e3
    reached["memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return reached


def _mean(replays: Sequence[Replay], method: str) -> tuple[float, float]:
    shares = [replay.tallies[method].shares() for replay in replays]
    return statistics.mean(s[0] for s in shares), statistics.mean(s[1] for s in shares)


def _table(title: str, replays: Sequence[Replay]) -> Table:
    table = Table(title=f"{title}: first choice / in three, %", title_justify="left")
    table.add_column("method")
    for replay in replays:
        tasks = next(iter(replay.tallies.values())).tasks
        table.add_column(f"{replay.name} ({tasks})", justify="right")
    table.add_column("mean", justify="right")
    shown: Callable[[tuple[float, float]], str] = lambda s: f"{s[0]:.1f} / {s[1]:.1f}"  # noqa: E731
    for method in replays[0].tallies:
        row = [shown(replay.tallies[method].shares()) for replay in replays]
        table.add_row(method, *row, shown(_mean(replays, method)))
    return table


def main() -> None:
    """Replay, print and save; exits with 1 when something that must be reached is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.competence", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the histories")
    folder = parser.parse_args().data
    console = Console(file=sys.stderr)
    reached = figures(folder, Console())
    build = Path("build/bench")
    build.mkdir(parents=True, exist_ok=True)
    (build / "competence.json").write_bytes(msgspec.json.format(msgspec.json.encode(reached)))
    missed = [name for name, least in MUST.items() if reached.get(name, math.inf) < least]
    for name, value in reached.items():
        mark = f"  (at least {MUST[name]:.0f})" if name in MUST else ""
        print(f"{name:32} {value:8.1f}{mark}{'  MISSED' if name in missed else ''}")
    console.print(f"saved in {build}/competence.json")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
