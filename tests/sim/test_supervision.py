"""A team's supervisor whose node dies at every moment of a tick: each thing is told, and told once."""

from __future__ import annotations

import asyncio

import pytest

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.team_events import Planned, Seated
from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.world import World, play_world

MOMENTS = range(1, 13)


async def team_of_two(world: World) -> Host:
    """White, the home of a team with a lead who lives, and a member who does not."""
    (white,) = await world.fleet("white")
    teams = white.up_node.teams
    team = await teams.found(white.attest(OPERATOR), "site", Planned("{}", "lead", (), 600.0))
    await white.call("start", name="lead", socket=SOCKET, command=("chat",))
    await teams.write(team, "", "", (Seated("lead", "lead", "lead", white.node_id),))
    await teams.write(team, "", "", (Seated("rin", "impl", "rin", white.node_id),))
    return white


def told_by_itself(host: Host) -> list[str]:
    """Whom the node has written to, by its outbox."""
    with host.store() as store:
        rows = store.database.rows(
            "SELECT addressed FROM outbox WHERE sender = ? ORDER BY seq",
            (f"{NODE_ITSELF}@{host.name}",),
        )
    return [str(row[0]) for row in rows]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_home_that_dies_amid_a_tick_tells_everything_once(moment: int) -> None:
    async def story(world: World) -> list[str]:
        white = await team_of_two(world)
        await asyncio.sleep(30.0)
        await white.do(tick(white))  # it is noticed: nobody lives there
        await asyncio.sleep(61.0)
        white.at_moment(moment, lambda _moment: white.crash())
        try:
            await white.do(tick(white))
        except Exception:  # noqa: BLE001 - whatever it died of
            assert white.node is None
        white.at_moment(0, lambda _moment: None)
        if white.node is None:
            white.up()
        for _ in range(4):
            await asyncio.sleep(301.0)
            await white.do(tick(white))
        return told_by_itself(white)

    assert play_world(story, check) == ["lead@white", "operator@white"]


async def tick(host: Host) -> None:
    """One look, as the supervisor takes it."""
    (team,) = host.up_node.teams.all()
    await host.up_node.supervisor.tick(team)
