"""Texts that are too long for one paste, as files that the agent can read."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path

from fleet.core.errors.store import NoSpace, StoreFailed

_LINES_SHOWN = 5
_CHARACTERS_SHOWN = 400
KEPT_S = 30 * 86_400


class SpillFolder:
    """One folder below the home (``node.ports.panes.Spill``)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def shorten(self, envelope_id: str, text: str) -> str:
        """Write the text to ``<id>.txt``; its first lines, path, size and digest instead."""
        data = text.encode()
        path = self._folder / f"{envelope_id}.txt"
        try:
            await asyncio.to_thread(_write, path, data)
        except OSError as error:
            if error.errno == 28:  # noqa: PLR2004 - ENOSPC
                raise NoSpace(str(path)) from error
            raise StoreFailed(f"cannot write {path}: {error.strerror}") from error
        first = "\n".join(text.split("\n")[:_LINES_SHOWN])[:_CHARACTERS_SHOWN]
        digest = sha256(data).hexdigest()[:16]
        return f"{first}\n… the whole text ({len(data)} bytes, sha256 {digest}) is in {path}"

    def tidy(self, now_s: float) -> None:
        """Remove files older than the inbox remembers their envelopes."""
        for path in self._folder.glob("*.txt"):
            if path.stat().st_mtime < now_s - KEPT_S:
                path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
