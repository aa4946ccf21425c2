"""A team's home or a node of it is killed between the commits of the two: said once more, everything is there
once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.faults.field import arm, heal
from tests.support.homes import Home, Scene, scene
from tests.support.promises import told
from tests.support.team_nodes import SIX, Team

NUMBERS = count(1)


@pytest.fixture(scope="module")
def world() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


@pytest.fixture(scope="module")
def pair(world: Scene) -> tuple[Home, Home]:
    return world.pair()


@pytest.fixture
def team(world: Scene, pair: tuple[Home, Home]) -> Team:
    made = Team(world, *pair, f"web{next(NUMBERS)}")
    made.apply()
    return made


def killed(team: Team, victim: Home, point: str, asker: Home, *words: str) -> None:
    """Say something, while the victim is killed at that point; then it is back, and both are linked."""
    plan = f"{point}=kill"
    pid = arm(victim, plan)
    team.world.wait_linked(team.white, team.nova)
    running = asker.begin(*words)
    heal(victim, pid, plan)
    running.communicate()
    assert running.returncode != 0 or victim is not asker
    team.world.wait_linked(team.white, team.nova)


@pytest.mark.parametrize(
    ("who", "point"),
    [
        ("white", "seat:after_commit_before_ask"),
        ("white", "seat:after_answer"),
        ("nova", "host:after_begun"),
        ("nova", "host:after_start"),
        ("nova", "start:after_spawn"),
        ("white", "start:after_spawn"),
    ],
)
def test_who_was_begun_is_there_once_and_told_once_after_a_kill(
    team: Team, who: str, point: str
) -> None:
    team.invite()
    victim = team.white if who == "white" else team.nova
    killed(team, victim, point, team.white, *team.words())
    begun = {
        one["seat"]: one["term"] for one in told(team.white, "team", "show", team.name)["seats"]
    }
    assert begun, "it was written down before it was done"
    up = team.up()
    assert list(up) == SIX
    assert {one["brief"] for one in up.values()} == {"submitted"}
    assert {seat: up[seat]["term"] for seat in begun} == begun, "and is done in the same term"
    assert team.windows() == {f"{team.name}.{seat}": 1 for seat in SIX}
    assert {seat: len(team.turns(seat)) for seat in SIX} == dict.fromkeys(SIX, 1)


@pytest.mark.parametrize(
    ("who", "point"), [("white", "accept:after_home_commit"), ("nova", "accept:before_commit")]
)
def test_a_yes_that_one_of_them_has_not_written_down_is_finished_by_saying_it_once_more(
    team: Team, who: str, point: str
) -> None:
    asked = told(team.white, "team", "invite", team.name, "nova")
    words = ("team", "accept", asked["id"], "--repo", f"web={team.repository}")
    killed(team, team.white if who == "white" else team.nova, point, team.nova, *words)
    assert "nova" in told(team.white, "team", "show", team.name)["nodes"], "it is written at home"
    assert given(team) == []
    assert told(team.nova, *words)["state"] == "accepted"
    assert given(team)[0] == ["message", "observe", "spawn"]


def given(team: Team) -> list[list[str]]:
    """What nova lets the team do with its agents there, the home's person first."""
    grants = told(team.nova, "grants")
    return [one["verbs"] for one in grants if one["agent"] == f"{team.name}.*"]
