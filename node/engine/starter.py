"""How an agent comes to be: its program started in a new window, or found in a pane that is there.

What is done to one name is done one after the other, and a new life has a new token. Who knows of
agents, and for how long: ``agents.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet.core.address import parse_name
from fleet.core.errors.base import FleetError
from fleet.core.errors.panes import HooksUnsupported, PaneGone, PaneIsShell, PaneTaken
from fleet.core.errors.requests import MalformedRequest
from fleet.core.profile import SHELLS, Profile, is_bare
from fleet.core.trust import Policy
from fleet.profiles import Profiles
from node.engine.agents import Agents, policy_from
from node.engine.fleet import Fleet
from node.engine.teaching import Teaching
from node.faults import fault
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes, SpawnSpec
from node.ports.witness import Hooked, Witness
from node.records import Agent


@dataclass(frozen=True, slots=True)
class Start:
    """What a caller wants started, or adopted when ``pane`` is given.

    ``here`` is where the caller is: the folder of an agent that has none yet. ``hooks`` and ``skill`` not
    said (None) are as they were; ``skill`` is yes at first. ``team`` and ``role`` are told to the program;
    not said, they are those of the seat that the agent fills. ``token`` is that of its life, made and written
    down before: a program that was started with it and runs is found, and not started twice.
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
    team: str = ""
    role: str = ""
    token: str = ""
    skill: bool | None = None


class Starter:
    """Gives agents a life in a pane: a new one, or one that is there. When it fails, nothing is left."""

    def __init__(
        self,
        fleet: Fleet,
        agents: Agents,
        panes: Panes,
        witness: Witness,
        profiles: Profiles,
        teaching: Teaching,
        clock: Clock,
        home: str,
    ) -> None:
        self._fleet = fleet
        self._agents = agents
        self._panes = panes
        self._witness = witness
        self._profiles = profiles
        self._teaching = teaching
        self._clock = clock
        self._home = home
        self.duty_of: Callable[[str], tuple[str, str]] = lambda _agent: ("", "")

    async def start(self, wish: Start) -> Agent:
        """Run an agent in a new tmux window, as the pane's own process.

        A name whose agent has no live pane is started again; what is not said stays as it was.

        Raises:
            NameTaken: it lives.
            PaneIsShell: the command is a bare shell that no profile knows, and none was named.
            FleetError: as names, profiles and tmux demand; nothing is left behind.
        """
        name = parse_name(wish.name)
        policy = policy_from(wish.policy) if wish.policy else None
        async with self._agents.turn(name):
            return await self._start(name, wish, policy)

    async def _start(self, name: str, wish: Start, policy: Policy | None) -> Agent:
        before = await self._agents.free(name)
        profile, command = self._program(name, wish, before)
        is_hooked = before.hooks if wish.hooks is None and before else bool(wish.hooks)
        is_taught = before.skill if wish.skill is None and before else wish.skill is not False
        self._witness.remove(name)  # what an earlier life was taught
        hooked = self._hook(name, profile, None) if is_hooked else Hooked()
        cwd = wish.cwd or (before.cwd if before else "") or wish.here
        spec = SpawnSpec(
            wish.socket,
            (*command, *hooked.arguments),
            cwd,
            name,
            (*self._environment(wish, name), *hooked.environment),
            wish.token or self._clock.token(),
        )
        draft = Agent(
            name,
            profile.name,
            policy or self._agents.policy_of(name),
            None,
            command,
            cwd,
            wish.socket,
            is_hooked,
            is_taught,
        )
        self._teaching.teach(draft)
        try:
            before_us = await self._panes.find(wish.socket, wish.token) if wish.token else None
            ref = before_us or await self._panes.spawn(spec)
            fault("start:after_spawn")
        except FleetError:
            self._undo(draft)
            raise
        try:
            return await self._agents.started(replace(draft, ref=ref))
        except FleetError:  # nobody remembers it
            self._undo(draft)
            await self._panes.end(ref)
            raise

    def _undo(self, draft: Agent) -> None:
        self._witness.remove(draft.name)
        self._teaching.gone(draft, self._agents.all())

    def _program(
        self, name: str, wish: Start, before: Agent | None
    ) -> tuple[Profile, tuple[str, ...]]:
        """What is started, and what is known of it: as is said, or as it was, or as is recognised."""
        profile = (
            self._profiles.named(wish.profile)
            if wish.profile
            else self._profiles.named_or_generic(before.profile if before else "generic")
        )
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
        return profile, command

    def _environment(self, wish: Start, name: str) -> tuple[tuple[str, str], ...]:
        team, role = (wish.team, wish.role) if wish.team else self.duty_of(name)
        return (
            ("FLEET_HOME", self._home),
            ("FLEET_AGENT", name),
            ("FLEET_NODE", self._fleet.me.name),
            ("FLEET_TEAM", team),
            ("FLEET_ROLE", role),
        )

    async def adopt(self, wish: Start) -> Agent:
        """Take an existing pane as an agent.

        Raises:
            NameTaken: the name lives.
            PaneTaken: the pane is an agent already.
            PaneIsShell: a shell is in front and no profile was named.
            PaneGone: there is no such pane, or its program has ended.
        """
        name = parse_name(wish.name)
        policy = policy_from(wish.policy) if wish.policy else None
        async with self._agents.turn(name):
            return await self._adopt(name, wish, policy)

    async def _adopt(self, name: str, wish: Start, policy: Policy | None) -> Agent:
        await self._agents.free(name)
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
                policy or self._agents.policy_of(name),
                ref,
                (),
                "",
                wish.socket,
                bool(wish.hooks),
            )
            return await self._agents.adopted(agent)
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
        for agent in self._agents.all():
            if agent.ref is not None and agent.ref.token == token:
                raise PaneTaken(
                    f"pane {pane} is {agent.name} already", hint=f"fleet forget {agent.name} first"
                )
        # A mark that is nobody's here: another home's agent, or one this home has forgotten.
        raise PaneTaken(
            f"pane {pane} is an agent of another home on this host",
            hint=f"forget it there, or take the mark off: tmux set-option -p -u -t {pane} @fleet_inst",
        )
