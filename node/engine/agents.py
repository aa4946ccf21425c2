"""The agents of this node: started or adopted, bound to a pane, watched, stopped, forgotten.

An agent is a name that outlives its panes. Each life is an incarnation with a random token, set as a
mark on its pane; whatever carries another token is somebody else. Presence is looked at, never
stored: after a restart only what tmux says counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches

import structlog

from fleet.core.address import parse_name
from fleet.core.directory import AgentEntry
from fleet.core.errors.base import FleetError
from fleet.core.errors.names import NameTaken, UnknownAgent
from fleet.core.errors.panes import HooksUnsupported, NoTmux, PaneGone, PaneIsShell, PaneTaken
from fleet.core.errors.requests import MalformedRequest
from fleet.core.look import Look
from fleet.core.profile import SHELLS, Profile, is_bare
from fleet.core.screen import bound
from fleet.core.trust import Policy
from fleet.profiles import Profiles
from node.engine.fleet import Fleet, incarnation_number
from node.engine.inbox import Inbox
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes, SpawnSpec
from node.ports.witness import Hooked, Witness
from node.records import Agent
from node.store import SqliteStore

WATCH_S = 2.0
"""How often panes are looked at when nobody asks. One look costs about a millisecond."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Start:
    """What a caller wants started, or adopted when ``pane`` is given.

    ``here`` is where the caller is: the folder of an agent that has none yet. ``hooks`` not said
    (None) is as it was.
    """

    name: str
    socket: str
    profile: str = ""
    policy: str = ""
    cwd: str = ""
    command: tuple[str, ...] = ()
    pane: str = ""
    here: str = ""
    hooks: bool | None = None


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
        home: str,
    ) -> None:
        self._fleet = fleet
        self._inbox = inbox
        self._store = store
        self._panes = panes
        self._witness = witness
        self._profiles = profiles
        self._clock = clock
        self._home = home
        self._agents = {agent.name: agent for agent in store.book.agents()}
        self._online: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}
        self.changed: Callable[[str], None] = lambda _name: None
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

    async def start(self, wish: Start) -> Agent:
        """Run an agent in a new tmux window, as the pane's own process.

        A name whose agent has no live pane is started again; what is not said stays as it was.

        Raises:
            NameTaken: it lives.
            PaneIsShell: the command is a bare shell that no profile knows, and none was named.
            FleetError: as names, profiles and tmux demand; nothing is left behind.
        """
        name = parse_name(wish.name)
        policy = _policy(wish.policy) if wish.policy else None
        async with self._turn(name):
            return await self._start(name, wish, policy)

    async def _start(self, name: str, wish: Start, policy: Policy | None) -> Agent:
        before = await self._free(name)
        profile = self._profile_for(wish, before)
        command = wish.command or (before.command if before else ()) or profile.launch
        if not command:
            raise MalformedRequest(
                f"there is no command to start {name} with",
                hint=f"fleet start {name} -- COMMAND, or a profile that has one",
            )
        if not wish.profile and not (before and not wish.command):
            program = command[0].rpartition("/")[2]
            profile = self._profiles.recognise(program, command)
            if program in SHELLS and is_bare(command) and not profile.is_shell:
                raise PaneIsShell(f"the pane of {name}", program)
        is_hooked = before.hooks if wish.hooks is None and before else bool(wish.hooks)
        self._witness.remove(name)  # what an earlier life was taught
        hooked = self._hook(name, profile, None) if is_hooked else Hooked()
        token = self._clock.token()
        cwd = wish.cwd or (before.cwd if before else "") or wish.here
        environment = (
            ("FLEET_HOME", self._home),
            ("FLEET_AGENT", name),
            ("FLEET_NODE", self._fleet.me.name),
            ("FLEET_TEAM", ""),
            ("FLEET_ROLE", ""),
            *hooked.environment,
        )
        argv = (*command, *hooked.arguments)
        spec = SpawnSpec(wish.socket, argv, cwd, name, environment, token)
        try:
            ref = await self._panes.spawn(spec)
        except FleetError:
            self._witness.remove(name)
            raise
        agent = Agent(
            name,
            profile.name,
            policy or self._policy_of(name),
            ref,
            command,
            cwd,
            wish.socket,
            is_hooked,
        )
        try:
            return await self._keep(agent, "agent started")
        except FleetError:  # nobody remembers it
            self._witness.remove(name)
            await self._panes.end(ref)
            raise

    async def adopt(self, wish: Start) -> Agent:
        """Take an existing pane as an agent.

        Raises:
            NameTaken: the name lives.
            PaneTaken: the pane is an agent already.
            PaneIsShell: a shell is in front and no profile was named.
            PaneGone: there is no such pane, or its program has ended.
        """
        name = parse_name(wish.name)
        policy = _policy(wish.policy) if wish.policy else None
        async with self._turn(name):
            return await self._adopt(name, wish, policy)

    async def _adopt(self, name: str, wish: Start, policy: Policy | None) -> Agent:
        await self._free(name)
        try:
            info = await self._panes.inspect(wish.socket, wish.pane)
        except PaneGone:
            why = f"there is no pane {wish.pane} at {wish.socket}"
            raise PaneGone(f"{name}@{self._fleet.me.name}", why) from None
        if info.dead:
            raise PaneGone(f"{name}@{self._fleet.me.name}", f"the program in {wish.pane} has ended")
        self._refuse_taken(wish.pane, info.token)
        if wish.profile:
            profile = self._profiles.named(wish.profile)
        else:
            profile = self._profiles.recognise(info.program, info.argv, info.title)
            if info.is_shell or profile.is_shell:
                raise PaneIsShell(f"pane {wish.pane}", info.program)
        ref = await self._panes.bind(wish.socket, wish.pane, self._clock.token())
        self._witness.remove(name)
        try:
            if wish.hooks:
                self._hook(name, profile, ref)
            agent = Agent(
                name,
                profile.name,
                policy or self._policy_of(name),
                ref,
                (),
                "",
                wish.socket,
                bool(wish.hooks),
            )
            return await self._keep(agent, "agent adopted")
        except FleetError:
            self._witness.remove(name)
            await self._panes.release(ref)
            raise

    def _hook(self, name: str, profile: Profile, ref: PaneRef | None) -> Hooked:
        """Have the agent's program tell its turns.

        Raises:
            HooksUnsupported: nobody knows how, or not while it runs.
        """
        if profile.hooks is None:
            raise HooksUnsupported(name, f"the profile {profile.name} knows of none")
        return self._witness.install(name, profile.hooks, ref)

    def _refuse_taken(self, pane: str, token: str) -> None:
        if not token:
            return
        for agent in self._agents.values():
            if agent.ref is not None and agent.ref.token == token:
                raise PaneTaken(
                    f"pane {pane} is {agent.name} already", hint=f"fleet forget {agent.name} first"
                )
        # A mark that is nobody's here: another home's agent, or one this home has forgotten.
        raise PaneTaken(
            f"pane {pane} is an agent of another home on this host",
            hint=f"forget it there, or take the mark off: tmux set-option -p -u -t {pane} @fleet_inst",
        )

    async def end(self, name: str) -> Agent:
        """Stop an agent's program and close its pane; its name and its mail stay."""
        async with self._turn(name):
            agent = self.known(name)
            if agent.ref is not None:
                await self._panes.end(agent.ref)
            self._witness.remove(agent.name)
            return await self._keep(replace(self.known(name), ref=None), "agent stopped")

    async def forget(self, name: str) -> Agent:
        """Drop an agent; its program goes on, what waited for it is refused."""
        async with self._turn(name):
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
        return agent

    async def set_policy(self, name: str, policy: str) -> Agent:
        """Decide anew who may message an agent. What came before stays as it was taken: waiting for a
        person, or for its turn.

        Raises:
            UnknownAgent: this node has none of that name.
            MalformedRequest: it is no policy.
        """
        async with self._turn(name):
            return await self._set_policy(self.known(name), _policy(policy))

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

    def _policy_of(self, name: str) -> Policy:
        """What was decided about an agent, even while it was being started; at first it is open."""
        agent = self._agents.get(name)
        return agent.policy if agent else Policy.OPEN

    def _turn(self, name: str) -> asyncio.Lock:
        """What is done to one name is done one after the other: who is asked second finds what the
        first has done, and not two programs of one name."""
        return self._turns.setdefault(name.strip().lower(), asyncio.Lock())

    async def _free(self, name: str) -> Agent | None:
        before = self._agents.get(name)
        if before is not None and before.ref is not None:
            look = await self.look(before)
            if look.exists and look.token == before.ref.token and not look.dead:
                raise NameTaken(f"{name}@{self._fleet.me.name}", f"pane {before.ref.pane}")
        return before

    def _profile_for(self, wish: Start, before: Agent | None) -> Profile:
        if wish.profile:
            return self._profiles.named(wish.profile)
        return self._profiles.named_or_generic(before.profile if before else "generic")

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
            self._set_online(agent, online=hold is None)
        return look

    def _set_online(self, agent: Agent, *, online: bool) -> None:
        entry = self._fleet.local_entry(agent, online=online)
        (self._online.add if online else self._online.discard)(agent.name)
        if entry not in self._fleet.directory.called(agent.name):
            self._fleet.directory.put(entry)
            self.changed(agent.name)
            self._inbox.wake(agent.name)

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


def _policy(typed: str) -> Policy:
    try:
        return Policy(typed)
    except ValueError:
        raise MalformedRequest(
            f"{typed!r} is not a policy", hint="open, approval or closed"
        ) from None
