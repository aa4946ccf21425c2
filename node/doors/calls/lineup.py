"""Calls that bring a team up, and a member back."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fleet.core.board import Seat
from fleet.core.delivery import State
from fleet.core.member import Left
from fleet.outcomes import EXIT_NOT_YET, EXIT_REACHED, exit_code_of, outcome_of, worst
from node.doors.calls.call import Ask, Calls, Who, takes
from node.doors.local import error_json
from node.engine.chronicle import Chronicle
from node.engine.lineup import Filled, Up
from node.engine.respawn import Again, Respawned
from node.engine.talk import WAIT_S


class UpArgs(msgspec.Struct):
    socket: str
    team: str = ""
    role: str = ""
    checkout: str = ""
    timeout_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = WAIT_S


class RespawnArgs(msgspec.Struct):
    seat: str
    socket: str
    node: str = ""
    checkout: str = ""
    timeout_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = WAIT_S


@takes(UpArgs)
async def _up(ask: Ask, args: UpArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    await ask.node.farewells.stay(ask.caller, team, args.role)
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


@takes(RespawnArgs)
async def _respawn(ask: Ask, args: RespawnArgs) -> None:
    name, _, seat = args.seat.strip().lower().rpartition("/")
    team = ask.node.teams.named(name, ask.caller)
    node_id = ask.node.membership.node_called(args.node).node_id if args.node else ""
    wish = Again(seat, node_id, args.checkout, args.socket, args.timeout_s)
    done = await ask.node.respawns.respawn(ask.caller, team, wish)
    is_over = done.before is None or done.left is not None
    codes = (
        exit_code_of(done.brief.state, State.SUBMITTED),
        EXIT_REACHED if is_over else EXIT_NOT_YET,
    )
    ask.answer.result(_told_again(ask, team, done), worst(codes))


def _told_again(ask: Ask, team: Chronicle, done: Respawned) -> dict[str, Any]:
    """A new incarnation, and what became of the old one."""
    seat, label = done.seat, ask.node.fleet.label
    return {
        "team": ask.node.teams.label(team),
        "seat": seat.name,
        "role": seat.role,
        "node": label(seat.node),
        "address": f"{seat.agent}@{label(seat.node)}",
        "term": seat.term,
        "claims": [task.label for task in done.claims],
        "before": _told_before(ask, done.before, done.left) if done.before else None,
        "brief": done.brief.state.value,
        "id": done.brief.id,
        "receipt": done.brief.receipt,
    }


def _told_before(ask: Ask, before: Seat, left: Left | None) -> dict[str, Any]:
    node = ask.node.fleet.label(before.node)
    kept = left or Left()
    return {
        "node": node,
        "address": f"{before.agent}@{node}",
        "term": before.term,
        "over": left is not None,
        "folder": kept.folder,
        "unsaved": list(kept.unsaved),
        "unpushed": list(kept.unpushed),
    }


CALLS: Calls = {"team_up": (Who.OPERATOR, _up), "team_respawn": (Who.OPERATOR, _respawn)}
