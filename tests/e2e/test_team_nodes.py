"""One team on two real nodes: brought up from its home, each member where it may be, started once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import Recording
from tests.support.repositories import git
from tests.support.team_nodes import SIX, Team
from tests.support.until import until


@pytest.fixture(scope="module")
def web(world: Scene, pair: tuple[Home, Home]) -> Team:
    return Team(world, *pair, "web")


def test_six_on_two_nodes_are_started_each_in_its_place_and_told_their_job_once(web: Team) -> None:
    web.apply()
    web.invite()
    first = web.up()
    assert list(first) == SIX
    assert {one["started"] for one in first.values()} == {True}
    assert {one["brief"] for one in first.values()} == {"submitted"}
    at = {seat: one["node"] for seat, one in first.items()}
    assert (at["lead"], at["ship"]) == ("white", "nova")
    assert Counter(at.values()) == {"white": 3, "nova": 3}, "any node is the one with the fewest"
    for seat, one in first.items():
        (turn,) = Recording(web.world.folder / f"web.{seat}").turns()
        assert turn.sender == f"fleet@{one['node']}"
        assert f"\nYou are web/{seat}, a member of the team web.\n" in turn.text
    for seat in ("impl", "impl-2", "impl-3", "ship"):
        home = web.white if at[seat] == "white" else web.nova
        assert (home.root / "worktrees" / "web" / seat / ".git").exists()
    assert web.windows() == {f"web.{seat}": 1 for seat in SIX}
    again = web.up()
    assert {one["started"] for one in again.values()} == {False}
    assert [one["id"] for one in again.values()] == [one["id"] for one in first.values()]
    assert web.windows() == {f"web.{seat}": 1 for seat in SIX}


def test_every_member_has_its_name_from_every_node_and_they_write_to_each_other(web: Team) -> None:
    web.up()
    for home in (web.white, web.nova):
        for seat in SIX:
            sent = told(home, "send", f"web/{seat}", f"hello from {home.name}")
            assert sent["to"].startswith(f"web.{seat}@")
            assert sent["state"] == "submitted"
    to_all = web.nova.ask("send", "@web", "stand up")
    assert len(to_all) == len(SIX)


def test_a_node_that_is_away_is_said_for_its_seats_and_the_others_go_on(web: Team) -> None:
    before = web.up()
    away = [seat for seat, one in before.items() if one["node"] == "nova"]
    here = next(s for s, one in before.items() if one["node"] == "white" and s != "lead")
    told(web.white, "stop", f"web.{here}")
    told(web.nova, "down")
    until(lambda: not web.white.sees("nova"), "nova is away")
    said = run(web.white, "team", "up", "web", "--checkout", str(web.repository))
    assert said.code == 8
    assert all(f"{seat}: nova cannot be reached" in said.err for seat in away)
    after = web.up(code=8)
    assert [seat for seat, one in after.items() if one["error"]] == away
    assert after[here]["brief"] == "submitted"
    assert after[here]["term"] != before[here]["term"]
    web.nova.again()
    web.world.wait_linked(web.white, web.nova)
    web.world.wait_known(web.white, *(f"web.{seat}@nova" for seat in away))
    back = web.up()
    assert [back[seat]["term"] for seat in away] == [before[seat]["term"] for seat in away]
    assert web.windows() == {f"web.{seat}": 1 for seat in SIX}


def test_who_has_ended_on_another_node_is_started_there_again_with_its_work(web: Team) -> None:
    before = web.up()
    work = web.nova.root / "worktrees" / "web" / "ship" / "half done"
    work.write_text("not committed")
    told(web.nova, "stop", "web.ship")
    web.world.wait_known(web.white, "web.lead@white")
    until(
        lambda: any(
            a["name"] == "web.ship" and a["state"] == "offline" for a in web.white.ask("ls")
        ),
        "white knows that it has ended",
    )
    after = web.up()
    assert {seat for seat in SIX if after[seat]["started"]} == {"ship"}
    assert after["ship"]["node"] == "nova"
    assert after["ship"]["term"] > before["ship"]["term"]
    assert work.read_text() == "not committed"


def test_a_member_that_was_there_before_the_team_keeps_its_seat_and_is_left_alone(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    white, nova = pair
    crew = Team(world, white, nova, "crew")
    crew.apply()
    crew.invite()
    record = Recording(world.folder / "old-hand")
    record.start(nova, "old-hand")
    world.wait_known(white, "old-hand@nova")
    told(white, "team", "add", "crew", "old-hand@nova", "--role", "impl")
    up = crew.up()
    assert (up["impl"]["address"], up["impl"]["started"]) == ("old-hand@nova", False)
    assert up["impl"]["brief"] == ""
    assert crew.windows()["crew.impl"] == 0
    sent = told(white, "send", "crew/impl", "are you with us?")
    assert (sent["to"], sent["state"]) == ("old-hand@nova", "submitted")
    told(nova, "stop", "old-hand")
    until(
        lambda: any(a["name"] == "old-hand" and a["state"] == "offline" for a in white.ask("ls")),
        "white knows that it has ended",
    )
    gone = crew.up(code=9)
    assert gone["impl"]["error"]["code"] == "wrong_state"
    assert crew.windows()["crew.impl"] == 0, "nobody takes its place unasked"


def test_more_than_a_node_has_agreed_to_goes_to_the_others(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    white, nova = pair
    many = Team(world, white, nova, "many")
    many.apply(**{"count = 3": "count = 1"})
    many.invite()
    many.apply(**{"count = 3": "count = 4"})
    up = many.up()
    at = Counter(str(one["node"]) for seat, one in up.items() if seat.startswith("impl"))
    assert at == {"white": 3, "nova": 1}
    assert {one["brief"] for one in up.values()} == {"submitted"}


def test_what_was_not_agreed_to_is_said_and_its_seat_stays_empty(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    white, nova = pair
    shop = Team(world, white, nova, "shop")
    shop.apply()
    up = shop.up(code=7)
    assert [seat for seat, one in up.items() if one["error"]] == ["ship"]
    assert {one["node"] for seat, one in up.items() if seat != "ship"} == {"white"}
    seats = {one["seat"] for one in told(white, "team", "show", "shop")["seats"]}
    assert seats == {*SIX} - {"ship"}
    assert str(nova.root) not in git(shop.repository, "worktree", "list")


def test_leaving_ends_the_members_here_after_a_yes_and_keeps_what_is_only_there(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    white, nova = pair
    exit_ = Team(world, white, nova, "exit")
    exit_.apply()
    exit_.invite()
    here = [seat for seat, one in exit_.up().items() if one["node"] == "nova"]
    assert "ship" in here
    work = nova.root / "worktrees/exit/ship/half done"
    work.write_text("not committed")
    unsaid = run(nova, "team", "leave", "exit")
    assert unsaid.code == 2
    assert "fleet team leave --yes" in unsaid.err
    assert all(f"exit.{seat} runs here" in unsaid.err for seat in here)
    world.wait_known(nova, *(f"exit.{seat}@nova" for seat in here))
    left = told(nova, "team", "leave", "exit", "--yes")
    assert [(one["seat"], one["ended"]) for one in left["members"]] == [(s, True) for s in here]
    kept = {one["seat"]: one for one in left["members"] if one["unsaved"]}
    assert list(kept) == ["ship"]
    assert kept["ship"]["folder"] == str(work.parent)
    assert work.read_text() == "not committed"
    assert not [name for name in exit_.windows() if name.removeprefix("exit.") in here]
    assert not [one for one in told(nova, "grants") if one["agent"] == "exit.*"]
    until(
        lambda: not [s for s in told(white, "team", "show", "exit")["seats"] if s["seat"] in here],
        "the home knows that their seats are empty",
    )
