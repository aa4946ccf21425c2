"""What goes wrong with teams and their tasks."""

from __future__ import annotations

from fleet.core.errors.base import FleetError


class UnknownTeam(FleetError):
    """No team of this name is known on this node."""

    layer = "name"

    def __init__(self, name: str, known: tuple[str, ...] = ()) -> None:
        there = f"known here: {', '.join(known)}" if known else "none is known here"
        super().__init__(
            f"there is no team {name!r}" if name else "which team is meant is not said",
            hint=f"{there}; fleet team ls",
        )


class UnknownTask(FleetError):
    """The team's list has no task of this number."""

    layer = "name"

    def __init__(self, label: str, team: str) -> None:
        super().__init__(f"{team} has no task {label}", hint="fleet task ls --all shows every one")


class AlreadyClaimed(FleetError):
    """Somebody else holds the task."""

    layer = "input"

    def __init__(self, label: str, holder: str) -> None:
        super().__init__(
            f"{label} is {holder}'s",
            hint="fleet task claim without a number takes one that is free",
        )


class LeaseLost(FleetError):
    """The caller does not hold the task, or not any more; nothing was written."""

    layer = "input"

    def __init__(self, label: str, why: str) -> None:
        super().__init__(
            f"the claim on {label} does not stand: {why}",
            hint=f"fleet task show {label} tells its history; fleet task claim {label} if it is free",
        )


class LogFull(FleetError):
    """A team's log is as long as a node keeps any; what is there can be brought to its end."""

    layer = "store"

    def __init__(self, team: str, limit_bytes: int) -> None:
        super().__init__(
            f"the log of {team} has no room for this in its {limit_bytes} bytes",
            hint="what is on its list can be finished; for what is new found another team",
        )
