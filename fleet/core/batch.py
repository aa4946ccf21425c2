"""Several tasks decided together: each gets its best, unless there is no room for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from fleet.core.assign import Answer, Candidate, Decision, Job, Known, Out, decide
from fleet.core.joint import split

OFFERED = frozenset({Answer.CHOSEN, Answer.CONTESTED})
"""Answers that somebody is offered the task with."""


def decide_all(
    jobs: Sequence[Job], candidates: Sequence[Candidate], known: Callable[[Job], Known]
) -> tuple[Decision, ...]:
    """Decide about tasks, in their order. Where more would go to somebody than they have room for, all of
    them are split so that least is lost; who is left over is out of room everywhere (``full``)."""
    alone = [decide(job, candidates, known(job)) for job in jobs]
    room = {c.seat: max(0, c.capacity - c.running) for c in candidates}
    taking = [one for one in alone if one.answer in OFFERED]
    load = Counter(one.who for one in taking)
    if all(load[who] <= room[who] for who in load):
        return tuple(alone)
    found = split([{s.who: s.total for s in one.scored} for one in taking], room)
    given = {one.job: who for one, who in zip(taking, found, strict=True)}
    return tuple(_given(one, given[one.job]) if one.job in given else one for one in alone)


def _given(decision: Decision, who: str | None) -> Decision:
    if who == decision.who:
        return decision
    if who is not None:
        return replace(decision, answer=Answer.CHOSEN, who=who)
    full = tuple((one.who, Out.FULL.value) for one in decision.scored)
    out = tuple(sorted((*decision.out, *full)))
    return replace(decision, answer=Answer.UNROUTABLE, who="", scored=(), out=out)
