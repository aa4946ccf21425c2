"""Our skill in the folders of agents (``node.ports.skills.Skills``), as far as this node may write it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import structlog

from fleet.skill import folder as skills

log = structlog.get_logger()


class SkillFolders:
    """``is_on`` not: none is written and none renewed; what is there can be taken away."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on

    def put(self, folder: str, place: str) -> None:
        """Write it, hidden from git."""
        if not self._is_on:
            return
        try:
            was = skills.put(Path(folder), place, hidden=True)
        except OSError as error:
            log.warning("skill not written", folder=folder, error=error.strerror or str(error))
        else:
            log.debug("skill written", folder=folder, state=was.value)

    def renew(self, folder: str, place: str) -> None:
        """Write it anew where an older one of ours is."""
        if self._is_on:
            with contextlib.suppress(OSError):  # the folder has gone, as folders do
                skills.renew(Path(folder), place)

    def take(self, folder: str, place: str) -> None:
        """Take it away, if it is as we wrote it."""
        with contextlib.suppress(OSError):
            skills.take(Path(folder), place)
