"""Calls about what a team remembers: told, looked at, searched, and put together for a new incarnation."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import NotAllowed
from fleet.core.memory import Finding
from fleet.core.memory_commands import (
    AddFinding,
    EditFinding,
    HandOver,
    MemoryCommand,
    PromoteFinding,
    Remembered,
    SetOrders,
)
from fleet.core.moment import iso_time
from fleet.outcomes import EXIT_REACHED
from node.doors.calls import tasks
from node.doors.calls.call import Ask, Calls, Count, Who, takes
from node.engine.chronicle import Chronicle

_LABEL = re.compile(r"(?:(?P<team>[a-z0-9._~-]+)/)?f?(?P<number>[1-9][0-9]{0,8})", re.IGNORECASE)


class FindingArgs(msgspec.Struct):
    text: str
    role: str = ""
    tags: tuple[str, ...] = ()
    task: str = ""
    for_team: bool = False
    team: str = ""
    key: str = ""


class EditArgs(msgspec.Struct):
    finding: str
    text: str
    tags: tuple[str, ...] | None = None
    team: str = ""
    key: str = ""


class PromoteArgs(msgspec.Struct):
    finding: str
    to: str
    team: str = ""
    key: str = ""


class OrdersArgs(msgspec.Struct):
    text: str
    of: str = ""
    seen: Count | None = None
    key: str = ""


class HandoverArgs(msgspec.Struct):
    text: str
    team: str = ""
    key: str = ""


class FindingsArgs(msgspec.Struct):
    of: str = ""
    role: str = ""
    tag: str = ""
    limit: Count = 200


class OneArgs(msgspec.Struct):
    finding: str
    team: str = ""


class OfArgs(msgspec.Struct):
    of: str = ""


class SearchArgs(msgspec.Struct):
    words: str
    role: str = ""
    team: str = ""
    limit: Count = 20


class BriefingArgs(msgspec.Struct):
    of: str
    budget: Count = 0


# --- which ---


def _meant(ask: Ask, finding: str, team: str) -> tuple[Chronicle, int]:
    found = _LABEL.fullmatch(finding.strip())
    if found is None:
        raise MalformedRequest(
            f"{finding!r} is no finding", hint="F12, 12, or site/F12 for a team's"
        )
    return ask.node.teams.named(found["team"] or team, ask.caller), int(found["number"])


def _of(ask: Ask, of: str) -> tuple[Chronicle, str]:
    """The team and the role or seat (empty: the whole team) that ``TEAM`` or ``TEAM/ROLE`` means."""
    team, _, role = of.strip().lower().partition("/")
    return ask.node.teams.named(team, ask.caller), role


# --- how they are told ---


def _finding(team: Chronicle, one: Finding) -> dict[str, Any]:
    return {
        "id": one.label,
        "team": team.row.name,
        "role": one.role,
        "text": one.text,
        "tags": list(one.tags),
        "task": f"T{one.task}" if one.task else "",
        "by": one.author,
        "at": iso_time(one.at_s),
        "promoted": one.promoted,
        "entry": one.changed,
    }


async def _tell(ask: Ask, team: Chronicle, command: MemoryCommand, key: str) -> Remembered:
    return await ask.node.memories.command(ask.caller, team, command, key)


def _answer_finding(ask: Ask, team: Chronicle, done: Remembered) -> None:
    told = _finding(team, done.finding) if done.finding else {"team": team.row.name}
    ask.answer.result({**told, "entry": done.entry, "again": done.again}, EXIT_REACHED)


# --- what is told to it ---


@takes(FindingArgs)
async def _add(ask: Ask, args: FindingArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    task = 0
    if args.task:
        other, task = tasks.meant(ask, args.task, ask.node.teams.label(team))
        if other is not team:
            raise MalformedRequest(f"{args.task} is a task of another team than {team.row.name}")
    command = AddFinding(args.text, args.role.lower(), args.tags, task, args.for_team)
    _answer_finding(ask, team, await _tell(ask, team, command, args.key))


@takes(EditArgs)
async def _edit(ask: Ask, args: EditArgs) -> None:
    team, number = _meant(ask, args.finding, args.team)
    done = await _tell(ask, team, EditFinding(number, args.text, args.tags), args.key)
    _answer_finding(ask, team, done)


@takes(PromoteArgs)
async def _promote(ask: Ask, args: PromoteArgs) -> None:
    team, number = _meant(ask, args.finding, args.team)
    _answer_finding(ask, team, await _tell(ask, team, PromoteFinding(number, args.to), args.key))


@takes(OrdersArgs)
async def _orders(ask: Ask, args: OrdersArgs) -> None:
    team, role = _of(ask, args.of)
    seen = team.board.head if args.seen is None else args.seen
    done = await _tell(ask, team, SetOrders(args.text, role, seen), args.key)
    ask.answer.result(
        {"team": team.row.name, "role": role, "entry": done.entry, "again": done.again},
        EXIT_REACHED,
    )


@takes(HandoverArgs)
async def _handover(ask: Ask, args: HandoverArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    done = await _tell(ask, team, HandOver(args.text), args.key)
    ask.answer.result(
        {"team": team.row.name, "entry": done.entry, "again": done.again}, EXIT_REACHED
    )


# --- what it is asked ---


@takes(FindingsArgs)
async def _findings(ask: Ask, args: FindingsArgs) -> None:
    team, role = _of(ask, args.of)
    ask.node.teams.require_reader(team, ask.caller)
    role = args.role.lower() or role
    known = team.memory.known_to(role) if role else team.memory.findings()
    found = [one for one in known if not args.tag or args.tag.lower() in one.tags]
    newest = found[len(found) - min(len(found), args.limit) :]
    ask.answer.result([_finding(team, one) for one in newest], EXIT_REACHED)


@takes(OneArgs)
async def _one(ask: Ask, args: OneArgs) -> None:
    team, number = _meant(ask, args.finding, args.team)
    ask.node.teams.require_reader(team, ask.caller)
    ask.answer.result(_finding(team, team.memory.finding(number)), EXIT_REACHED)


@takes(OfArgs)
async def _memory(ask: Ask, args: OfArgs) -> None:
    """Standing orders, notes and hand-overs: of a role or seat, or of the whole team."""
    team, name = _of(ask, args.of)
    ask.node.teams.require_reader(team, ask.caller)
    memory, role = team.memory, ""
    if name:
        role = ask.node.memories.place(team, name).role
    orders, handed = memory.orders(role), memory.handovers(role)
    ask.answer.result(
        {
            "team": team.row.name,
            "role": role,
            "orders": orders.text if orders else "",
            "by": orders.by if orders else "",
            "at": iso_time(orders.at_s) if orders else "",
            "entry": team.board.head,
            "notes": [
                {"id": f"F{n.finding}", "text": n.text, "by": n.by, "at": iso_time(n.at_s)}
                for n in (() if role else memory.notes())
            ],
            "handovers": [
                {"seat": h.seat, "text": h.text, "by": h.by, "at": iso_time(h.at_s)}
                for h in handed
                if name in {role, h.seat}
            ],
            "roles": [] if role else list(memory.roles()),
        },
        EXIT_REACHED,
    )


@takes(SearchArgs)
async def _search(ask: Ask, args: SearchArgs) -> None:
    team = ask.node.teams.named(args.team, ask.caller)
    ask.node.teams.require_reader(team, ask.caller)
    hits = ask.node.memories.search(team, args.words, args.role.lower() or None, args.limit)
    ask.answer.result(
        [
            {**_finding(team, found), "snippet": hit.snippet}
            for hit in hits
            if (found := team.memory.known(hit.number)) is not None
        ],
        EXIT_REACHED,
    )


@takes(BriefingArgs)
async def _briefing(ask: Ask, args: BriefingArgs) -> None:
    team, name = _of(ask, args.of)
    ask.node.teams.require_reader(team, ask.caller)
    memories = ask.node.memories
    place = memories.place(team, name)
    is_here = memories.is_here(place)
    if is_here and not ask.caller.is_own_operator and ask.caller.agent != place.agent:
        raise NotAllowed(str(ask.caller), "read the messages of", f"{team.row.name}/{place.seat}")
    text = await memories.briefing(team, name, args.budget)
    ask.answer.result(
        {
            "team": team.row.name,
            "seat": place.seat,
            "role": place.role,
            "text": text,
            "chars": len(text),
            "messages_on": ask.node.fleet.label(place.node) if place.node and not is_here else "",
        },
        EXIT_REACHED,
    )


CALLS: Calls = {
    "memory_add": (Who.ANYONE, _add),
    "memory_edit": (Who.ANYONE, _edit),
    "memory_promote": (Who.ANYONE, _promote),
    "memory_orders": (Who.ANYONE, _orders),
    "memory_handover": (Who.ANYONE, _handover),
    "findings": (Who.ANYONE, _findings),
    "finding": (Who.ANYONE, _one),
    "memory": (Who.ANYONE, _memory),
    "memory_search": (Who.ANYONE, _search),
    "memory_briefing": (Who.ANYONE, _briefing),
}
