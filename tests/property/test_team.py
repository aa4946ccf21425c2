"""Whatever a team's plan says: it is read back as itself, and applied once it is in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.errors.files import MalformedTeamFile
from fleet.core.team import (
    ANY_NODE,
    TeamPlan,
    agent_name,
    agreed_digest,
    canonical,
    digest,
    form,
    seats,
    seats_of,
)
from fleet.core.teamdiff import Act, Change, changes
from fleet.teamfile import read, read_form
from tests.support.teams import plans

NODES = ("nova", "white", "vega")


@st.composite
def situations(draw: st.DrawFn) -> tuple[TeamPlan, TeamPlan, dict[str, str]]:
    """Two plans of one team, and who of the first lives where."""
    before, wanted = draw(plans), draw(plans)
    known = sorted({*seats(before), "gone"})
    lives = draw(st.dictionaries(st.sampled_from(known), st.sampled_from(NODES)))
    return before, replace(wanted, name=before.name), lives


def applied(lives: Mapping[str, str], done: tuple[Change, ...]) -> dict[str, str]:
    """Who lives where afterwards."""
    after = dict(lives)
    for change in done:
        match change.act:
            case Act.END:
                del after[change.what]
            case Act.MOVE | Act.START:
                after[change.what] = "vega" if change.to == ANY_NODE else change.to
            case _:
                pass
    return after


@given(situations())
def test_applying_a_plan_a_second_time_does_nothing(
    situation: tuple[TeamPlan, TeamPlan, dict[str, str]],
) -> None:
    before, wanted, lives = situation
    after = applied(lives, changes(before, lives, wanted))
    assert changes(wanted, after, wanted) == ()
    assert set(after) == (set(seats(wanted)) if lives else set())


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_makes_no_difference(
    situation: tuple[TeamPlan, TeamPlan, dict[str, str]], chance: Random
) -> None:
    before, wanted, lives = situation
    shuffled = [*lives.items()]
    chance.shuffle(shuffled)
    assert changes(before, dict(shuffled), wanted) == changes(before, lives, wanted)


@given(situations())
def test_there_is_a_change_exactly_when_something_differs(
    situation: tuple[TeamPlan, TeamPlan, dict[str, str]],
) -> None:
    before, wanted, _ = situation
    found = changes(before, {}, wanted)
    assert (not found) == (digest(before) == digest(wanted))
    assert len({(one.act, one.what) for one in found}) == len(found)
    assert all(json.loads(json.dumps(one.as_json())) and "\n" not in str(one) for one in found)


@given(situations())
def test_a_role_whose_agreement_differs_is_asked_for_on_the_node_it_names(
    situation: tuple[TeamPlan, TeamPlan, dict[str, str]],
) -> None:
    before, wanted, lives = situation
    found = changes(before, lives, wanted)
    roles = {role.name: role for role in before.roles}
    for role in wanted.roles:
        old = roles.get(role.name)
        asked = {node for one in found for node in one.accept
                 if one.what == role.name or one.what.startswith(f"roles.{role.name}.")}  # fmt: skip
        if role.node == ANY_NODE:
            assert asked <= {lives.get(seat) for seat in seats_of(role)}
        elif old is None or agreed_digest(old) != agreed_digest(role) or old.count < role.count:
            assert asked == {role.node}
        elif old == role:
            assert asked == set()


@given(plans)
def test_a_plan_is_read_back_from_its_form_as_it_was(plan: TeamPlan) -> None:
    text = canonical(plan)
    assert read_form(text, "the team") == plan
    assert canonical(read_form(json.dumps(form(plan)), "the team")) == text


@given(plans, plans)
def test_digests_are_equal_exactly_when_plans_are(one: TeamPlan, other: TeamPlan) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@given(plans)
def test_every_seat_has_a_name_of_its_own_on_a_node(plan: TeamPlan) -> None:
    names = [agent_name(plan.name, seat) for seat in seats(plan)]
    assert len({*names}) == sum(role.count for role in plan.roles)


# --- whatever a file holds ---

_keys = st.sampled_from(["name", "lead", "roles", "tick_s", "profile", "count", "skills", "x.y"])
_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_said = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("team") / "team.toml"


@given(st.dictionaries(_keys, _said) | st.fixed_dictionaries(
    {"name": st.just("web"), "lead": st.just("a"), "roles": st.dictionaries(_keys, _said)}
))  # fmt: skip
def test_any_json_gives_a_plan_or_its_mistakes(said: dict[str, object]) -> None:
    plan, told = outcome(json.dumps(said))
    assert bool(told) is (plan is None)
    assert told == "" or told.startswith("the team: ")
    assert plan is None or read_form(canonical(plan), "again") == plan


def outcome(text: str) -> tuple[TeamPlan | None, str]:
    """The plan, or all that is said against it."""
    try:
        return read_form(text, "the team"), ""
    except MalformedTeamFile as error:
        return None, str(error)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_give_a_plan_or_its_mistakes(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(MalformedTeamFile):
        read(file)
