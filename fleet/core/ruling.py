"""A decision about a task as it is told: to programs, to the log, to whoever is offered it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fleet.core.address import NAME
from fleet.core.assign import Answer, Decision
from fleet.core.batch import OFFERED
from fleet.core.quoted import quoted, quoted_start
from fleet.core.task import Task

_TEXT_CHARS = 4_000
_QUOTED = "in its author's words"


@dataclass(frozen=True, slots=True)
class Row:
    """What a candidate lost, by signal, and in all."""

    seat: str
    total: float
    lost: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Like:
    """Finished work that is most like the task, and whose it was (``role@node id``)."""

    title: str
    who: str
    score: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision, in the words of ``fleet assign --json``. ``who`` is a seat: the one that is offered the
    task, or of a weak answer the best there is. ``out`` has the seats that cannot have it, with the reason;
    ``until_s`` is 0 when nothing is offered."""

    task: str
    title: str
    answer: str
    who: str
    until_s: float
    scored: tuple[Row, ...]
    out: tuple[tuple[str, str], ...]
    reasons: Mapping[str, int]
    like: tuple[Like, ...]
    weights: int

    @property
    def is_offered(self) -> bool:
        """Whether somebody is offered it."""
        return self.answer in {one.value for one in OFFERED}


def ruling(task: Task, decision: Decision, until_s: float) -> Ruling:
    """A decision about a task."""
    return Ruling(
        task.label,
        task.wanted.title,
        decision.answer.value,
        decision.who,
        until_s,
        tuple(Row(one.who, one.total, dict(one.lost)) for one in decision.scored),
        decision.out,
        dict(decision.reasons),
        tuple(Like(one.work.title, one.work.who, one.score) for one in decision.likes),
        decision.weights_version,
    )


def as_json(one: Ruling) -> str:
    """It as one line of JSON, as the log keeps it."""
    return json.dumps(asdict(one), separators=(",", ":"), ensure_ascii=False)


def offer_text(task: Task, left_s: float) -> str:
    """What is said to whoever is offered a task. The node says it, so that the words of whoever wrote the
    task are quoted: they never pass for the node's own."""
    wanted, label = task.wanted, task.label
    said = [f"{label} is offered to you; what it is, {_QUOTED}:\n{quoted(wanted.title)}"]
    if wanted.text:
        text, more = quoted_start(wanted.text, _TEXT_CHARS)
        rest = f"\n({more} characters more: fleet task show {label})" if more else ""
        said.append(text + rest)
    said.append(
        f"Take it: fleet task claim {label}\n"
        f'Pass it on: fleet task refuse {label} "why"\n'
        f"Without a word it goes to the next in {max(1, round(left_s / 60))} min."
    )
    return "\n\n".join(said)


def _shown(reason: str) -> str:
    """A reason without what its author may have put into it: a name stays, a sentence does not."""
    kind, _, what = reason.partition(":")
    return reason if NAME.fullmatch(what) else kind


def orphan_text(one: Ruling) -> str:
    """What is said to the lead when nobody is left for a task; its author's words are quoted here too."""
    why = ", ".join(f"{_shown(reason)} ({count})" for reason, count in one.reasons.items())
    if one.answer == Answer.WEAK:
        why = f"nothing speaks for the best, {one.who}"
    return (
        f"Nobody takes {one.task}: {why or 'no seat is filled'}. See: fleet task show {one.task}\n\n"
        f"What it is, {_QUOTED}:\n{quoted(one.title)}"
    )
