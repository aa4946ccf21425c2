"""What a team's supervisor does on a tick, without asking a model: look, nudge once, then tell.

A pure function of what is seen and what was done before. Each trouble of a seat is an *incident*, which
is noticed on one tick and dealt with a step at a time on the following ones: the agent itself is reminded
once, where it can read at all, then the lead is told once, then the person. What ends by itself is
forgotten, and may begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Trouble(StrEnum):
    """What can be wrong with a seat."""

    GONE = "gone"  # nobody lives in it, and nobody said that this is meant
    AWAY = "away"  # its node is not connected
    ASKING = "asking"  # a question is open on its screen, which only a person may answer
    STUCK = "stuck"  # it holds a task, and has done nothing for long
    IDLE = "idle"  # it holds nothing, while tasks wait for somebody
    DEAF = "deaf"  # messages for it are held, and have been for long
    BLOCKED = "blocked"  # it said that it cannot go on


class To(StrEnum):
    """Who is told."""

    SEAT = "seat"
    LEAD = "lead"
    PERSON = "person"


_STEPS: Mapping[Trouble, tuple[To, ...]] = MappingProxyType(
    {
        Trouble.GONE: (To.LEAD, To.PERSON),
        Trouble.AWAY: (To.LEAD, To.PERSON),
        Trouble.ASKING: (To.LEAD, To.PERSON),
        Trouble.STUCK: (To.SEAT, To.LEAD, To.PERSON),
        Trouble.IDLE: (To.SEAT,),
        Trouble.DEAF: (To.LEAD, To.PERSON),
        Trouble.BLOCKED: (To.LEAD, To.PERSON),
    }
)
"""Who is told of each, one after the other, a tick apart. Whoever is asked something reads nothing."""


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat as it is now. ``doing`` is what its screen was read as (``ready``, ``busy``, ``dialog``,
    …), empty when it was not; ``still_s`` for how long nothing has changed there; ``held_s`` for how long
    the oldest message for it is held; ``paused_s`` for how long its program says that it is limited."""

    seat: str
    online: bool
    connected: bool = True
    doing: str = ""
    still_s: float = 0.0
    holds: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    held_s: float = 0.0
    paused_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something counts as trouble."""

    still_s: float = 600.0
    held_s: float = 300.0


class Incident(NamedTuple):
    """One trouble of one seat; ``done`` counts the steps of telling it that were taken."""

    seat: str
    trouble: Trouble
    done: int = 0


class Act(NamedTuple):
    """Tell somebody: ``to`` the seat itself, the lead, or the person."""

    to: To
    seat: str
    trouble: Trouble
    words: str


class Tick(NamedTuple):
    """What a tick does, which incidents are open after it, and why: a line for each seat."""

    acts: tuple[Act, ...]
    open: tuple[Incident, ...]
    said: tuple[tuple[str, str], ...]


def tick(
    seats: Iterable[SeatView],
    before: Iterable[Incident],
    *,
    lead: str,
    free: int,
    limits: Limits,
) -> Tick:
    """Look at every seat once. ``before`` are the incidents open after the last tick, ``free`` how many
    tasks can be claimed."""
    known = {(one.seat, one.trouble): one for one in before}
    acts: list[Act] = []
    still_open: list[Incident] = []
    said: list[tuple[str, str]] = []
    for view in sorted(seats, key=lambda one: one.seat):
        if view.paused_s > 0:
            said.append(
                (view.seat, f"its program is limited for {view.paused_s:.0f} s more; left alone")
            )
            still_open += [one for key, one in known.items() if key[0] == view.seat]
            continue
        troubles = tuple(_troubles(view, free, limits))
        for trouble, words in troubles:
            incident = known.get((view.seat, trouble), Incident(view.seat, trouble))
            act, incident = _next(incident, words, lead)
            still_open.append(incident)
            if act is not None:
                acts.append(act)
            said.append((view.seat, _explained(words, act)))
        if not troubles:
            said.append((view.seat, "nothing to do"))
    return Tick(tuple(acts), tuple(still_open), tuple(said))


def _troubles(view: SeatView, free: int, limits: Limits) -> Iterable[tuple[Trouble, str]]:
    """What is wrong, each with a sentence; of what follows from another only the cause."""
    held = ", ".join(view.holds)
    if not view.connected:
        yield Trouble.AWAY, "its node is away" + (f"; it holds {held}" if held else "")
        return
    if not view.online:
        yield Trouble.GONE, "nobody lives in it" + (f"; it holds {held}" if held else "")
        return
    if view.blocked:
        yield Trouble.BLOCKED, f"it cannot go on with {', '.join(view.blocked)}"
    if view.doing == "dialog":
        yield Trouble.ASKING, "a question is open on its screen"
    elif view.held_s >= limits.held_s:
        yield Trouble.DEAF, f"a message for it has been held for {view.held_s:.0f} s"
    elif view.doing == "ready" and view.still_s >= limits.still_s:
        at_work = [task for task in view.holds if task not in view.blocked]
        if at_work:
            yield (
                Trouble.STUCK,
                f"it holds {', '.join(at_work)} and has been still for {view.still_s:.0f} s",
            )
        elif free and not view.holds:
            yield Trouble.IDLE, f"it holds nothing, and {free} tasks wait for somebody"


def _next(incident: Incident, words: str, lead: str) -> tuple[Act | None, Incident]:
    """The next step of telling it. The lead is not told of itself: that goes to the person."""
    steps = _STEPS[incident.trouble]
    done = incident.done
    if done < len(steps) and steps[done] is To.LEAD and incident.seat == lead:
        done += 1
    if done >= len(steps):
        return None, incident._replace(done=done)
    act = Act(steps[done], incident.seat, incident.trouble, words)
    return act, incident._replace(done=done + 1)


def _explained(words: str, act: Act | None) -> str:
    if act is None:
        return f"{words}; everybody was told"
    told = {To.SEAT: "it is reminded", To.LEAD: "the lead is told", To.PERSON: "the person is told"}
    return f"{words}; {told[act.to]}"
