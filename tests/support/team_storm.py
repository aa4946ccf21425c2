"""A storm in which there is a team, too: the same faults, fewer letters, and work that has to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.support.storm import AGENTS, HOSTS, Storm
from tests.support.team_checkers import team_complaints
from tests.support.teamwork import Teamwork

STRIKES = 3
FORGETFUL = 16
"""In the last of so many seeds a team's home may forget."""


class TeamStorm(Storm):
    """One storm. The team's home is the first host. Its database is put back in one of four of these storms
    at most: who writes there before it has heard of its copies takes back what was answered, as decision
    0036 says, so that less can be asked of such a team."""

    bursts = 8

    async def _begin(self) -> None:
        await super()._begin()
        self.team = Teamwork(self._world, self._world.hosts[HOSTS[0]], self.faults.some_s)
        self.faults.spared = (
            self.team.home if self._world.seed % FORGETFUL != FORGETFUL - 1 else None
        )
        await self.team.begin(AGENTS)
        self._world.judges.append(lambda: team_complaints(self.team))

    def _events(self) -> list[Coroutine[Any, Any, object]]:
        strikes = [self._later(self._strike) for _ in range(STRIKES)]
        return [*super()._events(), *self.team.events(), *strikes]

    async def _strike(self) -> None:
        """The home dies around one of the next few effects that it has."""
        home = self.team.home

        def die(moment: str) -> None:
            if home.node is not None:
                self._world.tell(home.key, f"crash {moment}")
                home.crash()

        self.faults.happened["strike"] += 1
        home.at_moment(self._chance.randrange(1, 12), die)
        await asyncio.sleep(self.faults.some_s(3.0))
        if home.node is None:
            home.up()
            self._world.tell(home.key, "up again")

    async def _rest(self) -> None:
        await self.team.finish()
        await super()._rest()
