"""Who should do a task: hard filters, then points, then a rule for what is equal; or an honest nobody.

The same task, candidates and experience give the same decision on every node. What a decision rests on is
in it: who was out and why, what everybody lost, what was most like the task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from fleet.core.competence import SHIPPED, WEIGHTS_VERSION, Scored, Signals, Weights, earned, points
from fleet.core.experience import Experience, Like
from fleet.core.team import Skill
from fleet.core.words import subject

TIE = 0.05
"""Points within which two count as equal."""
KNOWN_SHARE = 0.2
"""Of a task's words, weighted by rarity: who knows fewer of them has no evidence worth the name."""
COLD_OUTCOMES = 20
"""With fewer pieces of work than that, what is declared counts in full."""
_SHOWN_LIKES = 3
_EMPTY_NODE = 0.1


class Out(StrEnum):
    """Why somebody cannot have a task, whatever they are good at. The filters, in their order."""

    DEAD = "dead"
    NOT_TRUSTED = "not-trusted"
    EXCLUDED = "excluded"
    FULL = "full"
    NO_REPO = "no-repo"
    LACKS = "lacks"
    SAME_FUNCTION = "same-function"


class Answer(StrEnum):
    """What a decision is. ``contested`` names somebody, by the rule for equals; ``weak`` names the best
    of those for whom nothing speaks, and is not offered to them."""

    CHOSEN = "chosen"
    CONTESTED = "contested"
    WEAK = "weak"
    UNROUTABLE = "unroutable"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seat that might take the task. ``record`` is under which name its finished work is known: the
    standing role on its node, which outlives every incarnation. ``has_repository`` is None when nobody
    knows; ``idle_s`` since when it has had nothing to do."""

    seat: str
    record: str
    is_alive: bool = True
    is_trusted: bool = True
    running: int = 0
    capacity: int = 1
    has_repository: bool | None = None
    may_clone: bool = False
    tags: frozenset[str] = frozenset()
    skills: tuple[Skill, ...] = ()
    idle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be given to somebody. ``needs`` are tags that a candidate must have; ``never`` are seats that
    a person, or their own refusal, took out; ``pinned`` is the only one who may. ``held_by`` are tasks under
    way that touch the same function."""

    key: str
    title: str
    text: str = ""
    paths: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    pinned: str = ""
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often somebody's work was accepted and handed back; what is old counts less."""

    accepted: float = 0.0
    handed_back: float = 0.0

    @property
    def share(self) -> float:
        """What to expect of the next; a half of nothing known."""
        return (self.accepted + 1) / (self.accepted + self.handed_back + 2)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who gets a task, and why. ``who`` is empty when nobody does."""

    job: str
    answer: Answer
    who: str
    scored: tuple[Scored, ...]
    out: tuple[tuple[str, str], ...]
    likes: tuple[Like, ...]
    weights_version: int = WEIGHTS_VERSION

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """How many are out for each reason, the most frequent first."""
        counts = Counter(why for _, why in self.out)
        return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a decision is made. ``likes`` are answered by the index of finished work,
    ``only_for`` counts for each candidate the waiting tasks that nobody else can do."""

    experience: Experience
    likes: Sequence[Like]
    now_s: float
    outcomes: Mapping[str, Outcomes]
    only_for: Mapping[str, int]


def barred(job: Job, candidate: Candidate) -> str:
    """Why this candidate cannot have the task; empty when it can. The first reason that holds."""
    seat = candidate.seat
    if not candidate.is_alive:
        return Out.DEAD
    if not candidate.is_trusted:
        return Out.NOT_TRUSTED
    if seat in job.never or (job.pinned and job.pinned != seat):
        return Out.EXCLUDED
    if candidate.running >= candidate.capacity:
        return Out.FULL
    if candidate.has_repository is False and not candidate.may_clone:
        return Out.NO_REPO
    if lacking := sorted(job.needs - candidate.tags):
        return f"{Out.LACKS}:{lacking[0]}"
    if job.held_by:
        return f"{Out.SAME_FUNCTION}:{job.held_by[0]}"
    return ""


def decide(
    job: Job, candidates: Iterable[Candidate], known: Known, weights: Weights = SHIPPED
) -> Decision:
    """Decide about one task."""
    everybody = sorted(candidates, key=lambda one: one.seat)
    reasons = {c.seat: barred(job, c) for c in everybody}
    fit = [c for c in everybody if not reasons[c.seat]]
    out = tuple((seat, why) for seat, why in reasons.items() if why)
    words = subject(f"{job.title} {job.text}")
    likes = tuple(known.likes[:_SHOWN_LIKES])
    if not fit:
        return Decision(job.key, Answer.UNROUTABLE, "", (), out, likes)
    scored = points(signals(job, fit, known), (c.seat for c in fit), weights)
    best = _first(job, scored, {c.seat: c for c in fit})
    answer = Answer.CHOSEN
    if not _speaks(best, words, known):
        answer = Answer.WEAK
    elif len(_equals(scored)) > 1:
        answer = Answer.CONTESTED
    return Decision(job.key, answer, best.seat, scored, out, likes)


def signals(job: Job, fit: Sequence[Candidate], known: Known) -> Signals:
    """Everything that is measured of the candidates, by signal and seat."""
    words = subject(f"{job.title} {job.text}")
    records = {c.record for c in fit}
    of_records = earned(
        known.experience, known.likes, words, job.paths, sorted(records), known.now_s
    )
    found = {name: {c.seat: values[c.record] for c in fit} for name, values in of_records.items()}
    repository = {None: 1.0, True: 1.0, False: _EMPTY_NODE}
    found["repository"] = {c.seat: repository[c.has_repository] for c in fit}
    found["declared"] = {c.seat: _declared(c, words, known) for c in fit}
    outcomes = {c.seat: known.outcomes.get(c.record, Outcomes()).share for c in fit}
    found["outcomes"] = outcomes
    found["free"] = {c.seat: (c.capacity - c.running) / c.capacity for c in fit}
    found["rarity"] = {c.seat: 1 / (1 + known.only_for.get(c.seat, 0)) for c in fit}
    return found


def _declared(candidate: Candidate, words: Sequence[str], known: Known) -> float:
    """How much of the task is in what a candidate says of itself. As work becomes known, that counts
    less: everybody's value moves to 1, which is no difference."""
    said = " ".join(
        " ".join((s.name, s.description, *s.tags, *s.examples)) for s in candidate.skills
    )
    of = set(subject(said))
    share = sum(word in of for word in words) / len(words) if words else 0.0
    cold = max(0.0, 1 - known.experience.count(candidate.record) / COLD_OUTCOMES)
    return share * cold + (1 - cold)


def _first(job: Job, scored: Sequence[Scored], of: Mapping[str, Candidate]) -> Candidate:
    """Of those who are equal: who has less to do, then who was idle longest, then by a hash that is the
    same everywhere and favours nobody over time."""

    def turn(one: Scored) -> tuple[int, float, str]:
        candidate = of[one.who]
        chance = sha256(f"{job.key} {one.who}".encode()).hexdigest()
        return (candidate.running, -candidate.idle_s, chance)

    return of[min(_equals(scored), key=turn).who]


def _equals(scored: Sequence[Scored]) -> list[Scored]:
    return [one for one in scored if scored[0].total - one.total <= TIE]


def _speaks(best: Candidate, words: Sequence[str], known: Known) -> bool:
    """Whether anything at all speaks for the best: its finished work, or what it says of itself."""
    if known.experience.knows(words, best.record) >= KNOWN_SHARE:
        return True
    said = {w for s in best.skills for w in subject(" ".join((s.name, s.description, *s.tags)))}
    return any(word in said for word in words)
