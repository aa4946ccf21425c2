"""What a roster's entries say, and what each rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from fleet.core.succession import FOUNDER


@dataclass(frozen=True, slots=True)
class Follow:
    """Whom a new key follows: the node's id before, that public key (DER), and its signature on the new."""

    node_id: str
    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Admit:
    """A node belongs. ``certificate`` is its DER, signed by who admitted it; ``node_id`` follows from it.

    ``name`` is a label for people and may collide with another node's. ``follows``: it belonged before,
    with another key.
    """

    node_id: str
    name: str
    certificate: bytes
    follows: Follow | None = None


@dataclass(frozen=True, slots=True)
class Revoke:
    """A node does not belong any more, or an admin's key signs no more; for ever.

    ``kept`` names the admissions of that admin's key that stand all the same. ``follower`` is the id under
    which the node goes on; empty when it is put out.
    """

    node_id: str
    reason: str
    kept: tuple[str, ...] = ()
    follower: str = ""


@dataclass(frozen=True, slots=True)
class Appoint:
    """A node may sign with a key of its own, whose certificate (DER) it is. Only a root says so."""

    node_id: str
    admin_id: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Succeed:
    """Another root key signs for the fleet too, and is to be the only one; it has this certificate (DER)."""

    root_id: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Retire:
    """The root before the one that signs this signs no more; of its entries only ``kept`` stand."""

    root_id: str
    kept: tuple[str, ...]


RosterEntry = Admit | Revoke | Appoint | Succeed | Retire


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as it is stored and travels: the exact signed bytes, and what they say.

    ``power`` is the word that its signer may sign, an appointment or a succession; it is part of the body.
    None: the founding root signed.
    """

    body: bytes
    signature: bytes
    entry: RosterEntry
    power: SignedEntry | None = None

    @property
    def entry_id(self) -> str:
        """Names the entry; the same bytes are the same entry everywhere."""
        return sha256(self.body).hexdigest()

    @property
    def node_id(self) -> str:
        """The node that it is about, or the admin's key that it revokes; empty when it is about a root."""
        return "" if isinstance(self.entry, Succeed | Retire) else self.entry.node_id

    @property
    def rests_on(self) -> Iterator[SignedEntry]:
        """The words that its signer may sign, the nearest first."""
        if self.power is not None:
            yield self.power
            yield from self.power.rests_on

    @property
    def speaks_of_admins(self) -> bool:
        """Whether it appoints one, or one signed it."""
        return self.appointed is not None or isinstance(self.entry, Appoint)

    @property
    def speaks_of_roots(self) -> bool:
        """Whether it is about a root that followed the founding one, or rests on one."""
        return any(isinstance(one.entry, Succeed | Retire) for one in (self, *self.rests_on))

    @property
    def appointed(self) -> Appoint | None:
        """The admin who signed it; None for a root."""
        return self.power.entry if self.power and isinstance(self.power.entry, Appoint) else None

    @property
    def root(self) -> str:
        """The root who signed it, or who appointed the admin who did: named by its succession."""
        power = self.power.power if self.power and self.appointed else self.power
        return power.entry_id if power else FOUNDER

    @property
    def empowers(self) -> bytes | None:
        """The certificate (DER) of the key that may sign by this word; None when it gives no power."""
        return self.entry.certificate if isinstance(self.entry, Appoint | Succeed) else None

    @property
    def issuer(self) -> bytes | None:
        """The certificate (DER) of who signed it; None for the founding root."""
        return self.power.empowers if self.power else None
