"""A team at a glance, as the local door tells it: who does what, what is held and why, who said what last."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fleet.core.board import Board, Seat
from fleet.core.farewell import Farewell
from fleet.core.keystrokes import clean
from fleet.core.member import MemberState
from fleet.core.moment import iso_time
from fleet.core.resolver import shown_presence
from fleet.core.task import TaskState
from fleet.core.team import seats
from fleet.core.team_status import Standing, Word, need, state, words
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.node import Node
from node.engine.plans import plan_of

RECENT = 1_000
"""How many entries and messages are looked through for somebody's last word."""
_TEXT_CHARS = 400


async def status(node: Node, caller: Caller, team: Chronicle) -> dict[str, Any]:
    """All of it. What messages say is for the person of this node; at the team's home every member is
    looked at, elsewhere those of this node."""
    board = team.board
    states = await _states(node, team)
    said = _words(node, caller, team)
    counts = Counter(task.state.value for task in board.tasks.values())
    claimable = sum(board.is_claimable(task) for task in board.tasks.values())
    free = {"free": claimable, "waiting": counts[TaskState.OPEN.value] - claimable}
    home = node.fleet.directory.node(board.home)
    return {
        "team": node.teams.label(team),
        "home": node.fleet.label(team.row.home),
        "standing": team.row.standing.value,
        "home_connected": team.is_home or (home is not None and home.connected),
        "lead": board.lead,
        "at": iso_time(node.clock.wall_s()),
        "tasks": {**{one.value: counts[one.value] for one in TaskState}, **free},
        "seats": [
            _seat(node, team, name, states.get(name), said.get(name)) for name in _names(team)
        ],
    }


def _names(team: Chronicle) -> list[str]:
    """The seats that are filled or planned, and those that were left: the lead's first."""
    board, plan = team.board, plan_of(team)
    names = {*board.seats, *board.farewells, *(seats(plan) if plan else ())}
    return sorted(names, key=lambda name: (name != board.lead, name))


async def _states(node: Node, team: Chronicle) -> dict[str, MemberState]:
    """How everybody is. Elsewhere than at home the directory tells of other nodes' members."""
    me = node.fleet.me.node_id
    looked = await node.members.states(team, files=False)
    states = dict(looked)
    for name, seat in team.board.seats.items():
        if not team.is_home and seat.node != me:
            called = node.fleet.directory.called(seat.agent)
            entry = next((e for e in called if e.node_id == seat.node), None)
            shown = shown_presence(node.fleet.directory, entry).value if entry else "away"
            states[name] = MemberState(name, shown != "away", shown == "online")
    return states


def _seat(
    node: Node, team: Chronicle, name: str, member: MemberState | None, said: Word | None
) -> dict[str, Any]:
    board, plan = team.board, plan_of(team)
    filled, farewell = board.seats.get(name), board.farewells.get(name)
    at = filled or farewell
    role = at.role if at else seats(plan)[name].name if plan else ""
    label = node.fleet.label(at.node) if at else ""
    wanted = seats(plan)[name].node if plan and name in seats(plan) else ""
    held = board.held_by(name)
    one = Standing(
        name,
        f"{at.agent}@{label}" if at else "",
        label or wanted,
        member if filled else None,
        farewell.at(node.clock.wall_s()) if farewell else None,
        tuple(task.label for task in held if task.state is TaskState.BLOCKED),
    )
    needed = need(one, node.teams.label(team))
    known = member or MemberState(name, connected=False)
    return {
        "seat": name,
        "role": role,
        "node": one.node,
        "address": one.address if filled else "",
        "term": filled.term if filled else 0,
        "state": state(one),
        "still_s": known.still_s,
        "farewell": one.stage.value if one.stage else "",
        "farewell_at": iso_time(farewell.over_s or farewell.said_s) if farewell else "",
        "tasks": [_task(board, task.number) for task in held],
        "held": known.held,
        "held_id": known.held_id,
        "held_why": known.held_why,
        "held_s": known.held_s,
        "said": _said(said),
        "need": needed.why if needed else "",
        "todo": needed.todo if needed else "",
    }


def _task(board: Board, number: int) -> dict[str, Any]:
    task = board.tasks[number]
    return {
        "id": task.label,
        "title": task.wanted.title,
        "state": task.state.value,
        "why": task.why,
        "changed_at": iso_time(task.changed_at_s),
    }


def _said(word: Word | None) -> dict[str, str] | None:
    if word is None:
        return None
    text = clean(word.text).text
    return {"at": iso_time(word.at_s), "about": word.about, "text": text[:_TEXT_CHARS]}


def _words(node: Node, caller: Caller, team: Chronicle) -> dict[str, Word]:
    """The last word of each member: in the team's log, or in a message that this node knows."""
    board, fleet = team.board, node.fleet
    known: dict[str, Seat | Farewell] = {**board.farewells, **board.seats}
    seats_of = {f"{s.agent}@{fleet.label(s.node)}": name for name, s in known.items()}
    last = words(team.recent(RECENT), seats_of)
    if not caller.is_own_operator:
        return last
    for table in (node.store.outbox, node.store.inbox):
        for envelope in table.last_of(tuple(seats_of), RECENT):
            name = seats_of[envelope.sender]
            word = Word(envelope.created_at_s, f"to {envelope.to}", envelope.text)
            is_theirs = envelope.from_node == known[name].node
            if is_theirs and (name not in last or last[name].at_s < word.at_s):
                last[name] = word
    return last
