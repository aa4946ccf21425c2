"""The agents of this node: known by name, bound to a pane, watched, stopped, forgotten.

An agent is a name that outlives its panes. Each life is an incarnation with a random token, set as a
mark on its pane; whatever carries another token is somebody else. Presence is looked at, never
stored: after a restart only what tmux says counts. How one comes to be: ``starter.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches

import structlog

from fleet.core.directory import AgentEntry
from fleet.core.errors.names import NameTaken, UnknownAgent
from fleet.core.errors.panes import NoTmux
from fleet.core.errors.requests import MalformedRequest
from fleet.core.look import Look
from fleet.core.profile import Profile
from fleet.core.screen import bound
from fleet.core.trust import Policy
from fleet.profiles import Profiles
from node.engine.fleet import Fleet, incarnation_number
from node.engine.inbox import Inbox
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes
from node.ports.witness import Witness
from node.records import Agent
from node.store import SqliteStore

BRIEF_S = 20.0
"""For how long a member that is being started is given nothing before its briefing, should none come."""
WATCH_S = 2.0
"""How often panes are looked at when nobody asks. One look costs about a millisecond."""

log = structlog.get_logger()


class Agents:
    """The registry of this node."""

    def __init__(
        self,
        fleet: Fleet,
        inbox: Inbox,
        store: SqliteStore,
        panes: Panes,
        witness: Witness,
        profiles: Profiles,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._inbox = inbox
        self._store = store
        self._panes = panes
        self._witness = witness
        self._profiles = profiles
        self._clock = clock
        self._agents = {agent.name: agent for agent in store.book.agents()}
        self._online: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}
        self._unbriefed: dict[str, float] = {}
        self.changed: Callable[[str], None] = lambda _name: None
        self.looked: Callable[[Agent, Look], None] = lambda _agent, _look: None
        self.gone: Callable[[Agent], None] = lambda _agent: None
        inbox.agent = self.get
        witness.keep(self._agents)
        for agent in self._agents.values():
            fleet.directory.put(fleet.local_entry(agent, online=False))

    # --- asking ---

    def get(self, name: str) -> Agent | None:
        """The agent of this name on this node."""
        return self._agents.get(name)

    def all(self) -> tuple[Agent, ...]:
        """All agents of this node, by name."""
        return tuple(agent for _, agent in sorted(self._agents.items()))

    def known(self, name: str) -> Agent:
        """The agent of this name.

        Raises:
            UnknownAgent: this node has none.
        """
        agent = self._agents.get(name.strip().lower())
        if agent is None:
            raise UnknownAgent(name, tuple(get_close_matches(name, self._agents)))
        return agent

    def is_online(self, name: str) -> bool:
        """Whether the agent's pane was there when last looked at."""
        return name in self._online

    def profile(self, agent: Agent) -> Profile:
        """What is known of the agent's program; generic if its profile went away."""
        return self._profiles.named_or_generic(agent.profile)

    def of_process(self, lineage: tuple[tuple[int, int], ...]) -> Agent | None:
        """The agent among a process's ancestors, given as (pid, start tick) from the process up."""
        by_process = {
            (agent.ref.agent_pid, agent.ref.agent_start): agent
            for agent in self._agents.values()
            if agent.ref is not None
        }
        return next((by_process[p] for p in lineage if p in by_process), None)

    def entries(self) -> tuple[AgentEntry, ...]:
        """What this node tells its peers."""
        return tuple(
            self._fleet.local_entry(agent, online=agent.name in self._online)
            for agent in self.all()
        )

    def entry(self, name: str) -> AgentEntry | None:
        """What this node tells its peers of one agent; None when it is gone."""
        agent = self._agents.get(name)
        return self._fleet.local_entry(agent, online=name in self._online) if agent else None

    # --- doing ---

    async def end(self, name: str) -> Agent:
        """Stop an agent's program and close its pane; its name and its mail stay."""
        async with self.turn(name):
            agent = self.known(name)
            if agent.ref is not None:
                await self._panes.end(agent.ref)
            self._witness.remove(agent.name)
            ended = await self._keep(replace(self.known(name), ref=None), "agent stopped")
            self.gone(ended)
            return ended

    async def forget(self, name: str) -> Agent:
        """Drop an agent; its program goes on, what waited for it is refused."""
        async with self.turn(name):
            return await self._forget(name)

    async def _forget(self, name: str) -> Agent:
        agent = self.known(name)
        if agent.ref is not None:
            await self._panes.release(agent.ref)
        self._witness.remove(agent.name)
        self._inbox.refuse_all(agent.name, f"{agent.name} was forgotten")
        self._store.book.drop_agent(agent.name)
        self._store.audit("agent forgotten", self._clock.wall_s(), agent=agent.name)
        await self._store.commit()
        del self._agents[agent.name]
        self._online.discard(agent.name)
        self._fleet.directory.drop(self._fleet.me.node_id, agent.name)
        self.changed(agent.name)
        self.gone(agent)
        return agent

    def await_brief(self, name: str) -> None:
        """The agent of this name is about to be started as a member: its briefing comes before all else."""
        self._unbriefed[name] = self._clock.now_s() + BRIEF_S

    def brief_is_there(self, name: str) -> None:
        """Its briefing is among what waits for it, or has been given to it."""
        if self._unbriefed.pop(name, None) is not None:
            self._inbox.wake(name)

    def brief_due_s(self, name: str) -> float:
        """How long the agent has to wait for its briefing at most; 0 when it waits for none."""
        until_s = self._unbriefed.get(name)
        if until_s is None:
            return 0.0
        left_s = max(0.0, until_s - self._clock.now_s())
        if not left_s:
            del self._unbriefed[name]
        return left_s

    async def set_policy(self, name: str, policy: str) -> Agent:
        """Decide anew who may message an agent. What came before stays as it was taken: waiting for a
        person, or for its turn.

        Raises:
            UnknownAgent: this node has none of that name.
            MalformedRequest: it is no policy.
        """
        async with self.turn(name):
            return await self._set_policy(self.known(name), policy_from(policy))

    async def _set_policy(self, before: Agent, policy: Policy) -> Agent:
        agent = replace(before, policy=policy)
        self._store.book.put_agent(agent)
        self._store.audit(
            "policy set",
            self._clock.wall_s(),
            agent=agent.name,
            policy=agent.policy.value,
            before=before.policy.value,
        )
        await self._store.commit()
        self._agents[agent.name] = agent
        return agent

    def policy_of(self, name: str) -> Policy:
        """What was decided about an agent, even while it was being started; at first it is open."""
        agent = self._agents.get(name)
        return agent.policy if agent else Policy.OPEN

    def turn(self, name: str) -> asyncio.Lock:
        """What is done to one name is done one after the other: who is asked second finds what the
        first has done, and not two programs of one name."""
        return self._turns.setdefault(name.strip().lower(), asyncio.Lock())

    async def free(self, name: str) -> Agent | None:
        """What is known of this name, which nobody lives under now; None if it is new.

        Raises:
            NameTaken: it lives.
        """
        before = self._agents.get(name)
        if before is not None and before.ref is not None:
            look = await self.look(before)
            if look.exists and look.token == before.ref.token and not look.dead:
                raise NameTaken(f"{name}@{self._fleet.me.name}", f"pane {before.ref.pane}")
        return before

    async def started(self, agent: Agent) -> Agent:
        """Write down an agent whose program was started; from then on it is known, and gets its mail."""
        return await self._keep(agent, "agent started")

    async def adopted(self, agent: Agent) -> Agent:
        """The same of one whose pane was there already."""
        return await self._keep(agent, "agent adopted")

    async def _keep(self, agent: Agent, event: str) -> Agent:
        self._store.book.put_agent(agent)
        self._store.audit(
            event,
            self._clock.wall_s(),
            agent=agent.name,
            profile=agent.profile,
            policy=agent.policy.value,
            pane=agent.ref.pane if agent.ref else "",
            incarnation=f"{incarnation_number(agent):012x}",
        )
        await self._store.commit()
        self._agents[agent.name] = agent
        self._set_online(agent, online=agent.ref is not None)
        self._inbox.wake(agent.name)
        return agent

    # --- watching ---

    async def look(self, agent: Agent) -> Look:
        """The agent's pane now; presence follows what is seen."""
        if agent.ref is None:
            return Look(exists=False)
        look = await self._panes.look(agent.ref)
        hold = bound(look, agent.ref.token, is_shell=self.profile(agent).is_shell)
        if self._agents.get(agent.name) is agent:
            self.looked(agent, look)
            self._set_online(agent, online=hold is None)
        return look

    def _set_online(self, agent: Agent, *, online: bool) -> None:
        entry = self._fleet.local_entry(agent, online=online)
        (self._online.add if online else self._online.discard)(agent.name)
        if entry not in self._fleet.directory.called(agent.name):
            self._fleet.directory.put(entry)
            self.changed(agent.name)
            self._inbox.wake(agent.name)

    def retell(self, name: str) -> None:
        """Tell anew what this node says of one of its agents, if that is not what it said before."""
        agent = self._agents.get(name)
        if agent is not None:
            self._set_online(agent, online=name in self._online)

    async def watch(self) -> None:
        """Look at every pane now and then, for ever."""
        while True:
            for agent in self.all():
                try:
                    await self.look(agent)
                except NoTmux as error:
                    self._set_online(agent, online=False)
                    log.debug("agent unseen", agent=agent.name, error=str(error))
            await self._clock.sleep(WATCH_S)

    def ref(self, name: str) -> PaneRef | None:
        """The agent's newest pane."""
        agent = self._agents.get(name)
        return agent.ref if agent else None


def policy_from(typed: str) -> Policy:
    """Who may message an agent, as typed.

    Raises:
        MalformedRequest: it is no policy.
    """
    try:
        return Policy(typed)
    except ValueError:
        raise MalformedRequest(
            f"{typed!r} is not a policy", hint="open, approval or closed"
        ) from None
