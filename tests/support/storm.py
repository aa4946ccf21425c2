"""A storm over a world: people send, start, stop, let in and put out, and everything goes wrong.

Then it is over: all nodes are up, the network and the disks work, people have answered their
questions and started their agents again. From there on everything has to come to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fleet.core.address import OPERATOR
from fleet.core.delivery import HoldReason
from fleet.core.errors.base import FleetError
from node.engine.inbox import INBOX_LIMIT
from tests.support.checkers import everything_ends
from tests.support.facts import Facts
from tests.support.faults import Faults
from tests.support.host import SOCKET, Host
from tests.support.programs import Chat
from tests.support.visits import Said
from tests.support.world import World

HOSTS = ("white", "nova", "kai")
NEWCOMER = "mba"
AGENTS = ("rin", "neo")
PROGRAMS = ("chat", "rows", "teller", "logger", "patient", "lines")
STORM_S = 12.0
BURSTS = 24
FAULTS = 34
CHORES = 12
ENDS_WITHIN_S = 128.0
LONG = "a text that is too long for one paste goes to a file. " * 20


class Storm:
    """One storm."""

    bursts = BURSTS

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self.faults = Faults(world, lambda: [*world.hosts.values()])
        self._chores: tuple[Callable[[Host], Awaitable[object]], ...] = (
            self._start, self._start, self._start_twice, self._end, self._forget, self._adopt,
            self.read, self._acknowledge, self._acknowledge, self._cancel,
            self._let_in, self._put_out,
        )  # fmt: skip

    async def blow(self) -> None:
        """Begin, rage, end; returns when everything has come to its end, or had time to."""
        await self._begin()
        await asyncio.gather(*self._events())
        await self._calm()
        await self._rest()

    async def _begin(self) -> None:
        """Three hosts in one fleet, with agents on each."""
        for key in HOSTS:
            self._world.host(key).room = self._chance.choice((2, INBOX_LIMIT))
        for host in await self._world.fleet(*HOSTS):
            for agent in AGENTS:
                await self._started(host, agent)
        await asyncio.sleep(0.5)

    def _events(self) -> list[Coroutine[Any, Any, object]]:
        """All that people and chance do, each at its own time."""
        return [
            *(self._burst(number) for number in range(self.bursts)),
            *(self._later(self.faults.one) for _ in range(FAULTS)),
            *(self._later(self._chore) for _ in range(CHORES)),
        ]

    async def _later(self, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(self.faults.some_s(STORM_S))
        await work()

    async def _chore(self) -> None:
        host = self.faults.host()
        if host.node is not None:
            await self.faults.pick(self._chores)(host)

    # --- people who write ---

    async def _burst(self, number: int) -> None:
        """Somebody says a few things in a row, and to be sure says each again until it is answered."""
        await asyncio.sleep(self.faults.some_s(STORM_S))
        host = self.faults.host()
        to = f"{self._chance.choice((*AGENTS, *AGENTS, OPERATOR))}@{self.faults.host().name}"
        for part in range(self._chance.randrange(1, 4)):
            text = f"letter {number}, part {part}"
            text += self._chance.choice(("", "", "\nin\nsix\nlines\n\nof text", f"\n{LONG}"))
            for _ in range(3):
                said = await self._send(host, to, text)
                if said is not None and said.result:
                    break
                await asyncio.sleep(self.faults.some_s(2.0))

    async def _send(self, host: Host, to: str, text: str) -> Said | None:
        if host.node is None:
            return None
        return await host.call(
            "send",
            self._caller(host),
            to=to,
            text=text,
            key=text,
            timeout_s=self._chance.choice((0.0, 0.0, 1.0, 10.0)),
            expires_s=self._chance.choice((3.0, 86_400.0, 86_400.0)),
        )

    def _caller(self, host: Host) -> str:
        agent = self._chance.choice(AGENTS)
        return agent if host.up_node.agents.ref(agent) else OPERATOR

    async def _cancel(self, host: Host) -> None:
        if letter := await self._letter(host, "outbox"):
            await host.call("cancel", id=letter)

    async def _acknowledge(self, host: Host) -> None:
        if letter := await self._letter(host, "inbox"):
            await host.call("ack", id=letter)

    async def _letter(self, host: Host, box: str) -> str:
        """Any of the newest; none once the node has gone meanwhile."""
        said = await host.call(box)
        if not said.result or host.node is None:
            return ""
        return str(self._chance.choice(said.result)["id"])

    async def read(self, host: Host) -> None:
        """Its operator lets through what waits for that, and has read what is for him."""
        said = await host.call("inbox")
        for letter in said.result or ():
            if letter["reason"] == HoldReason.APPROVAL and host.node is not None:
                await host.call("release", id=letter["id"])
            elif letter["to"].startswith(f"{OPERATOR}@") and host.node is not None:
                await host.call("ack", id=letter["id"])

    # --- people who look after agents ---

    async def _started(self, host: Host, agent: str) -> None:
        program = self._chance.choice(PROGRAMS)
        policy = self._chance.choice(("open", "open", "approval"))
        hooks = program == "teller"
        said = await host.call(
            "start", name=agent, socket=SOCKET, command=(program,), policy=policy, hooks=hooks
        )
        if said.exit == 0:
            self._world.tell(host.key, f"{agent} is started as {program}, {policy}")

    async def _start(self, host: Host) -> None:
        await self._started(host, self._chance.choice(AGENTS))

    async def _start_twice(self, host: Host) -> None:
        """Two people at once."""
        agent = self._chance.choice(AGENTS)
        await host.call("end", name=agent)
        if host.node is not None:
            await asyncio.gather(self._started(host, agent), self._started(host, agent))

    async def _adopt(self, host: Host) -> None:
        pane = host.tmux.window(SOCKET, Chat())
        agent = self._chance.choice(AGENTS)
        await host.call("end", name=agent)
        if host.node is not None:
            said = await host.call("adopt", name=agent, socket=SOCKET, pane=pane.id)
            self._world.tell(host.key, f"{agent} adopts {pane.id}: {said.exit}")

    async def _end(self, host: Host) -> None:
        agent = self._chance.choice(AGENTS)
        self._world.tell(host.key, f"{agent} is stopped")
        await host.call("end", name=agent)

    async def _forget(self, host: Host) -> None:
        agent = self._chance.choice(AGENTS)
        self._world.tell(host.key, f"{agent} is forgotten")
        await host.call("forget", name=agent)
        await asyncio.sleep(self.faults.some_s())
        if host.node is not None:
            await self._started(host, agent)

    # --- people who let in and put out ---

    async def _let_in(self, host: Host) -> None:
        """A fourth node joins, by the hand of the one that may let it in."""
        admin = self._world.hosts[HOSTS[0]]
        if NEWCOMER in self._world.hosts or admin.node is None or admin.process.is_stopped:
            return
        newcomer = self._world.host(NEWCOMER)
        newcomer.up()
        try:
            await self._world.join(admin, newcomer)
        except FleetError as error:  # somebody crashed; it stays alone
            self._world.tell(NEWCOMER, f"does not get in: {error}")
            return
        if newcomer.node is not None:
            await self._started(newcomer, AGENTS[0])

    async def _put_out(self, host: Host) -> None:
        """One node is put out in one storm of a few, by the hand of the one that may."""
        admin = self._world.hosts[HOSTS[0]]
        if host is admin or admin.node is None or self._world.revoked:
            return
        said = await admin.call("revoke", node=host.name, reason="a storm")
        if said.exit == 0:
            self._world.tell(host.key, "is put out")
            self._world.revoked.add(host.node_id)

    # --- the end of it ---

    async def _calm(self) -> None:
        """Repair what people can repair."""
        self._world.tell("", "the storm is over")
        self._world.net.heal()
        self._world.net.stalls = 0.0
        for host in self._world.hosts.values():
            host.disk.mend()
            host.at_moment(0, lambda _moment: None)
            if host.node is None:
                host.up()
            host.panes.forget_plans()
            for pane in host.tmux.all_panes():
                pane.mode, pane.input_off = "", False
                for program in pane.programs:
                    if isinstance(program, Chat):
                        program.set(
                            question="", asks_after_paste="", busy=False, reads=True, swallows=0,
                            deaf=False, dies_on="", tells_after_s=0.0,
                        )  # fmt: skip
                        if program.draft:  # ours after a failure, or half a thought of somebody's
                            program.keys(b"\r")
            for agent in AGENTS:
                await self._started(host, agent)
        await self._put_out_again()

    async def _put_out_again(self) -> None:
        """Who put an older database back does again what it has forgotten."""
        admin = self._world.hosts[HOSTS[0]]
        for host in self._world.hosts.values():
            if host.node_id in self._world.unrevoked:
                said = await admin.call("revoke", node=host.name, reason="a storm")
                self._world.tell(host.key, f"is put out again: {said.exit}")
                if said.exit == 0:
                    self._world.revoked.add(host.node_id)

    async def _rest(self) -> None:
        """Wait until everything has ended."""
        self._world.is_over = True
        pause_s = 1.0
        while pause_s < ENDS_WITHIN_S:
            for host in self._world.hosts.values():
                await self.read(host)
            case = [Facts(host) for host in self._world.hosts.values()]
            if not [*everything_ends(case)]:
                return
            await asyncio.sleep(pause_s)
            pause_s *= 2
