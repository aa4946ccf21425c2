"""What this process costs, as /proc tells it."""

from __future__ import annotations

import os
from pathlib import Path

from node.ports.host import Usage

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _START = 11, 12, 19  # counted behind the program's name, which may hold anything


def usage() -> Usage:
    """Read it; a few system calls."""
    stat = _read("/proc/self/stat").rpartition(")")[2].split()
    resident = int(_read("/proc/self/statm").split()[1])
    boot_s = next(
        float(line.split()[1])
        for line in _read("/proc/stat").splitlines()
        if line.startswith("btime ")
    )
    return Usage(
        resident * _PAGE_BYTES,
        (int(stat[_UTIME]) + int(stat[_STIME])) / _TICKS,
        sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1,  # the one that lists them
        boot_s + int(stat[_START]) / _TICKS,
    )


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
