"""What a team's supervisor says, and to whom: a reminder for a seat, a list for the lead or the person.

The same troubles give the same text. Nothing that an agent or a task says is in it: who reads it is
told what to do, and only by us.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from fleet.core.troubles import Trouble


class To(StrEnum):
    """Who is told."""

    SEAT = "seat"
    LEAD = "lead"
    PERSON = "person"


class Act(NamedTuple):
    """Tell somebody: ``to`` the seat itself, the lead, or the person. ``words`` are for those two."""

    to: To
    seat: str
    trouble: Trouble
    words: str
    tasks: tuple[str, ...] = ()


class Letter(NamedTuple):
    """One message to the seat, the lead (then ``seat`` is empty) or the person."""

    to: To
    seat: str
    text: str


def letters(team: str, acts: Iterable[Act]) -> tuple[Letter, ...]:
    """What is said: a letter for each seat that is reminded, and one about everything to the lead and
    to the person."""
    acts = tuple(acts)
    reminders = [Letter(To.SEAT, act.seat, _reminder(act)) for act in acts if act.to is To.SEAT]
    lists = [
        Letter(to, "", _list(team, [act for act in acts if act.to is to]))
        for to in (To.LEAD, To.PERSON)
        if any(act.to is to for act in acts)
    ]
    return (*reminders, *lists)


def _reminder(act: Act) -> str:
    tasks = ", ".join(act.tasks)
    match act.trouble:
        case Trouble.IDLE:
            said = (
                "You hold no task, and some wait for somebody: fleet task claim takes the next one."
            )
        case Trouble.LIMITED:
            said = (
                f"Your program was limited, and is not any more. You hold {tasks}: go on with it."
            )
        case _:
            first = act.tasks[0] if act.tasks else "ID"
            said = (
                f"You hold {tasks}, and nothing has moved for a while. Go on with it, or say how it"
                f' stands: fleet task done {first} "…", fleet task block {first} "why",'
                f" or fleet task release {first}."
            )
    return f"{said} This is a reminder by your team's home; it needs no answer."


def _list(team: str, acts: list[Act]) -> str:
    lines = [f"- {team}/{act.seat}: {act.words}. {_remedy(team, act)}" for act in acts]
    return "\n".join(
        [
            f"What stands still in the team {team}:",
            *lines,
            "Each is told once; no answer is needed.",
        ]
    )


def _remedy(team: str, act: Act) -> str:
    member = f"{team}/{act.seat}"
    match act.trouble:
        case Trouble.GONE:
            return f"fleet team up {team} starts it again; what it holds returns to the list by itself."
        case Trouble.AWAY:
            return "fleet nodes shows since when; what it holds returns to the list by itself."
        case Trouble.ASKING:
            return f"fleet peek {member} shows it. Only a person may answer it, there."
        case Trouble.BLOCKED:
            return f"fleet task show {act.tasks[0]} says why."
        case Trouble.DEAF:
            return f"fleet peek {member} shows its screen, fleet route {member} what is in the way."
        case Trouble.STUCK | Trouble.STRANGE | Trouble.IDLE | Trouble.LIMITED:
            return f"fleet peek {member} shows its screen."
