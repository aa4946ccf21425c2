"""Calls about who is of a team: nodes asked, their answers, their leaving; agents in its seats."""

from __future__ import annotations

import msgspec

from fleet.core.errors.requests import MalformedRequest
from fleet.core.member import Hosted, Left
from fleet.outcomes import EXIT_REACHED
from node.doors import teamviews
from node.doors.calls.call import Ask, Calls, Who, takes
from node.engine.chronicle import Chronicle


class InviteArgs(msgspec.Struct):
    team: str
    node: str
    roles: tuple[str, ...] = ()
    expires_s: float = 86_400.0


class WithdrawArgs(msgspec.Struct):
    id: str
    team: str = ""


class RemoveArgs(msgspec.Struct):
    team: str
    node: str
    reason: str = ""


class AcceptArgs(msgspec.Struct):
    id: str
    repos: tuple[str, ...] = ()
    socket: str = ""


class DeclineArgs(msgspec.Struct):
    id: str
    reason: str = ""


class LeaveArgs(msgspec.Struct):
    team: str
    check: bool = False


class AddArgs(msgspec.Struct):
    team: str
    agent: str
    role: str
    seat: str = ""


class DropArgs(msgspec.Struct):
    team: str
    seat: str
    reason: str = ""


def _team(ask: Ask, name: str) -> Chronicle:
    return ask.node.teams.named(name, ask.caller)


def _node(ask: Ask, typed: str) -> str:
    return ask.node.membership.node_called(typed).node_id


@takes(InviteArgs)
async def _invite(ask: Ask, args: InviteArgs) -> None:
    team = _team(ask, args.team)
    asked, is_told = await ask.node.invitations.invite(
        ask.caller, team, _node(ask, args.node), args.roles, args.expires_s
    )
    ask.answer.result(teamviews.asked(ask.node, team, asked, is_told=is_told), EXIT_REACHED)


@takes(WithdrawArgs)
async def _withdraw(ask: Ask, args: WithdrawArgs) -> None:
    open_ = [
        (team, one)
        for team in ask.node.teams.all()
        for one in team.board.asked
        if team.is_home and one.startswith(args.id.strip().lower() or "-")
    ]
    if len(open_) > 1:
        raise MalformedRequest(
            f"{len(open_)} invitations begin with {args.id}", hint="fleet team show TEAM"
        )
    team, one = open_[0] if open_ else (_team(ask, args.team), args.id)
    await ask.node.invitations.withdraw(ask.caller, team, one)
    ask.answer.result({"team": ask.node.teams.label(team), "id": one}, EXIT_REACHED)


@takes(RemoveArgs)
async def _remove(ask: Ask, args: RemoveArgs) -> None:
    team, node = _team(ask, args.team), _node(ask, args.node)
    await ask.node.invitations.remove(ask.caller, team, node, args.reason)
    told = {"team": ask.node.teams.label(team), "node": ask.node.fleet.label(node)}
    ask.answer.result(told, EXIT_REACHED)


async def _invitations(ask: Ask) -> None:
    told = [teamviews.invitation(ask.node, *one) for one in ask.node.agreements.invitations()]
    ask.answer.result(told, EXIT_REACHED)


@takes(AcceptArgs)
async def _accept(ask: Ask, args: AcceptArgs) -> None:
    parts = (said.rpartition("=") for said in args.repos)
    folders = {name: folder for name, _, folder in parts}
    one, _ = await ask.node.agreements.accept(ask.caller, args.id, folders, args.socket)
    told = teamviews.invitation(ask.node, *ask.node.agreements.meant(one.invitation))
    ask.answer.result(told, EXIT_REACHED)


@takes(DeclineArgs)
async def _decline(ask: Ask, args: DeclineArgs) -> None:
    one, _ = await ask.node.agreements.decline(args.id, args.reason)
    told = teamviews.invitation(ask.node, *ask.node.agreements.meant(one.invitation))
    ask.answer.result(told, EXIT_REACHED)


@takes(LeaveArgs)
async def _leave(ask: Ask, args: LeaveArgs) -> None:
    team = _team(ask, args.team)
    label = ask.node.teams.label(team)
    if args.check:
        members = [_left(one, Left()) for one in await ask.node.lodging.living(team)]
        ask.answer.result({"team": label, "told": False, "members": members}, EXIT_REACHED)
        return
    is_told, left = await ask.node.lodging.leave(team)
    members = [_left(one, what) for one, what in left]
    ask.answer.result({"team": label, "told": is_told, "members": members}, EXIT_REACHED)


def _left(one: Hosted, left: Left) -> dict[str, object]:
    return {
        "seat": one.seat,
        "agent": one.agent,
        "ended": left.ended,
        "folder": left.folder,
        "branch": left.branch,
        "unsaved": list(left.unsaved),
        "unpushed": list(left.unpushed),
    }


@takes(AddArgs)
async def _add(ask: Ask, args: AddArgs) -> None:
    team, address = _team(ask, args.team), ask.node.fleet.resolve(args.agent)
    seat = await ask.node.invitations.add(
        ask.caller, team, address.agent, address.node_id, args.role.strip().lower(),
        args.seat.rpartition("/")[2].strip().lower(),
    )  # fmt: skip
    told = {"team": ask.node.teams.label(team), "seat": seat, "address": str(address)}
    ask.answer.result(told, EXIT_REACHED)


@takes(DropArgs)
async def _drop(ask: Ask, args: DropArgs) -> None:
    team, seat = _team(ask, args.team), args.seat.rpartition("/")[2].strip().lower()
    await ask.node.invitations.drop(ask.caller, team, seat, args.reason)
    ask.answer.result({"team": ask.node.teams.label(team), "seat": seat}, EXIT_REACHED)


CALLS: Calls = {
    "team_invite": (Who.OPERATOR, _invite),
    "team_withdraw": (Who.OPERATOR, _withdraw),
    "team_remove": (Who.OPERATOR, _remove),
    "team_invitations": (Who.OPERATOR, _invitations),
    "team_accept": (Who.OPERATOR, _accept),
    "team_decline": (Who.OPERATOR, _decline),
    "team_leave": (Who.OPERATOR, _leave),
    "team_add": (Who.OPERATOR, _add),
    "team_drop": (Who.OPERATOR, _drop),
}
