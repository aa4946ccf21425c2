"""The calls of the local door: read the arguments, ask the node, answer. One row of a table each.

What a caller may do is in the table too: trust and policy belong to the operator, agents may talk.
The contract is ``docs/reference/local-door.md``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Generic, TypeVar

import msgspec

from fleet.core.address import parse_query
from fleet.core.delivery import State
from fleet.core.envelope import DEFAULT_EXPIRY_S, Receipt
from fleet.core.errors import MalformedRequest, NotAllowed, UnknownCall, every_error
from fleet.core.trust import Caller, Verb
from fleet.outcomes import (
    EXIT_NOT_YET,
    EXIT_REACHED,
    EXIT_UNREACHABLE,
    OUTCOMES,
    WAITABLE,
    exit_code_of,
    outcome_of,
)
from node.doors import profiles, standing, trust, views, watching
from node.doors.local import Answer, Request
from node.doors.reflection import arguments
from node.engine.agents import Start
from node.engine.node import Node
from node.engine.outbox import Wish
from node.engine.talk import WAIT_S, Wait
from node.records import Agent

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
"""How many of something; more fits neither a screen nor SQLite's idea of a number."""
_DAY_S = 86_400.0


class Who(Enum):
    """Whom a call is for."""

    ANYONE = "anyone"
    OPERATOR = "operator"
    SPAWNER = "spawner"  # the operator, or an agent with a grant to spawn


@dataclass(frozen=True, slots=True)
class Ask:
    """One request on its way through the node."""

    node: Node
    caller: Caller
    request: Request
    answer: Answer

    def args(self, kind: type[T]) -> T:
        """The arguments as a value.

        Raises:
            MalformedRequest: saying which argument is wrong.
        """
        try:
            return msgspec.convert(self.request.args, kind)
        except msgspec.ValidationError as error:
            raise MalformedRequest(f"{self.request.call}: {error}") from None


Act = Callable[[Ask], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Taking(Generic[T]):
    """A call that takes arguments, and which: the node reads them by it, and others learn of them."""

    kind: type[T]
    act: Callable[[Ask, T], Awaitable[None]]

    async def __call__(self, ask: Ask) -> None:
        await self.act(ask, ask.args(self.kind))

    def arguments(self) -> list[dict[str, object]]:
        """What it takes, as others are told."""
        return arguments(self.kind)


def takes(kind: type[T]) -> Callable[[Callable[[Ask, T], Awaitable[None]]], Taking[T]]:
    """Mark a call with the arguments it takes."""
    return lambda act: Taking(kind, act)


class Named(msgspec.Struct):
    name: str


class Id(msgspec.Struct):
    id: str


class SendArgs(msgspec.Struct, omit_defaults=True):
    to: str
    text: str
    sender: str = msgspec.field(default="", name="from")
    raw: bool = False
    key: str = ""
    expires_s: float = DEFAULT_EXPIRY_S
    reply_to: str = ""
    draft_limit_s: float = 0.0
    wait: str = ""
    timeout_s: float = WAIT_S


class ReplyArgs(msgspec.Struct):
    id: str
    text: str
    key: str = ""
    wait: str = ""
    timeout_s: float = WAIT_S


class ListArgs(msgspec.Struct):
    name: str = ""
    dead: bool = False
    held: bool = False
    limit: Count = 100


class StartArgs(msgspec.Struct):
    name: str
    socket: str
    cwd: str = ""
    command: tuple[str, ...] = ()
    pane: str = ""
    here: str = ""
    profile: str = ""
    policy: str = ""
    hooks: bool | None = None


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


class PeekArgs(msgspec.Struct):
    name: str
    lines: Count = 0


class RouteArgs(msgspec.Struct):
    to: str
    probe: bool = False


class GrantArgs(msgspec.Struct):
    who: str
    verbs: tuple[str, ...] = ()
    agent: str = "*"
    expires_s: float = 0.0
    rate: str = ""


class PolicyArgs(msgspec.Struct):
    name: str
    policy: str = ""


class LogArgs(msgspec.Struct):
    lines: Count = 20
    follow: bool = False


class WatchArgs(msgspec.Struct):
    agent: str = ""


async def handle(node: Node, caller: Caller, request: Request, answer: Answer) -> None:
    """Carry out one request.

    Raises:
        FleetError: what the caller is to be told.
    """
    found = CALLS.get(request.call)
    if found is None:
        raise UnknownCall(request.call)
    who, call = found
    if who is Who.OPERATOR and not caller.is_own_operator:
        error = NotAllowed(str(caller), request.call, "here", hint="ask the person at this node")
        node.permits.refused(caller, request.call, "", error)
        raise error
    if who is Who.SPAWNER and not caller.is_own_operator:
        # The agent's own name, however it was typed: a pattern must not fit its address by chance.
        name = parse_query(str(request.args.get("name", ""))).agent
        node.permits.require(caller, Verb.SPAWN, name)
    await call(Ask(node, caller, request, answer))


# --- talking ---------------------------------------------------------------------------------------


@takes(SendArgs)
async def _send(ask: Ask, args: SendArgs) -> None:
    if args.sender and args.sender.lower() not in {str(ask.caller), ask.caller.agent}:
        raise NotAllowed(
            str(ask.caller), "send as", args.sender, hint="the sender is who runs the command"
        )
    wish = Wish(
        args.to, args.text, args.raw, args.key, args.expires_s, _whole(ask, args.reply_to),
        args.draft_limit_s,
    )  # fmt: skip
    receipt, wanted = await ask.node.talk.send(
        ask.caller, wish, _wait(args.wait, args.timeout_s), _progress(ask)
    )
    _answer_receipt(ask, receipt, wanted)


@takes(ReplyArgs)
async def _reply(ask: Ask, args: ReplyArgs) -> None:
    item = ask.node.talk.incoming(args.id)
    wish = Wish(item.envelope.sender, args.text, key=args.key, reply_to=item.envelope.id)
    receipt, wanted = await ask.node.talk.reply(
        ask.caller, item, wish, _wait(args.wait, args.timeout_s), _progress(ask)
    )
    _answer_receipt(ask, receipt, wanted)


def _whole(ask: Ask, typed_id: str) -> str:
    return ask.node.talk.find(typed_id).envelope.id if typed_id else ""


def _wait(wanted: str, timeout_s: float) -> Wait:
    if wanted and wanted not in WAITABLE:
        raise MalformedRequest(f"cannot wait for {wanted!r}", hint=f"one of: {', '.join(WAITABLE)}")
    if not 0 <= timeout_s <= _DAY_S:
        raise MalformedRequest(
            f"a timeout of {timeout_s:g} s is not between 0 and a day",
            hint="running out of time ends the wait, not the message: fleet show ID follows it",
        )
    return Wait(State(wanted) if wanted else None, timeout_s)


def _progress(ask: Ask) -> Callable[[Receipt], None]:
    return lambda receipt: ask.answer.progress(receipt.as_json())


def _answer_receipt(ask: Ask, receipt: Receipt, wanted: State) -> None:
    last = receipt.last
    code = exit_code_of(last.state, wanted)
    if last.state is State.REFUSED and (known := every_error().get(last.reason)):
        code = OUTCOMES[known].exit_code
    ask.answer.result(receipt.as_json(), code)


@takes(Id)
async def _ack(ask: Ask, args: Id) -> None:
    item = ask.node.talk.incoming(args.id)
    done = await ask.node.inbox.acknowledge(item, ask.caller)
    ask.answer.result(done.receipt.as_json(), EXIT_REACHED)


@takes(ListArgs)
async def _inbox(ask: Ask, args: ListArgs) -> None:
    name = views.recipient_name(ask.node, args.name) if args.name else ""
    if not ask.caller.is_own_operator:
        if name not in {"", ask.caller.agent}:
            raise NotAllowed(str(ask.caller), "read the inbox of", name)
        name = ask.caller.agent
    rows = ask.node.store.inbox.recent(name, args.limit, dead=args.dead, held=args.held)
    ask.answer.result([views.letter(row.receipt) for row in rows], EXIT_REACHED)


@takes(ListArgs)
async def _outbox(ask: Ask, args: ListArgs) -> None:
    rows = ask.node.store.outbox.recent(args.limit, dead=args.dead, held=args.held)
    mine = [r for r in rows if ask.caller.is_own_operator or r.envelope.sender == str(ask.caller)]
    ask.answer.result([views.letter(row.receipt) for row in mine], EXIT_REACHED)


@takes(Id)
async def _show(ask: Ask, args: Id) -> None:
    found = ask.node.talk.find(args.id)
    party = {found.envelope.sender, f"{found.envelope.recipient}@{ask.caller.node}"}
    if not ask.caller.is_own_operator and str(ask.caller) not in party:
        raise NotAllowed(str(ask.caller), "read", found.envelope.id)
    ask.answer.result(views.whole_letter(found.receipt), EXIT_REACHED)


@takes(Id)
async def _cancel(ask: Ask, args: Id) -> None:
    receipt = await ask.node.talk.cancel(ask.caller, args.id)
    ask.answer.result(receipt.as_json(), EXIT_REACHED)


@takes(Id)
async def _release(ask: Ask, args: Id) -> None:
    receipt = await ask.node.talk.release(ask.caller, args.id)
    is_held = receipt.last.state is State.HELD
    ask.answer.result(receipt.as_json(), EXIT_NOT_YET if is_held else EXIT_REACHED)


@takes(Id)
async def _revive(ask: Ask, args: Id) -> None:
    receipt = await ask.node.talk.revive(ask.caller, args.id)
    ask.answer.result(receipt.as_json(), EXIT_REACHED)


# --- agents ----------------------------------------------------------------------------------------


@takes(StartArgs)
async def _start(ask: Ask, args: StartArgs) -> None:
    _answer_agent(ask, await ask.node.agents.start(_wish(args)))


@takes(StartArgs)
async def _adopt(ask: Ask, args: StartArgs) -> None:
    _answer_agent(ask, await ask.node.agents.adopt(_wish(args)))


def _wish(args: StartArgs) -> Start:
    return Start(
        args.name, args.socket, args.profile, args.policy, args.cwd, args.command, args.pane,
        args.here, args.hooks,
    )  # fmt: skip


def _answer_agent(ask: Ask, agent: Agent) -> None:
    ask.answer.result(views.agent(ask.node, agent), EXIT_REACHED)


@takes(Named)
async def _end(ask: Ask, args: Named) -> None:
    _answer_agent(ask, await ask.node.agents.end(_own(ask, args)))


@takes(Named)
async def _forget(ask: Ask, args: Named) -> None:
    _answer_agent(ask, await ask.node.agents.forget(_own(ask, args)))


def _own(ask: Ask, args: Named) -> str:
    """The name of an agent of this node, typed bare or as an address."""
    return views.own_name(ask.node, args.name)


async def _ls(ask: Ask) -> None:
    ask.answer.result(await views.agents(ask.node, ask.caller), EXIT_REACHED)


@takes(PeekArgs)
async def _peek(ask: Ask, args: PeekArgs) -> None:
    ask.answer.result(await views.screen(ask.node, ask.caller, args.name, args.lines), EXIT_REACHED)


@takes(Named)
async def _attach(ask: Ask, args: Named) -> None:
    ask.answer.result(await views.place(ask.node, args.name), EXIT_REACHED)


@takes(RouteArgs)
async def _route(ask: Ask, args: RouteArgs) -> None:
    route = await ask.node.router.walk(ask.caller, args.to, ask_far_node=args.probe)
    code = outcome_of(route.error).exit_code if route.error else EXIT_REACHED
    ask.answer.result(views.route(route), code)


# --- the node and its fleet -------------------------------------------------------------------------


async def _status(ask: Ask) -> None:
    ask.answer.result(views.status(ask.node), EXIT_REACHED)


async def _health(ask: Ask) -> None:
    told = await standing.health(ask.node)
    ask.answer.result(told, EXIT_REACHED if told["ready"] else EXIT_UNREACHABLE)


async def _calls(ask: Ask) -> None:
    ask.answer.result([_described(name, *row) for name, row in CALLS.items()], EXIT_REACHED)


def _described(name: str, who: Who, act: Act) -> dict[str, object]:
    args = act.arguments() if isinstance(act, Taking) else []
    return {"call": name, "for": who.value, "args": args}


async def _stop(ask: Ask) -> None:
    ask.node.stopping.set()
    ask.answer.result({}, EXIT_REACHED)


async def _whoami(ask: Ask) -> None:
    caller = ask.caller
    told = {
        "identity": str(caller),
        "agent": caller.agent,
        "node": caller.node,
        "id": caller.node_id,
    }
    ask.answer.result(told, EXIT_REACHED)


async def _nodes(ask: Ask) -> None:
    ask.answer.result(views.nodes(ask.node), EXIT_REACHED)


async def _trust(ask: Ask) -> None:
    ask.answer.result(trust.overview(ask.node), EXIT_REACHED)


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


@takes(AppointArgs)
async def _appoint(ask: Ask, args: AppointArgs) -> None:
    told = await ask.node.admins.appoint(args.node, args.passphrase)
    ask.answer.result(told, EXIT_REACHED)


@takes(RevokeArgs)
async def _dismiss(ask: Ask, args: RevokeArgs) -> None:
    told = await ask.node.admins.dismiss(args.node, args.reason, args.passphrase)
    ask.answer.result(told, EXIT_REACHED)


@takes(LockArgs)
async def _lock(ask: Ask, args: LockArgs) -> None:
    await ask.node.membership.lock(args.passphrase)
    ask.answer.result({"locked": True}, EXIT_REACHED)


@takes(LockArgs)
async def _unlock(ask: Ask, args: LockArgs) -> None:
    await ask.node.membership.unlock(args.passphrase)
    ask.answer.result({"locked": False}, EXIT_REACHED)


@takes(GrantArgs)
async def _grant(ask: Ask, args: GrantArgs) -> None:
    grant = await ask.node.membership.grant(
        args.who, args.verbs, args.agent, args.expires_s, args.rate
    )
    ask.answer.result(views.grant(grant), EXIT_REACHED)


@takes(GrantArgs)
async def _ungrant(ask: Ask, args: GrantArgs) -> None:
    removed = await ask.node.membership.ungrant(args.who, args.agent)
    ask.answer.result({"removed": removed}, EXIT_REACHED)


async def _grants(ask: Ask) -> None:
    ask.answer.result([views.grant(grant) for grant in ask.node.fleet.grants], EXIT_REACHED)


@takes(PolicyArgs)
async def _policy(ask: Ask, args: PolicyArgs) -> None:
    name = views.own_name(ask.node, args.name)
    before = ask.node.agents.known(name).policy
    if args.policy:
        await ask.node.agents.set_policy(name, args.policy)
    ask.answer.result(views.policy(ask.node, name, before), EXIT_REACHED)


async def _profiles(ask: Ask) -> None:
    ask.answer.result(profiles.listed(ask.node), EXIT_REACHED)


@takes(Named)
async def _profile(ask: Ask, args: Named) -> None:
    ask.answer.result(profiles.whole(ask.node, args.name), EXIT_REACHED)


@takes(LogArgs)
async def _log(ask: Ask, args: LogArgs) -> None:
    watch = ask.node.events.follow_log()
    try:
        for event in ask.node.store.database.audit_tail(args.lines):
            ask.answer.item(views.event(event))
        while args.follow:
            ask.answer.item(views.event(await watch.next()))
            await ask.answer.sent()
    finally:
        ask.node.events.unfollow_log(watch)
    ask.answer.result({}, EXIT_REACHED)


@takes(WatchArgs)
async def _watch(ask: Ask, args: WatchArgs) -> None:
    typed = args.agent
    only = parse_query(typed) if typed else None
    watch = ask.node.events.follow_moves()
    try:
        ask.answer.progress({"watching": str(only or "")})
        while True:
            for line in watching.lines(ask.node, await watch.next(), only):
                ask.answer.item(line)
            await ask.answer.sent()
    finally:
        ask.node.events.unfollow_moves(watch)


CALLS: dict[str, tuple[Who, Act]] = {
    "status": (Who.ANYONE, _status),
    "health": (Who.ANYONE, _health),
    "calls": (Who.ANYONE, _calls),
    "stop": (Who.OPERATOR, _stop),
    "whoami": (Who.ANYONE, _whoami),
    "invite": (Who.OPERATOR, _invite),
    "join": (Who.OPERATOR, _join),
    "revoke": (Who.OPERATOR, _revoke),
    "nodes": (Who.ANYONE, _nodes),
    "trust": (Who.ANYONE, _trust),
    "appoint": (Who.OPERATOR, _appoint),
    "dismiss": (Who.OPERATOR, _dismiss),
    "lock": (Who.OPERATOR, _lock),
    "unlock": (Who.OPERATOR, _unlock),
    "ls": (Who.ANYONE, _ls),
    "start": (Who.SPAWNER, _start),
    "adopt": (Who.SPAWNER, _adopt),
    "end": (Who.SPAWNER, _end),
    "forget": (Who.SPAWNER, _forget),
    "send": (Who.ANYONE, _send),
    "reply": (Who.ANYONE, _reply),
    "ack": (Who.ANYONE, _ack),
    "inbox": (Who.ANYONE, _inbox),
    "outbox": (Who.ANYONE, _outbox),
    "show": (Who.ANYONE, _show),
    "cancel": (Who.ANYONE, _cancel),
    "release": (Who.OPERATOR, _release),
    "revive": (Who.OPERATOR, _revive),
    "peek": (Who.ANYONE, _peek),
    "attach": (Who.OPERATOR, _attach),
    "route": (Who.ANYONE, _route),
    "grant": (Who.OPERATOR, _grant),
    "ungrant": (Who.OPERATOR, _ungrant),
    "grants": (Who.OPERATOR, _grants),
    "policy": (Who.OPERATOR, _policy),
    "profiles": (Who.ANYONE, _profiles),
    "profile": (Who.ANYONE, _profile),
    "log": (Who.OPERATOR, _log),
    "watch": (Who.OPERATOR, _watch),
}
