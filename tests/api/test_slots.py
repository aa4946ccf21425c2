"""Counters of a team over real links: from any node, each number once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.trust import NotAllowed
from fleet.core.slots import TakeSlot
from node.engine.chronicle import Chronicle
from tests.api.test_teams import agent, in_step, person, seat, team_of
from tests.support.members import Member, let_in, run
from tests.support.until import eventually

VERSION = TakeSlot("version")


async def _two(white: Member, nova: Member) -> tuple[Chronicle, Chronicle]:
    await let_in(white, nova)
    team = await team_of(white, nova)
    return team, await in_step(team, nova)


def test_two_nodes_at_once_never_get_the_same_number(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        team, copy = await _two(white, nova)
        rin = await seat(white, team, "rin", nova)
        taken = await asyncio.gather(
            *(
                one
                for _ in range(20)
                for one in (
                    white.node.slots.take(person(white), team, VERSION, ""),
                    nova.node.slots.take(rin, copy, VERSION, ""),
                )
            )
        )
        assert sorted(one.number for one in taken) == list(range(1, 41))
        await in_step(team, nova)
        assert copy.board.slots == {"version": 40}

    run(tmp_path, story, "white", "nova")


def test_the_same_request_gets_the_same_number_and_each_caller_its_own(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        team, copy = await _two(white, nova)
        first = await nova.node.slots.take(person(nova), copy, VERSION, "release-1")
        again = await nova.node.slots.take(person(nova), copy, VERSION, "release-1")
        other = await white.node.slots.take(person(white), team, VERSION, "release-1")
        assert (first.number, first.again) == (1, False)
        assert (again.number, again.again) == (1, True)
        assert (other.number, other.again) == (2, False)

    run(tmp_path, story, "white", "nova")


def test_while_the_home_is_away_there_is_no_number(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        _, copy = await _two(white, nova)
        white.node.stopping.set()
        await eventually(lambda: not nova.is_linked(white), "white is away")
        with pytest.raises(NodeUnreachable) as error:
            await nova.node.slots.take(person(nova), copy, VERSION, "")
        assert "numbers come from there alone" in (error.value.hint or "")

    run(tmp_path, story, "white", "nova")


def test_who_is_not_of_the_team_gets_none(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        team, copy = await _two(white, nova)
        with pytest.raises(NotAllowed):
            await white.node.slots.take(agent(white, "stranger"), team, VERSION, "")
        with pytest.raises(NotAllowed):
            await nova.node.slots.take(agent(nova, "stranger"), copy, VERSION, "")
        assert team.board.slots == {}

    run(tmp_path, story, "white", "nova")
