"""What became of an envelope that was not surely submitted."""

from __future__ import annotations

from fleet.core.errors.base import FleetError, Layer


class Unconfirmed(FleetError):
    """Typed and Enter pressed, no evidence either way."""

    layer = "agent"


class InDoubt(FleetError):
    """The agent or tmux died between typing and evidence."""

    layer = "agent"


class Expired(FleetError):
    """The envelope's time ran out before it was submitted."""

    layer = "agent"


class Refused(FleetError):
    """The recipient's side will not take it."""

    layer: Layer = "agent"


class Cancelled(FleetError):
    """Somebody with the right to do so took it back."""

    layer = "agent"


class LoopStopped(Refused):
    """Two agents answered each other past the limit; a person has to step in."""

    layer = "trust"

    def __init__(self, thread: str, hops: int) -> None:
        FleetError.__init__(
            self,
            f"conversation {thread} went back and forth {hops} times without a person",
            hint="an operator may go on: fleet send NAME, which begins a new conversation",
        )
