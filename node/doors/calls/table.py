"""Every call of the local door in one table, and the way of a request through its row.

What a caller may do is in the table: trust and policy belong to the operator, agents may talk. A new
family of calls is a module beside this one, and its ``CALLS`` a line below. The contract is
``docs/reference/local-door.md``.
"""

from __future__ import annotations

from fleet.core.address import parse_query
from fleet.core.errors.nodes import UnknownCall
from fleet.core.errors.trust import NotAllowed
from fleet.core.trust import Caller, Verb
from fleet.outcomes import EXIT_REACHED
from node.doors.calls import (
    agents,
    assigning,
    farewell,
    here,
    invitations,
    letters,
    lineup,
    members,
    memory,
    slots,
    supervision,
    tasks,
    teams,
)
from node.doors.calls.call import Act, Ask, Calls, Taking, Who
from node.doors.local import Answer, Request
from node.engine.node import Node


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
        query = parse_query(str(request.args.get("name", "")))
        name = node.fleet.resolve(str(query)).agent if query.team else query.agent
        node.permits.require(caller, Verb.SPAWN, name)
    await call(Ask(node, caller, request, answer))


async def _calls(ask: Ask) -> None:
    ask.answer.result([_described(name, *row) for name, row in CALLS.items()], EXIT_REACHED)


def _described(name: str, who: Who, act: Act) -> dict[str, object]:
    args = act.arguments() if isinstance(act, Taking) else []
    return {"call": name, "for": who.value, "args": args}


CALLS: Calls = {
    "calls": (Who.ANYONE, _calls),
    **here.CALLS,
    **members.CALLS,
    **agents.CALLS,
    **letters.CALLS,
    **memory.CALLS,
    **slots.CALLS,
    **assigning.CALLS,
    **tasks.CALLS,
    **teams.CALLS,
    **invitations.CALLS,
    **lineup.CALLS,
    **farewell.CALLS,
    **supervision.CALLS,
}
