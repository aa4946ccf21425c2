"""What comes to a host's two doors: its own people's calls, and newcomers with an invitation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.core.roster import SignedEntry

if TYPE_CHECKING:
    from tests.support.host import Host


@dataclass(slots=True)
class Said:
    """What a call answered through the local door."""

    exit: int = -1
    result: Any = None
    error: dict[str, Any] | None = None
    items: list[Any] = field(default_factory=list)

    def write(self, line: bytes) -> None:
        """Take a line of the door."""
        told = msgspec.json.decode(line)
        self.exit = told.get("exit", self.exit)
        self.result = told.get("result", self.result)
        self.error = told.get("error", self.error)
        self.items += [told["item"]] if "item" in told else []

    async def drain(self) -> None:
        """Whoever reads here is never slow."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The inviter's end of a pairing (``tests.support.authority.Inviter``)."""

    host: Host

    def secret_of(self, name: str, address: str) -> bytes:
        return self.host.up_node.membership.secret_of(name, address)

    async def burn(self, name: str, ended: str, address: str, *, is_proven: bool) -> None:
        burnt = self.host.up_node.membership.burn(name, ended, address, is_proven=is_proven)
        await self.host.do(burnt)

    async def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        return await self.host.do(self.host.up_node.membership.admit(public_key, name))

    def welcome(self) -> tuple[str, tuple[SignedEntry, ...], tuple[str, ...]]:
        node = self.host.up_node
        return self.host.authority.fleet_id, node.fleet.roster.entries(), (self.host.address,)
