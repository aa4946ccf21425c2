"""What is written down could not be kept; nothing was accepted."""

from __future__ import annotations

from fleet.core.errors.base import FleetError


class StoreFailed(FleetError):
    """The database could not keep what it was given; nothing was accepted."""

    layer = "store"


class NoSpace(StoreFailed):
    """The disk is full; nothing was accepted."""

    def __init__(self, path: str) -> None:
        FleetError.__init__(
            self,
            f"no space left for {path}; nothing was accepted",
            hint=f"make room on the disk that holds {path}, then try again",
        )


class NotKept(StoreFailed):
    """It was done and is in force, and it is not on the disk yet."""

    def __init__(self, what: str, error: StoreFailed) -> None:
        """``what`` is in force; ``error`` is why it could not be written down."""
        trouble = str(error).removesuffix("; nothing was accepted")
        FleetError.__init__(
            self,
            f"{what}, and that is not written down yet: {trouble}",
            hint="this node goes on trying; should it end before that, do the same again",
        )


class MailboxFull(FleetError):
    """A queue is at its stated limit; nothing was accepted."""

    layer = "store"

    def __init__(self, where: str, limit: int, of: str = "") -> None:
        """``of`` is what the limit counts, when that is not envelopes."""
        super().__init__(
            f"{where} has no room for this one in its {limit} {of}"
            if of
            else f"{where} holds {limit} envelopes already",
            hint="wait until it drains, or clear it: fleet outbox, fleet cancel ID",
        )
