"""Teams and tasks as the local door tells them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from fleet.core.board import Seat
from fleet.core.moment import iso_time
from fleet.core.resolver import shown_presence
from fleet.core.ruling import Ruling
from fleet.core.task import Task, TaskState
from fleet.core.team import TeamPlan, digest
from fleet.core.team_events import Happened, NodeAsked
from fleet.core.team_invitation import Asked
from fleet.teamlog import kind_of
from node.engine.chronicle import Chronicle
from node.engine.node import Node
from node.engine.plans import Wish
from node.store.agreements import Answered, Invited


def team(node: Node, one: Chronicle) -> dict[str, Any]:
    """A team as it stands here: what it is called, its nodes, its seats, how many tasks are how."""
    board = one.board
    states = Counter(task.state.value for task in board.tasks.values())
    return {
        "team": node.teams.label(one),
        "id": one.team_id,
        "home": node.fleet.label(one.row.home),
        "standing": one.row.standing.value,
        "lead": board.lead,
        "nodes": [
            node.fleet.label(node_id) for node_id in sorted({board.home, *board.nodes} - {""})
        ],
        "seats": [_seat(node, one, seat) for _, seat in sorted(board.seats.items())],
        "asked": [
            {"id": asked.invitation, "node": node.fleet.label(asked.node)}
            for asked in board.asked.values()
        ],
        "tasks": {state.value: states[state.value] for state in TaskState},
        "entries": board.head,
    }


def _seat(node: Node, one: Chronicle, seat: Seat) -> dict[str, Any]:
    entry = next(
        (e for e in node.fleet.directory.called(seat.agent) if e.node_id == seat.node), None
    )
    return {
        "seat": seat.name,
        "role": seat.role,
        "agent": seat.agent,
        "address": f"{seat.agent}@{node.fleet.label(seat.node)}",
        "term": seat.term,
        "state": shown_presence(node.fleet.directory, entry).value if entry else "unknown",
        "tasks": [task.label for task in one.board.held_by(seat.name)],
    }


def wish(plan: TeamPlan, one: Wish) -> dict[str, Any]:
    """What applying a plan does. ``before`` is the digest of the plan that stood before."""
    return {
        "team": plan.name,
        "digest": digest(plan),
        "before": one.before,
        "founds": one.team is None,
        "new": one.is_new,
        "changes": [change.as_json() for change in one.changes],
    }


def asked(node: Node, team: Chronicle, one: NodeAsked, *, is_told: bool) -> dict[str, Any]:
    """An invitation, as the team's home tells it. ``told``: it lies on the other node."""
    return {
        "id": one.invitation,
        "team": node.teams.label(team),
        "node": node.fleet.label(one.node),
        "roles": [role for role, _ in one.roles],
        "verbs": list(one.verbs),
        "expires_at": iso_time(one.until_s),
        "told": is_told,
    }


def invitation(node: Node, one: Invited, asked: Asked) -> dict[str, Any]:
    """An invitation, as the invited node tells it: who asks, and everything that a yes lets in."""
    is_late = one.state is Answered.OPEN and not node.agreements.is_open(one)
    return {
        "id": one.invitation,
        "team": asked.team,
        "home": node.fleet.label(one.home),
        "by": f"{asked.by.partition('@')[0]}@{node.fleet.label(one.home)}",
        "state": "ran_out" if is_late else one.state.value,
        "expires_at": iso_time(one.until_s),
        "roles": [msgspec.to_builtins(role) for role in asked.roles],
        "repositories": list(asked.repositories),
        "grants": [
            {
                "who": _shown(node, grant.who),
                "agent": grant.agent,
                "verbs": sorted(verb.value for verb in grant.verbs),
            }
            for grant in node.agreements.would_grant(one, asked)
        ],
        "agents": [a.name for a in node.agents.all() if a.name.startswith(f"{asked.team}.")],
    }


def _shown(node: Node, who: str) -> str:
    """Whom a grant is for, with the node's name for its id."""
    name, _, node_id = who.partition("@")
    return f"{name}@{node.fleet.label(node_id)}"


def task(team: Chronicle, one: Task) -> dict[str, Any]:
    """One task. ``waits_for`` are those of ``after`` that are not done."""
    wanted, board = one.wanted, team.board
    # A copy may be behind the home that answered.
    known = wanted.after and one.number in board.tasks
    at = iso_time(one.at_s)
    return {
        "id": one.label,
        "team": team.row.name,
        "title": wanted.title,
        "state": one.state,
        "holder": one.holder,
        "token": one.token,
        "why": one.why,
        "evidence": one.evidence,
        "waits_for": [f"T{n}" for n in board.waits_for(one)] if known else [],
        "text": wanted.text,
        "paths": wanted.paths,
        "wants": wanted.wants,
        "size": wanted.size,
        "after": [f"T{n}" for n in wanted.after],
        "parent": f"T{wanted.parent}" if wanted.parent else "",
        "found_while": f"T{wanted.found_while}" if wanted.found_while else "",
        "acceptance": wanted.acceptance,
        "notes": one.notes,
        "by": one.by,
        "at": at,
        "changed_at": at if one.changed_at_s == one.at_s else iso_time(one.changed_at_s),
    }


def ruling(node: Node, one: Ruling) -> dict[str, Any]:
    """A decision about a task; whose the like of it was done by is told by the names of nodes."""
    told: dict[str, Any] = msgspec.to_builtins(one)
    told["until"] = iso_time(one.until_s) if one.until_s else None
    told["offered"] = one.is_offered
    told["out"] = [{"seat": seat, "why": why} for seat, why in one.out]
    for like in told["like"]:
        like["who"] = record(node, like["who"])
    del told["until_s"]
    return told


def record(node: Node, name: str) -> str:
    """Whose experience it is: the role, and its node by name."""
    role, _, node_id = name.rpartition("@")
    return f"{role}@{node.fleet.label(node_id)}"


def history(team: Chronicle, number: int) -> list[dict[str, Any]]:
    """What happened to a task, oldest first: when, by whom, what, and what was said of it."""
    return [happened(one) for one in team.of_task(number)]


def happened(one: Happened) -> dict[str, Any]:
    """One entry of a team's log."""
    said: dict[str, Any] = msgspec.to_builtins(one.event)
    said.pop("task", None)
    said.pop("decision", None)  # whole in fleet task show, and long
    return {
        "seq": one.seq,
        "at": iso_time(one.at_s),
        "by": one.by,
        "what": kind_of(type(one.event)),
        **said,
    }
