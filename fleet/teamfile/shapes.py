"""The tables of a team file: their keys, kinds and defaults. What they mean stands in ``fleet/core/team.py``."""

from __future__ import annotations

import msgspec

from fleet.core.team import ANY_NODE, DEFAULT_BRANCH, DEFAULT_GRANTS, Limits, Worktree
from fleet.core.trust import Policy, Verb


class SkillTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[roles.NAME.skills]]``."""

    id: str
    description: str
    tags: tuple[str, ...]
    name: str = ""
    examples: tuple[str, ...] = ()


class LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[roles.NAME.limits]``."""

    claims: int = Limits().claims
    briefing_chars: int = Limits().briefing_chars


class RoleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[roles.NAME]``. Without ``worktree`` it is a worktree of its own, if there is a repository."""

    profile: str = ""
    command: tuple[str, ...] = ()
    orders: str = ""
    orders_file: str = ""
    skills: tuple[SkillTable, ...] = ()
    count: int = 1
    node: str = ANY_NODE
    repository: str = ""
    worktree: Worktree | None = None
    branch: str = DEFAULT_BRANCH
    include: tuple[str, ...] = ()
    limits: LimitsTable = LimitsTable()
    policy: Policy = Policy.OPEN
    hooks: bool = False
    grants: tuple[Verb, ...] = DEFAULT_GRANTS


class TeamTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    lead: str
    roles: dict[str, RoleTable]
    about: str = ""
    repository: str = ""
    base: str = ""
    test: str = ""
    tick_s: float = 300.0
    lease_s: float = 900.0
    down_s: float = 120.0
