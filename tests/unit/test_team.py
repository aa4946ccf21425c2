"""A team as a value: seats, names on a node, branches, and what is agreed to."""

import json
from dataclasses import replace

import pytest

from fleet.core.errors.requests import MalformedName
from fleet.core.team import (
    RolePlan,
    Worktree,
    agent_name,
    agreed_digest,
    branch_of,
    canonical,
    digest,
    seats,
    seats_of,
)
from fleet.core.trust import Policy, Verb
from tests.support.teams import IMPL, WEB


@pytest.mark.parametrize(
    ("count", "there"), [(1, ("impl",)), (2, ("impl", "impl-2")), (3, ("impl", "impl-2", "impl-3"))]
)
def test_a_role_has_a_seat_for_each_member_and_the_first_is_called_as_the_role(
    count: int, there: tuple[str, ...]
) -> None:
    assert seats_of(RolePlan("impl", count=count)) == there


def test_a_team_has_the_seats_of_all_its_roles_in_order() -> None:
    assert [*seats(WEB)] == ["impl", "impl-2", "impl-3", "lead"]
    assert seats(WEB)["impl-3"] is IMPL


def test_a_member_is_called_by_team_and_seat_on_its_node() -> None:
    assert agent_name("web", "impl-2") == "web.impl-2"
    assert len(agent_name("w" * 31, "i" * 31)) == 63
    with pytest.raises(MalformedName, match="longer than 63"):
        agent_name("w" * 31, "i" * 32)


@pytest.mark.parametrize(("task", "branch"), [("", "web/impl-2"), ("t7", "web/impl-2-t7")])
def test_a_branch_is_named_after_the_seat_and_the_task_that_it_has(task: str, branch: str) -> None:
    role = replace(IMPL, branch="{team}/{role}-{task}")
    assert branch_of("web", role, "impl-2", task) == branch


# --- forms and digests ---


def test_the_canonical_form_is_ascii_with_every_default_in_it_and_its_keys_in_order() -> None:
    text = canonical(replace(WEB, about="für alle"))
    told = json.loads(text)
    assert text.isascii()
    assert [*told] == sorted(told)
    assert (told["tick_s"], told["roles"]["lead"]["count"]) == (300.0, 1)
    assert told["roles"]["impl"]["skills"][0]["tags"] == ["python", "sql"]
    assert "name" not in told["roles"]["impl"]


def test_another_plan_has_another_digest_and_the_same_one_the_same() -> None:
    assert digest(WEB) == digest(replace(WEB))
    assert digest(WEB) != digest(replace(WEB, about="x"))
    assert len(digest(WEB)) == 64


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "ship"),
        ("profile", "codex"),
        ("command", ("claude", "--slow")),
        ("repository", "/srv/other"),
        ("worktree", Worktree.NONE),
        ("include", (".env",)),
        ("hooks", True),
    ],
)
def test_a_node_agrees_to_what_runs_on_which_files(key: str, value: object) -> None:
    assert agreed_digest(replace(IMPL, **{key: value})) != agreed_digest(IMPL)  # type: ignore[arg-type] # the value fits its key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("orders", "Other orders."),
        ("skills", ()),
        ("count", 9),
        ("node", "white"),
        ("branch", "{task}"),
        ("policy", Policy.CLOSED),
        ("grants", (Verb.MESSAGE,)),
        ("include", ("config/local.toml", ".env")),
    ],
)
def test_what_is_not_agreed_to_or_in_another_order_changes_no_agreement(
    key: str, value: object
) -> None:
    assert agreed_digest(replace(IMPL, **{key: value})) == agreed_digest(IMPL)  # type: ignore[arg-type] # the value fits its key
