"""What applying a plan does, as people read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fleet.core.team import Limits, TeamPlan, Worktree
from fleet.core.teamdiff import Act, Change, changes
from fleet.core.trust import Policy, Verb
from tests.support.teams import IMPL, WEB, role, team

LIVES = {"impl": "nova", "impl-2": "nova", "impl-3": "nova", "lead": "white"}


def told(before: TeamPlan | None, lives: dict[str, str], wanted: TeamPlan) -> list[str]:
    return [str(change) for change in changes(before, lives, wanted)]


def impl(**said: Any) -> TeamPlan:
    """``WEB``, its implementers changed."""
    return team(replace(IMPL, **said))


def test_a_new_team_is_written_down_and_nobody_starts() -> None:
    assert told(None, {}, WEB) == [
        "team web is new",
        "role impl is new, with impl, impl-2, impl-3 on nova (nova must accept it)",
        "role lead is new, with lead on a node that accepted it",
    ]


def test_the_same_plan_changes_nothing_whether_the_team_is_up_or_down() -> None:
    assert changes(WEB, {}, WEB) == ()
    assert changes(WEB, LIVES, WEB) == ()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"about": "ships"}, "about: nothing becomes ships"),
        ({"tick_s": 60.0}, "tick_s: 300 becomes 60"),
        ({"test": "x" * 61}, "test: nothing becomes a text of 61 characters"),
    ],
)
def test_what_is_said_of_the_team_is_set(said: dict[str, Any], sentence: str) -> None:
    assert told(WEB, LIVES, replace(WEB, **said)) == [sentence]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"orders": "Two.\n"}, "orders: a text of 20 characters becomes a text of 5 characters"),
        ({"skills": ()}, "skills: backend becomes none"),
        ({"limits": Limits(2)}, "limits.claims: 1 becomes 2"),
        ({"policy": Policy.CLOSED}, "policy: open becomes closed"),
        ({"grants": (Verb.MESSAGE,)}, "grants: message, observe, spawn becomes message"),
        (
            {"grants": (Verb.MESSAGE, Verb.CONTROL)},
            "grants: message, observe, spawn becomes message, control (nova must accept it)",
        ),
    ],
)
def test_what_a_member_need_not_start_anew_for(said: dict[str, Any], sentence: str) -> None:
    assert told(WEB, LIVES, impl(**said)) == [f"roles.impl.{sentence}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("profile", "codex"), ("command", ("chat",)), ("repository", "/srv/web"),
        ("worktree", Worktree.NONE), ("include", (".env",)), ("hooks", True),
    ],
)  # fmt: skip
def test_what_runs_on_which_files_is_a_question_and_a_new_start(key: str, value: object) -> None:
    found = changes(WEB, {"impl": "nova", "impl-2": "nova", "lead": "white"}, impl(**{key: value}))
    first, *rest = found
    assert (first.act, first.what, first.accept) == (Act.SET, f"roles.impl.{key}", ("nova",))
    assert [(one.act, one.what) for one in rest] == [
        (Act.RESTART, "impl"), (Act.RESTART, "impl-2"), (Act.START, "impl-3"),
    ]  # fmt: skip
    assert str(rest[0]) == f"impl on nova is asked to save, and starts anew: new {key}"


def test_another_branch_is_a_new_start_and_no_question() -> None:
    found = changes(WEB, {"impl": "nova"}, impl(branch="{role}"))
    assert [(one.act, one.accept) for one in found[:2]] == [(Act.SET, ()), (Act.RESTART, ())]


def test_the_same_files_in_another_order_are_neither() -> None:
    found = changes(WEB, LIVES, impl(include=(*reversed(IMPL.include),)))
    assert [(one.act, one.accept) for one in found] == [(Act.SET, ())]


def test_more_members_are_a_question_and_start_while_the_team_is_up() -> None:
    assert told(WEB, LIVES, impl(count=4)) == [
        "roles.impl.count: 3 becomes 4 (nova must accept it)", "impl-4 starts on nova",
    ]  # fmt: skip
    assert len(changes(WEB, {}, impl(count=4))) == 1


def test_fewer_members_are_none_and_who_is_over_is_asked_to_save_and_ends() -> None:
    assert told(WEB, LIVES, impl(count=1)) == [
        "roles.impl.count: 3 becomes 1",
        "impl-2 on nova is asked to save, and ends: the plan has no such seat",
        "impl-3 on nova is asked to save, and ends: the plan has no such seat",
    ]


@pytest.mark.parametrize(
    ("before", "after", "asks"),
    [("closed", "approval", True), ("approval", "open", True), ("open", "closed", False)],
)
def test_a_member_that_is_to_be_more_open_is_a_question(
    before: str, after: str, asks: bool
) -> None:
    (found,) = changes(impl(policy=Policy(before)), LIVES, impl(policy=Policy(after)))
    assert found.accept == (("nova",) if asks else ())


def test_members_move_to_the_node_that_is_named_and_it_has_to_accept() -> None:
    assert told(WEB, {"impl-2": "nova", "lead": "white"}, impl(node="vega")) == [
        "roles.impl.node: nova becomes vega (vega must accept it)",
        "impl starts on vega",
        "impl-2 on nova is asked to save, and goes on at vega",
        "impl-3 starts on vega",
    ]
    assert told(WEB, LIVES, impl(node="any")) == ["roles.impl.node: nova becomes any"]


def test_a_role_for_any_node_asks_those_where_its_members_live() -> None:
    before = impl(node="any")
    lives = {"impl": "vega", "impl-2": "nova", "lead": "white"}
    found = changes(before, lives, team(replace(IMPL, node="any", command=("chat",))))
    assert found[0].accept == ("nova", "vega")
    assert str(found[0]).endswith("(nova and vega must accept it)")
    assert str(found[-1]) == "impl-3 starts on a node that accepted it"


def test_a_role_that_comes_and_one_that_goes() -> None:
    wanted = team(role(node="vega"))
    assert told(WEB, {"impl-2": "nova", "lead": "white"}, wanted) == [
        "role impl is no more",
        "role ship is new, with ship on vega (vega must accept it)",
        "impl-2 on nova is asked to save, and ends: the plan has no such seat",
        "ship starts on vega",
    ]


def test_a_seat_that_becomes_another_role_is_started_as_that() -> None:
    second = replace(IMPL, name="impl-2", count=1, profile="codex")
    wanted = team(replace(IMPL, count=1), second)
    found = changes(WEB, {"impl": "nova", "impl-2": "nova", "lead": "white"}, wanted)
    assert str(found[-1]) == "impl-2 on nova is asked to save, and starts anew: new role, profile"


def test_who_lives_in_a_seat_of_a_new_team_goes_on() -> None:
    assert [one.act for one in changes(None, LIVES, WEB)] == [
        Act.CREATE,
        Act.ADD_ROLE,
        Act.ADD_ROLE,
    ]


def test_for_programs_each_change_has_all_fields() -> None:
    (found,) = changes(WEB, {}, impl(count=4))
    assert json.loads(json.dumps(found.as_json())) == {
        "act": "set", "what": "roles.impl.count", "before": 3, "after": 4, "node": "", "to": "",
        "why": "", "accept": ["nova"], "text": "roles.impl.count: 3 becomes 4 (nova must accept it)",
    }  # fmt: skip


def test_yes_and_no_are_said_as_such() -> None:
    assert str(Change(Act.SET, "hooks", False, True)) == "hooks: no becomes yes"
