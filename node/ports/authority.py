"""This node's key and the fleet's root: who signs, who is believed, how a newcomer joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fleet.core.roster import Roster, SignedEntry


@dataclass(frozen=True, slots=True)
class Joined:
    """What a newcomer was given by its inviter, all of it checked."""

    fleet_id: str
    inviter_id: str
    entries: tuple[SignedEntry, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """A public key (DER) that is to follow a node's own, signed for by both keys."""

    public_key: bytes
    by_old: bytes
    by_new: bytes


class Authority(Protocol):
    """This node's key, its certificate, and the fleet's root: its certificate everywhere, its key
    only on an admin."""

    @property
    def fleet_id(self) -> str:
        """Names the fleet: the hash of the root's public key."""
        ...

    @property
    def holds_root(self) -> bool:
        """Whether the root key is here, with a passphrase or without."""
        ...

    @property
    def is_admin(self) -> bool:
        """Whether this node may admit and revoke: by the root key, or by its own admin key."""
        ...

    def follow(self, roster: Roster) -> None:
        """Take from the roster what it says of this node's own power, and whose certificates to accept."""
        ...

    @property
    def has_passphrase(self) -> bool:
        """Whether the root key here is of no use without its passphrase."""
        ...

    @property
    def is_locked(self) -> bool:
        """Whether the root key is here and cannot sign now."""
        ...

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Let the root key sign until then, at most. Nothing happens when it has no passphrase.

        Raises:
            KeyLocked: the passphrase is wrong.
        """
        ...

    def forget(self) -> None:
        """Let a key with a passphrase sign no more before it is unlocked again."""
        ...

    async def lock(self, passphrase: str) -> None:
        """Put a passphrase on the root key.

        Raises:
            WrongState: it has one already.
            MalformedRequest: this one is too short.
        """
        ...

    async def unlock_for_good(self, passphrase: str) -> None:
        """Take the passphrase off the root key.

        Raises:
            WrongState: it has none.
            KeyLocked: the passphrase is wrong.
        """
        ...

    def verify(self, body: bytes, signature: bytes) -> SignedEntry:
        """Check a roster entry's signature and contents.

        Raises:
            NotPaired: it is not this fleet's root that signed it, or it makes no sense.
        """
        ...

    def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        """Certify a node's public key (DER); the signed admission and the certificate (DER).

        Raises:
            NotAllowed: the root key is not here.
        """
        ...

    def revoke(self, node_id: str, reason: str, kept: tuple[str, ...] = ()) -> SignedEntry:
        """Sign a revocation: of a node, or of an admin's key, whose admissions ``kept`` stand.

        Raises:
            NotAllowed: this node may not sign.
        """
        ...

    def prove_next(self) -> Proof:
        """A new key for this node, made durable when there is none yet, signed for by both keys.

        It is the same one until it is taken.
        """
        ...

    def next_id(self) -> str:
        """The id of that key; empty when there is none."""
        ...

    def succession(
        self, old_certificate: bytes, name: str, proof: Proof
    ) -> tuple[SignedEntry, SignedEntry]:
        """Sign that a key follows the one in a node's certificate (DER): the admission of the new id, and
        the revocation of the old one.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
            NotPaired: one of the two keys did not say so.
        """
        ...

    def ending(self, admission: SignedEntry) -> SignedEntry:
        """Sign the revocation of the id that an admission follows.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
        """
        ...

    def take_next(self, entries: tuple[SignedEntry, ...]) -> None:
        """Decide for the new key, for which these were signed: the next start of this node is under it.

        Raises:
            NotPaired: these do not let it follow.
        """
        ...

    def followed(self) -> tuple[SignedEntry, ...]:
        """The admission of this node's key and the revocation of the one before, while the database may
        not have them; else nothing.

        Raises:
            StartFailed: the file that says so is damaged.
        """
        ...

    def remembered(self) -> None:
        """The database has what was followed."""
        ...

    def appoint(self, node_id: str, certificate: bytes) -> SignedEntry:
        """Sign that a node may sign with the key of this certificate (DER).

        Raises:
            NotAllowed: the root key is not here.
            NotPaired: it is no admin's certificate.
        """
        ...

    def has_root(self, succession: SignedEntry | None) -> bool:
        """Whether the key of a root is here, by its succession; None: the founding one."""
        ...

    async def succeed(self, passphrase: str) -> SignedEntry:
        """Sign that a new root key follows the one that signs here; the new key is durable before that,
        with the same passphrase. Called again before the roster knows of it, it is the same key.

        Raises:
            NotAllowed: no root key that counts is here.
            KeyLocked: it is locked.
        """
        ...

    def retire(self, succession: SignedEntry, root_id: str, kept: tuple[str, ...]) -> SignedEntry:
        """Sign with the key of a succession that the root before it, of this id, signs no more.

        Raises:
            NotAllowed: that key is not here.
            KeyLocked: it is locked.
        """
        ...

    def drop_root(self, succession: SignedEntry | None) -> None:
        """Delete the key of a root that is retired."""
        ...

    def admin_certificate(self) -> bytes:
        """The certificate (DER) of this node's own admin key, which is made when there is none."""
        ...

    def team_key(self) -> bytes:
        """The key with which this node tags the logs of its teams; made when there is none."""
        ...

    async def join(self, token: str, name: str) -> Joined:
        """Prove the token to its inviter and take over the fleet's root and our new certificate.

        Raises:
            InvitationRefused: in the inviter's words.
            NodeUnreachable: nobody there, or not the inviter.
        """
        ...

    def unfinished(self) -> Joined | None:
        """The fleet that an earlier life joined and may not have come to remember, if it did not.

        ``join`` makes it so before anything of the fleet is taken over.
        """
        ...

    def finish(self) -> None:
        """What was joined is durable elsewhere; ``unfinished`` is None from now on."""
        ...

    def open_to_newcomers(self, until_wall_s: float) -> None:
        """Let unknown keys knock (and do nothing else) until then."""
        ...
