"""Skills without a disk: ``node.ports.skills.Skills``; the real ones pass the same contract."""

from __future__ import annotations


class FakeSkills:
    """``there`` are the folders and places that have the skill."""

    def __init__(self) -> None:
        self.there: set[tuple[str, str]] = set()

    def put(self, folder: str, place: str) -> None:
        """Written."""
        self.there.add((folder, place))

    def renew(self, folder: str, place: str) -> None:
        """It is never old."""

    def take(self, folder: str, place: str) -> None:
        """Taken away."""
        self.there.discard((folder, place))
