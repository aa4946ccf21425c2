"""A file that people write cannot be used: all that is wrong with it, taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.core.errors.base import FleetError


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file: under which key, what stands there, and what may.

    ``key`` is a path (``roles.impl.count``), empty for the file as a whole. ``also`` are further keys
    that it follows from.
    """

    key: str
    found: str
    allowed: str
    hint: str = ""
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{key}{self.found}; allowed: {self.allowed}{hint}"


class MalformedTeamFile(FleetError):
    """A team file cannot be used; every mistake in it is named, not only the first."""

    layer = "input"
    mistakes: tuple[Mistake, ...] = ()

    def __init__(self, source: str, mistakes: tuple[Mistake, ...], more: int = 0) -> None:
        """``more`` is how many mistakes there are beside those that are named."""
        count = len(mistakes) + more
        lines = [f"{source}: {count} mistakes", *map(str, mistakes)] if count > 1 else []
        unnamed = [f"and {more} more"] if more else []
        super().__init__(
            "\n  ".join([*lines, *unnamed]) or f"{source}: {mistakes[0]}",
            hint="fleet team check FILE says what is wrong with a file, without a node",
        )
        self.mistakes = mistakes
