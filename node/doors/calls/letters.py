"""Calls about envelopes: sent, answered, listed, shown, taken back, watched as they move."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from fleet.core.address import TEAM_SIGN, Query, parse_query
from fleet.core.delivery import State
from fleet.core.envelope import DEFAULT_EXPIRY_S, Receipt
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedName, MalformedRequest
from fleet.core.errors.tree import every_error
from fleet.core.errors.trust import NotAllowed
from fleet.outcomes import (
    EXIT_NOT_YET,
    EXIT_REACHED,
    OUTCOMES,
    WAITABLE,
    exit_code_of,
    outcome_of,
    worst,
)
from node.doors import views, watching
from node.doors.calls.call import Ask, Calls, Count, Who, takes
from node.doors.local import error_json
from node.engine.circular import Sent, send_to_team
from node.engine.outbox import Wish
from node.engine.talk import WAIT_S, Wait

_DAY_S = 86_400.0


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


class WatchArgs(msgspec.Struct):
    agent: str = ""


@takes(SendArgs)
async def _send(ask: Ask, args: SendArgs) -> None:
    receipt, wanted = await ask.node.talk.send(
        ask.caller, _wish(ask, args), _wait(args.wait, args.timeout_s), _progress(ask)
    )
    ask.answer.result(receipt.as_json(), _code(receipt, wanted))


@takes(SendArgs)
async def _send_team(ask: Ask, args: SendArgs) -> None:
    name = args.to.removeprefix(TEAM_SIGN)
    if not name.strip():
        raise MalformedName(args.to, "behind @ stands the name of a team")
    team = ask.node.teams.named(name, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    sent = await send_to_team(
        ask.node.talk, ask.node.fleet, team, ask.caller, _wish(ask, args),
        _wait(args.wait, args.timeout_s),
    )  # fmt: skip
    codes = [
        outcome_of(one.outcome).exit_code
        if isinstance(one.outcome, FleetError)
        else _code(*one.outcome)
        for one in sent
    ]
    told = [{**_told(one), "exit": code} for one, code in zip(sent, codes, strict=True)]
    ask.answer.result(told, worst(codes))


def _told(one: Sent) -> dict[str, object]:
    if isinstance(one.outcome, FleetError):
        return {"to": one.to, "error": error_json(one.outcome)}
    return dict(one.outcome[0].as_json())


def _wish(ask: Ask, args: SendArgs) -> Wish:
    """What is to be sent.

    Raises:
        NotAllowed: as somebody else.
        UnknownEnvelope: it answers nothing that is known here.
    """
    if args.sender and args.sender.lower() not in {str(ask.caller), ask.caller.agent}:
        raise NotAllowed(
            str(ask.caller), "send as", args.sender, hint="the sender is who runs the command"
        )
    return Wish(
        args.to, args.text, args.raw, args.key, args.expires_s, _whole(ask, args.reply_to),
        args.draft_limit_s,
    )  # fmt: skip


@takes(ReplyArgs)
async def _reply(ask: Ask, args: ReplyArgs) -> None:
    item = ask.node.talk.incoming(args.id)
    wish = Wish(item.envelope.sender, args.text, key=args.key, reply_to=item.envelope.id)
    receipt, wanted = await ask.node.talk.reply(
        ask.caller, item, wish, _wait(args.wait, args.timeout_s), _progress(ask)
    )
    ask.answer.result(receipt.as_json(), _code(receipt, wanted))


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


def _code(receipt: Receipt, wanted: State) -> int:
    last = receipt.last
    if last.state is State.REFUSED and (known := every_error().get(last.reason)):
        return OUTCOMES[known].exit_code
    return exit_code_of(last.state, wanted)


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


@takes(WatchArgs)
async def _watch(ask: Ask, args: WatchArgs) -> None:
    typed = args.agent
    only = parse_query(typed) if typed else None
    if only and only.team:
        address = ask.node.fleet.resolve(typed)
        only = Query(address.agent, address.node.partition("~")[0])
    watch = ask.node.events.follow_moves()
    try:
        ask.answer.progress({"watching": str(only or "")})
        while True:
            for line in watching.lines(ask.node, await watch.next(), only):
                ask.answer.item(line)
            await ask.answer.sent()
    finally:
        ask.node.events.unfollow_moves(watch)


CALLS: Calls = {
    "send": (Who.ANYONE, _send),
    "send_team": (Who.ANYONE, _send_team),
    "reply": (Who.ANYONE, _reply),
    "ack": (Who.ANYONE, _ack),
    "inbox": (Who.ANYONE, _inbox),
    "outbox": (Who.ANYONE, _outbox),
    "show": (Who.ANYONE, _show),
    "cancel": (Who.ANYONE, _cancel),
    "release": (Who.OPERATOR, _release),
    "revive": (Who.OPERATOR, _revive),
    "watch": (Who.OPERATOR, _watch),
}
