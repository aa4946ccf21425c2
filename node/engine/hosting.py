"""The members of teams on this node: each started in its place, once in each term, and ended.

A member is an agent called ``<team>.<seat>``. Its folder is made before it is started, below the home's
``worktrees``, and never shared. What was begun and not brought to its end is found by the next attempt;
what failed leaves nothing behind. When it ends, its worktree goes if nothing would be lost with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

from fleet.core.errors.base import FleetError
from fleet.core.errors.names import NameTaken
from fleet.core.errors.worktrees import UnsavedWork, WorktreeFailed
from fleet.core.member import Became, Hosted, Left, Stage, Turn, require_newest, turn
from fleet.core.team import RolePlan, TeamPlan, Worktree, agent_name, branch_of
from fleet.core.worktree import WorktreeWish, left, lost
from node.engine.agents import Agents
from node.engine.chronicle import Chronicle
from node.engine.starter import Start, Starter
from node.faults import fault
from node.ports.host import Clock
from node.ports.worktrees import Worktrees
from node.store import SqliteStore


@dataclass(frozen=True, slots=True)
class Place:
    """A seat to be filled here. ``checkout`` is where its repository is on this host, ``socket`` the tmux
    server its program runs in."""

    plan: TeamPlan
    role: RolePlan
    seat: str
    checkout: str
    socket: str


Within = Callable[[int], None]
"""Raises when so many others of the role live here already that there is no room for one more."""


def anything(_others: int) -> None:
    """What a team may do on its own home."""


class Hosting:
    """Starts and ends members here, one after the other in each team. ``folders`` is where theirs are made."""

    def __init__(
        self,
        agents: Agents,
        starter: Starter,
        worktrees: Worktrees,
        store: SqliteStore,
        clock: Clock,
        folders: PurePath,
    ) -> None:
        self._agents = agents
        self._starter = starter
        self._worktrees = worktrees
        self._store = store
        self._clock = clock
        self._folders = folders
        self._turns: dict[str, asyncio.Lock] = {}
        self._under_way: set[tuple[str, str]] = set()

    # --- in ---

    async def seat(
        self, team_id: str, term: int, place: Place, within: Within = anything
    ) -> Became:
        """Have somebody live in this seat, in this term: started, or found alive as an earlier attempt
        left it. Asked once more meanwhile it says that it is under way.

        Raises:
            NameTaken: somebody else lives under its name here.
            WrongState: a later term of the seat is known.
            FleetError: as worktrees, profiles, tmux and ``within`` demand; nothing is left behind.
        """
        key = (team_id, place.seat)
        if key in self._under_way:
            return Became.UNDER_WAY
        self._under_way.add(key)
        try:
            async with self._turn(team_id):
                return await self._seat(team_id, term, place, within)
        finally:
            self._under_way.discard(key)

    def _turn(self, team_id: str) -> asyncio.Lock:
        return self._turns.setdefault(team_id, asyncio.Lock())

    async def _seat(self, team_id: str, term: int, place: Place, within: Within) -> Became:
        name, folder = agent_name(place.plan.name, place.seat), self._folder(place)
        known = self._store.hosted.get(team_id, place.seat)
        lives = await self._lives(name, folder, is_ours=known is not None)
        todo = turn(known, term, lives=lives)
        if todo is Turn.NOTHING:
            return Became.OVER
        own = place.role.worktree is Worktree.OWN
        is_begun = known is not None and (known.term, known.stage) == (term, Stage.BEGUN)
        token = known.token if known and is_begun else self._clock.token()
        hosted = Hosted(
            team_id, place.seat, place.role.name, name, folder, own, term, Stage.BEGUN, token
        )
        if todo is Turn.START:
            within(await self._others(hosted))
            await self._keep(hosted)
            fault("host:after_begun")
            await self._start(place, hosted)
            fault("host:after_start")
        await self._keep(replace(hosted, stage=Stage.LIVED))
        return Became.STARTED if todo is Turn.START else Became.FOUND

    async def _start(self, place: Place, hosted: Hosted) -> None:
        name, folder = hosted.agent, hosted.folder
        is_new = await self._prepare(place, folder)
        role = place.role
        wish = Start(
            name,
            place.socket,
            role.profile,
            role.policy.value,
            folder,
            role.command,
            hooks=role.hooks,
            team=place.plan.name,
            role=role.name,
            token=hosted.token,
        )
        self._agents.await_brief(name)
        try:
            await self._starter.start(wish)
        except FleetError:
            if is_new:
                with contextlib.suppress(FleetError):  # the first error is the one to tell
                    await self._worktrees.remove(folder)
            raise

    async def _lives(self, name: str, folder: str, *, is_ours: bool = True) -> bool:
        """Whether the member does. Not ``is_ours``: nobody was ever started for its seat, and who lives in
        the same folder under its name is somebody else.

        Raises:
            NameTaken: somebody else does, under its name.
        """
        try:
            await self._agents.free(name)
        except NameTaken:
            if not is_ours or self._agents.known(name).cwd != folder:
                raise
            return True
        return False

    async def _others(self, hosted: Hosted) -> int:
        """How many live here in other seats of the role."""
        others = [
            one
            for one in self._store.hosted.of(hosted.team_id)
            if one.role == hosted.role and one.stage is not Stage.ENDED and one.seat != hosted.seat
        ]
        return sum([await self._is_alive(one) for one in others])

    async def _is_alive(self, hosted: Hosted) -> bool:
        try:
            return await self._lives(hosted.agent, hosted.folder)
        except NameTaken:
            return False

    async def _keep(self, hosted: Hosted) -> None:
        self._store.hosted.put(hosted)
        await self._store.commit()

    def _folder(self, place: Place) -> str:
        if place.role.worktree is Worktree.CHECKOUT:
            return place.checkout
        return str(self._folders / place.plan.name / place.seat)

    async def _prepare(self, place: Place, folder: str) -> bool:
        """Make the member's folder; whether there is a new worktree in it."""
        role = place.role
        match role.worktree:
            case Worktree.OWN:
                branch = branch_of(place.plan.name, role, place.seat)
                wish = WorktreeWish(
                    place.checkout, folder, branch, place.plan.base or "HEAD", role.include
                )
                return (await self._worktrees.prepare(wish)).is_new
            case Worktree.NONE:
                await self._worktrees.empty(folder)
            case Worktree.CHECKOUT:
                pass
        return False

    # --- out ---

    async def unseat(self, team_id: str, seat: str, term: int, *, keep: bool = False) -> Left:
        """End the member in a seat, and take its worktree away if nothing would be lost with it, unless it
        is to be kept; what is left. Once more says what is left still; nothing is ended but what was started for the seat.

        Raises:
            WrongState: a later term of the seat is known.
            NoTmux: it cannot be ended now.
        """
        async with self._turn(team_id):
            known = self._store.hosted.get(team_id, seat)
            if known is None:
                return Left()
            require_newest(known, term)
            lived = await self._is_alive(known)
            if lived:
                await self._agents.end(known.agent)
            elif (agent := self._agents.get(known.agent)) and agent.cwd == known.folder:
                self._agents.gone(agent)
            kept = await self._cleared(known, keep=keep)
            await self._keep(replace(known, term=term, stage=Stage.ENDED))
            return replace(kept, ended=lived)

    async def clear(self, team_id: str) -> tuple[tuple[Hosted, Left], ...]:
        """Empty every seat of a team here, as ``unseat`` does; what is left of each.

        Raises:
            NoTmux: somebody cannot be ended now; the others may have been.
        """
        filled = [one for one in self._store.hosted.of(team_id) if one.stage is not Stage.ENDED]
        return tuple([(one, await self.unseat(team_id, one.seat, one.term)) for one in filled])

    async def living(self, team_id: str) -> tuple[Hosted, ...]:
        """Who was started here for a team, and lives."""
        known = self._store.hosted.of(team_id)
        return tuple([one for one in known if await self._is_alive(one)])

    async def _cleared(self, known: Hosted, *, keep: bool) -> Left:
        if not known.own:
            is_made = PurePath(known.folder).is_relative_to(self._folders)
            return Left(folder=known.folder if is_made else "")
        try:
            state = await self._worktrees.state(known.folder)
        except WorktreeFailed:  # it went before
            return Left()
        kept = Left(
            folder=known.folder, branch=state.branch, unsaved=lost(state), unpushed=left(state)
        )
        if keep:
            return kept
        try:
            await self._worktrees.remove(known.folder)
        except (UnsavedWork, WorktreeFailed) as error:
            return replace(kept, unsaved=kept.unsaved or (str(error),))
        return replace(kept, folder="", unsaved=())

    def begin_again(self, team: Chronicle) -> None:
        """A team's log is another one than it was: its terms are counted anew; who lives here goes on."""
        self._store.hosted.begin_again(team.team_id)
