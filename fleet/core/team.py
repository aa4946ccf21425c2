"""A team as its file says it: roles, the seats they have, and what a node agrees to for each.

A plan is what people wrote down; who lives where is not in it. What a plan may say is decided in
``fleet/core/teamrules.py``; the functions here rely on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256

from fleet.core.address import parse_name
from fleet.core.branch import branch_name
from fleet.core.trust import Policy, Verb

ANY_NODE = "any"
"""A role that may live on any node which accepted it."""
DEFAULT_TICK_S = 300.0
DEFAULT_DOWN_S = 120.0
DEFAULT_BRANCH = "{team}/{role}"
DEFAULT_GRANTS = (Verb.MESSAGE, Verb.OBSERVE, Verb.SPAWN)
"""Start it, speak to it, see whether it is stuck. ``control`` is for those who want more."""


class Worktree(StrEnum):
    """Which files a member works on."""

    OWN = "own"  # a git worktree of its own, on a branch of its own
    CHECKOUT = "checkout"  # the repository's checkout itself, which others look at too
    NONE = "none"  # an empty folder of its own


@dataclass(frozen=True, slots=True)
class Skill:
    """What a member is good at, in the shape of a skill of an A2A AgentCard."""

    id: str
    name: str
    description: str
    tags: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """``claims`` is how many tasks one member holds at a time, 0 for one that takes none."""

    claims: int = 1
    briefing_chars: int = 16_000


@dataclass(frozen=True, slots=True)
class RolePlan:
    """One role and all its seats. ``repository`` is the one that counts: its own, else the team's.

    ``include`` are patterns of files that git does not have (``.env``), copied from the repository's checkout on
    that node into each new worktree. ``grants`` is what the team may do with its members there.
    """

    name: str
    profile: str = ""
    command: tuple[str, ...] = ()
    orders: str = ""
    skills: tuple[Skill, ...] = ()
    count: int = 1
    node: str = ANY_NODE
    repository: str = ""
    worktree: Worktree = Worktree.NONE
    branch: str = DEFAULT_BRANCH
    include: tuple[str, ...] = ()
    limits: Limits = Limits()
    policy: Policy = Policy.OPEN
    hooks: bool = False
    grants: tuple[Verb, ...] = DEFAULT_GRANTS


@dataclass(frozen=True, slots=True)
class TeamPlan:
    """A whole team. ``roles`` are in the order of their names; ``lead`` is one of them, with one seat.

    ``base`` is where new branches begin, empty for what the repository has checked out. ``test`` is a
    line of shell that members are told of; no node runs it.
    """

    name: str
    lead: str
    roles: tuple[RolePlan, ...]
    about: str = ""
    repository: str = ""
    base: str = ""
    test: str = ""
    tick_s: float = DEFAULT_TICK_S
    lease_s: float = 900.0
    down_s: float = DEFAULT_DOWN_S


# --- seats ---


def seats_of(role: RolePlan) -> tuple[str, ...]:
    """The seats of one role: ``impl``, ``impl-2``, ``impl-3``."""
    return (role.name, *(f"{role.name}-{n}" for n in range(2, role.count + 1)))


def seats(plan: TeamPlan) -> Mapping[str, RolePlan]:
    """Every seat of a team with its role, in the order of roles and numbers."""
    return {seat: role for role in plan.roles for seat in seats_of(role)}


def agent_name(team: str, seat: str) -> str:
    """How the member in a seat is called on its node. A team's name has no dot, so one can tell both.

    Raises:
        MalformedName: both together are longer than a name may be.
    """
    return parse_name(f"{team}.{seat}")


def branch_of(team: str, role: RolePlan, seat: str, task: str = "") -> str:
    """The branch that a member works on, ``{role}`` being its seat. ``task`` is what it has claimed.

    Raises:
        MalformedRequest: there can be none of that name.
    """
    return branch_name(role.branch, team=team, role=seat, task=task)


# --- forms and digests ---


def form(plan: TeamPlan) -> dict[str, object]:
    """The plan in the shape of its file, with every default spelled out and all orders inline."""
    told = asdict(plan)
    told["roles"] = {role.name: _role_form(role) for role in plan.roles}
    return told


def _role_form(role: RolePlan) -> dict[str, object]:
    told = asdict(role)
    del told["name"]
    return told


def canonical(plan: TeamPlan) -> str:
    """The one JSON text of a plan: two plans are equal exactly when these are. It is ASCII."""
    return _canonical(form(plan))


def digest(plan: TeamPlan) -> str:
    """Which plan this is."""
    return _digest("plan", canonical(plan))


def agreed(role: RolePlan) -> dict[str, object]:
    """What a node that accepts a role lets in: what runs there, on which files.

    How many and with which grants is not among it: fewer is no new question.
    """
    return {
        "role": role.name,
        "profile": role.profile,
        "command": role.command,
        "repository": role.repository,
        "worktree": role.worktree,
        "include": sorted(role.include),
        "hooks": role.hooks,
    }


def agreed_digest(role: RolePlan) -> str:
    """What an accepting node pins: the same exactly while ``agreed`` is the same."""
    return _digest("role", _canonical(agreed(role)))


def _canonical(told: object) -> str:
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def _digest(of: str, text: str) -> str:
    return sha256(f"fleet-team-{of} 1\n{text}".encode()).hexdigest()
