"""A team whose node takes a new key goes on: its log names the old id, and means the node."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.task import Wanted
from fleet.core.team_commands import AddTask, ClaimTask
from node.engine.chronicle import Chronicle
from tests.api.test_rotation import met_again, rotate
from tests.api.test_teams import agent, in_step, person, seat, team_of
from tests.support.members import Member, let_in, run
from tests.support.until import eventually


async def add(home: Member, title: str) -> None:
    await home.node.teams.command(person(home), of(home), AddTask(Wanted(title)), "")


def of(member: Member) -> Chronicle:
    """The only team that it knows, as it knows it in this life."""
    (team,) = member.node.teams.all()
    return team


async def claimed(member: Member, key: str) -> tuple[int, bool]:
    """Rin, whose seat is on that node, claims the next task: which one, and whether it had it already."""
    rin = agent(member, "site.rin")
    while True:
        try:
            done = await member.node.teams.command(rin, of(member), ClaimTask(), key)
        except NodeUnreachable:  # of two new links one has just been ended
            await asyncio.sleep(0.01)
        else:
            return done.tasks[0].number, done.again


def test_the_copy_goes_on_and_who_sits_there_still_claims_each_command_once(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        await seat(white, team, "rin", nova)
        await add(white, "mend the door")
        assert await claimed(nova, "once") == (1, False)
        old = nova.id
        await rotate(nova)
        assert nova.node.teams.may_read(of(nova), agent(nova, "site.rin")), "whoever is away"
        await met_again(white, nova, old)
        assert await claimed(nova, "once") == (1, True)
        await add(white, "paint the door")
        await in_step(of(white), nova)
        assert (await claimed(nova, "twice"))[0] == 2
        for member in (white, nova):
            board = of(member).board
            assert (board.seats["rin"].node, set(board.nodes)) == (nova.id, {nova.id})

    run(tmp_path, story, "white", "nova")


def test_the_home_is_still_the_home(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        await seat(white, team, "rin", nova)
        await add(white, "mend the door")
        await in_step(team, nova)
        old = white.id
        await rotate(white)
        await met_again(nova, white, old)
        assert of(white).is_home
        for member in (white, nova):
            assert (of(member).row.home, of(member).board.home) == (white.id, white.id)
        assert (await claimed(nova, "first"))[0] == 1
        await nova.leave()
        await add(white, "paint the door")
        await nova.come_back()
        await eventually(lambda: of(nova).have() == of(white).have(), "nova has it all")
        assert (await claimed(nova, "second"))[0] == 2

    run(tmp_path, story, "white", "nova")
