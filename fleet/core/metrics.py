"""Metrics as values, and Prometheus' text form of them (exposition format 0.0.4).

Written by hand: the form is a page, and what counts here is that counting costs next to nothing
(docs/decisions/0003).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Histogram:
    """How often something took how long: one count for each bound, which is its upper end."""

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, *bounds_s: float) -> None:
        self.bounds_s = bounds_s
        self.counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def observe(self, took_s: float) -> None:
        """Count one that took this long."""
        self.counts[bisect_left(self.bounds_s, took_s)] += 1
        self.sum_s += took_s


class Calls:
    """How long calls of something took that were answered, and how many failed."""

    __slots__ = ("failed", "took")

    def __init__(self, *bounds_s: float) -> None:
        self.took = Histogram(*bounds_s)
        self.failed = 0


class Sample(NamedTuple):
    """One line."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its lines. ``kind`` is ``counter``, ``gauge`` or ``histogram``."""

    name: str
    kind: str
    about: str
    samples: tuple[Sample, ...] = field(default=())


def single(name: str, kind: str, about: str, value: float) -> Family:
    """A metric of one line, without labels."""
    return Family(name, kind, about, (Sample({}, value),))


def labelled(name: str, kind: str, about: str, label: str, values: Mapping[str, float]) -> Family:
    """A metric with one label."""
    samples = (Sample({label: key}, value) for key, value in values.items())
    return Family(name, kind, about, tuple(samples))


def timed(name: str, about: str, histogram: Histogram) -> Family:
    """A histogram; its lines count up, the last of them counts all."""
    return Family(name, "histogram", about, tuple(_lines_of(histogram)))


def _lines_of(histogram: Histogram) -> Iterator[Sample]:
    seen = 0
    for bound_s, count in zip((*histogram.bounds_s, None), histogram.counts, strict=True):
        seen += count
        end = "+Inf" if bound_s is None else _number(bound_s)
        yield Sample({"le": end}, seen, "_bucket")
    yield Sample({}, histogram.sum_s, "_sum")
    yield Sample({}, seen, "_count")


def exposed(families: Iterable[Family]) -> str:
    """What a scrape is answered."""
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.about.translate(_HELP_ESCAPED)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value, suffix in family.samples:
        told = ",".join(f'{key}="{text.translate(_ESCAPED)}"' for key, text in labels.items())
        yield f"{family.name}{suffix}{f'{{{told}}}' if told else ''} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
