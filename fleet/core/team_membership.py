"""Who is of a team: nodes are invited, accept once, leave; agents take seats and give them up.

A decision is a tuple of events that the home writes down, all or none; an empty one says that it is so
already. Nothing here asks who may: the home's person invites, removes and seats, a node answers for
itself alone, and which node it is is proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.core.board import Board
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import InvitationRefused, NotAllowed
from fleet.core.task import TaskReleased
from fleet.core.team import ANY_NODE, RolePlan, TeamPlan, agent_name, agreed_digest, seats, seats_of
from fleet.core.team_events import (
    Event,
    InvitationEnded,
    NodeAsked,
    NodeJoined,
    NodeLeft,
    Seated,
    Unseated,
)

ACCEPTED = "accepted"
RAN_OUT = "ran out"


def refused(why: str) -> InvitationRefused:
    """That an invitation into a team cannot be accepted."""
    error = InvitationRefused(why)
    error.hint = "ask for a new one: fleet team invite TEAM NODE, on the team's home"
    return error


# --- invitations ---


def roles_for(plan: TeamPlan, node: str, wanted: Iterable[str]) -> tuple[RolePlan, ...]:
    """The roles that a node is asked about: those that are named, or all that may live there.

    Raises:
        MalformedRequest: the plan has no such role, or says that it lives elsewhere, or none may.
    """
    there = {role.name: role for role in plan.roles if role.node in {ANY_NODE, node}}
    names = tuple(dict.fromkeys(one.strip().lower() for one in wanted)) or tuple(there)
    elsewhere = [one for one in names if one not in there]
    if elsewhere or not names:
        raise MalformedRequest(
            f"{plan.name} has no role {elsewhere[0] if elsewhere else ''!r} that may live on {node}",
            hint=f"may live there: {', '.join(there) or 'none; its file says where roles live'}",
        )
    return tuple(there[one] for one in names)


def ask(board: Board, asked: NodeAsked) -> tuple[Event, ...]:
    """Invite a node; what it was asked before and has not answered is asked no more."""
    before = (one for one in board.asked.values() if one.node == asked.node)
    return (*(InvitationEnded(one.invitation, "asked anew") for one in before), asked)


def accept(
    board: Board, node: str, invitation: str, roles: tuple[tuple[str, str], ...], now_s: float
) -> tuple[Event, ...]:
    """A node says yes to an invitation, and to exactly these roles.

    Raises:
        InvitationRefused: there is none, it was for another node or other roles, was answered or
            withdrawn before, or has run out.
    """
    asked, joined = board.asked.get(invitation), board.nodes.get(node)
    if asked is None:
        if joined is not None and joined.invitation == invitation:
            return ()
        raise refused(
            f"it was {board.ended[invitation]}" if invitation in board.ended else "there is none"
        )
    if asked.node != node:
        raise refused("it is another node's")
    if now_s >= asked.until_s:
        raise refused("it has run out")
    if sorted(roles) != sorted(asked.roles):
        raise refused("it was for other roles, or for these in another form")
    kept = dict(joined.roles) if joined else {}
    return (NodeJoined(invitation, node, tuple(sorted((kept | dict(roles)).items()))),)


def decline(board: Board, node: str, invitation: str, why: str) -> tuple[Event, ...]:
    """A node says no; said after a yes, it leaves.

    Raises:
        InvitationRefused: it was not for that node.
    """
    asked, joined = board.asked.get(invitation), board.nodes.get(node)
    if asked is not None:
        if asked.node != node:
            raise refused("it is another node's")
        return (InvitationEnded(invitation, f"declined: {why}" if why else "declined"),)
    if joined is not None and joined.invitation == invitation:
        return leave(board, node, "declined")
    return ()


def withdraw(board: Board, invitation: str) -> tuple[Event, ...]:
    """The home takes an open invitation back.

    Raises:
        WrongState: it is not open; says what became of it.
    """
    if invitation not in board.asked:
        raise WrongState(
            f"the invitation {invitation} is not open: {board.ended.get(invitation, 'there is none')}",
            hint="fleet team remove takes a node out that has accepted",
        )
    return (InvitationEnded(invitation, "withdrawn"),)


def run_out(board: Board, now_s: float) -> tuple[Event, ...]:
    """What was not answered in time."""
    late = (one.invitation for one in board.asked.values() if now_s >= one.until_s)
    return tuple(InvitationEnded(one, RAN_OUT) for one in late)


# --- nodes and seats ---


def leave(board: Board, node: str, why: str) -> tuple[Event, ...]:
    """A node is of the team no more; what its members held is free again."""
    if node not in board.nodes:
        return ()
    there = [seat.name for seat in board.seats.values() if seat.node == node]
    return (*(e for seat in there for e in _let_go(board, seat, why)), NodeLeft(node, why))


def unseat(board: Board, seat: str, why: str) -> tuple[Event, ...]:
    """A seat is empty; what was held from it is free again.

    Raises:
        WrongState: nobody is in it.
    """
    if seat not in board.seats:
        raise WrongState(
            f"nobody is in seat {seat!r} of {board.team}",
            hint=f"filled: {', '.join(sorted(board.seats)) or 'none'}",
        )
    return (*_let_go(board, seat, why), Unseated(seat, why))


def _let_go(board: Board, seat: str, why: str) -> tuple[Event, ...]:
    return tuple(TaskReleased(task.number, why) for task in board.held_by(seat))


def seat(
    board: Board, plan: TeamPlan, agent: str, node: str, role: str, seat: str
) -> tuple[Event, ...]:
    """An agent that exists fills a seat: the one that is named, or the first of its role that is free.

    Raises:
        MalformedRequest: the plan has no such role or seat.
        WrongState: the seat is filled, none is free, or the agent is in another one.
        NotAllowed: its node is not of the team, or has not agreed to the role as it is now.
    """
    named = {one.name: one for one in plan.roles}
    if role not in named or (seat and seat not in seats_of(named[role])):
        raise MalformedRequest(
            f"{plan.name} has no seat {seat or role!r} of a role {role!r}",
            hint=f"its seats: {', '.join(seats(plan))}",
        )
    require_agreed(board, node, named[role])
    had = board.seat_of(agent, node)
    if had is not None and had.role == role and seat in {"", had.name}:
        return ()
    if had is not None:
        raise WrongState(f"{agent} is in seat {had.name}", hint="fleet team drop empties a seat")
    free = [one for one in seats_of(named[role]) if one not in board.seats]
    if not free or (seat and seat not in free):
        filled: Mapping[str, str] = {s.name: s.agent for s in board.seats.values()}
        taken = ", ".join(f"{s} by {filled[s]}" for s in seats_of(named[role]) if s in filled)
        raise WrongState(f"there is no free seat: {taken}", hint="fleet team drop empties a seat")
    return (Seated(seat or free[0], role, agent, node),)


def reseat(board: Board, plan: TeamPlan, name: str, node: str) -> Seated:
    """A new incarnation in a seat, on this node or another one, whoever is in it now.

    Its term is higher than all before it. What the seat holds stays held by it.

    Raises:
        MalformedRequest: the plan has no such seat.
        WrongState: an agent that is not the team's own fills it.
        NotAllowed: the node is not of the team, or has not agreed to the role as it is now.
    """
    role = seats(plan).get(name)
    if role is None:
        raise MalformedRequest(
            f"{plan.name} has no seat {name!r}", hint=f"its seats: {', '.join(seats(plan))}"
        )
    agent, before = agent_name(plan.name, name), board.seats.get(name)
    if before is not None and before.agent != agent:
        raise WrongState(
            f"{before.agent} is in seat {name}, and is not started by the team",
            hint="fleet team drop empties the seat; fleet team up fills it with a member of its own",
        )
    require_agreed(board, node, role)
    return Seated(name, role.name, agent, node)


def require_agreed(board: Board, node: str, role: RolePlan) -> None:
    """Insist that members of a role may live on a node, as far as the home knows.

    Raises:
        NotAllowed: it is not of the team, or has not agreed to the role as it is now.
    """
    if node == board.home:
        return
    joined = board.nodes.get(node)
    if joined is None or dict(joined.roles).get(role.name) != agreed_digest(role):
        why = "is not of the team" if joined is None else "has not agreed to it as it is now"
        raise NotAllowed(
            f"role {role.name}", "live on", f"a node that {why}",
            hint=f"fleet team invite {board.team} NODE --role {role.name}",
        )  # fmt: skip
