"""A claim goes on with its seat: whoever comes into it has the whole lease before them, and no more."""

from __future__ import annotations

import asyncio

from fleet.core.address import OPERATOR
from fleet.core.task import TaskState, Wanted
from fleet.core.team_commands import AddTask, AssignTask
from fleet.core.team_events import Planned, Seated
from tests.support.checkers import check
from tests.support.world import World, play_world


def test_a_claim_has_its_whole_lease_again_when_somebody_comes_into_its_seat() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        teams, me = white.up_node.teams, white.up_node.fleet.caller(OPERATOR)
        team = await teams.found(me, "web", Planned("{}", "lead", (), 600.0))
        seated = Seated("impl", "impl", "web.impl", white.node_id)  # whom nobody speaks for
        await teams.write(team, "", "", (seated,))
        await teams.command(me, team, AddTask(Wanted("mend it")), "")
        await teams.command(me, team, AssignTask(1, "impl"), "")
        await asyncio.sleep(500)
        await teams.write(team, "", "", (seated,))
        await asyncio.sleep(500)
        assert team.board.task(1).state is TaskState.CLAIMED
        await asyncio.sleep(150)
        assert team.board.task(1).state is TaskState.OPEN

    play_world(story, check)
