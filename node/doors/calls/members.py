"""Calls about the fleet: who belongs to it, who lets others in, and who may do what here."""

from __future__ import annotations

import msgspec

from fleet.outcomes import EXIT_REACHED
from node.doors import trust, views
from node.doors.calls.call import Ask, Calls, Who, takes


class InviteArgs(msgspec.Struct):
    expires_s: float = 3_600.0
    passphrase: str = ""


class JoinArgs(msgspec.Struct):
    token: str


class RevokeArgs(msgspec.Struct):
    node: str
    reason: str = ""
    passphrase: str = ""


class AppointArgs(msgspec.Struct):
    node: str
    passphrase: str = ""


class LockArgs(msgspec.Struct):
    passphrase: str = ""


class RotateArgs(msgspec.Struct):
    finish: bool = False
    passphrase: str = ""


class GrantArgs(msgspec.Struct):
    who: str
    verbs: tuple[str, ...] = ()
    agent: str = "*"
    expires_s: float = 0.0
    rate: str = ""


@takes(InviteArgs)
async def _invite(ask: Ask, args: InviteArgs) -> None:
    token, expires_at_s = await ask.node.membership.invite(args.expires_s, args.passphrase)
    ask.answer.result(views.invitation(token, expires_at_s), EXIT_REACHED)


@takes(JoinArgs)
async def _join(ask: Ask, args: JoinArgs) -> None:
    inviter = await ask.node.membership.join(args.token)
    ask.answer.result(views.joined(ask.node, inviter), EXIT_REACHED)


@takes(RevokeArgs)
async def _revoke(ask: Ask, args: RevokeArgs) -> None:
    put_out = await ask.node.membership.revoke(args.node, args.reason, args.passphrase)
    ask.answer.result(put_out, EXIT_REACHED)


async def _nodes(ask: Ask) -> None:
    ask.answer.result(views.nodes(ask.node), EXIT_REACHED)


async def _trust(ask: Ask) -> None:
    ask.answer.result(trust.overview(ask.node), EXIT_REACHED)


@takes(AppointArgs)
async def _appoint(ask: Ask, args: AppointArgs) -> None:
    told = await ask.node.admins.appoint(args.node, args.passphrase)
    ask.answer.result(told, EXIT_REACHED)


@takes(RevokeArgs)
async def _dismiss(ask: Ask, args: RevokeArgs) -> None:
    told = await ask.node.admins.dismiss(args.node, args.reason, args.passphrase)
    ask.answer.result(told, EXIT_REACHED)


@takes(RotateArgs)
async def _rotate_root(ask: Ask, args: RotateArgs) -> None:
    roots = ask.node.roots
    told = await (roots.finish if args.finish else roots.rotate)(args.passphrase)
    ask.answer.result(told, EXIT_REACHED)


@takes(LockArgs)
async def _lock(ask: Ask, args: LockArgs) -> None:
    await ask.node.membership.lock(args.passphrase)
    ask.answer.result({"locked": True}, EXIT_REACHED)


@takes(LockArgs)
async def _unlock(ask: Ask, args: LockArgs) -> None:
    await ask.node.membership.unlock(args.passphrase)
    ask.answer.result({"locked": False}, EXIT_REACHED)


@takes(LockArgs)
async def _rotate_key(ask: Ask, args: LockArgs) -> None:
    told = await ask.node.rotation.rotate(args.passphrase)
    ask.answer.result(told, EXIT_REACHED)
    ask.node.start_again()


@takes(GrantArgs)
async def _grant(ask: Ask, args: GrantArgs) -> None:
    grant = await ask.node.grants.give(args.who, args.verbs, args.agent, args.expires_s, args.rate)
    ask.answer.result(views.grant(grant), EXIT_REACHED)


@takes(GrantArgs)
async def _ungrant(ask: Ask, args: GrantArgs) -> None:
    removed = await ask.node.grants.take(args.who, args.agent)
    ask.answer.result({"removed": removed}, EXIT_REACHED)


async def _grants(ask: Ask) -> None:
    ask.answer.result([views.grant(grant) for grant in ask.node.fleet.grants], EXIT_REACHED)


CALLS: Calls = {
    "invite": (Who.OPERATOR, _invite),
    "join": (Who.OPERATOR, _join),
    "revoke": (Who.OPERATOR, _revoke),
    "nodes": (Who.ANYONE, _nodes),
    "trust": (Who.ANYONE, _trust),
    "appoint": (Who.OPERATOR, _appoint),
    "dismiss": (Who.OPERATOR, _dismiss),
    "rotate_key": (Who.OPERATOR, _rotate_key),
    "rotate_root": (Who.OPERATOR, _rotate_root),
    "lock": (Who.OPERATOR, _lock),
    "unlock": (Who.OPERATOR, _unlock),
    "grant": (Who.OPERATOR, _grant),
    "ungrant": (Who.OPERATOR, _ungrant),
    "grants": (Who.OPERATOR, _grants),
}
