"""The pages about the team file say what its reader does, and the team on the guide's page can be used."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from fleet.core import teamrules
from fleet.core.branch import FIELDS
from fleet.core.team import RolePlan, TeamPlan, Worktree, branch_of, seats, seats_of
from fleet.core.trust import Policy, Verb
from fleet.teamfile import FILE_LIMIT_BYTES, ORDERS_LIMIT_BYTES, read
from fleet.teamfile.shapes import LimitsTable, RoleTable, SkillTable, TeamTable
from tests.support.homes import Home
from tests.support.pages import DOCS, blocks, quoted, rows, section

PAGE = DOCS / "reference/team-file.md"
GUIDE = DOCS / "guides/form-a-team.md"
DERIVED = {"name": "the `id`"}
"""Defaults of a skill that follow from another key."""


def default_of(field: msgspec.structs.FieldInfo) -> str:
    match field.default:
        case msgspec.NODEFAULT:
            return ""
        case "" | () | None | msgspec.Struct():
            return "none"
        case bool(value):
            return f"`{str(value).lower()}`"
        case StrEnum(value=value):
            return f"`{value}`"
        case float(value):
            return f"`{value:g}`"
        case tuple(values):
            return ", ".join(f"`{value}`" for value in values)
        case value:
            return f"`{value}`"


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("The team", TeamTable),
        ("A role", RoleTable),
        ("A skill", SkillTable),
        ("Limits", LimitsTable),
    ],
)
def test_every_key_is_on_the_page_with_its_default_and_no_other(
    heading: str, table: type[msgspec.Struct]
) -> None:
    known = {field.name: default_of(field) for field in msgspec.structs.fields(table)}
    if table is SkillTable:
        known |= DERIVED
    shown = rows(section(PAGE, heading).partition("\n### ")[0])
    assert {row[0].strip("`"): row[1] for row in shown} == known
    assert all(row[2] for row in shown)


def test_the_words_that_a_key_may_have_are_all_on_the_page() -> None:
    words = {*quoted(PAGE.read_text())}
    assert {*Worktree, *Policy} | {f"{{{field}}}" for field in FIELDS} <= words
    assert {verb.value for verb in Verb} <= {*quoted((DOCS / "concepts/trust.md").read_text())}


def test_the_limits_on_the_page_are_those_of_the_rules() -> None:
    text = " ".join(PAGE.read_text().split())
    for said in (
        f"up to {teamrules.MOST_ROLES} roles and {teamrules.MOST_SEATS} seats",
        f"how many members, up to {teamrules.MOST_COUNT}",
        f"{teamrules.ORDERS_SHARE:.0%}".replace("%", " %"),
        f"looked after, in seconds, from {teamrules.TICK_S[0]:g}",
        f"sign of life, in seconds, from {teamrules.LEASE_S[0]:g}",
        "from {} to {}".format(*teamrules.BRIEFING_CHARS),
        f"{FILE_LIMIT_BYTES // 1024} KiB of it, and {ORDERS_LIMIT_BYTES // 1024} KiB",
    ):
        assert said in text


# --- the guide ---


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (example,) = blocks(GUIDE.read_text(), "toml")
    path = tmp_path / "team.toml"
    path.write_text(example)
    return path


def test_the_team_on_the_guides_page_is_the_way_of_working_that_it_describes(file: Path) -> None:
    plan = read(file)
    roles = {role.name: role for role in plan.roles}
    assert plan.lead == "lead"
    assert roles["lead"].limits.claims == 0
    assert seats_of(roles["impl"]) == ("impl", "impl-2", "impl-3")
    assert all(roles[name].worktree is Worktree.OWN for name in ("impl", "reviewer", "shipper"))
    own = [role for role in seats(plan).values() if role.worktree is Worktree.OWN]
    assert len({*_branches(plan)}) == len(own) == 5
    assert all(role.orders for role in plan.roles)


def _branches(plan: TeamPlan) -> list[str]:
    """Of all members with a worktree of their own, while each holds a task."""
    held: list[tuple[str, RolePlan]] = [
        one for one in seats(plan).items() if one[1].worktree is Worktree.OWN
    ]
    return [branch_of(plan.name, role, seat, f"t{n}") for n, (seat, role) in enumerate(held)]


def test_what_the_guide_shows_of_the_check_is_what_the_check_prints(file: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(file.parent), "NO_COLOR": "1"}
    home = Home("none", file.parent, environment)
    said = home.run("team", "check", str(file))
    assert said.code == 0
    shown = next(blocks(section(GUIDE, "See what it says"), "console"))
    assert shown.partition("\n")[2].rstrip() == said.out.rstrip()


def test_the_mistakes_that_the_guide_shows_are_told_like_that(file: Path) -> None:
    text = (
        file.read_text().replace("count = 3", "cuont = 3").replace('lead = "lead"', 'lead = "leed"')
    )
    file.write_text(text)
    home = Home("none", file.parent, {"PATH": "/usr/bin:/bin", "HOME": str(file.parent)})
    said = home.run("team", "check", str(file))
    assert said.code == 2
    shown = [*blocks(section(GUIDE, "See what it says"), "console")][1].splitlines()[1:]
    told = said.err.replace(f"{file}", "team.toml").splitlines()
    assert len(shown) == len(told)
    for one, other in zip(shown, told, strict=True):
        assert re.fullmatch(re.escape(one).replace("…", ".*"), other)
