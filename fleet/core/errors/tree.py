"""The whole tree. A new family of errors is a module beside this one, and its name in ``FAMILIES``."""

from __future__ import annotations

from fleet.core.errors import (
    base,
    ends,
    files,
    names,
    nodes,
    panes,
    requests,
    store,
    teams,
    trust,
    worktrees,
)
from fleet.core.errors.base import FleetError

FAMILIES = (base, requests, files, names, trust, nodes, store, panes, teams, worktrees, ends)
"""The modules that errors are in; a class is part of the tree once its module is loaded."""


def every_error() -> dict[str, type[FleetError]]:
    """Every class of the tree by its code."""
    found: dict[str, type[FleetError]] = {}
    waiting: list[type[FleetError]] = [FleetError]
    while waiting:
        cls = waiting.pop()
        found[cls.code] = cls
        waiting.extend(cls.__subclasses__())
    return found
