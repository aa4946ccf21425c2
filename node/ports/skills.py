"""The folders in which programs look for skills."""

from __future__ import annotations

from typing import Protocol


class Skills(Protocol):
    """Our skill, in the folders of agents. ``place`` is where below an agent's folder its program looks.

    Never in anybody's way: what cannot be written is not, a person's file stays as it is, and no method
    raises.
    """

    def put(self, folder: str, place: str) -> None:
        """Write the skill, hidden from git."""
        ...

    def renew(self, folder: str, place: str) -> None:
        """Write it anew where it is, if it is an older one of ours."""
        ...

    def take(self, folder: str, place: str) -> None:
        """Take it away, if it is as we wrote it."""
        ...
