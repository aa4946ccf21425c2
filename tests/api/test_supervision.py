"""A team's supervisor over real links, with a real tmux: what another node sees of its seats is told here."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.core.address import OPERATOR
from fleet.core.delivery import State
from fleet.core.envelope import Receipt
from fleet.core.errors.requests import WrongState
from fleet.core.nudges import To
from fleet.core.task import TaskState, Wanted
from fleet.core.team_commands import AddTask, BlockTask, ClaimTask
from fleet.core.troubles import Trouble
from node.engine.chronicle import Chronicle
from node.engine.supervisor import Seen
from tests.api.test_team_members import Web, play
from tests.api.test_teams import agent, in_step, person
from tests.support.members import Member
from tests.support.until import eventually


async def claimed(on: Web, team: Chronicle) -> None:
    """Help lives on nova and holds T1."""
    await on.seat(team, "help")
    home = on.white.node
    await home.teams.command(person(on.white), team, AddTask(Wanted("mend the door")), "")
    there = await in_step(team, on.nova)
    await on.nova.node.teams.command(agent(on.nova, "web.help"), there, ClaimTask(), "")


def make_still(member: Member, name: str) -> None:
    """An agent's screen has not changed for half an hour."""
    seen = member.node.screens._seen
    seen[name] = seen[name]._replace(since_s=member.node.clock.now_s() - 1_800.0)


def open_(seen: Seen) -> list[tuple[str, Trouble, int]]:
    return [(one.seat, one.trouble, one.done) for one in seen.done.open]


def letters_to(member: Member, name: str) -> int:
    """How much of what came for somebody is from a node itself."""
    items = member.node.store.inbox.recent(name, 100, dead=False)
    return sum(item.envelope.sender.startswith("fleet@") for item in items)


def test_who_stands_still_on_another_node_is_reminded_there_once(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await claimed(on, team)
        tick = on.white.node.supervisor.tick
        seen = await tick(team)
        (view,) = seen.views
        assert (view.seat, view.online, view.holds, view.doing) == ("help", True, ("T1",), "ready")
        assert not seen.done.acts
        make_still(on.nova, "web.help")
        dry = await tick(team, is_dry=True)
        assert [act.to for act in dry.done.acts] == [To.SEAT]
        assert not dry.told
        (told,) = (await tick(team)).told
        assert told.address == "web.help@nova"
        assert isinstance(told.outcome, Receipt)
        letter = told.outcome.envelope
        assert letter.sender == "fleet@white"

        def is_typed() -> bool:
            row = on.white.node.store.outbox.get(letter.id)
            return row is not None and row.state in {State.SUBMITTED, State.UNCONFIRMED}

        await eventually(is_typed, "nova has typed it")
        assert not (await tick(team)).told
        assert letters_to(on.nova, "web.help") == 1

    play(tmp_path, story)


def test_what_is_open_outlives_the_home_and_is_not_told_again(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await claimed(on, team)
        there = await in_step(team, on.nova)
        await on.nova.node.teams.command(
            agent(on.nova, "web.help"), there, BlockTask(1, "no key"), ""
        )
        seen = await on.white.node.supervisor.tick(team)
        assert open_(seen) == [("help", Trouble.BLOCKED, 2)], "there is no lead: the person"
        assert [one.address for one in seen.told] == [f"{OPERATOR}@white"]
        await on.white.leave()
        await on.white.come_back()
        again = on.white.node.teams.by_id(team.team_id)
        assert again is not None
        await eventually(lambda: on.white.is_linked(on.nova), "linked again")
        seen = await on.white.node.supervisor.tick(again)
        assert open_(seen) == [("help", Trouble.BLOCKED, 2)]
        assert not seen.told
        assert letters_to(on.white, OPERATOR) == 1

    play(tmp_path, story)


def test_a_node_that_is_away_is_no_seat_that_is_gone(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await claimed(on, team)
        await on.nova.leave()
        await eventually(lambda: not on.white.is_linked(on.nova), "nova is away")
        seen = await on.white.node.supervisor.tick(team)
        assert open_(seen) == [("help", Trouble.AWAY, 0)]
        await on.nova.come_back()
        await eventually(lambda: on.white.is_linked(on.nova), "nova is back")
        await on.nova.node.agents.end("web.help")
        seen = await on.white.node.supervisor.tick(team)
        assert open_(seen) == [("help", Trouble.GONE, 0)]
        there = on.nova.node.teams.by_id(team.team_id)
        assert there is not None
        with pytest.raises(WrongState, match="looked after by its home, white"):
            await on.nova.node.supervisor.tick(there)

    play(tmp_path, story)


def test_a_claim_lives_as_long_as_its_holder_s_node_says_so(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await claimed(on, team)
        teams, copies = on.white.node.teams, on.nova.node.copies
        leases = teams._leases.of(team)

        def is_renewed() -> bool:
            return teams.left_s(team, team.board.tasks[1]) > 60.0

        leases._until[1] = on.white.node.clock.now_s() + 30.0
        copies.beat()
        await eventually(is_renewed, "nova's word has come")
        await on.nova.node.agents.end("web.help")
        leases._until[1] = on.white.node.clock.now_s()
        copies.beat()
        there = await in_step(team, on.nova)
        later = AddTask(Wanted("said behind the beat, on the same link"))
        await on.nova.node.teams.command(person(on.nova), there, later, "")
        await teams.lapse()
        assert team.board.tasks[1].state is TaskState.OPEN
        assert "nothing was heard of it" in team.board.tasks[1].why

    play(tmp_path, story)
