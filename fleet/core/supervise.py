"""What a team's supervisor does on a tick, without asking a model: look, nudge once, then tell.

A pure function of what is seen and what was done before. Each trouble of a seat is an *incident*: the
agent itself is reminded once, where it can read at all, then the lead is told once, then the person, a
while apart however often somebody looks. What ends by itself is forgotten, and may begin anew.

Times are the home's wall time, for incidents outlive its node. What is wrong with a seat is found in
``troubles.py``; what is said is written in ``nudges.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from fleet.core.nudges import Act, To
from fleet.core.troubles import Finding, Limits, SeatView, Trouble, findings, lasted


class Incident(NamedTuple):
    """One trouble of one seat, of the tasks in ``about``. ``done`` counts the steps of telling it that
    were taken; the next is not taken before ``next_s``."""

    seat: str
    trouble: Trouble
    about: str = ""
    done: int = 0
    since_s: float = 0.0
    next_s: float = 0.0


class Said(NamedTuple):
    """One seat explained: what was seen, what is done about it, and why nothing is."""

    seat: str
    saw: str
    does: str = ""
    why: str = ""


class Tick(NamedTuple):
    """What a tick does, which incidents are open after it, and a line or more for each seat."""

    acts: tuple[Act, ...]
    open: tuple[Incident, ...]
    said: tuple[Said, ...]


STEPS: Mapping[Trouble, tuple[To, ...]] = MappingProxyType(
    {
        Trouble.GONE: (To.LEAD, To.PERSON),
        Trouble.AWAY: (To.LEAD, To.PERSON),
        Trouble.ASKING: (To.LEAD, To.PERSON),
        Trouble.STRANGE: (To.LEAD, To.PERSON),
        Trouble.STUCK: (To.SEAT, To.LEAD, To.PERSON),
        Trouble.IDLE: (To.SEAT,),
        Trouble.DEAF: (To.LEAD, To.PERSON),
        Trouble.BLOCKED: (To.LEAD, To.PERSON),
        Trouble.LIMITED: (),
    }
)
"""Who is told of each, one after the other. Whoever is asked something reads nothing."""
PATIENCE_S: Mapping[Trouble, float] = MappingProxyType(
    {
        Trouble.GONE: 60.0,  # between two lives there is a moment with neither
        Trouble.AWAY: 900.0,  # a laptop is shut and opened again; a home that began anew has no links yet
        Trouble.ASKING: 60.0,  # some questions answer themselves
    }
)
"""For how long some troubles have to last before anybody is told."""
_QUIET = frozenset({Trouble.STUCK, Trouble.IDLE, Trouble.DEAF})
"""What a program that is limited cannot help."""


def tick(
    seats: Iterable[SeatView],
    before: Iterable[Incident],
    *,
    lead: str,
    free: int,
    limits: Limits,
    now_s: float,
) -> Tick:
    """Look at every seat once. ``before`` are the incidents open after the last tick, ``free`` how many
    tasks can be claimed."""
    views = sorted(seats, key=lambda one: one.seat)
    known = tuple(before)
    has_lead = any(view.seat == lead and view.reads for view in views)
    visits: list[_Visit] = []
    for view in views:
        mine = {(one.trouble, one.about): one for one in known if one.seat == view.seat}
        visit = _Visit(view, mine, lead if has_lead else "", limits, now_s)
        visit.through(free)
        visits.append(visit)
    return Tick(
        tuple(act for visit in visits for act in visit.acts),
        tuple(one for visit in visits for one in visit.open),
        tuple(line for visit in visits for line in visit.said),
    )


def soonest_s(done: Tick, now_s: float) -> float:
    """In how long a step of what is open may be due; infinite when none is left."""
    waits = (
        one.next_s - now_s
        for one in done.open
        if one.done < len(STEPS[one.trouble]) and one.next_s > now_s
    )
    return min(waits, default=inf)


class _Visit:
    """One seat on one tick. ``lead`` is empty when there is none that reads."""

    def __init__(
        self,
        view: SeatView,
        known: Mapping[tuple[Trouble, str], Incident],
        lead: str,
        limits: Limits,
        now_s: float,
    ) -> None:
        self._view = view
        self._known = known
        self._lead = lead
        self._limits = limits
        self._now_s = now_s
        self.acts: list[Act] = []
        self.open: list[Incident] = []
        self.said: list[Said] = []

    def through(self, free: int) -> None:
        """Find what is wrong, and take the steps that are due."""
        view, is_over = self._view, self._is_limit_over()
        for finding in findings(view, self._limits, free, self._is_open):
            if finding.trouble not in _QUIET or not (view.is_limited or is_over):
                self._take(finding)
        if not view.connected:  # nothing is seen of it: what was open has not ended by that
            self.open += [one for one in self._known.values() if one.trouble is not Trouble.AWAY]
        if view.leaving:
            self.said.append(Said(view.seat, str(view), why="it was asked to leave"))
        elif view.is_limited:
            self._leave_alone()
        elif is_over:
            self._resume()
        elif not self.said:
            self.said.append(Said(view.seat, str(view), why="all is well"))

    def _is_open(self, trouble: Trouble, about: str) -> bool:
        return (trouble, about) in self._known

    # --- one trouble ---

    def _take(self, finding: Finding) -> None:
        """The next step of telling it, if one is left and due."""
        steps, incident = STEPS[finding.trouble], self._incident(finding.trouble, finding.about)
        at = incident.done
        while at < len(steps) and not self._hears(steps[at]):
            at += 1
        wait_s = max(0.0, incident.next_s - self._now_s)
        if at >= len(steps):
            why = "everybody was told" if incident.done else "nobody can be told"
            self._say(finding.words, incident, why=why)
        elif wait_s or not finding.is_due:
            until = f" in {lasted(wait_s)}" if wait_s else ""
            self._say(finding.words, incident, why=f"{_NEXT[steps[at]]}{until}, if it lasts")
        else:
            words, tasks = finding.words, finding.tasks
            self.acts.append(Act(steps[at], self._view.seat, finding.trouble, words, tasks))
            self._say(words, self._after(incident, at + 1), does=_DOES[steps[at]])

    def _incident(self, trouble: Trouble, about: str) -> Incident:
        """The one that is open, else a new one. A clock that was set back holds nothing up for long."""
        patience_s, now_s = PATIENCE_S.get(trouble, 0.0), self._now_s
        new = Incident(self._view.seat, trouble, about, 0, now_s, now_s + patience_s)
        known = self._known.get((trouble, about), new)
        latest_s = now_s + max(patience_s, self._limits.step_s)
        return known._replace(next_s=min(known.next_s, latest_s))

    def _after(self, incident: Incident, done: int) -> Incident:
        return incident._replace(done=done, next_s=self._now_s + self._limits.step_s)

    def _hears(self, to: To) -> bool:
        match to:
            case To.SEAT:
                return self._view.doing == "ready"
            case To.LEAD:  # it is not told of itself
                return self._lead not in {"", self._view.seat}
            case To.PERSON:
                return True

    def _say(self, saw: str, incident: Incident, *, does: str = "", why: str = "") -> None:
        self.open.append(incident)
        self.said.append(Said(self._view.seat, saw, does, why))

    # --- limits ---

    def _leave_alone(self) -> None:
        """Nothing is asked of a program that is limited, and what was asked before waits."""
        saw = f"its program is limited for {lasted(self._view.paused_s)} more"
        self._say(saw, self._incident(Trouble.LIMITED, ""), why="it is left alone until then")
        self.open += [
            self._after(one, one.done) for one in self._known.values() if one.trouble in _QUIET
        ]

    def _is_limit_over(self) -> bool:
        """Whether a limit has ended, and it does not know: it stands at its prompt with a task."""
        view = self._view
        is_over = self._is_open(Trouble.LIMITED, "") and view.is_there and not view.is_limited
        can_go_on = view.doing == "ready" and bool(view.at_work) and not view.leaving
        return is_over and can_go_on

    def _resume(self) -> None:
        """It is told to go on, and that is its reminder."""
        seat, tasks = self._view.seat, self._view.at_work
        words = f"its limit is over, and it holds {', '.join(tasks)}"
        self.acts.append(Act(To.SEAT, seat, Trouble.LIMITED, words, tasks))
        stuck = self._incident(Trouble.STUCK, self._view.stuck)
        self._say(words, self._after(stuck, max(1, stuck.done)), does=_DOES[To.SEAT])


_DOES = {To.SEAT: "it is reminded", To.LEAD: "the lead is told", To.PERSON: "the person is told"}
_NEXT = {
    To.SEAT: "it will be reminded",
    To.LEAD: "the lead will be told",
    To.PERSON: "the person will be told",
}
