"""Calls about this node itself: how it does, who calls it, what it has written down, its end."""

from __future__ import annotations

import msgspec

from fleet.outcomes import EXIT_REACHED, EXIT_UNREACHABLE
from node.doors import standing, views
from node.doors.calls.call import Ask, Calls, Count, Who, takes


class LogArgs(msgspec.Struct):
    lines: Count = 20
    follow: bool = False


async def _status(ask: Ask) -> None:
    ask.answer.result(views.status(ask.node), EXIT_REACHED)


async def _health(ask: Ask) -> None:
    told = await standing.health(ask.node)
    ask.answer.result(told, EXIT_REACHED if told["ready"] else EXIT_UNREACHABLE)


async def _stop(ask: Ask) -> None:
    ask.node.stop()
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


CALLS: Calls = {
    "status": (Who.ANYONE, _status),
    "health": (Who.ANYONE, _health),
    "stop": (Who.OPERATOR, _stop),
    "whoami": (Who.ANYONE, _whoami),
    "log": (Who.OPERATOR, _log),
}
