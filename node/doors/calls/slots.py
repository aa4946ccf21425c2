"""Calls about a team's counters: take a number, list them."""

from __future__ import annotations

import msgspec

from fleet.core.slots import TakeSlot
from fleet.outcomes import EXIT_REACHED
from node.doors.calls.call import Ask, Calls, Count, Who, takes


class TakeArgs(msgspec.Struct):
    slot: str
    at_least: Count = 0
    team: str = ""
    key: str = ""


class SlotsArgs(msgspec.Struct):
    team: str = ""


@takes(TakeArgs)
async def _take(ask: Ask, args: TakeArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    command = TakeSlot(args.slot, args.at_least)
    taken = await ask.node.slots.take(ask.caller, team, command, args.key)
    told = {"team": team.row.name, "slot": taken.slot, "number": taken.number, "again": taken.again}
    ask.answer.result(told, EXIT_REACHED)


@takes(SlotsArgs)
async def _slots(ask: Ask, args: SlotsArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    counters = sorted(team.board.slots.items())
    told = [{"team": team.row.name, "slot": slot, "last": last} for slot, last in counters]
    ask.answer.result(told, EXIT_REACHED)


CALLS: Calls = {
    "slot_take": (Who.ANYONE, _take),
    "slots": (Who.ANYONE, _slots),
}
