"""Calls about who does what: decide, pass an offer on, what is known of everybody."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from fleet.core.board import Seat
from fleet.core.expertise import record_of
from fleet.core.offers import OFFER_S, RefuseOffer
from fleet.core.team import RolePlan
from fleet.outcomes import EXIT_REACHED
from node.doors import teamviews
from node.doors.calls.call import Ask, Calls, Who, takes
from node.doors.calls.tasks import meant
from node.engine.assigning import Assign
from node.engine.chronicle import Chronicle
from node.engine.plans import plan_of

_SHOWN = 12


class AssignArgs(msgspec.Struct):
    tasks: tuple[str, ...] = ()
    dry_run: bool = False
    deadline_s: float = OFFER_S
    team: str = ""


class RefuseArgs(msgspec.Struct):
    task: str
    text: str = ""
    team: str = ""


class CompetenceArgs(msgspec.Struct):
    seat: str = ""
    team: str = ""


@takes(AssignArgs)
async def _assign(ask: Ask, args: AssignArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    numbers = tuple(meant(ask, one, ask.node.teams.label(team))[1] for one in args.tasks)
    wish = Assign(numbers, args.dry_run, args.deadline_s)
    rulings = await ask.node.assigning.assign(ask.caller, team, wish)
    told = [teamviews.ruling(ask.node, one) for one in rulings]
    if args.dry_run:
        for one in told:
            one["offered"] = False
    ask.answer.result(told, EXIT_REACHED)


@takes(RefuseArgs)
async def _refuse(ask: Ask, args: RefuseArgs) -> None:
    team, number = meant(ask, args.task, args.team)
    ruling = await ask.node.assigning.refuse(ask.caller, team, RefuseOffer(number, args.text))
    told = {
        "id": f"T{number}",
        "team": team.row.name,
        "next": teamviews.ruling(ask.node, ruling) if ruling else None,
    }
    ask.answer.result(told, EXIT_REACHED)


@takes(CompetenceArgs)
async def _competence(ask: Ask, args: CompetenceArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    plan = plan_of(team)
    roles = {role.name: role for role in plan.roles} if plan else {}
    wanted = args.seat.rpartition("/")[2].lower()
    told = [
        _known(ask, team, seat, roles.get(seat.role))
        for name, seat in sorted(team.board.seats.items())
        if wanted in {"", name, seat.role}
    ]
    ask.answer.result(told, EXIT_REACHED)


def _known(ask: Ask, team: Chronicle, seat: Seat, role: RolePlan | None) -> dict[str, Any]:
    expertise, record = team.expertise, record_of(seat.role, seat.node)
    works = [work for work in expertise.works if work.who == record]
    outcomes = expertise.outcomes(record, ask.node.clock.wall_s())
    words, paths = expertise.experience.words(record), Counter(p for w in works for p in w.paths)
    return {
        "seat": seat.name,
        "record": teamviews.record(ask.node, record),
        "finished": len(works),
        "accepted": round(outcomes.accepted, 2),
        "handed_back": round(outcomes.handed_back, 2),
        "words": [word for word, _ in words.most_common(_SHOWN)],
        "paths": [path for path, _ in paths.most_common(_SHOWN)],
        "skills": [msgspec.to_builtins(skill) for skill in (role.skills if role else ())],
        "offered": [f"T{offer.task}" for offer in team.offers.to(seat.name)],
    }


CALLS: Calls = {
    "assign": (Who.ANYONE, _assign),
    "task_refuse": (Who.ANYONE, _refuse),
    "competence": (Who.ANYONE, _competence),
}
