"""Goodbyes over real links, with a real tmux: said on a member's own node, written down at the home, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet.core.delivery import State
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import TooLarge, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.farewell import Stage
from fleet.core.parting import Parting
from fleet.core.task import TaskState, Wanted
from fleet.core.team_commands import AddTask, ClaimTask
from fleet.core.team_events import FarewellAsked
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.farewell import Wanted as Leaving
from tests.api.test_team_members import Web, play
from tests.api.test_teams import agent, in_step, person
from tests.support.members import Member
from tests.support.until import eventually

ALL = Leaving("", 600.0, kill=False)


async def deaf(_partings: tuple[Parting, ...], _left_s: float) -> None:
    """Nobody looks."""


async def member(on: Web) -> tuple[Chronicle, Caller]:
    """The team, and its member that lives on nova."""
    team = await on.begin()
    await on.seat(team, "help")
    await in_step(team, on.nova)
    return team, agent(on.nova, "web.help")


async def asked(home: Member, team: Chronicle) -> asyncio.Task[tuple[Parting, ...]]:
    """A call that brings the team down, under way."""
    going = asyncio.create_task(home.node.farewells.down(person(home), team, ALL, deaf))
    await eventually(
        lambda: team.board.farewells.keys() >= team.board.seats.keys(), "all are asked"
    )
    return going


def test_a_member_on_another_node_says_goodbye_and_its_seat_is_empty(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, rin = await member(on)
        await white.node.teams.command(person(white), team, AddTask(Wanted("mend it")), "")
        await white.node.teams.command(rin, team, ClaimTask(1), "")
        copy = await in_step(team, nova)
        with pytest.raises(WrongState, match="nobody has asked"):
            await nova.node.goodbyes.bye(rin, copy, "")
        going = await asked(white, team)
        await in_step(team, nova)
        with pytest.raises(TooLarge):
            await nova.node.goodbyes.bye(rin, copy, "x" * 9_000)
        said = await nova.node.goodbyes.bye(rin, copy, "half done")
        assert (said.seat, said.released, said.again) == ("help", (1,), False)
        again = await nova.node.goodbyes.bye(rin, copy, "another note")
        assert (again.released, again.again) == ((1,), True)
        (one,) = await going
        assert one.stage is Stage.LEFT
        assert not team.board.seats
        assert not on.programs("web.help")
        assert team.board.tasks[1].state is TaskState.OPEN
        await in_step(team, nova)
        handed = copy.memory.handover("help")
        assert handed is not None
        assert handed.text == "half done"

    play(tmp_path, story)


def test_nobody_says_goodbye_for_a_member_of_another_node(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white = on.white
        team, _ = await member(on)
        going = await asked(white, team)
        for liar in (agent(white, "web.help"), agent(white, "neo")):
            with pytest.raises(NotAllowed):
                await white.node.goodbyes.bye(liar, team, "")
        assert team.board.farewells["help"].stage is Stage.ASKED
        going.cancel()

    play(tmp_path, story)


def test_while_the_home_is_away_a_goodbye_does_not_count_and_says_so(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, rin = await member(on)
        copy = await in_step(team, nova)
        going = await asked(white, team)
        await in_step(team, nova)
        going.cancel()
        await white.leave()
        with pytest.raises(NodeUnreachable) as away:
            await nova.node.goodbyes.bye(rin, copy, "")
        assert "say it again until it counts" in away.value.hint
        await white.come_back()
        await eventually(lambda: nova.is_linked(white), "the home is back")
        said = await nova.node.goodbyes.bye(rin, copy, "")
        assert not said.again
        back = white.node.teams.by_id(team.team_id)
        assert back is not None
        await eventually(lambda: not back.board.seats, "it is ended, with nobody waiting")
        assert back.board.farewells["help"].stage is Stage.LEFT

    play(tmp_path, story)


def test_a_team_is_brought_down_from_its_home_alone(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        nova = on.nova
        team = await on.begin()
        copy = await in_step(team, nova)
        with pytest.raises(WrongState, match="brought down from its home, white"):
            await nova.node.farewells.down(person(nova), copy, ALL, deaf)

    play(tmp_path, story)


def test_a_caller_that_goes_away_ends_nobody(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white = on.white
        team, _ = await member(on)

        async def gone(_partings: tuple[Parting, ...], left_s: float) -> None:
            if left_s <= 0:
                raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await white.node.farewells.down(person(white), team, Leaving("", 0.1, kill=True), gone)
        assert set(team.board.seats) == {"help"}
        assert on.programs("web.help")

    play(tmp_path, story)


def test_the_members_of_a_node_that_is_away_are_silent_and_are_not_called_gone(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, _ = await member(on)
        await nova.leave()
        down = white.node.farewells.down
        (one,) = await down(person(white), team, Leaving("", 1.5, kill=False), deaf)
        assert (one.stage, one.error) == (Stage.SILENT, None)
        (one,) = await down(person(white), team, Leaving("", 0.0, kill=True), deaf)
        assert one.stage is Stage.SILENT
        assert isinstance(one.error, NodeUnreachable)
        assert set(team.board.seats) == {"help"}
        await nova.come_back()
        await eventually(lambda: white.is_linked(nova), "it is back")
        (one,) = await down(person(white), team, Leaving("", 0.0, kill=True), deaf)
        assert one.stage is Stage.ENDED
        assert not on.programs("web.help")

    play(tmp_path, story)


def test_whose_program_has_ended_is_not_asked(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team, _ = await member(on)
        await on.nova.node.agents.end("web.help")
        down = on.white.node.farewells.down
        (one,) = await down(person(on.white), team, ALL, deaf)
        assert (one.stage, one.letter) == (Stage.ENDED, None)

    play(tmp_path, story)


def test_who_has_not_answered_when_the_team_comes_up_again_stays_and_is_told(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, rin = await member(on)
        going = await asked(white, team)
        await eventually(
            lambda: len(nova.node.store.inbox.recent("web.help", 9, dead=False)) == 1, "asked"
        )
        await white.node.farewells.stay(person(white), team, "")
        (one,) = await going
        assert one.stage is None
        assert not team.board.farewells
        letters = nova.node.store.inbox.recent("web.help", 9, dead=False)
        was_read = not all(letter.state is State.CANCELLED for letter in letters)
        assert was_read == any("need not leave" in one.envelope.text for one in letters)
        copy = await in_step(team, nova)
        with pytest.raises(WrongState, match="nobody has asked"):
            await nova.node.goodbyes.bye(rin, copy, "")
        assert on.programs("web.help")

    play(tmp_path, story)


def test_a_request_that_nobody_has_read_is_taken_back_and_nothing_more_is_said(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, _ = await member(on)
        await nova.leave()
        going = await asked(white, team)
        await eventually(lambda: white.node.store.outbox.recent(9, dead=False), "it is queued")
        await white.node.farewells.stay(person(white), team, "")
        await going
        (letter,) = white.node.store.outbox.recent(9, dead=False)
        assert letter.state is State.CANCELLED
        await nova.come_back()

    play(tmp_path, story)


def test_who_was_asked_and_not_told_before_the_home_ended_is_told_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team, _ = await member(on)
        term, until_s = team.board.seats["help"].term, white.node.clock.wall_s() + 600.0
        await white.node.teams.write(team, "", "", (FarewellAsked("help", term, until_s),))
        await white.leave()
        await white.come_back()
        inbox = nova.node.store.inbox
        await eventually(lambda: inbox.recent("web.help", 9, dead=False), "it is asked")
        (letter,) = inbox.recent("web.help", 9, dead=False)
        assert "is being brought down" in letter.envelope.text

    play(tmp_path, story)
