"""Calls about teams: which there are, and how one stands."""

from __future__ import annotations

import msgspec

from fleet.outcomes import EXIT_REACHED
from node.doors import teamviews
from node.doors.calls.call import Ask, Calls, Who, takes


class TeamArgs(msgspec.Struct):
    team: str = ""


async def _teams(ask: Ask) -> None:
    mine = [team for team in ask.node.teams.all() if ask.node.teams.may_read(team, ask.caller)]
    ask.answer.result([teamviews.team(ask.node, team) for team in mine], EXIT_REACHED)


@takes(TeamArgs)
async def _team(ask: Ask, args: TeamArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    ask.answer.result(teamviews.team(ask.node, team), EXIT_REACHED)


CALLS: Calls = {
    "teams": (Who.ANYONE, _teams),
    "team": (Who.ANYONE, _team),
}
