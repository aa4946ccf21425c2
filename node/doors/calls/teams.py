"""Calls about teams: which there are, and how one stands."""

from __future__ import annotations

import msgspec

from fleet.core.retro import retrospective
from fleet.outcomes import EXIT_REACHED
from fleet.teamfile import read_form
from node.doors import teamstatus, teamviews
from node.doors.calls.call import Ask, Calls, Who, takes


class TeamArgs(msgspec.Struct):
    team: str = ""


class PlanArgs(msgspec.Struct):
    plan: str
    before: str | None = None


async def _teams(ask: Ask) -> None:
    mine = [team for team in ask.node.teams.all() if ask.node.teams.may_read(team, ask.caller)]
    ask.answer.result([teamviews.team(ask.node, team) for team in mine], EXIT_REACHED)


@takes(TeamArgs)
async def _team(ask: Ask, args: TeamArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    ask.answer.result(teamviews.team(ask.node, team), EXIT_REACHED)


@takes(TeamArgs)
async def _status(ask: Ask, args: TeamArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    told = await teamstatus.status(ask.node, ask.caller, team)
    ask.answer.result(told, EXIT_REACHED)


@takes(PlanArgs)
async def _plan(ask: Ask, args: PlanArgs) -> None:
    plan = read_form(args.plan, "the plan")
    ask.answer.result(teamviews.wish(plan, ask.node.plans.wish(plan)), EXIT_REACHED)


@takes(PlanArgs)
async def _apply(ask: Ask, args: PlanArgs) -> None:
    plan = read_form(args.plan, "the plan")
    wish = await ask.node.plans.apply(ask.caller, plan, args.before)
    ask.answer.result(teamviews.wish(plan, wish), EXIT_REACHED)


@takes(TeamArgs)
async def _retro(ask: Ask, args: TeamArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    page = retrospective(team.row.name, team.all())
    ask.answer.result({"team": ask.node.teams.label(team), "page": page}, EXIT_REACHED)


CALLS: Calls = {
    "teams": (Who.ANYONE, _teams),
    "team": (Who.ANYONE, _team),
    "team_status": (Who.ANYONE, _status),
    "team_plan": (Who.OPERATOR, _plan),
    "team_apply": (Who.OPERATOR, _apply),
    "team_retro": (Who.ANYONE, _retro),
}
