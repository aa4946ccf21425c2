"""Files that a node writes for its agents and reads of them, and the moments around that.

The adapters are the real ones. Only transcripts are found by the model programs' own list, for a
model program has no process whose folder could be searched.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from fleet.core.delivery import Evidence
from fleet.core.profile import Hooks, Profile
from node.adapters.spill import SpillFolder
from node.adapters.witness import Witnesses
from node.ports.panes import PaneRef
from node.ports.witness import Hooked, Told


class SimWitness:
    """The ``Witness`` of one life of a node; ``log_of`` gives an incarnation's transcript."""

    def __init__(
        self,
        files: Witnesses,
        log_of: Callable[[str], Sequence[str]],
        at: Callable[[str], None],
    ) -> None:
        self._files = files
        self._log_of = log_of
        self._at = at
        self.remove = files.remove

    def install(self, name: str, hooks: Hooks, ref: PaneRef | None) -> Hooked:
        self._at("before install")
        hooked = self._files.install(name, hooks, ref)
        self._at("after install")
        return hooked

    def keep(self, names: Container[str]) -> None:
        self._files.keep(names)

    async def told(
        self, name: str, ref: PaneRef, profile: Profile, envelope_id: str, end: str
    ) -> Told | None:
        self._at("before told")
        if not profile.transcript:
            return await self._files.told(name, ref, profile, envelope_id, end)
        is_told = any(envelope_id in text and end in text for text in self._log_of(ref.token))
        return Told(Evidence.TRANSCRIPT, "") if is_told else None


class SimSpill:
    """The ``Spill`` of one life of a node."""

    def __init__(self, folder: SpillFolder, at: Callable[[str], None]) -> None:
        self._folder = folder
        self._at = at

    async def shorten(self, envelope_id: str, text: str) -> str:
        self._at("before shorten")
        short = await self._folder.shorten(envelope_id, text)
        self._at("after shorten")
        return short
