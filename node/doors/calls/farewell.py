"""Calls that bring a team down: members are asked, and say goodbye."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fleet.core.farewell import ANSWERED, OVER
from fleet.core.moment import iso_time
from fleet.core.parting import Parting
from fleet.core.team import DEFAULT_DOWN_S
from fleet.outcomes import EXIT_NOT_YET, EXIT_REACHED, outcome_of, worst
from node.doors.calls.call import Ask, Calls, Who, takes
from node.doors.local import error_json
from node.engine.farewell import Wanted
from node.engine.plans import plan_of


class DownArgs(msgspec.Struct):
    team: str = ""
    role: str = ""
    deadline_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    kill: bool = False


class ByeArgs(msgspec.Struct):
    team: str = ""
    note: str = ""


@takes(DownArgs)
async def _down(ask: Ask, args: DownArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)

    async def tell(partings: tuple[Parting, ...], left_s: float) -> None:
        ask.answer.progress({"left_s": left_s, "seats": [_told(ask, one) for one in partings]})
        await ask.answer.sent()

    plan = plan_of(team)
    planned_s = plan.down_s if plan else DEFAULT_DOWN_S
    deadline_s = planned_s if args.deadline_s is None else args.deadline_s
    wanted = Wanted(args.role, deadline_s, args.kill)
    partings = await ask.node.farewells.down(ask.caller, team, wanted, tell)
    told = [_told(ask, one) for one in partings]
    ask.answer.result(told, worst(_code(one) for one in partings))


def _told(ask: Ask, one: Parting) -> dict[str, Any]:
    """One seat: whether it answered and is ended, how its request stands, and what it left where."""
    farewell, letter, behind = one.farewell, one.letter, one.behind
    return {
        "seat": one.seat,
        "role": one.role,
        "node": ask.node.fleet.label(one.node),
        "address": f"{one.agent}@{ask.node.fleet.label(one.node)}",
        "term": farewell.term if farewell else 0,
        "state": one.stage.value if one.stage else "filled",
        "answered": one.stage in ANSWERED,
        "ended": one.stage in OVER,
        "said_at": _moment(farewell.said_s if farewell else 0.0),
        "ended_at": _moment(farewell.over_s if farewell else 0.0),
        "why": farewell.why if farewell else "",
        "request": letter.last.state.value if letter else "",
        "receipt": letter.as_json() if letter else None,
        "holds": [f"T{number}" for number in one.holds],
        "released": [f"T{number}" for number in farewell.released] if farewell else [],
        "folder": behind.folder,
        "branch": behind.branch,
        "unsaved": list(behind.unsaved),
        "unpushed": list(behind.unpushed),
        "error": error_json(one.error) if one.error and one.stage not in OVER else None,
    }


def _moment(at_s: float) -> str:
    return iso_time(at_s) if at_s else ""


def _code(one: Parting) -> int:
    """Ended is what was asked for; who has not answered may still do so, unless something is in the way."""
    if one.stage in OVER:
        return EXIT_REACHED
    return outcome_of(one.error).exit_code if one.error else EXIT_NOT_YET


@takes(ByeArgs)
async def _bye(ask: Ask, args: ByeArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    said = await ask.node.goodbyes.bye(ask.caller, team, args.note)
    told = {
        "team": ask.node.teams.label(team),
        "seat": said.seat,
        "released": [f"T{number}" for number in said.released],
        "again": said.again,
    }
    ask.answer.result(told, EXIT_REACHED)


CALLS: Calls = {"team_down": (Who.OPERATOR, _down), "team_bye": (Who.ANYONE, _bye)}
