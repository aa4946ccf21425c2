"""What agents' screens of this node say, and for how long they have said it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from fleet.core.limited import limit_said, limited_s
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


class _Limit(NamedTuple):
    token: str
    said: str
    since_s: float


class Screens:
    """Reads looks. Since when a screen is as it is, is known as far as somebody has looked: the node
    itself does so every few seconds."""

    def __init__(self, agents: Agents, courier: Courier, clock: Clock) -> None:
        self._agents = agents
        self._courier = courier
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._limits: dict[str, _Limit] = {}
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

    def paused_s(self, agent: Agent, look: Look) -> float:
        """For how long its program says that it takes no work still."""
        now = datetime.fromtimestamp(self._clock.wall_s(), UTC).astimezone()
        of_day_s = now.hour * 3_600.0 + now.minute * 60.0 + now.second
        said = self._limits.get(agent.name)
        shown_s = self._clock.now_s() - said.since_s if said else 0.0
        return limited_s(self._agents.profile(agent), look, shown_s, of_day_s)

    def _looked(self, agent: Agent, look: Look) -> None:
        token = agent.ref.token if agent.ref else ""
        screen = hash((look.exists, look.dead, look.rows, look.cursor_x, look.cursor_y, look.title))
        self._heed_limit(agent, look, token)
        before = self._seen.get(agent.name)
        if before is None or before[:2] != (token, screen):
            self._seen[agent.name] = _Seen(token, screen, self._clock.now_s())

    def _heed_limit(self, agent: Agent, look: Look, token: str) -> None:
        """Note since when it says of a limit what it says: the screen around it goes on."""
        said = limit_said(self._agents.profile(agent), look)
        before = self._limits.get(agent.name)
        if not said:
            self._limits.pop(agent.name, None)
        elif before is None or before[:2] != (token, said):
            self._limits[agent.name] = _Limit(token, said, self._clock.now_s())
