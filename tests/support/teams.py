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

_role_names = st.sampled_from(["impl", "ship", "review", "a.b", "x-1", "x"])
_lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
_words = _lines.filter(str.strip)
_skills = st.lists(
    st.builds(
        Skill,
        st.sampled_from(["a", "b", "c"]),
        _words,
        _words,
        st.lists(_words, min_size=1, max_size=2).map(tuple),
        st.lists(_words, max_size=2).map(tuple),
    ),
    max_size=2,
    unique_by=lambda skill: skill.id,
).map(tuple)
_repositories = st.sampled_from(["", SHOP, "/srv/git/web", "~/web", "https://git.example.net/w"])
_grants = st.sets(st.sampled_from(Verb)).map(lambda some: tuple(sorted({*some, Verb.MESSAGE})))
roles = st.builds(
    RolePlan,
    name=_role_names,
    profile=st.sampled_from(["claude", "codex"]),
    command=st.lists(_words, max_size=3).map(tuple),
    orders=_lines,
    skills=_skills,
    count=st.integers(1, 4),
    node=st.sampled_from(["any", "nova", "white"]),
    repository=_repositories,
    worktree=st.sampled_from(Worktree),
    branch=st.sampled_from(["{team}/{seat}", "{role}/{task}", "on/{seat}/{task}"]),
    include=st.lists(st.sampled_from([".env", "a/b"]), unique=True).map(tuple),
    limits=st.builds(Limits, st.integers(0, 32), st.integers(1_000, 200_000)),
    policy=st.sampled_from(Policy),
    hooks=st.booleans(),
    grants=_grants,
)


def _plan(some: list[RolePlan], lead: RolePlan, **said: Any) -> TeamPlan:
    chosen = (*some, replace(lead, name="lead", count=1))
    return TeamPlan(
        name=said.pop("name"),
        lead="lead",
        roles=tuple(sorted(chosen, key=lambda role: role.name)),
        **said,
    )


plans = st.builds(
    _plan,
    st.lists(roles, max_size=3, unique_by=lambda role: role.name),
    roles,
    name=st.sampled_from(["web", "crew", "x_1"]),
    about=_lines,
    repository=_repositories,
    base=st.sampled_from(["", "main", "v1.0"]),
    test=_lines,
    tick_s=st.floats(10, 86_400),
    lease_s=st.floats(30, 86_400),
).filter(lambda plan: not mistakes_in(plan))
