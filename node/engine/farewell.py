"""A team is brought down, at its home: each member is asked to save, says goodbye itself, and is ended.

Everything is in the team's log before it is acted on: who was asked, who answered, whose seat is empty. So
a home that starts anew goes on where it was, and asking again asks nobody twice. What waits in a call only
looks on; ending who has answered is the home's own work, also when nobody looks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace

import structlog

from fleet.core.address import NODE_ITSELF
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.farewell import Behind, Stage
from fleet.core.parting import Parting, ask, empty, is_settled, stay
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.members import Members
from node.engine.notices import Notices
from node.engine.teams import Teams
from node.ports.host import Clock

LOOK_S = 1.0
"""How often it is looked who has answered; an answer is a second old before anybody is ended, so that its
program has heard that it counts."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to leave (all, or the seats of a role), how long to wait for them, and whether who does
    not answer is ended then."""

    role: str
    deadline_s: float
    kill: bool


Tell = Callable[[tuple[Parting, ...], float], Awaitable[None]]
"""Told of every change, and each second: how all stand, and for how long it is still waited."""


class Farewells:
    """Brings down the teams whose home is this node."""

    def __init__(
        self, teams: Teams, fleet: Fleet, members: Members, notices: Notices, clock: Clock
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._members = members
        self._notices = notices
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._moved = asyncio.Event()
        self._heard: dict[tuple[str, str], float] = {}
        self._trouble: dict[tuple[str, str], FleetError] = {}

    # --- the home's person ---

    async def down(
        self, caller: Caller, team: Chronicle, wanted: Wanted, tell: Tell
    ) -> tuple[Parting, ...]:
        """Ask, wait, and say how it ended, by seat. Who has not answered is ended only when that is
        wanted; a caller that goes away ends nobody.

        Raises:
            WrongState: it is not this node's to bring down.
            MalformedRequest: nobody there has this role.
        """
        names = self._meant(team, wanted.role)
        until_s = self._clock.now_s() + wanted.deadline_s
        await self._ask(caller, team, names, wanted)
        gone: frozenset[str] = frozenset()
        while True:
            before, gone = gone, await self._look(team, names, gone)
            now, left_s = self._partings(team, names), until_s - self._clock.now_s()
            await tell(now, max(0.0, left_s))
            if is_settled(now, left_s) and gone <= before:
                break
            await self._wait(min(LOOK_S, left_s) if left_s > 0 else LOOK_S)
        if wanted.kill:
            await tell(now, 0.0)  # fails when the caller is gone
            await self._end_the_silent(caller, team, names)
        return await self._reported(team, names)

    async def stay(self, caller: Caller, team: Chronicle, role: str) -> None:
        """Ask those of a role (or all) to stay after all who have not answered."""
        async with self._turn(team):
            before = dict(team.board.farewells)
            names = [one.name for one in team.board.seats.values() if role in {"", one.role}]
            events = stay(team.board, names) if team.is_home else ()
            if events:
                await self._teams.write(team, str(caller), "", events)
                self._news()
        for event in events:
            await self._notices.reprieve(team, before[event.seat])

    def _meant(self, team: Chronicle, role: str) -> tuple[str, ...]:
        """The seats that are meant: filled ones, and those that a farewell has emptied."""
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            raise WrongState(
                f"{team.row.name} is brought down from its home, {home}",
                hint=f"on {home}: fleet team down {team.row.name}",
            )
        board = team.board
        roles = {name: one.role for name, one in (board.farewells | board.seats).items()}
        names = tuple(sorted(name for name, of in roles.items() if role in {"", of}))
        if role and not names:
            raise MalformedRequest(
                f"nobody of {team.row.name} has the role {role!r}",
                hint=f"there are: {', '.join(sorted(set(roles.values()))) or 'none'}",
            )
        return names

    async def _ask(
        self, caller: Caller, team: Chronicle, names: Iterable[str], wanted: Wanted
    ) -> None:
        async with self._turn(team):
            board, now_s = team.board, self._clock.wall_s()
            there = [name for name in names if name in board.seats]
            if wanted.kill:  # who was asked before, and did not answer in time, had its time
                there = [name for name in there if name not in board.farewells]
            events = ask(board, there, now_s, now_s + wanted.deadline_s)
            if events:
                await self._teams.write(team, str(caller), "", events)

    async def _look(
        self, team: Chronicle, names: Iterable[str], before: frozenset[str]
    ) -> frozenset[str]:
        """Look who of those who were asked does not run any more. They cannot answer: whoever was gone
        ``before`` and still is has its seat emptied. The others get the message that asks."""
        asked = [f.seat for f in team.board.farewells.values() if f.stage is Stage.ASKED]
        if not asked:
            return frozenset()
        states = await self._members.states(team, files=False)
        gone = {seat for seat in asked if (s := states.get(seat)) and s.connected and not s.online}
        for seat in gone & before & set(names):
            await self._end(team, seat, self._itself(), "it was not running, and said nothing")
        await self._send_requests(team, gone)
        return frozenset(gone)

    async def _send_requests(self, team: Chronicle, but: Collection[str] = ()) -> None:
        """Have everybody who was asked get the letter that says so."""
        for farewell in tuple(team.board.farewells.values()):
            left_s = farewell.until_s - self._clock.wall_s()
            if farewell.stage is not Stage.ASKED or left_s <= 0 or farewell.seat in but:
                continue
            key = (team.team_id, farewell.seat)
            try:
                await self._notices.ask(team, farewell, left_s)
            except FleetError as error:
                self._trouble[key] = error
            else:
                self._trouble.pop(key, None)

    # --- how they stand ---

    def _partings(self, team: Chronicle, names: Iterable[str]) -> tuple[Parting, ...]:
        return tuple(self._parting(team, name) for name in names)

    def _parting(self, team: Chronicle, name: str) -> Parting:
        board = team.board
        farewell = board.farewells.get(name)
        one = farewell or board.seats[name]
        return Parting(
            name, one.role, one.agent, one.node, farewell,
            farewell.at(self._clock.wall_s()) if farewell else None,
            self._notices.request(team, farewell) if farewell else None,
            tuple(task.number for task in board.held_by(name)),
            farewell.behind if farewell else Behind(),
            self._trouble.get((team.team_id, name)),
        )  # fmt: skip

    async def _reported(self, team: Chronicle, names: Iterable[str]) -> tuple[Parting, ...]:
        """How they stand, with what those have not saved who are still there."""
        states = await self._members.states(team)
        there = {
            seat: Behind(one.folder, one.branch, one.unsaved, one.unpushed)
            for seat, one in states.items()
        }
        return tuple(
            replace(one, behind=there.get(one.seat, one.behind))
            for one in self._partings(team, names)
        )

    async def _wait(self, for_s: float) -> None:
        moved = self._moved
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await moved.wait()

    def _news(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    # --- ends ---

    def heard(self, team: Chronicle, seat: str) -> None:
        """A member has said goodbye: it is ended in a moment."""
        self._heard[team.team_id, seat] = self._clock.now_s()
        self._news()

    async def run(self) -> None:
        """End who has answered, for ever; first go on where an earlier life of the node was."""
        for team in self._teams.all():
            if team.is_home:
                await self._send_requests(team)
        while True:
            for team in self._teams.all():
                if team.is_home:
                    await self._end_the_answered(team)
            await self._clock.sleep(LOOK_S)

    async def _end_the_answered(self, team: Chronicle) -> None:
        for farewell in tuple(team.board.farewells.values()):
            heard_s = self._heard.get((team.team_id, farewell.seat))
            is_fresh = heard_s is not None and self._clock.now_s() - heard_s < LOOK_S
            if farewell.stage is Stage.SAID and not is_fresh:
                await self._end(team, farewell.seat, self._itself(), "it said goodbye")

    async def _end_the_silent(self, caller: Caller, team: Chronicle, names: Iterable[str]) -> None:
        for name in names:
            farewell = team.board.farewells.get(name)
            if farewell is not None and farewell.stage is Stage.ASKED:
                await self._end(team, name, str(caller), f"ended by {caller} without an answer")

    async def _end(self, team: Chronicle, name: str, by: str, why: str) -> None:
        """End a member, and have its seat empty; what is in the way is kept for who asks."""
        key = (team.team_id, name)
        try:
            async with self._turn(team):
                seat, farewell = team.board.seats.get(name), team.board.farewells.get(name)
                if seat is None or farewell is None:
                    return
                rest = await self._members.unseat(team, name)
                behind = Behind(rest.folder, rest.branch, rest.unsaved, rest.unpushed)
                await self._notices.take_back(team, farewell)
                if team.board.seats.get(name) == seat:
                    await self._teams.write(team, by, "", empty(team.board, name, why, behind))
        except FleetError as error:
            if str(self._trouble.get(key)) != str(error):
                log.warning("member not ended", team=team.row.name, seat=name, error=str(error))
            self._trouble[key] = error
            return
        self._trouble.pop(key, None)
        self._heard.pop(key, None)
        log.info("member ended", team=team.row.name, seat=name, why=why)
        self._news()

    def _itself(self) -> str:
        return f"{NODE_ITSELF}@{self._fleet.me.name}"

    def _turn(self, team: Chronicle) -> asyncio.Lock:
        return self._turns.setdefault(team.team_id, asyncio.Lock())
