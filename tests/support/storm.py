"""A storm over a world: people send, and everything that can go wrong goes wrong, as chance has it.

Then it is over: all nodes are up, the network carries, people have answered their questions and
started their agents again. From there on everything has to come to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fleet.core.address import OPERATOR
from fleet.core.delivery import TERMINAL, HoldReason, State
from node.engine.inbox import INBOX_LIMIT
from tests.support.host import SOCKET, Host, Said
from tests.support.model_tmux import Pane
from tests.support.panes import Moment
from tests.support.programs import Chat
from tests.support.world import World

HOSTS = ("white", "nova", "kai")
AGENTS = ("rin", "neo")
PROGRAMS = ("chat", "chat", "patient", "lines")
STORM_S = 12.0
BURSTS = 30
FAULTS = 40
ENDS_WITHIN_S = 300.0
_REQUESTS = ("look", "paste", "paste", "enter", "enter")


class Storm:
    """One storm."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._faults: tuple[Callable[[Host], Awaitable[None]], ...] = (
            self._crash, self._crash_at, self._crash_at, self._crash_at, self._lose, self._lose,
            self._break, self._break, self._cut, self._slow, self._ask, self._ask_at_paste,
            self._draft, self._busy, self._swallow, self._deafen, self._stop_reading, self._quit,
            self._die, self._die, self._mode, self._input_off, self._reuse, self._kill_tmux,
            self._step_clock, self._start, self._start, self._end, self._forget, self._release,
        )  # fmt: skip

    async def blow(self) -> None:
        """Begin, rage, end; returns when everything has come to its end."""
        for key in HOSTS:
            self._world.host(key).room = self._chance.choice((2, INBOX_LIMIT))
        hosts = await self._world.fleet(*HOSTS)
        for host in hosts:
            for agent in AGENTS:
                await self._started(host, agent)
        await asyncio.sleep(0.5)
        letters = [self._burst(number) for number in range(BURSTS)]
        await asyncio.gather(*letters, *(self._fault() for _ in range(FAULTS)))
        await self._calm()
        end_s = asyncio.get_running_loop().time() + ENDS_WITHIN_S
        while found := self._open():
            assert asyncio.get_running_loop().time() < end_s, f"this does not end: {found}"
            await asyncio.sleep(1.0)
            for host in hosts:
                await self._release(host)

    async def _started(self, host: Host, agent: str) -> None:
        program = self._chance.choice(PROGRAMS)
        policy = self._chance.choice(("open", "open", "approval"))
        await host.call("start", name=agent, socket=SOCKET, command=(program,), policy=policy)

    # --- people ---

    async def _burst(self, number: int) -> None:
        """Somebody says a few things in a row, and to be sure says each again until it is answered."""
        await asyncio.sleep(self._some_s(STORM_S))
        host = self._host()
        to = f"{self._chance.choice(AGENTS)}@{self._chance.choice(HOSTS)}"
        for part in range(self._chance.randrange(1, 4)):
            for _ in range(3):
                said = await self._send(host, to, f"letter {number}, part {part}")
                if said is not None and said.result:
                    break
                await asyncio.sleep(self._some_s(2.0))

    async def _send(self, host: Host, to: str, text: str) -> Said | None:
        if host.node is None:
            return None
        timeout_s = self._chance.choice((0.0, 0.0, 1.0, 10.0))
        caller = self._caller(host)
        expires_s = self._chance.choice((3.0, 86_400.0, 86_400.0))
        said = await host.call(
            "send", caller, to=to, text=text, key=text, timeout_s=timeout_s, expires_s=expires_s
        )
        if said.result and self._chance.random() < 0.1 and host.node is not None:
            await host.call("cancel", id=said.result["id"])
        return said

    def _caller(self, host: Host) -> str:
        agent = self._chance.choice(AGENTS)
        return agent if host.up_node.agents.ref(agent) else OPERATOR

    # --- faults ---

    async def _fault(self) -> None:
        await asyncio.sleep(self._some_s(STORM_S))
        host = self._host()
        if host.node is not None:
            await self._chance.choice(self._faults)(host)

    def _host(self) -> Host:
        return self._world.hosts[self._chance.choice(HOSTS)]

    def _some_s(self, most_s: float = 5.0) -> float:
        return self._chance.random() * most_s

    async def _crash(self, host: Host) -> None:
        host.crash()
        await asyncio.sleep(self._some_s())
        if host.node is None:
            host.up()

    async def _crash_at(self, host: Host) -> None:
        moment = self._chance.choice(list(Moment))
        host.panes.when(self._chance.choice(_REQUESTS), moment, host.crash)
        await asyncio.sleep(self._some_s())
        if host.node is None:
            host.up()

    async def _lose(self, host: Host) -> None:
        host.panes.fail(self._chance.choice(_REQUESTS), self._chance.choice(list(Moment)))

    async def _break(self, host: Host) -> None:
        self._world.net.drop(host.node_id, self._host().node_id)

    async def _cut(self, host: Host) -> None:
        other = self._host()
        self._world.net.cut(host.node_id, other.node_id)
        if self._chance.random() < 0.5:
            self._world.net.cut(other.node_id, host.node_id)
        await asyncio.sleep(self._some_s(20.0))
        self._world.net.heal()

    async def _slow(self, host: Host) -> None:
        self._world.net.slowest_s = self._chance.choice((0.001, 0.01, 0.2))

    async def _for_a_while(
        self, host: Host, now: Mapping[str, object], then: Mapping[str, object]
    ) -> None:
        program = self._program(host)
        if program is not None and program.is_known and program.reads:  # a stuck one does nothing
            program.set(**now)
            await asyncio.sleep(self._some_s(8.0))
            program.set(**then)

    async def _ask(self, host: Host) -> None:
        await self._for_a_while(host, {"question": "Allow it?"}, {"question": ""})

    async def _ask_at_paste(self, host: Host) -> None:
        then = {"asks_after_paste": "", "question": ""}
        await self._for_a_while(host, {"asks_after_paste": "Allow it?"}, then)

    async def _draft(self, host: Host) -> None:
        program = self._program(host)
        if program is not None and not program.draft:
            program.keys(b"half a thought")
            await asyncio.sleep(self._some_s(8.0))
            program.keys(b"\r")

    async def _busy(self, host: Host) -> None:
        await self._for_a_while(host, {"busy": True}, {"busy": False})

    async def _swallow(self, host: Host) -> None:
        await self._for_a_while(host, {"swallows": 2}, {"swallows": 0})

    async def _deafen(self, host: Host) -> None:
        await self._for_a_while(host, {"deaf": True}, {"deaf": False})

    async def _stop_reading(self, host: Host) -> None:
        await self._for_a_while(host, {"reads": False}, {"reads": True})

    async def _quit(self, host: Host) -> None:
        if (program := self._program(host)) is not None:
            program.set(ended=True)

    async def _die(self, host: Host) -> None:
        dies_on = self._chance.choice(("paste", "enter"))
        await self._for_a_while(host, {"dies_on": dies_on}, {"dies_on": ""})

    async def _mode(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            pane.mode = "copy-mode"

    async def _input_off(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            pane.input_off = True
            await asyncio.sleep(self._some_s())
            pane.input_off = False

    async def _reuse(self, host: Host) -> None:
        if (pane := self._pane(host)) is not None:
            host.tmux.respawn(pane, Chat())

    async def _kill_tmux(self, host: Host) -> None:
        host.tmux.kill(SOCKET)
        for _ in range(self._chance.randrange(5)):
            host.tmux.window(SOCKET, Chat())

    async def _step_clock(self, host: Host) -> None:
        host.clock.ahead_s += self._chance.choice((-3_600.0, 3_600.0))

    async def _start(self, host: Host) -> None:
        await self._started(host, self._chance.choice(AGENTS))

    async def _end(self, host: Host) -> None:
        await host.call("end", name=self._chance.choice(AGENTS))

    async def _forget(self, host: Host) -> None:
        agent = self._chance.choice(AGENTS)
        await host.call("forget", name=agent)
        await asyncio.sleep(self._some_s())
        if host.node is not None:
            await self._started(host, agent)

    async def _release(self, host: Host) -> None:
        """Its operator lets through what waits for that."""
        said = await host.call("inbox")
        for letter in said.result or ():
            if letter["reason"] == HoldReason.APPROVAL and host.node is not None:
                await host.call("release", id=letter["id"])

    def _program(self, host: Host) -> Chat | None:
        pane = self._pane(host)
        front = pane.front if pane else None
        return front if isinstance(front, Chat) else None

    def _pane(self, host: Host) -> Pane | None:
        panes = host.tmux.all_panes()
        return self._chance.choice(panes) if panes else None

    # --- the end of it ---

    async def _calm(self) -> None:
        """Repair what people can repair."""
        self._world.net.heal()
        for host in self._world.hosts.values():
            if host.node is None:
                host.up()
            host.panes.forget_plans()
            for pane in host.tmux.all_panes():
                pane.mode, pane.input_off = "", False
                for program in pane.programs:
                    if isinstance(program, Chat):
                        program.set(
                            question="", asks_after_paste="", busy=False, reads=True, swallows=0,
                            deaf=False, dies_on="",
                        )  # fmt: skip
                        if program.draft:  # ours after a failure, or half a thought of somebody's
                            program.keys(b"\r")
            for agent in AGENTS:
                await self._started(host, agent)

    def _open(self) -> list[str]:
        """What has not come to its end."""
        found: list[str] = []
        for host in self._world.hosts.values():
            store = host.up_node.store
            found += [
                f"{item.envelope.id} {item.state} on {host.key}"
                for item in store.inbox.recent("", 1_000, dead=False)
                if item.state not in TERMINAL
            ]
            found += [
                f"{row.envelope.id} queued on {host.key}"
                for row in store.outbox.recent(1_000, dead=False)
                if row.state is State.QUEUED
            ]
        return found
