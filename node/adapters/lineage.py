"""Whose process calls: its ancestors, as /proc tells them. Start ticks make a pid unmistakable."""

from __future__ import annotations

from pathlib import Path

_DEEPEST = 64


def lineage(pid: int) -> tuple[tuple[int, int], ...]:
    """The process and its ancestors as (pid, start tick), from the process up.

    Ends where /proc does not tell: a detached process has init as its parent and so no agent.
    """
    found: list[tuple[int, int]] = []
    while pid > 1 and len(found) < _DEEPEST:
        stat = _stat(pid)
        if stat is None:
            break
        parent, start = stat
        found.append((pid, start))
        pid = parent
    return tuple(found)


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent and start tick (fields 4 and 22 of proc(5)); the name may hold blanks and brackets."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[19])
