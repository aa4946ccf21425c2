"""A node that does not run, cannot be reached, does not understand, or has its hands full."""

from __future__ import annotations

from fleet.core.errors.base import FleetError, Layer


class NodeNotRunning(FleetError):
    """No node serves this home."""

    layer = "local-node"

    def __init__(self, home: str, why: str = "") -> None:
        super().__init__(
            f"no node is running for {home}{': ' + why if why else ''}", hint="fleet up"
        )


class UnknownCall(FleetError):
    """The local door has no such call; usually a command line newer than its node."""

    layer = "local-node"

    def __init__(self, call: str) -> None:
        super().__init__(
            f"this node does not know the call {call!r}",
            hint="restart the node with the installed version: fleet down && fleet up",
        )


class StartFailed(FleetError):
    """The node ended before it served."""

    layer = "local-node"


class PortInUse(FleetError):
    """Somebody else listens there."""

    layer = "local-node"

    def __init__(self, listen: str) -> None:
        super().__init__(
            f"cannot listen on {listen}: the port is in use",
            hint="choose another: fleet up --listen HOST:PORT",
        )


class NodeUnreachable(FleetError):
    """No way to the other node now; nothing was accepted there."""

    layer: Layer = "network"

    def __init__(self, node: str, why: str) -> None:
        super().__init__(
            f"{node} cannot be reached: {why}",
            hint=f"is it up? on its host: fleet up, fleet doctor; messages to {node} wait meanwhile",
        )


class VersionMismatch(FleetError):
    """The other side, or the data on disk, speaks a version this build does not."""

    layer = "rpc"


class TooBusy(FleetError):
    """A peer wants more at once than one is given; nothing was done for this one."""

    layer = "rpc"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} does as much for this node already as it does at once",
            hint="try again in a moment",
        )
