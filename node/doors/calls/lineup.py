"""Calls that bring a team up."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fleet.core.delivery import State
from fleet.outcomes import EXIT_REACHED, exit_code_of, outcome_of, worst
from node.doors.calls.call import Ask, Calls, Who, takes
from node.doors.local import error_json
from node.engine.lineup import Filled, Up
from node.engine.talk import WAIT_S


class UpArgs(msgspec.Struct):
    socket: str
    team: str = ""
    role: str = ""
    checkout: str = ""
    timeout_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = WAIT_S


@takes(UpArgs)
async def _up(ask: Ask, args: UpArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    wish = Up(args.role, args.checkout, args.socket, args.timeout_s)
    filled = await ask.node.lineup.up(
        ask.caller,
        team,
        wish,
        lambda one: ask.answer.progress({**_told(ask, one), "done": one.is_done}),
    )
    ask.answer.result([_told(ask, one) for one in filled], worst(_code(one) for one in filled))


def _told(ask: Ask, one: Filled) -> dict[str, Any]:
    """One seat: who lives in it, and how its first message stands."""
    seat, brief = one.seat, one.brief
    return {
        "seat": one.name,
        "role": one.role,
        "node": one.node,
        "address": f"{seat.agent}@{ask.node.fleet.label(seat.node)}" if seat else "",
        "term": seat.term if seat else 0,
        "started": one.is_new,
        "brief": brief.state.value if brief else "",
        "id": brief.id if brief else "",
        "receipt": brief.receipt if brief else None,
        "error": error_json(one.error) if one.error else None,
    }


def _code(one: Filled) -> int:
    if one.error:
        return outcome_of(one.error).exit_code
    return exit_code_of(one.brief.state, State.SUBMITTED) if one.brief else EXIT_REACHED


CALLS: Calls = {"team_up": (Who.OPERATOR, _up)}
