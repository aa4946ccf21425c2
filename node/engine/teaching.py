"""What agents are taught about fleet: our skill, where their programs look for skills.

It is there before the program starts, and goes when the last agent that is taught in that folder is stopped,
forgotten, or out of its seat. Nobody's start fails for want of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from fleet.profiles import Profiles
from node.ports.skills import Skills
from node.records import Agent


class Teaching:
    """The skill in the folders of this node's agents."""

    def __init__(self, skills: Skills, profiles: Profiles) -> None:
        self._skills = skills
        self._profiles = profiles

    def teach(self, agent: Agent) -> None:
        """Write the skill for an agent whose program is about to start."""
        where = self._where(agent)
        if all(where):
            self._skills.put(*where)

    def gone(self, agent: Agent, everybody: Iterable[Agent]) -> None:
        """An agent lives no more: its skill goes, unless another one that may live is taught by it."""
        where = self._where(agent)
        others = (o for o in everybody if o.name != agent.name and o.ref is not None)
        if all(where) and where not in map(self._where, others):
            self._skills.take(*where)

    def renew(self, agents: Iterable[Agent]) -> None:
        """This node may be a newer version than the one that wrote the skills."""
        for folder, place in {self._where(agent) for agent in agents}:
            if folder and place:
                self._skills.renew(folder, place)

    def _where(self, agent: Agent) -> tuple[str, str]:
        profile = self._profiles.named_or_generic(agent.profile)
        return (agent.cwd, profile.skills) if agent.skill else ("", "")
