"""What another node is asked when it is invited into a team: everything that it would let in, spelled out.

What comes from another node is held against the rules of a team file before anybody is shown it. The
digest that is agreed to is made from what was shown, never taken from who asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.bounds import WORD_LIMIT
from fleet.core.errors.requests import MalformedRequest
from fleet.core.team import RolePlan, TeamPlan, Worktree, agreed_digest
from fleet.core.teamrules import mistakes_in
from fleet.core.trust import Policy, Verb

LONGEST_S = 30 * 86_400.0
AMONG_MEMBERS = frozenset({Verb.MESSAGE, Verb.OBSERVE})
"""What members on other nodes get at most; to start and to control is the home's person's alone."""


@dataclass(frozen=True, slots=True)
class AskedRole:
    """One role as a node that accepts it lets it in; ``digest`` pins all but the last three."""

    role: str
    profile: str
    command: tuple[str, ...]
    repository: str
    worktree: Worktree
    include: tuple[str, ...]
    hooks: bool
    count: int
    policy: Policy
    grants: tuple[Verb, ...]

    def as_plan(self) -> RolePlan:
        """As a plan has it, but for what nobody has to agree to."""
        return RolePlan(
            self.role, self.profile, self.command, count=self.count, repository=self.repository,
            worktree=self.worktree, include=self.include, policy=self.policy, hooks=self.hooks,
            grants=self.grants,
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """What is agreed to."""
        return agreed_digest(self.as_plan())


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation. ``team`` is the team's name; ``by`` who asks at its home; clocks are not compared,
    so it says for how long it is good."""

    invitation: str
    team: str
    by: str
    expires_in_s: float
    roles: tuple[AskedRole, ...]

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What the team wants to be granted, of all its roles together."""
        return tuple(sorted({verb for role in self.roles for verb in role.grants}))

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories that members would work on; each needs a folder on the node."""
        return tuple(
            sorted({r.repository for r in self.roles if r.worktree is not Worktree.NONE} - {""})
        )


def asked_role(role: RolePlan) -> AskedRole:
    """What a node is asked about a role of a plan."""
    return AskedRole(
        role.name, role.profile, role.command, role.repository, role.worktree, role.include,
        role.hooks, role.count, role.policy, role.grants,
    )  # fmt: skip


def check_asked(asked: Asked) -> None:
    """Insist that an invitation from another node could come of a team file.

    Raises:
        MalformedRequest: it could not; says what is wrong first.
    """
    is_id = asked.invitation.isalnum() and len(asked.invitation) <= WORD_LIMIT
    if not asked.roles or not is_id or not 0 < asked.expires_in_s <= LONGEST_S:
        raise MalformedRequest("an invitation into a team that makes no sense")
    lead = asked.roles[0].role
    plan = TeamPlan(asked.team, lead, tuple(one.as_plan() for one in asked.roles))
    for mistake in mistakes_in(plan):
        if "lead" not in {mistake.key, *mistake.also}:
            raise MalformedRequest(f"an invitation into a team that cannot be: {mistake}")
