"""Nodes come into a team and leave it, agents take its seats and lose them, while a storm goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

import msgspec

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.frames import TeamAsk
from fleet.core.team_events import NodeAsked
from tests.support.host import Host
from tests.support.world import World

if TYPE_CHECKING:
    from tests.support.teamwork import Teamwork

TEAM = "site"


class Comings:
    """Who comes and who goes."""

    def __init__(
        self, work: Teamwork, world: World, chance: Random, some_s: Callable[[float], float]
    ) -> None:
        self._work = work
        self._world = world
        self._chance = chance
        self._some_s = some_s
        self._asked: list[tuple[Host, NodeAsked]] = []
        self.chores: tuple[Callable[[], Awaitable[object]], ...] = (
            self._invite, self._invite, self._invite, self._withdraw, self._leave, self._put_out,
            self._empty_a_seat, self._sit, self._sit, self._sit, self._replay, self._replay,
        )  # fmt: skip

    async def let_in(self, host: Host) -> None:
        """A node is invited, and accepts: its two people do so at once."""
        said = await self._work.home.call("team_invite", team=TEAM, node=host.name)
        if said.exit != 0:
            return
        invitation = said.result["id"]
        if (asked := self._work.board().asked.get(invitation)) is not None:
            self._asked.append((host, asked))
        for _ in range(3):
            if host.node is None:
                return
            both = await asyncio.gather(*(host.call("team_accept", id=invitation) for _ in "ab"))
            told = [one.exit or "yes" for one in both]
            self._world.tell(host.key, f"accepts {invitation[:6]}: {told}")
            if any(one.exit == 0 for one in both):
                return
            await asyncio.sleep(self._some_s(2.0))

    async def _invite(self) -> None:
        host = self._work.any_host()
        if host is not self._work.home:
            await self.let_in(host)
            await self.seat_all(host)

    async def seat_all(self, host: Host) -> None:
        """All agents of a host are to be members, as far as there is room."""
        for agent in self._work.agents:
            await self.seat(host, agent, "impl")

    async def seat(self, host: Host, agent: str, role: str) -> None:
        """One agent is to have a seat of a role."""
        if self._work.home.node is not None:
            address = f"{agent}@{host.name}"
            said = await self._work.home.call("team_add", team=TEAM, agent=address, role=role)
            self._world.tell(self._work.home.key, f"{address} is to be {role}: {said.exit}")

    async def _sit(self) -> None:
        await self.seat(self._work.any_host(), self._chance.choice(self._work.agents), "impl")

    async def _empty_a_seat(self) -> None:
        if seats := sorted(self._work.board().seats):
            seat = self._chance.choice(seats)
            said = await self._work.home.call("team_drop", team=TEAM, seat=seat)
            self._world.tell(self._work.home.key, f"seat {seat} is emptied: {said.exit}")

    async def _withdraw(self) -> None:
        said = await self._work.home.call("team_invite", team=TEAM, node=self._work.any_host().name)
        if said.exit == 0:
            said = await self._work.home.call("team_withdraw", team=TEAM, id=said.result["id"])
            self._world.tell(self._work.home.key, f"withdraws an invitation: {said.exit}")

    async def _leave(self) -> None:
        host = self._work.any_host()
        if host is not self._work.home and host.node is not None:
            said = await host.call("team_leave", team=TEAM)
            self._world.tell(host.key, f"leaves the team: {said.exit}")

    async def _put_out(self) -> None:
        host = self._work.any_host()
        said = await self._work.home.call("team_remove", team=TEAM, node=host.name)
        self._world.tell(self._work.home.key, f"puts {host.key} out of the team: {said.exit}")

    async def _replay(self) -> None:
        """A node says once more what it once said to an invitation, whatever became of that since."""
        if not self._asked:
            return
        host, asked = self._chance.choice(self._asked)
        if host.node is None or host.process.is_stopped:
            return
        said = msgspec.json.encode({"invitation": asked.invitation, "roles": asked.roles})
        ask = TeamAsk(OPERATOR, self._work.team_id, "accept", said, asked.invitation)
        try:
            await host.do(host.node.peers.ask(self._work.home.node_id, ask))
            told = "yes"
        except FleetError as error:
            told = error.code
        self._world.tell(host.key, f"says yes to {asked.invitation[:6]} again: {told}")
