"""Teams for tests: one that is right in every respect, and any that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from fleet.core.team import Limits, RolePlan, Skill, TeamPlan, Worktree
from fleet.core.teamrules import mistakes_in
from fleet.core.trust import Policy, Verb

SHOP = "git@git.example.net:shop/web.git"
LEAD = RolePlan(
    "lead", "claude", repository=SHOP, worktree=Worktree.CHECKOUT, limits=Limits(claims=0)
)
IMPL = RolePlan(
    "impl",
    "claude",
    ("claude", "--fast"),
    orders="One task at a time.\n",
    skills=(Skill("backend", "Backend", "Python and SQL", ("python", "sql"), ("a slow query",)),),
    count=3,
    node="nova",
    repository=SHOP,
    worktree=Worktree.OWN,
    include=(".env", "config/local.toml"),
)
WEB = TeamPlan("web", "lead", (IMPL, LEAD), repository=SHOP)


def team(*roles: RolePlan, **said: Any) -> TeamPlan:
    """``WEB`` with other roles beside its lead, and whatever else is said."""
    return replace(WEB, roles=(*roles, LEAD) if roles else WEB.roles, **said)


def role(**said: Any) -> RolePlan:
    """A second role, ``ship``, of one seat."""
    plain = RolePlan("ship", "codex", repository=SHOP, worktree=Worktree.OWN)
    return replace(plain, **said)


# --- any plan that the rules let through ---

_words = st.sampled_from(["x", "make test", "für alle 😀", "a\u202eb", '"', "[roles.x]"])
_lines = st.just("") | _words
_skills = st.lists(
    st.builds(
        Skill,
        st.sampled_from(["a", "b"]),
        _words,
        _words,
        st.lists(_words, min_size=1, max_size=2).map(tuple),
        st.lists(_words, max_size=1).map(tuple),
    ),
    max_size=2,
    unique_by=lambda skill: skill.id,
).map(tuple)
_repositories = st.sampled_from(["", SHOP, "/srv/git/web", "https://git.example.net/w"])
_roles = st.builds(
    RolePlan,
    name=st.sampled_from(["impl", "ship", "review", "a.b", "x-1", "x"]),
    profile=st.sampled_from(["claude", "codex"]),
    command=st.sampled_from([(), ("chat",), ("chat", "--no splash", "")]),
    orders=_lines,
    skills=_skills,
    count=st.integers(1, 4),
    node=st.sampled_from(["any", "nova", "white"]),
    repository=_repositories,
    worktree=st.sampled_from(Worktree),
    branch=st.sampled_from(["{team}/{role}", "{role}-{task}", "on/{role}_{task}"]),
    include=st.sampled_from([(), (".env",), ("a/*", ".env")]),
    limits=st.builds(Limits, st.integers(0, 32), st.integers(1_000, 200_000)),
    policy=st.sampled_from(Policy),
    hooks=st.booleans(),
    grants=st.sampled_from([(Verb.MESSAGE,), (Verb.MESSAGE, Verb.SPAWN), tuple(Verb)]),
)


def _fitting(role: RolePlan, repository: str) -> RolePlan:
    """The role with what it says about files made to fit together, as the rules want it."""
    where = role.repository or repository
    tree = role.worktree if where else Worktree.NONE
    return replace(
        role,
        repository=where,
        worktree=tree,
        count=1 if tree is Worktree.CHECKOUT else role.count,
        include=role.include if tree is Worktree.OWN else (),
    )


def _plan(some: list[RolePlan], lead: RolePlan, **said: Any) -> TeamPlan:
    chosen = (*some, replace(lead, name="lead", count=1))
    fitting = sorted((_fitting(r, said["repository"]) for r in chosen), key=lambda r: r.name)
    plan = TeamPlan(lead="lead", roles=tuple(fitting), **said)
    assert not mistakes_in(plan)
    return plan


plans = st.builds(
    _plan,
    st.lists(_roles, max_size=2, unique_by=lambda role: role.name),
    _roles,
    name=st.sampled_from(["web", "crew", "x_1"]),
    about=_lines,
    repository=_repositories,
    base=st.sampled_from(["", "main", "v1.0"]),
    test=_lines,
    tick_s=st.sampled_from([10.0, 300.0, 86_400.0]),
    lease_s=st.floats(30, 86_400),
    down_s=st.sampled_from([1.0, 120.0]),
)
"""Roles are in their order, and each has the repository that counts: as the reader makes them."""
