"""What agents' screens of this node say, and for how long they have said it."""

from __future__ import annotations

from typing import NamedTuple

from fleet.core.look import Look
from fleet.core.screen import gate, is_busy
from node.engine.agents import Agents
from node.engine.courier import Courier
from node.ports.host import Clock
from node.records import Agent


class _Seen(NamedTuple):
    token: str
    screen: int
    since_s: float


class Screens:
    """Reads looks. Since when a screen is as it is, is known as far as somebody has looked: the node
    itself does so every few seconds."""

    def __init__(self, agents: Agents, courier: Courier, clock: Clock) -> None:
        self._agents = agents
        self._courier = courier
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        agents.looked = self._looked

    def reading(self, agent: Agent, look: Look) -> str:
        """Whether the agent can be typed to: ``ready``, or why not."""
        token = agent.ref.token if agent.ref else ""
        was_ready = self._courier.was_ready(agent)
        hold = gate(self._agents.profile(agent), look, token, 0.0, was_ready=was_ready)
        return hold.reason.value if hold else "ready"

    def doing(self, agent: Agent, look: Look) -> str:
        """What the program is at. It may be busy and take a message all the same: then it is ``ready``
        to us, and ``busy`` here."""
        reading = self.reading(agent, look)
        if reading == "ready" and is_busy(self._agents.profile(agent), look):
            return "busy"
        return reading

    def still_s(self, agent: Agent) -> float:
        """For how long nothing has changed on its screen, in this life of the node."""
        seen = self._seen.get(agent.name)
        if seen is None or agent.ref is None or seen.token != agent.ref.token:
            return 0.0
        return self._clock.now_s() - seen.since_s

    def _looked(self, agent: Agent, look: Look) -> None:
        token = agent.ref.token if agent.ref else ""
        screen = hash((look.exists, look.dead, look.rows, look.cursor_x, look.cursor_y, look.title))
        before = self._seen.get(agent.name)
        if before is None or before[:2] != (token, screen):
            self._seen[agent.name] = _Seen(token, screen, self._clock.now_s())
