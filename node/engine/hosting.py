"""The members of teams on this node: each started in its place, once.

A member is an agent called ``<team>.<seat>``. Its folder is made before it is started, below the home's
``worktrees``, and never shared. What was begun and not brought to its end is found by the next attempt;
what failed leaves nothing behind.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import PurePath

from fleet.core.errors.base import FleetError
from fleet.core.errors.names import NameTaken
from fleet.core.team import RolePlan, TeamPlan, Worktree, agent_name, branch_of
from fleet.core.worktree import WorktreeWish
from node.engine.agents import Agents
from node.engine.starter import Start, Starter
from node.ports.worktrees import Worktrees
from node.records import Agent


@dataclass(frozen=True, slots=True)
class Place:
    """A seat to be filled here. ``checkout`` is where its repository is on this host, ``socket`` the tmux
    server its program runs in."""

    plan: TeamPlan
    role: RolePlan
    seat: str
    checkout: str
    socket: str


class Hosting:
    """Starts members here. ``folders`` is where theirs are made."""

    def __init__(
        self, agents: Agents, starter: Starter, worktrees: Worktrees, folders: PurePath
    ) -> None:
        self._agents = agents
        self._starter = starter
        self._worktrees = worktrees
        self._folders = folders

    async def seat(self, place: Place) -> Agent:
        """The agent that lives in this seat: started, or found alive as an earlier attempt left it.

        Raises:
            NameTaken: somebody else lives under its name here.
            FleetError: as worktrees, profiles and tmux demand; nothing is left behind.
        """
        name = agent_name(place.plan.name, place.seat)
        folder = self._folder(place)
        if (found := await self._living(name, folder)) is not None:
            return found
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
        )
        self._agents.await_brief(name)
        try:
            return await self._starter.start(wish)
        except FleetError:
            if is_new:
                with contextlib.suppress(FleetError):  # the first error is the one to tell
                    await self._worktrees.remove(folder)
            raise

    async def _living(self, name: str, folder: str) -> Agent | None:
        try:
            await self._agents.free(name)
        except NameTaken:
            agent = self._agents.known(name)
            if agent.cwd != folder:
                raise
            return agent
        return None

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
