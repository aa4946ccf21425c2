"""How the members on this node are: whether they live, what their screens say, what waits for them, what is in
their worktrees. Looked at when it is asked; nothing is changed by it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from fleet.core.board import Seat
from fleet.core.delivery import State
from fleet.core.errors.panes import NoTmux
from fleet.core.errors.worktrees import WorktreeFailed
from fleet.core.member import MemberState
from fleet.core.worktree import left, lost
from node.engine.agents import Agents
from node.engine.screens import Screens
from node.ports.host import Clock
from node.ports.worktrees import Worktrees
from node.store import SqliteStore


class Conditions:
    """Looks after members here."""

    def __init__(
        self,
        agents: Agents,
        screens: Screens,
        worktrees: Worktrees,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._agents = agents
        self._screens = screens
        self._worktrees = worktrees
        self._store = store
        self._clock = clock

    async def state(self, team_id: str, seat: Seat, *, seen: bool, files: bool) -> MemberState:
        """How the member in a seat of this node is. ``seen``: also what its screen says; ``files``: also
        what is in its worktree. Of an agent that was not started for the seat nothing is told of its
        mail and its files unless it is ``seen``."""
        hosted = self._store.hosted.get(team_id, seat.name)
        is_own = hosted is not None and hosted.agent == seat.agent
        told = MemberState(seat.name)
        if is_own or seen:
            told = self._with_mail(told, seat.agent)
        with contextlib.suppress(NoTmux):  # nothing is known of it then
            told = await self._with_screen(told, seat.agent, seen=seen)
        if not files or not is_own or hosted is None or not hosted.own:
            return told
        try:
            state = await self._worktrees.state(hosted.folder)
        except WorktreeFailed:  # there is none
            return told
        return replace(
            told,
            folder=hosted.folder,
            branch=state.branch,
            unsaved=lost(state),
            unpushed=left(state),
        )

    async def _with_screen(self, told: MemberState, name: str, *, seen: bool) -> MemberState:
        agent = self._agents.get(name)
        if agent is None:
            return told
        look = await self._agents.look(agent)
        if not self._agents.is_online(name):
            return told
        if not seen:
            return replace(told, online=True)
        screens = self._screens
        return replace(
            told,
            online=True,
            doing=screens.doing(agent, look),
            still_s=screens.still_s(agent),
            paused_s=screens.paused_s(agent, look),
        )

    def _with_mail(self, told: MemberState, agent: str) -> MemberState:
        """The oldest message that waits for it, and how many do."""
        open_ = self._store.inbox.open(agent)
        waiting = [one for one in open_ if one.state in {State.HELD, State.ACCEPTED}]
        if not waiting:
            return told
        first = waiting[0]
        return replace(
            told,
            held=len(waiting),
            held_id=first.envelope.id,
            held_why=first.timeline[-1].reason,
            held_s=max(0.0, self._clock.wall_s() - first.timeline[0].at_s),
        )
