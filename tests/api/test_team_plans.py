"""A team file applied on a real node: founded once, planned anew when it differs, and else left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.errors.requests import WrongState
from fleet.core.team import canonical, digest
from fleet.core.team_events import Seated
from node.engine.plans import plan_of
from tests.api.test_teams import person
from tests.support.members import Member, run
from tests.support.teams import WEB


def test_a_plan_founds_the_team_once_and_the_same_plan_writes_nothing(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        first = await white.node.plans.apply(person(white), WEB, "")
        assert first.team is None
        assert str(first.changes[0]) == "team web is new"
        team = white.node.teams.home_of("web")
        assert team is not None
        assert plan_of(team) == WEB
        planned = team.board.plan
        assert planned is not None
        assert (planned.plan, planned.lead, planned.lease_s) == (canonical(WEB), "lead", 900.0)
        assert (team.board.limit("impl"), team.board.limit("lead")) == (1, 0)
        head = team.board.head
        again = await white.node.plans.apply(person(white), WEB, digest(WEB))
        assert (again.is_new, again.changes, team.board.head) == (False, (), head)
        assert len(white.audit("team founded")) == 1
        assert not white.audit("team planned")

    run(tmp_path, story, "white")


def test_another_plan_is_written_anew_and_says_which_members_it_is_about(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        await white.node.plans.apply(person(white), WEB, None)
        team = white.node.teams.home_of("web")
        assert team is not None
        seated = Seated("impl-3", "impl", "web.impl-3", white.id)
        await white.node.teams.write(team, "", "", (seated,))
        (impl, lead) = WEB.roles
        fewer = replace(WEB, roles=(replace(impl, count=2), lead))
        told = await white.node.plans.apply(person(white), fewer, None)
        assert "impl-3 on white is asked to save, and ends: the plan has no such seat" in [
            str(one) for one in told.changes
        ]
        assert plan_of(team) == fewer
        assert "impl-3" in team.board.seats, "applying ends nobody"
        assert white.audit("team planned")[0]["digest"] == digest(fewer)

    run(tmp_path, story, "white")


def test_a_plan_that_changed_since_it_was_shown_is_not_written_over(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        seen = white.node.plans.wish(WEB).before
        other = replace(WEB, about="somebody was faster")
        await white.node.plans.apply(person(white), other, seen)
        with pytest.raises(WrongState):
            await white.node.plans.apply(person(white), WEB, seen)
        team = white.node.teams.home_of("web")
        assert team is not None
        assert plan_of(team) == other

    run(tmp_path, story, "white")


def test_this_node_accepts_by_applying_and_only_others_are_asked(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        (impl, lead) = WEB.roles
        plan = replace(WEB, roles=(replace(impl, node="nova"), replace(lead, node="white")))
        asked = {change.what: change.accept for change in white.node.plans.wish(plan).changes}
        assert {name: asked[name] for name in ("impl", "lead")} == {"impl": ("nova",), "lead": ()}

    run(tmp_path, story, "white")
