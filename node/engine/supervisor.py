"""Looks at the teams whose home is this node, every tick, and has told what has to be told.

What is wrong, and whose turn it is, is decided in ``fleet/core/supervise.py`` from what the seats' nodes
see. Incidents and the letters that follow from them are written down before any is sent, and a letter
has a key: whatever ends this node in between, each is sent once. Nothing here types: letters are messages
of the node itself, which wait for a safe moment like all others.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.board import Board, Seat
from fleet.core.envelope import LONGEST_EXPIRY_S, Receipt
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import KeyReused, WrongState
from fleet.core.errors.store import StoreFailed
from fleet.core.member import MemberState
from fleet.core.nudges import Letter, To, letters
from fleet.core.supervise import Tick, soonest_s, tick
from fleet.core.task import TaskState
from fleet.core.team import DEFAULT_TICK_S
from fleet.core.troubles import Limits, SeatView
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.outbox import Outbox, Wish
from node.engine.plans import plan_of
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.ticks import Kept, Owed

FIRST_S = 60.0
"""From the node's start to the first look: by then links stand, and screens were seen."""
_LOOK_S = 5.0
_USEFUL_S: Mapping[To, float] = {
    To.SEAT: 240.0,  # less than a held message may wait: a reminder is no trouble of its own
    To.LEAD: 3_600.0,
    To.PERSON: LONGEST_EXPIRY_S,
}
"""For how long a letter is worth reading."""

log = structlog.get_logger()


class SeesMembers(Protocol):
    """Tells how the members of a team are."""

    def states(self, team: Chronicle, *, files: bool) -> Awaitable[Mapping[str, MemberState]]:
        """By seat."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one letter: its receipt so far, or why it was not taken."""

    to: To
    address: str
    outcome: Receipt | FleetError


@dataclass(frozen=True, slots=True)
class Seen:
    """One tick of a team: what was seen, what follows, and what was told."""

    views: tuple[SeatView, ...]
    free: int
    tick_s: float
    done: Tick
    told: tuple[Told, ...] = ()


class Supervisor:
    """One per node."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        members: SeesMembers,
        outbox: Outbox,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._members = members
        self._outbox = outbox
        self._store = store
        self._clock = clock
        self._due_s: dict[str, float] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self) -> None:
        """Look at every team when its time has come, for ever."""
        while True:
            await self._clock.sleep(_LOOK_S)
            for team in self._teams.all():
                if not team.is_home or not self._is_due(team):
                    continue
                try:
                    await self.tick(team)
                except FleetError as error:
                    log.warning(
                        "tick failed", team=team.row.name, error=error.code, detail=str(error)
                    )

    def _is_due(self, team: Chronicle) -> bool:
        now_s = self._clock.now_s()
        return now_s >= self._due_s.setdefault(team.team_id, now_s + FIRST_S)

    async def tick(self, team: Chronicle, *, is_dry: bool = False) -> Seen:
        """Look at a team once, now; unless ``is_dry``, what is due is done. To look more often hurries
        nothing.

        Raises:
            WrongState: its home is another node.
            StoreFailed: nothing was told that is not written down; the next tick tells the rest.
        """
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            raise WrongState(
                f"{team.row.name} is looked after by its home, {home}",
                hint=f"on {home}: fleet team tick {team.row.name}",
            )
        async with self._turns[team.team_id]:
            tick_s = self._tick_s(team)
            self._due_s[team.team_id] = self._clock.now_s() + tick_s  # also if it fails
            seen = self._seen(team, await self._members.states(team, files=False), tick_s)
            if is_dry:
                return seen
            soonest = soonest_s(seen.done, self._clock.wall_s())
            self._due_s[team.team_id] = self._clock.now_s() + min(tick_s, soonest)
            await self._keep(team, seen)
            return replace(seen, told=await self._tell(team))

    # --- looking ---

    def _tick_s(self, team: Chronicle) -> float:
        plan = plan_of(team)
        return plan.tick_s if plan else DEFAULT_TICK_S

    def _seen(self, team: Chronicle, states: Mapping[str, MemberState], tick_s: float) -> Seen:
        board = team.board
        views = tuple(
            _view(board, seat, states[name])
            for name, seat in sorted(board.seats.items())
            if name in states
        )
        free = sum(map(board.is_claimable, board.tasks.values()))
        done = tick(
            views,
            self._store.ticks.get(team.team_id).incidents,
            lead=board.lead,
            free=free,
            limits=Limits(step_s=tick_s),
            now_s=self._clock.wall_s(),
        )
        return Seen(views, free, tick_s, done)

    # --- telling ---

    async def _keep(self, team: Chronicle, seen: Seen) -> None:
        before = self._store.ticks.get(team.team_id)
        wanted = letters(team.row.name, seen.done.acts)
        owed = tuple(
            self._owed(team, letter, before.letters + number)
            for number, letter in enumerate(wanted, 1)
        )
        kept = Kept(seen.done.open, (*before.owed, *owed), before.letters + len(wanted))
        if kept != before:
            self._store.ticks.put(team.team_id, kept)
            await self._store.commit()

    def _owed(self, team: Chronicle, letter: Letter, number: int) -> Owed:
        address = self._address(team, letter)
        until_s = self._clock.wall_s() + _USEFUL_S[letter.to]
        return Owed(letter.to, address, letter.text, f"tick {team.team_id} {number}", until_s)

    def _address(self, team: Chronicle, letter: Letter) -> str:
        if letter.to is To.PERSON:
            return f"{OPERATOR}@{self._fleet.label(self._fleet.me.node_id)}"
        board = team.board
        seat = board.seats[letter.seat or board.lead]
        return f"{seat.agent}@{self._fleet.label(seat.node)}"

    async def _tell(self, team: Chronicle) -> tuple[Told, ...]:
        """Send what is owed, each with its key. What only the person can be told stays owed until it is;
        who refuses a letter is not asked again, and the next step goes to somebody else."""
        kept = self._store.ticks.get(team.team_id)
        if not kept.owed:
            return ()
        told: list[Told] = []
        left: list[Owed] = []
        for letter in kept.owed:
            if letter.until_s <= self._clock.wall_s():
                continue
            one = await self._send(team, letter)
            told.append(one)
            was_sent = isinstance(one.outcome, Receipt | KeyReused)
            if letter.to is To.PERSON and not was_sent:
                left.append(letter)
        self._store.ticks.put(team.team_id, replace(kept, owed=tuple(left)))
        await self._store.commit()
        return tuple(told)

    async def _send(self, team: Chronicle, letter: Owed) -> Told:
        left_s = min(letter.until_s - self._clock.wall_s(), LONGEST_EXPIRY_S)
        wish = Wish(letter.address, letter.text, key=letter.key, expires_s=left_s)
        try:
            receipt = await self._outbox.send(self._fleet.caller(NODE_ITSELF), wish)
        except StoreFailed:
            raise
        except FleetError as error:
            log.warning("nudge refused", team=team.row.name, to=letter.address, error=error.code)
            return Told(letter.to, letter.address, error)
        log.info("nudge sent", team=team.row.name, to=letter.address, envelope=receipt.envelope.id)
        return Told(letter.to, letter.address, receipt)


def _view(board: Board, seat: Seat, state: MemberState) -> SeatView:
    """A seat as its node sees it, and as the board has it."""
    held = board.held_by(seat.name)
    limit = board.limit(seat.role)
    return SeatView(
        seat.name,
        online=state.online,
        connected=state.connected,
        doing=state.doing,
        still_s=state.still_s,
        holds=tuple(task.label for task in held),
        blocked=tuple(task.label for task in held if task.state is TaskState.BLOCKED),
        moved=max((board.history(task.number)[-1] for task in held), default=0),
        takes=limit is None or len(held) < limit,
        held_s=state.held_s,
        held_why=state.held_why,
        paused_s=state.paused_s,
        leaving=seat.name in board.farewells,
    )
