"""Where a seat goes, and what its member is told first."""

from __future__ import annotations

from dataclasses import replace

from fleet.core.lineup import in_order, job
from fleet.core.team import Limits, Worktree
from tests.support.teams import IMPL, LEAD, WEB


def test_of_several_nodes_the_one_with_the_fewest_seats_goes_first_and_then_the_first_by_name() -> (
    None
):
    assert in_order({"white": 2, "nova": 1, "kai": 1}) == ("kai", "nova", "white")
    assert in_order({"white": 0, "nova": 1}) == ("white", "nova")
    assert in_order({}) == ()


def test_a_member_is_told_who_it_is_and_how_the_team_works_in_words_of_ours_and_quotations() -> (
    None
):
    plan = replace(WEB, about="ships issues", test="make test")
    told = job(plan, IMPL, "impl-2")
    assert told.startswith("You are web/impl-2, a member of the team web.\n\n> ships issues\n\n")
    assert "The others are web/lead." in told
    assert "on the branch web/impl-2;" in told
    assert "The tests: `make test`" in told
    assert 'fleet send web/lead "…" speaks to the lead' in told
    assert "fleet task claim takes the next task" in told
    assert "One task at a time." not in told  # its orders stand elsewhere in the briefing


def test_the_lead_is_told_to_lead_and_who_takes_no_tasks_nothing_of_taking_them() -> None:
    told = job(WEB, LEAD, "lead")
    assert "You lead:" in told
    assert "speaks to the lead" not in told
    assert "fleet task claim" not in told
    assert "change nothing" in told


def test_a_member_without_files_or_colleagues_is_told_nothing_of_them() -> None:
    alone = replace(LEAD, worktree=Worktree.NONE, limits=Limits(claims=1))
    told = job(replace(WEB, roles=(alone,)), alone, "lead")
    assert "worktree" not in told
    assert "The others are" not in told
    assert "fleet task claim" in told
