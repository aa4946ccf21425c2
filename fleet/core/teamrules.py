"""What a team's plan may say. All that is wrong is named at once, each with what would be right.

A value is looked at alone first, then roles against each other. Nothing here knows of nodes: whether
a profile, a repository or a node exists is found out where they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet.core.errors.files import Mistake
from fleet.core.errors.requests import MalformedRequest
from fleet.core.team import (
    ANY_NODE,
    RolePlan,
    Skill,
    TeamPlan,
    Worktree,
    branch_of,
    seats_of,
)
from fleet.core.teamvalues import (
    is_branch,
    is_name,
    is_node,
    key_of,
    of_a_file,
    of_a_line,
    of_a_number,
    of_a_repository,
    of_a_text,
    shown,
)
from fleet.core.trust import Verb

MOST_ROLES = 64
MOST_SEATS = 64
MOST_COUNT = 32
MOST_SKILLS = 32
MOST_WORDS = 256
MOST_INCLUDED = 64
TICK_S = (10.0, 86_400.0)
LEASE_S = (30.0, 86_400.0)
DOWN_S = (1.0, 86_400.0)
CLAIMS = (0, 32)
BRIEFING_CHARS = (1_000, 200_000)
ORDERS_SHARE = 0.4
"""Of a briefing: standing orders are given whole each time, and the rest needs room as well."""


def mistakes_in(plan: TeamPlan) -> tuple[Mistake, ...]:
    """Everything that is wrong with a plan; nothing when it can be used."""
    return (
        *_of_the_team(plan),
        *(m for role in plan.roles for m in _of_a_role(plan, role)),
        *_between(plan),
    )


# --- the team ---


def _of_the_team(plan: TeamPlan) -> Iterator[Mistake]:
    name = "a name in a-z 0-9 _ -, without a dot"
    if not is_name(plan.name) or "." in plan.name:
        yield Mistake("name", shown(plan.name), name)
    yield from of_a_line("about", plan.about)
    yield from of_a_line("test", plan.test)
    yield from of_a_repository("repository", plan.repository)
    if plan.base and not is_branch(plan.base):
        yield Mistake("base", shown(plan.base), "a branch, tag or commit of the repository")
    yield from of_a_number("tick_s", plan.tick_s, TICK_S, "seconds")
    yield from of_a_number("lease_s", plan.lease_s, LEASE_S, "seconds")
    yield from of_a_number("down_s", plan.down_s, DOWN_S, "seconds")
    if not 1 <= len(plan.roles) <= MOST_ROLES:
        yield Mistake("roles", f"{len(plan.roles)} roles", f"1 to {MOST_ROLES}")
    yield from _of_the_lead(plan)


def _of_the_lead(plan: TeamPlan) -> Iterator[Mistake]:
    names = ", ".join(role.name for role in plan.roles)
    lead = next((role for role in plan.roles if role.name == plan.lead), None)
    if lead is None:
        yield Mistake(
            "lead",
            shown(plan.lead),
            f"one of the roles: {names}",
            also=("roles", f"roles.{key_of(plan.lead)}"),
        )
    elif lead.count != 1:
        count = f"roles.{key_of(lead.name)}.count"
        yield Mistake(count, f"{shown(lead.count)}, and it is the lead", "1", also=("lead",))


# --- one role ---


def _of_a_role(plan: TeamPlan, role: RolePlan) -> Iterator[Mistake]:
    at = f"roles.{key_of(role.name)}"
    if not is_name(role.name):
        yield Mistake(at, "no name for a role", "a-z 0-9 . _ -, up to 63 characters")
    yield from _of_a_program(at, role)
    yield from _of_orders(at, role)
    yield from _of_skills(at, role.skills)
    yield from of_a_number(f"{at}.count", role.count, (1, MOST_COUNT), "seats")
    if role.node != ANY_NODE and not is_node(role.node):
        yield Mistake(f"{at}.node", shown(role.node), f'"{ANY_NODE}", or the name of a node')
    if role.repository != plan.repository:
        yield from of_a_repository(f"{at}.repository", role.repository)
    yield from _of_files(at, role)
    limits = role.limits
    yield from of_a_number(f"{at}.limits.claims", limits.claims, CLAIMS, "tasks")
    yield from of_a_number(
        f"{at}.limits.briefing_chars", limits.briefing_chars, BRIEFING_CHARS, "characters"
    )
    if Verb.MESSAGE not in role.grants or len({*role.grants}) < len(role.grants):
        found = ", ".join(role.grants) or "none"
        yield Mistake(
            f"{at}.grants", found, f"each of {', '.join(Verb)} once, and message among them"
        )


def _of_a_program(at: str, role: RolePlan) -> Iterator[Mistake]:
    if not role.profile and not role.command:
        found, allowed = "missing", "a profile, a command, or both"
        yield Mistake(f"{at}.profile", found, allowed, also=(f"{at}.command",))
    if role.profile and not is_name(role.profile):
        yield Mistake(f"{at}.profile", shown(role.profile), "the name of a profile")
    if role.command and not role.command[0]:
        yield Mistake(f"{at}.command[0]", shown(""), "the program to run")
    for n, word in enumerate(role.command):
        if "\0" in word:
            yield Mistake(f"{at}.command[{n}]", shown(word), "a word without a zero byte")
    if len(role.command) > MOST_WORDS or sum(map(len, role.command)) > BRIEFING_CHARS[1]:
        yield Mistake(
            f"{at}.command", f"{len(role.command)} words", f"up to {MOST_WORDS}, not long ones"
        )


def _of_orders(at: str, role: RolePlan) -> Iterator[Mistake]:
    key, length = f"{at}.orders", len(role.orders)
    yield from of_a_text(key, role.orders)
    most = int(role.limits.briefing_chars * ORDERS_SHARE)
    if length > most:
        yield Mistake(
            key, f"{length} characters", f"up to {most}, {ORDERS_SHARE:.0%} of a briefing",
            "they are part of every briefing, whole", (f"{at}.limits.briefing_chars",),
        )  # fmt: skip


def _of_skills(at: str, skills: tuple[Skill, ...]) -> Iterator[Mistake]:
    if len(skills) > MOST_SKILLS:
        yield Mistake(f"{at}.skills", f"{len(skills)} skills", f"up to {MOST_SKILLS}")
    seen: set[str] = set()
    for n, skill in enumerate(skills):
        key = f"{at}.skills[{n}]"
        if not is_name(skill.id):
            yield Mistake(f"{key}.id", shown(skill.id), "a name in a-z 0-9 . _ -")
        elif skill.id in seen:
            yield Mistake(f"{key}.id", f"{shown(skill.id)} again", "each id once in a role")
        seen.add(skill.id)
        for field, text in (("name", skill.name), ("description", skill.description)):
            yield from of_a_line(f"{key}.{field}", text, required=True)
        if not skill.tags:
            yield Mistake(f"{key}.tags", "none", "at least one word, as tasks ask for it")
        for field, texts in (("tags", skill.tags), ("examples", skill.examples)):
            for place, text in enumerate(texts):
                yield from of_a_line(f"{key}.{field}[{place}]", text, required=True)


def _of_files(at: str, role: RolePlan) -> Iterator[Mistake]:
    tree = f"{at}.worktree"
    if role.worktree is not Worktree.NONE and not role.repository:
        why = "the team or the role names a repository"
        yield Mistake(
            tree, f"{shown(role.worktree.value)}, and no repository", f'"none", or {why}',
            also=("repository", f"{at}.repository"),
        )  # fmt: skip
    if role.worktree is Worktree.CHECKOUT and role.count > 1:
        yield Mistake(
            tree, f'"checkout" for {shown(role.count)} members', '"own", or a count of 1',
            "members who share one checkout overwrite each other's work", (f"{at}.count",),
        )  # fmt: skip
    if role.include and role.worktree is not Worktree.OWN:
        yield Mistake(
            f"{at}.include", "files to copy", 'none without worktree = "own"', also=(tree,)
        )
    for n, path in enumerate(role.include):
        yield from of_a_file(f"{at}.include[{n}]", path)
    if len(role.include) > MOST_INCLUDED:
        yield Mistake(f"{at}.include", f"{len(role.include)} files", f"up to {MOST_INCLUDED}")


# --- roles against each other ---


def _between(plan: TeamPlan) -> Iterator[Mistake]:
    """Seats and branches that two would have; only of roles that have a sensible number of seats."""
    countable = [role for role in plan.roles if 1 <= role.count <= MOST_COUNT][:MOST_ROLES]
    total = sum(role.count for role in countable)
    if total > MOST_SEATS:
        yield Mistake("roles", f"{total} seats", f"up to {MOST_SEATS} in a team")
        return
    yield from _of_seats(plan.name, countable)
    yield from _of_branches(plan.name, countable)


def _of_seats(team: str, roles: list[RolePlan]) -> Iterator[Mistake]:
    taken: dict[str, RolePlan] = {}
    for role in roles:
        for seat in seats_of(role):
            other = taken.setdefault(seat, role)
            if other is not role:
                yield Mistake(
                    f"roles.{key_of(role.name)}", f"has the seat {seat}, as roles.{key_of(other.name)} has",
                    "seats of different names", "rename one of the roles",
                    (f"roles.{key_of(other.name)}", f"roles.{key_of(other.name)}.count", f"roles.{key_of(role.name)}.count"),
                )  # fmt: skip
        longest = f"{team}.{seats_of(role)[-1]}"
        if is_name(team) and is_name(role.name) and not is_name(longest):
            yield Mistake(
                f"roles.{key_of(role.name)}", f"an agent of it would be called {longest}",
                "63 characters for team, dot and seat", also=("name",),
            )  # fmt: skip


def _of_branches(team: str, roles: list[RolePlan]) -> Iterator[Mistake]:
    """Branches that git could not have beside each other, with and without a task."""
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for role in roles:
        if role.worktree is Worktree.OWN and is_name(team) and is_name(role.name):
            yield from _of_own_branches(team, role, taken)


def _of_own_branches(
    team: str, role: RolePlan, taken: dict[tuple[str, str], tuple[str, str]]
) -> Iterator[Mistake]:
    key = f"roles.{key_of(role.name)}.branch"
    for seat in seats_of(role):
        try:
            branches = {branch_of(team, role, seat), branch_of(team, role, seat, "t1")}
        except MalformedRequest as error:
            yield Mistake(key, error.message, "a branch with and without a task", error.hint)
            return
        for branch in sorted(branches):
            other = _in_the_way(role.repository, branch, seat, taken)
            if other is not None:
                yield Mistake(
                    key, f"{shown(branch)} for {seat}, where {shown(other[1])} is {other[0]}'s",
                    "branches of different names, none of them a folder of another",
                    "{role} is filled in with the seat",
                    (f"roles.{key_of(role.name)}.count",),
                )  # fmt: skip
                return
            taken[role.repository, branch] = seat, branch


def _in_the_way(
    repository: str, branch: str, seat: str, taken: dict[tuple[str, str], tuple[str, str]]
) -> tuple[str, str] | None:
    """Whose branch git could not have beside this one: the same, or one that is a folder of the other."""
    for (theirs_in, theirs), holder in taken.items():
        is_same = theirs == branch and holder[0] != seat
        is_below = branch.startswith(f"{theirs}/") or theirs.startswith(f"{branch}/")
        if theirs_in == repository and (is_same or is_below):
            return holder
    return None
