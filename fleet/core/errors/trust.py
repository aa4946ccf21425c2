"""Who asks may not: no identity, no grant, no key that signs, no room that is private."""

from __future__ import annotations

from math import ceil

from fleet.core.errors.base import FleetError


class Unauthenticated(FleetError):
    """The caller has no certificate that means anything here."""

    layer = "tls"


class NotAllowed(FleetError):
    """Identity is known, the grant is missing."""

    layer = "trust"

    def __init__(self, who: str, verb: str, what: str, hint: str = "") -> None:
        super().__init__(f"{who} may not {verb} {what}", hint=hint)


class KeyLocked(FleetError):
    """A signature is needed, and the key for it is locked with a passphrase."""

    layer = "trust"

    def __init__(self, file: str, why: str = "it is locked with a passphrase") -> None:
        super().__init__(
            f"{file} cannot sign: {why}",
            hint="say it on a terminal, or put it into the file that FLEET_PASSPHRASE_FILE names",
        )


class RateExceeded(FleetError):
    """It was granted so and so often, and has been done as often by the caller's node."""

    layer = "trust"

    def __init__(self, who: str, verb: str, what: str, rate: str, left_s: float) -> None:
        super().__init__(
            f"{who} may {verb} {what} {rate}, and its node has used that up: again in {_rounded(left_s)}",
            hint="send it again then: fleet revive ID for what was queued; or ask for a higher rate",
        )


def _rounded(length_s: float) -> str:
    """Up, so that who waits as long does not come too early."""
    if length_s < _TENTHS_BELOW_S:
        return f"{ceil(length_s * 10) / 10:.1f} s"
    return f"{ceil(length_s)} s" if length_s < _MINUTES_FROM_S else f"{ceil(length_s / 60)} min"


_TENTHS_BELOW_S = 10.0
_MINUTES_FROM_S = 600.0


class NotPaired(FleetError):
    """The two nodes do not belong to one fleet (any more, or not yet)."""

    layer = "trust"


class InvitationRefused(FleetError):
    """The invitation is used, expired, withdrawn or wrong."""

    layer = "trust"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the invitation was refused: {why}",
            hint="ask for a new one: fleet invite, on the node that lets you in",
        )


class UnsafeHome(FleetError):
    """Others could read or write the home; keys in it would not be secret."""

    layer = "local-node"

    def __init__(self, path: str, why: str, remedy: str) -> None:
        super().__init__(f"{path} is not safe to use: {why}", hint=remedy)
