"""The calls of the local door: read the arguments, ask the node, answer. One row of a table each.

What a caller may do is in the table too: trust and policy belong to the operator, agents may talk.
The contract is ``docs/reference/local-door.md``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeVar

import msgspec

from fleet.core.address import parse_query
from fleet.core.delivery import State
from fleet.core.envelope import DEFAULT_EXPIRY_S, Receipt
from fleet.core.errors import MalformedRequest, NotAllowed, UnknownCall, every_error
from fleet.core.trust import Caller, Verb, check
from fleet.outcomes import EXIT_NOT_YET, EXIT_REACHED, OUTCOMES, WAITABLE, exit_code_of, outcome_of
from node.doors import profiles, views, watching
from node.doors.local import Answer, Request
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


class JoinArgs(msgspec.Struct):
    token: str


class RevokeArgs(msgspec.Struct):
    node: str
    reason: str = ""


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
        raise NotAllowed(str(caller), request.call, "here", hint="ask the person at this node")
    if who is Who.SPAWNER:
        name = str(request.args.get("name", ""))
        check(caller, Verb.SPAWN, name, node.fleet.grants, node.clock.wall_s())
    await call(Ask(node, caller, request, answer))


# --- talking ---------------------------------------------------------------------------------------


async def _send(ask: Ask) -> None:
    args = ask.args(SendArgs)
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


async def _reply(ask: Ask) -> None:
    args = ask.args(ReplyArgs)
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


async def _ack(ask: Ask) -> None:
    item = ask.node.talk.incoming(ask.args(Id).id)
    done = await ask.node.inbox.acknowledge(item, ask.caller)
    ask.answer.result(done.receipt.as_json(), EXIT_REACHED)


async def _inbox(ask: Ask) -> None:
    args = ask.args(ListArgs)
    name = views.recipient_name(ask.node, args.name) if args.name else ""
    if not ask.caller.is_own_operator:
        if name not in {"", ask.caller.agent}:
            raise NotAllowed(str(ask.caller), "read the inbox of", name)
        name = ask.caller.agent
    rows = ask.node.store.inbox.recent(name, args.limit, dead=args.dead)
    ask.answer.result([views.letter(row.receipt) for row in rows], EXIT_REACHED)


async def _outbox(ask: Ask) -> None:
    args = ask.args(ListArgs)
    rows = ask.node.store.outbox.recent(args.limit, dead=args.dead)
    mine = [r for r in rows if ask.caller.is_own_operator or r.envelope.sender == str(ask.caller)]
    ask.answer.result([views.letter(row.receipt) for row in mine], EXIT_REACHED)


async def _show(ask: Ask) -> None:
    found = ask.node.talk.find(ask.args(Id).id)
    party = {found.envelope.sender, f"{found.envelope.recipient}@{ask.caller.node}"}
    if not ask.caller.is_own_operator and str(ask.caller) not in party:
        raise NotAllowed(str(ask.caller), "read", found.envelope.id)
    ask.answer.result(views.whole_letter(found.receipt), EXIT_REACHED)


async def _cancel(ask: Ask) -> None:
    receipt = await ask.node.talk.cancel(ask.caller, ask.args(Id).id)
    ask.answer.result(receipt.as_json(), EXIT_REACHED)


async def _release(ask: Ask) -> None:
    receipt = await ask.node.talk.release(ask.caller, ask.args(Id).id)
    is_held = receipt.last.state is State.HELD
    ask.answer.result(receipt.as_json(), EXIT_NOT_YET if is_held else EXIT_REACHED)


async def _revive(ask: Ask) -> None:
    receipt = await ask.node.talk.revive(ask.caller, ask.args(Id).id)
    ask.answer.result(receipt.as_json(), EXIT_REACHED)


# --- agents ----------------------------------------------------------------------------------------


async def _start(ask: Ask) -> None:
    _answer_agent(ask, await ask.node.agents.start(_wish(ask)))


async def _adopt(ask: Ask) -> None:
    _answer_agent(ask, await ask.node.agents.adopt(_wish(ask)))


def _wish(ask: Ask) -> Start:
    args = ask.args(StartArgs)
    return Start(
        args.name, args.socket, args.profile, args.policy, args.cwd, args.command, args.pane,
        args.here, args.hooks,
    )  # fmt: skip


def _answer_agent(ask: Ask, agent: Agent) -> None:
    ask.answer.result(views.agent(ask.node, agent), EXIT_REACHED)


async def _end(ask: Ask) -> None:
    _answer_agent(ask, await ask.node.agents.end(_own(ask)))


async def _forget(ask: Ask) -> None:
    _answer_agent(ask, await ask.node.agents.forget(_own(ask)))


def _own(ask: Ask) -> str:
    """The name of an agent of this node, typed bare or as an address."""
    return views.own_name(ask.node, ask.args(Named).name)


async def _ls(ask: Ask) -> None:
    ask.answer.result(await views.agents(ask.node, ask.caller), EXIT_REACHED)


async def _peek(ask: Ask) -> None:
    args = ask.args(PeekArgs)
    ask.answer.result(await views.screen(ask.node, ask.caller, args.name, args.lines), EXIT_REACHED)


async def _attach(ask: Ask) -> None:
    ask.answer.result(await views.place(ask.node, ask.args(Named).name), EXIT_REACHED)


async def _route(ask: Ask) -> None:
    args = ask.args(RouteArgs)
    route = await ask.node.router.walk(ask.caller, args.to, ask_far_node=args.probe)
    code = outcome_of(route.error).exit_code if route.error else EXIT_REACHED
    ask.answer.result(views.route(route), code)


# --- the node and its fleet -------------------------------------------------------------------------


async def _status(ask: Ask) -> None:
    ask.answer.result(views.status(ask.node), EXIT_REACHED)


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


async def _invite(ask: Ask) -> None:
    token, expires_at_s = await ask.node.membership.invite(ask.args(InviteArgs).expires_s)
    ask.answer.result(views.invitation(token, expires_at_s), EXIT_REACHED)


async def _join(ask: Ask) -> None:
    inviter = await ask.node.membership.join(ask.args(JoinArgs).token)
    ask.answer.result(views.joined(ask.node, inviter), EXIT_REACHED)


async def _revoke(ask: Ask) -> None:
    args = ask.args(RevokeArgs)
    ask.answer.result(await ask.node.membership.revoke(args.node, args.reason), EXIT_REACHED)


async def _grant(ask: Ask) -> None:
    args = ask.args(GrantArgs)
    grant = await ask.node.membership.grant(args.who, args.verbs, args.agent, args.expires_s)
    ask.answer.result(views.grant(grant), EXIT_REACHED)


async def _ungrant(ask: Ask) -> None:
    args = ask.args(GrantArgs)
    removed = await ask.node.membership.ungrant(args.who, args.agent)
    ask.answer.result({"removed": removed}, EXIT_REACHED)


async def _grants(ask: Ask) -> None:
    ask.answer.result([views.grant(grant) for grant in ask.node.fleet.grants], EXIT_REACHED)


async def _profiles(ask: Ask) -> None:
    ask.answer.result(profiles.listed(ask.node), EXIT_REACHED)


async def _profile(ask: Ask) -> None:
    ask.answer.result(profiles.whole(ask.node, ask.args(Named).name), EXIT_REACHED)


async def _log(ask: Ask) -> None:
    args = ask.args(LogArgs)
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


async def _watch(ask: Ask) -> None:
    typed = ask.args(WatchArgs).agent
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


Call = Callable[[Ask], Awaitable[None]]

CALLS: dict[str, tuple[Who, Call]] = {
    "status": (Who.ANYONE, _status),
    "stop": (Who.OPERATOR, _stop),
    "whoami": (Who.ANYONE, _whoami),
    "invite": (Who.OPERATOR, _invite),
    "join": (Who.OPERATOR, _join),
    "revoke": (Who.OPERATOR, _revoke),
    "nodes": (Who.ANYONE, _nodes),
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
    "profiles": (Who.ANYONE, _profiles),
    "profile": (Who.ANYONE, _profile),
    "log": (Who.OPERATOR, _log),
    "watch": (Who.OPERATOR, _watch),
}
