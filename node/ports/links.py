"""Other nodes: seen on the network, dialled, spoken with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fleet.core.frames import Frame
from fleet.core.roster import Admit


class Link(Protocol):
    """One authenticated stream to a peer, whoever dialled. Frames arrive whole and in order."""

    @property
    def peer_id(self) -> str:
        """The peer's node id, proven by TLS."""
        ...

    @property
    def dialled(self) -> bool:
        """Whether this side dialled."""
        ...

    @property
    def address(self) -> str:
        """host:port of the other end."""
        ...

    @property
    def backlog(self) -> int:
        """Frames given to ``send`` and not yet written."""
        ...

    def send(self, frame: Frame) -> None:
        """Queue a frame; nothing is known of its arrival. After the link closed it is dropped."""
        ...

    async def receive(self) -> Frame | None:
        """The next frame, or None when the link has ended.

        Raises:
            FleetError: the stream ended with the far node's own refusal (first receive only).
        """
        ...

    def close(self, why: str) -> None:
        """End the link at once; the other side is told why. Closing twice is no error."""
        ...


class Dialer(Protocol):
    """Opens links to members."""

    async def dial(self, member: Admit, address: str) -> Link:
        """Connect to exactly this member's key at host:port.

        Raises:
            NodeUnreachable: nobody answers there, or it is not that key.
            NotPaired: the other side does not count us as a member.
        """
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A node seen by mDNS: a hint, and cleaned for display. ``is_member`` says that it knew the
    fleet's discovery key of today, which proves nothing that TLS would not."""

    node_id: str
    addresses: tuple[str, ...]
    is_member: bool


class Discovery(Protocol):
    """mDNS, or its absence."""

    @property
    def trouble(self) -> str:
        """Why nobody finds this node or is found by it, or nothing."""
        ...

    def found(self) -> tuple[Found, ...]:
        """What is advertised on the network now, at most 256 nodes, without ourselves."""
        ...

    def seek(self, node_id: str) -> None:
        """Ask the network for a member that is away; may be called often, and asks seldom."""
        ...

    async def run(self) -> None:
        """Advertise and listen until cancelled, then say goodbye; ends by nothing else."""
        ...
