"""One team in a storm: its people add tasks, its members work on them, its nodes come and go.

Whoever asks keeps asking under one key until there is an answer, or gives up, as agents do; what was
answered is kept, to be compared with what was written down (``tests/support/team_checkers.py``). What
chance decides here comes from a source of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from fleet.core.address import OPERATOR
from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.task import HELD, OVER, TaskState
from fleet.core.team import Limits, RolePlan, TeamPlan, canonical
from node.engine.chronicle import Chronicle
from node.engine.plans import planned
from node.store.teams import Standing
from tests.support.host import Host
from tests.support.team_comings import TEAM, Comings
from tests.support.world import World

PLAN = TeamPlan(
    TEAM,
    "lead",
    (
        RolePlan("impl", command=("chat",), count=8, limits=Limits(claims=2)),
        RolePlan("lead", command=("chat",), limits=Limits(claims=1)),
    ),
)
LEASES_S = (4.0, 30.0, 600.0)
"""The first is shorter than a beat: live members lose their claims, and come too late."""
TASKS, JOBS, CHORES = 18, 4, 14
ROUNDS = 120
NOT_KNOWN = frozenset(
    {
        "node_unreachable", "node_not_running", "store_failed", "no_space", "too_busy",
        "unknown_team",
    }
)  # fmt: skip
"""Errors after which it is not known what came of a command, or it comes right by itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """A command that was answered as carried out."""

    host: Host
    who: str
    call: str
    key: str
    args: Mapping[str, Any]
    result: Mapping[str, Any]


class Teamwork:
    """What people and members of one team do. ``home`` is where it lives."""

    def __init__(self, world: World, home: Host, some_s: Callable[[float], float]) -> None:
        self._world = world
        self._chance = Random(f"{world.seed} team")
        self._some_s = some_s
        self.home = home
        self.team_id = ""
        self.agents: tuple[str, ...] = ()
        self.told: list[Told] = []
        self.sent: dict[str, Mapping[str, Any]] = {}
        """What was said with each key, answered or not."""
        self.is_over = False
        """Everything had time to come to its end."""
        self._comings = Comings(self, world, self._chance, some_s)
        self._chores: tuple[Callable[[], Awaitable[object]], ...] = (
            self._assign, self._assign, self._assign, self._let_go, self._give_back,
            self._give_back, self._reopen, self._remove, *self._comings.chores,
        )  # fmt: skip

    # --- before the storm ---

    async def begin(self, agents: tuple[str, ...]) -> None:
        """Found the team and let nodes in, while nothing goes wrong yet."""
        self.agents = agents
        said = await self.home.call("team_apply", plan=canonical(PLAN))
        assert said.exit == 0, said.error
        (self.team_id,) = (team.team_id for team in self.home.up_node.teams.all())
        lease = replace(planned(PLAN), lease_s=self._chance.choice(LEASES_S))
        writes = self.home.up_node.teams.write
        await self.home.do(writes(self.at(self.home), f"{OPERATOR}@{self.home.name}", "", (lease,)))
        await self._comings.seat(self.home, agents[0], "lead")
        for host in self._world.hosts.values():
            if host is not self.home and self._chance.random() < 0.8:
                await self._comings.let_in(host)
            await self._comings.seat_all(host)

    def at(self, host: Host) -> Chronicle:
        """The team as a host has it, which has to have it."""
        team = host.up_node.teams.by_id(self.team_id)
        assert team is not None, f"{host.key} knows the team"
        return team

    def board(self) -> Board:
        """As the home has it; an empty one while it cannot be asked."""
        try:
            return self.at(self.home).board
        except FleetError:
            return Board()

    def hosts(self) -> list[Host]:
        """All hosts of its world."""
        return list(self._world.hosts.values())

    def nodes(self) -> list[Host]:
        """The hosts that the home counts among the team and that are of the fleet; itself first."""
        board, roster = self.board(), self.home.up_node.fleet.roster
        others = (h for h in self.hosts() if h is not self.home and roster.member(h.node_id))
        return [self.home, *(h for h in others if h.node_id in board.nodes)]

    # --- in it ---

    def events(self) -> list[Coroutine[Any, Any, object]]:
        """All that people and members do, each at its own time."""
        hosts = self.hosts()
        return [
            *(self._later(self._add) for _ in range(TASKS)),
            *(self._later(self._pick) for _ in range(CHORES)),
            *(self._member(host, agent) for host in hosts for agent in self.agents),
        ]

    async def _later(self, work: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(self._some_s(12.0))
        await work()

    async def _pick(self) -> None:
        if self.home.node is not None:
            await self._chance.choice(self._chores)()

    def any_host(self) -> Host:
        """Any of them."""
        return self._chance.choice(self.hosts())

    async def ask(
        self, host: Host, who: str, call: str, key: str = "", *, tries: int = 5, **args: Any
    ) -> dict[str, Any] | None:
        """Ask under one key until there is an answer; None when it is a no, or there is none."""
        key = key or f"{call} {len(self.sent)}"
        self.sent[key] = args
        for _ in range(tries):
            if host.node is not None and not host.process.is_stopped:
                if who != OPERATOR and host.attest(who).agent != who:
                    return None  # who is not there asks nothing
                said = await host.call(call, who, team=TEAM, key=key, **args)
                if said.exit == 0:
                    self.told.append(Told(host, who, call, key, args, said.result))
                    self._world.tell(host.key, f"{who}: {call} {args}: {_short(said.result)}")
                    return dict(said.result)
                code = (said.error or {}).get("code", "")
                self._world.tell(host.key, f"{who}: {call} {args}: {code}")
                if code not in NOT_KNOWN:
                    return None
            await asyncio.sleep(0.1 + self._some_s(2.0))
        return None

    # --- people ---

    async def _add(self) -> None:
        """Somebody puts a task on the list, sometimes behind another one."""
        host, number = self.any_host(), len(self.sent)
        after = [str(n) for n in self._numbers(lambda state: state not in OVER)]
        behind = (self._chance.choice(after),) if after and self._chance.random() < 0.3 else ()
        who = self._chance.choice((OPERATOR, *self.agents))
        await self.ask(host, who, "task_add", title=f"task {number}", after=behind)

    def _numbers(self, fits: Callable[[TaskState], bool]) -> list[int]:
        """Tasks in such a state, as the home has them."""
        tasks = self.board().tasks.values()
        return [task.number for task in tasks if fits(task.state)]

    async def _on_one(self, fits: Callable[[TaskState], bool], call: str, **args: Any) -> None:
        if numbers := self._numbers(fits):
            task = str(self._chance.choice(numbers))
            await self.ask(self.home, OPERATOR, call, task=task, **args)

    async def _assign(self) -> None:
        """The home's person gives a task to a member, also one that another one is at."""
        if seats := sorted(self.board().seats):
            seat = self._chance.choice(seats)
            await self._on_one(lambda state: state not in OVER, "task_assign", seat=seat)

    async def _let_go(self) -> None:
        await self._on_one(lambda state: state in HELD, "task_release", text="let go")

    async def _give_back(self) -> None:
        """Somebody's task is taken from him, and given to him again: whoever was at it is late."""
        held = {t.number: t.holder for t in self.board().held() if "@" not in t.holder}
        if held:
            task = self._chance.choice(sorted(held))
            one, home = str(task), self.home
            await self.ask(home, OPERATOR, "task_release", text="mine", task=one)
            await self.ask(home, OPERATOR, "task_assign", seat=held[task], task=one)

    async def _reopen(self) -> None:
        await self._on_one(lambda state: state in OVER, "task_reopen", text="not done")

    async def _remove(self) -> None:
        await self._on_one(lambda state: state not in OVER, "task_rm", text="not wanted")

    # --- members ---

    async def _member(self, host: Host, agent: str) -> None:
        """One agent's day: it claims what is free, works on it, and tells what it learnt."""
        for number in range(JOBS):
            await asyncio.sleep(self._some_s(4.0))
            claimed = await self.ask(
                host, agent, "task_claim", f"claim {host.key} {agent} {number}"
            )
            if claimed is not None:
                await self._work(host, agent, claimed)

    async def _work(self, host: Host, agent: str, claimed: Mapping[str, Any]) -> None:
        """What it was given, as far as it goes; it does not hear of a claim that it lost."""
        chance = self._chance.random()
        task = {"task": claimed["id"]}
        held = task | {"token": claimed["token"] if chance < 0.7 else 0}
        await self.ask(host, agent, "task_start", **held)
        await self.ask(host, agent, "slot_take", slot="version")
        await self.ask(host, agent, "task_note", text="at it", **task)
        text = f"{agent}@{host.key} learnt {len(self.sent)}"
        await self.ask(host, agent, "memory_add", text=text, **task)
        await asyncio.sleep(self._some_s(self._chance.choice((0.5, 12.0))))
        if chance < 0.1:
            return  # it forgets
        if chance < 0.2:
            await self.ask(host, agent, "task_block", text="a riddle", **held)
            await self.ask(host, agent, "task_start", **held)
        if chance < 0.3:
            await self.ask(host, agent, "task_release", text="too hard", **held)
        else:
            await self.ask(host, agent, "task_done", text="commit 1a2b3c4", **held)

    # --- after it ---

    async def finish(self) -> None:
        """Nothing goes wrong any more: the home's person lets go of what somebody holds still, and the
        people of all nodes do what is left. Then the copies have time to follow."""
        for number in self._numbers(lambda state: state in HELD):
            await self.ask(
                self.home, OPERATOR, "task_release", tries=9, task=str(number), text="the end"
            )
        for _ in range(ROUNDS):
            if not self._numbers(lambda state: state not in OVER):
                break
            for host in self.nodes():
                done = await self.ask(host, OPERATOR, "task_claim")
                if done is not None:
                    held = {"task": done["id"], "token": done["token"]}
                    await self.ask(host, OPERATOR, "task_done", tries=9, text="at the end", **held)
        for _ in range(60):
            if self.are_in_step():
                break
            await asyncio.sleep(1.0)
        self.is_over = True

    def are_in_step(self) -> bool:
        """Whether every copy of a node of the team goes as far as the home's log."""
        head = self.board().head
        return all(
            copy.row.standing is not Standing.COPY or copy.board.head == head
            for host in self.nodes()
            if (copy := host.up_node.teams.by_id(self.team_id)) is not None
            and host is not self.home
        )


def _short(result: Mapping[str, Any]) -> str:
    told = (
        str(result[name]) for name in ("id", "state", "holder", "token", "number") if name in result
    )
    return " ".join(told)
