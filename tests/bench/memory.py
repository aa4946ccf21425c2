"""A team's memory: folding, briefing, searching and adding, with a thousand and with ten thousand findings."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

from fleet.core.briefing import briefing
from fleet.core.briefing_parts import OpenTask, parts_of
from fleet.core.memory import Memory
from fleet.core.memory_events import FindingAdded, Noted
from fleet.core.memory_pages import pages_of
from node.adapters.memory_folder import TeamFolder
from node.store.search import FINDING, Document, SearchIndex
from tests.bench.figures import Figure

_WORDS, _LENGTH = 8_000, 35
_SMALL, _LARGE = 1_000, 10_000
_ADDED = 200


def measure() -> Iterator[Figure]:
    """Each at both sizes; limits at the larger."""
    small, large = _Team(_SMALL), _Team(_LARGE)
    yield from _figures(small)
    yield from _figures(large, limit=100.0)
    yield Figure(
        f"add one finding to the index of {_LARGE:,}", large.added_ms, "ms",
        small.added_ms, f"of {_SMALL:,}", limit=1.5,
    )  # fmt: skip


def _figures(team: _Team, limit: float = 0.0) -> Iterator[Figure]:
    having = f"{team.size:,} findings"
    yield Figure(f"memory, fold {having}", team.folded_ms, "ms")
    yield Figure(f"briefing, {having}", _median_ms(team.brief, 9), "ms", limit=limit)
    with tempfile.TemporaryDirectory() as folder:
        index = SearchIndex(Path(folder) / "search.db", team.fill)
        slowest = max(_median_ms(partial(index.search, "t", query), 9) for query in team.queries)
        yield Figure(f"search, {having}, slowest query", slowest, "ms", limit=limit)
        team.added_ms = _median_ms(partial(team.add, index), _ADDED)
        index.close()
        yield from _folder(team, TeamFolder(Path(folder) / "t", "t"))


def _folder(team: _Team, folder: TeamFolder) -> Iterator[Figure]:
    """One finding more: the pages, in the node's loop; the files and the commit, in a thread."""
    folder.write(pages_of(team.memory), team.memory.head, 1.0)
    paged, written = [], []
    for _ in range(5):
        team.learn()
        began_s = time.perf_counter()
        pages = pages_of(team.memory)
        paged_s = time.perf_counter()
        folder.write(pages, team.memory.head, 1.0)
        paged.append((paged_s - began_s) * 1e3)
        written.append((time.perf_counter() - paged_s) * 1e3)
    yield Figure(f"pages, one more than {team.size:,}", statistics.median(paged), "ms")
    yield Figure(f"files and commit, one more than {team.size:,}", statistics.median(written), "ms")


class _Team:
    """A memory of made-up findings, the same on every run."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.added_ms = 0.0
        self._random = Random(size)
        self._words = [self._word() for _ in range(_WORDS)]
        log = [Noted(n, float(n), "neo@white", self._finding()) for n in range(1, size + 1)]
        self.memory = Memory("t")
        began_s = time.perf_counter()
        self.memory.fold(log)
        self.folded_ms = (time.perf_counter() - began_s) * 1e3
        self._tasks = [OpenTask(n, self._text(), "open", text=self._text()) for n in range(1, 50)]
        some = self._random.choices(self._words, k=6)
        self.queries = ("the", "node engine py", "no-such-word the node engine", " ".join(some))

    def _word(self) -> str:
        return "".join(
            self._random.choices("abcdefghijklmnopqrstuvwxyz", k=self._random.randint(3, 9))
        )

    def _text(self) -> str:
        words = " ".join(self._random.choices(self._words, k=_LENGTH))
        return f"the {words} node/engine/part_{self._random.randint(0, 500)}.py"

    def _finding(self) -> FindingAdded:
        return FindingAdded(self._random.choice(("", "dev")), self._text())

    def learn(self) -> None:
        """One finding more."""
        number = self.memory.head + 1
        self.memory.fold([Noted(number, float(number), "neo@white", self._finding())])

    def brief(self) -> None:
        """What happens at a respawn."""
        briefing(parts_of(self.memory, "dev", "dev", self._tasks))

    def fill(self, index: SearchIndex) -> None:
        """Bring an index into step."""
        index.follow("t", self.memory.head, self._since)

    def add(self, index: SearchIndex) -> None:
        """One finding more, in the index alone."""
        number = index.head("t") + 1
        document = Document(FINDING, number, "dev", self._text())
        index.follow("t", number, lambda _: [document])

    def _since(self, number: int) -> Iterator[Document]:
        for finding in self.memory.changed_since(number):
            yield Document(FINDING, finding.number, finding.role, finding.text, finding.tags)


def _median_ms(work: Callable[[], object], runs: int) -> float:
    took = []
    for _ in range(runs):
        began_s = time.perf_counter()
        work()
        took.append(time.perf_counter() - began_s)
    return statistics.median(took) * 1e3
