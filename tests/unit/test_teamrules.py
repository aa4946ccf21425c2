"""What a plan may say: each rule broken once, and what is said then."""

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from fleet.core.errors.files import Mistake
from fleet.core.team import Limits, RolePlan, Skill, TeamPlan, Worktree
from fleet.core.teamrules import mistakes_in
from fleet.core.teamvalues import key_of, shown
from fleet.core.trust import Verb
from tests.support.teams import IMPL, LEAD, SHOP, WEB, role, team

SKILL = Skill("backend", "Backend", "Python", ("python",))
SKILLS = tuple(replace(SKILL, id=f"s{n}") for n in range(33))


def told(plan: TeamPlan) -> list[tuple[str, str]]:
    return [(m.key, m.found) for m in mistakes_in(plan)]


def test_a_team_that_is_right_has_no_mistakes() -> None:
    assert mistakes_in(WEB) == ()


@pytest.mark.parametrize(
    ("said", "key", "found"),
    [
        ({"name": "web.shop"}, "name", '"web.shop"'),
        ({"name": "fleet"}, "name", '"fleet"'),
        ({"name": "Web"}, "name", '"Web"'),
        ({"about": "two\nlines"}, "about", '"two\\nlines"'),
        ({"test": "x" * 1_001}, "test", f'"{"x" * 60}"… (1001 characters)'),
        ({"base": "ma in"}, "base", '"ma in"'),
        ({"base": "--upload-pack=x"}, "base", '"--upload-pack=x"'),
        ({"tick_s": 9.5}, "tick_s", "9.5"),
        ({"tick_s": nan}, "tick_s", "nan"),
        ({"tick_s": inf}, "tick_s", "inf"),
        ({"lease_s": 86_401.0}, "lease_s", "86401"),
        ({"down_s": 0.5}, "down_s", "0.5"),
        ({"lead": "leed"}, "lead", '"leed"'),
        ({"lead": "impl"}, "roles.impl.count", "3, and it is the lead"),
        ({"roles": ()}, "roles", "0 roles"),
    ],
)
def test_what_a_team_may_not_say(said: dict[str, Any], key: str, found: str) -> None:
    assert (key, found) in told(replace(WEB, **said))


@pytest.mark.parametrize(
    "repository",
    [
        "../here", "here", "-oProxyCommand=x:y", "ext::sh -c id", "fd::7", "ssh://-oProxyCommand=x/y",
        "ftp://x/y", "https://", "host:-x", "/a\nb", "/" + "x" * 1_000,
    ],
)  # fmt: skip
def test_a_repository_that_git_would_not_find_elsewhere_or_would_run(repository: str) -> None:
    (mistake,) = mistakes_in(replace(WEB, repository=repository))
    assert mistake.key == "repository"


@pytest.mark.parametrize(
    "repository",
    ["/srv/git/web", "~/web", "https://x/y", "ssh://git@x:22/y", "git@x:y.git", "x:y", "file:///x"],
)
def test_a_repository_that_git_finds_from_any_folder(repository: str) -> None:
    assert mistakes_in(replace(WEB, repository=repository)) == ()


@pytest.mark.parametrize(
    ("said", "key", "found"),
    [
        ({"profile": ""}, "profile", "missing"),
        ({"profile": "No Such"}, "profile", '"No Such"'),
        ({"command": ("",)}, "command[0]", '""'),
        ({"command": ("a", "b\0")}, "command[1]", '"b\\u0000"'),
        ({"command": ("a",) * 257}, "command", "257 words"),
        ({"orders": "a\x1b[2J"}, "orders", r"the character '\x1b'"),
        ({"orders": "x" * 6_401}, "orders", "6401 characters"),
        ({"skills": SKILLS}, "skills", "33 skills"),
        ({"skills": (SKILL, SKILL)}, "skills[1].id", '"backend" again'),
        ({"skills": (replace(SKILL, id="a b"),)}, "skills[0].id", '"a b"'),
        ({"skills": (replace(SKILL, name=" "),)}, "skills[0].name", '" "'),
        ({"skills": (replace(SKILL, tags=()),)}, "skills[0].tags", "none"),
        ({"skills": (replace(SKILL, tags=("a", "b\n")),)}, "skills[0].tags[1]", '"b\\n"'),
        ({"skills": (replace(SKILL, examples=("",)),)}, "skills[0].examples[0]", '""'),
        ({"count": 0}, "count", "0"),
        ({"count": 10**30}, "count", "a number beyond any reason"),
        ({"node": "a@b"}, "node", '"a@b"'),
        ({"node": ""}, "node", '""'),
        ({"repository": "here"}, "repository", '"here"'),
        ({"repository": ""}, "worktree", '"own", and no repository'),
        ({"worktree": Worktree.CHECKOUT, "count": 2}, "worktree", '"checkout" for 2 members'),
        ({"worktree": Worktree.NONE, "include": (".env",)}, "include", "files to copy"),
        ({"include": ("../.env",)}, "include[0]", '"../.env"'),
        ({"include": (".env", "/etc/passwd")}, "include[1]", '"/etc/passwd"'),
        ({"include": ("a/.GIT/config",)}, "include[0]", '"a/.GIT/config"'),
        ({"include": tuple(f"f{n}" for n in range(65))}, "include", "65 files"),
        ({"limits": Limits(claims=33)}, "limits.claims", "33"),
        ({"limits": Limits(briefing_chars=999)}, "limits.briefing_chars", "999"),
        ({"grants": (Verb.SPAWN,)}, "grants", "spawn"),
        ({"grants": ()}, "grants", "none"),
        ({"grants": (Verb.MESSAGE, Verb.MESSAGE)}, "grants", "message, message"),
        ({"branch": "{taks}"}, "branch", "'{taks}' cannot name branches: there is no field {taks}"),
        ({"branch": "{task}"}, "branch", "'' cannot be a branch: it is empty"),
    ],
)  # fmt: skip
def test_what_a_role_may_not_say(said: dict[str, Any], key: str, found: str) -> None:
    assert told(team(role(**said))) == [(f"roles.ship.{key}", found)]


def test_a_role_whose_name_is_none() -> None:
    assert told(team(role(name="a b"))) == [('roles."a b"', "no name for a role")]


def test_a_command_alone_is_enough_and_so_is_a_profile() -> None:
    assert mistakes_in(team(role(profile="", command=("chat",)))) == ()


def test_orders_may_be_longer_in_a_longer_briefing() -> None:
    assert mistakes_in(team(role(orders="x" * 6_401, limits=Limits(briefing_chars=20_000)))) == ()


# --- between roles ---


def test_two_roles_with_one_seat() -> None:
    (mistake,) = mistakes_in(team(IMPL, role(name="impl-2", branch="two")))
    assert (mistake.key, mistake.found) == (
        "roles.impl-2", "has the seat impl-2, as roles.impl has",
    )  # fmt: skip


def test_a_name_that_is_too_long_together_with_its_team() -> None:
    (mistake,) = mistakes_in(team(role(name="s" * 58, count=2), name="w" * 3))
    assert mistake.found == f"an agent of it would be called www.{'s' * 58}-2"
    assert mistakes_in(team(role(name="s" * 57, count=2), name="w" * 3)) == ()


@pytest.mark.parametrize(
    ("mine", "theirs", "found"),
    [
        ("work", "work", """"work" for ship, where "work" is other's"""),
        ("work", "work/{role}", """"work" for ship, where "work/other" is other's"""),
        ("work/{role}/x", "work/ship", """"work/ship/x" for ship, where "work/ship" is other's"""),
        ("work-{task}", "work-{task}", """"work" for ship, where "work" is other's"""),
    ],
)
def test_branches_that_git_cannot_have_beside_each_other(
    mine: str, theirs: str, found: str
) -> None:
    other = role(name="other", branch=theirs)
    (mistake,) = mistakes_in(team(other, role(branch=mine)))
    assert (mistake.key, mistake.found) == ("roles.ship.branch", found)
    elsewhere = replace(other, repository="/srv/other")
    assert mistakes_in(team(elsewhere, role(branch=mine))) == (), "in another repository"


def test_several_seats_need_several_branches() -> None:
    (mistake,) = mistakes_in(team(role(branch="{team}", count=2)))
    assert mistake.found == """"web" for ship-2, where "web" is ship's"""
    assert mistakes_in(team(role(branch="{role}-{task}", count=2))) == ()


def test_the_branch_of_a_task_cannot_be_in_a_folder_that_is_the_branch_without_one() -> None:
    (mistake,) = mistakes_in(team(role(branch="{role}/{task}")))
    assert mistake.found == """"ship/t1" for ship, where "ship" is ship's"""


def test_there_are_at_most_64_roles_and_64_seats() -> None:
    many = [role(name=f"r{n}") for n in range(64)]
    assert ("roles", "65 roles") in told(team(*many))
    assert told(team(*[role(name=f"r{n}", count=32) for n in range(2)])) == [("roles", "65 seats")]
    assert mistakes_in(team(*many[:63])) == ()


def test_a_count_beyond_any_reason_is_not_counted() -> None:
    assert told(team(role(count=10**9))) == [("roles.ship.count", "1000000000")]


# --- how a mistake quotes ---


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true"), (7, "7"), (2.5, "2.5"),
        ("a\nb", '"a\\nb"'), ({"a": {}}, "a table"), ([1], "a list"), ((), "a list"),
        (None, "nothing"), (object(), "a date or time"),
    ],
)  # fmt: skip
def test_a_value_is_shown_short_and_never_opened_up(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_number_that_python_would_not_print_is_not_printed() -> None:
    assert shown(16**5_000) == "a number beyond any reason"


def test_a_key_is_quoted_where_it_has_to_be_and_never_long() -> None:
    assert key_of("impl") == "impl"
    assert key_of("a.b") == '"a.b"'
    assert key_of("k" * 70) == f'"{"k" * 60}…"'


def test_a_mistake_says_key_what_was_found_and_what_is_allowed() -> None:
    assert str(Mistake("a.b", "0", "1 to 3", "one?")) == "a.b: 0; allowed: 1 to 3 (one?)"
    assert str(Mistake("", "no TOML", "TOML")) == "no TOML; allowed: TOML"


def test_the_lead_may_have_any_repository_of_its_own() -> None:
    lead = RolePlan("lead", "claude", repository="/srv/notes", worktree=Worktree.OWN)
    assert mistakes_in(replace(WEB, roles=(IMPL, lead), repository=SHOP)) == ()
    assert LEAD.repository == SHOP
