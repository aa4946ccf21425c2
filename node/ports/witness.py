"""What agent programs themselves tell of the turns they took."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fleet.core.delivery import Evidence
from fleet.core.profile import Hooks, Profile
from node.ports.panes import PaneRef


@dataclass(frozen=True, slots=True)
class Hooked:
    """What a program has to be started with so that it tells its turns."""

    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


class Told(NamedTuple):
    """A turn that a program says it took; ``text`` is empty where only its traces were found."""

    evidence: Evidence
    text: str


class Witness(Protocol):
    """What agent programs themselves tell of the turns they took."""

    def install(self, name: str, hooks: Hooks, ref: PaneRef | None) -> Hooked:
        """Make a program tell its turns; ``ref`` is that of one that runs already.

        Raises:
            HooksUnsupported: the program cannot be taught that while it runs.
            StoreFailed: a file could not be written.
        """
        ...

    def remove(self, name: str) -> None:
        """Take everything back that was installed for an agent; nothing is no error."""
        ...

    def keep(self, names: Container[str]) -> None:
        """Take back what was installed for anybody else: the node died before they were agents."""
        ...

    async def told(
        self, name: str, ref: PaneRef, profile: Profile, envelope_id: str, end: str
    ) -> Told | None:
        """Whether the agent's program told that it took the text with this id and end line.

        A hook's word goes before a transcript's. What cannot be read counts as not told.
        """
        ...
