"""The keys that sign for the fleet: its root keys, and this node's own key of an admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fleet.core.errors.trust import NotAllowed, NotPaired
from fleet.core.roster import (
    Admit,
    Appoint,
    Retire,
    Revoke,
    Roster,
    RosterEntry,
    SignedEntry,
    Succeed,
)
from node.adapters import keyfile, newkey
from node.adapters.keyfolder import (
    ADMIN_KEY,
    Membership,
    parsed,
)
from node.adapters.pki import (
    NodeKey,
    RootKey,
    certificate_key,
    check_root,
    der_of,
    key_id,
    new_root_key,
    node_certificate,
    pem_of,
    private_pem,
    public_key_from,
    root_certificate,
)
from node.adapters.rootkeys import RootKeys
from node.adapters.seal import ADMIN, sign_by_power, verify_entry
from node.adapters.vault import Vault
from node.faults import fault
from node.ports.authority import Proof


class SigningKeys:
    """What this node may sign, as far as its keys and the roster let it."""

    _membership: Membership
    _fleet_id: str

    def __init__(self, folder: Path, key: NodeKey, now: Callable[[], float]) -> None:
        self._folder = folder
        self._key = key
        self._root = RootKeys(folder, now)
        self._admin = Vault(folder / ADMIN_KEY, now)
        self._power: SignedEntry | None = None

    @property
    def node_id(self) -> str:
        """This node."""
        return key_id(self._key.public_key())

    @property
    def fleet_id(self) -> str:
        """Names the fleet: the hash of the root's public key."""
        return self._fleet_id

    @property
    def holds_root(self) -> bool:
        """Whether a root key that counts is here, with a passphrase or without."""
        return self._root.signing.has_key

    @property
    def is_admin(self) -> bool:
        """Whether this node may admit and revoke: by the root key, or by its own admin key."""
        return self.holds_root or self._power is not None

    @property
    def has_passphrase(self) -> bool:
        """Whether the key that signs here is of no use without its passphrase."""
        return self._signing.has_passphrase

    @property
    def is_locked(self) -> bool:
        """Whether there is a key to sign with, and it cannot now."""
        return self._signing.is_locked

    @property
    def _signing(self) -> Vault:
        return self._root.signing if self.holds_root or self._power is None else self._admin

    def _own_power(self, roster: Roster) -> SignedEntry | None:
        for admin in roster.admins():
            if admin.node_id == self.node_id and self._admin_file(admin.certificate):
                return roster.power(self.node_id, admin.admin_id)
        return None

    def _admin_file(self, certificate: bytes) -> bool:
        """Whether the admin key here is that of a certificate."""
        return self._admin.has_key and keyfile.read(self._folder / "admin.crt") == pem_of(
            certificate
        )

    # --- what the root says ---

    def verify(self, body: bytes, signature: bytes) -> SignedEntry:
        """Check a roster entry's signature and contents.

        Raises:
            NotPaired: it is not this fleet's root that signed it, or it makes no sense.
        """
        return verify_entry(body, signature, self._membership.root)

    def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        """Certify a node's public key (DER); the signed admission and the certificate (DER).

        The same key always gets the same certificate from the same signer.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
            NotPaired: a node cannot have such a key.
        """
        signer, issuer = self._signer("admit")
        key = public_key_from(public_key)
        certificate = node_certificate(key, signer, issuer)
        return self._signed(Admit(key_id(key), name, certificate), signer), certificate

    def revoke(self, node_id: str, reason: str, kept: tuple[str, ...] = ()) -> SignedEntry:
        """Sign a revocation, of a node or of an admin's key.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
        """
        return self._signed(Revoke(node_id, reason, kept), self._signer("revoke")[0])

    def appoint(self, node_id: str, certificate: bytes) -> SignedEntry:
        """Sign that a node may sign with the key of this certificate (DER).

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked.
            NotPaired: it is no admin's certificate.
        """
        entry = Appoint(node_id, check_root(certificate, ADMIN), certificate)
        return self._by_root(entry, "appoint", "admins")

    def admin_certificate(self) -> bytes:
        """The certificate (DER) of this node's own admin key, which is made when there is none."""
        stored = keyfile.read(self._folder / "admin.crt")
        if stored is None or not self._admin.has_key:
            key = new_root_key()
            stored = pem_of(root_certificate(key, ADMIN))
            keyfile.write(self._folder / ADMIN_KEY, private_pem(key))
            keyfile.write(self._folder / "admin.crt", stored)
            self._admin.load()
        return parsed(self._folder / "admin.crt", der_of, stored)

    def _signed(self, entry: Admit | Revoke, signer: RootKey) -> SignedEntry:
        power = self._root.power if self.holds_root else self._power
        return sign_by_power(entry, signer, self.fleet_id, power)

    def _signer(self, verb: str) -> tuple[RootKey, bytes]:
        """The key that signs here, and the certificate (DER) it signs under."""
        power = self._root.power if self.holds_root else self._power
        issuer = (power.empowers if power else None) or self._membership.root
        key = self._signing.key
        if key is None:
            raise NotAllowed("this node", verb, "nodes: it holds no key of an admin")
        return key, issuer

    # --- another root ---

    def has_root(self, succession: SignedEntry | None) -> bool:
        """Whether the key of a root is here, by its succession; None: the founding one."""
        return self._root.has(succession)

    async def succeed(self, passphrase: str) -> SignedEntry:
        """Sign that a new root key follows the one that signs here; the new key is durable before that.

        Raises:
            NotAllowed: no root key that counts is here.
            KeyLocked: it is locked.
        """
        signing = self._root.signing
        certificate = await self._root.prepare(passphrase if signing.has_passphrase else "")
        entry = Succeed(check_root(certificate), certificate)
        fault("root:before_sign")
        signed = self._by_root(entry, "replace", "the root key")
        if signing.has_passphrase:
            await self._root.unlock(passphrase, signing.open_until_s)
        return signed

    def retire(self, succession: SignedEntry, root_id: str, kept: tuple[str, ...]) -> SignedEntry:
        """Sign with the key of a succession that the root before it, of this id, signs no more.

        Raises:
            NotAllowed: that key is not here.
            KeyLocked: it is locked.
        """
        key = self._root.key_of(succession).key
        if key is None:
            raise NotAllowed("this node", "retire", "a root: the key that followed it is not here")
        return sign_by_power(Retire(root_id, kept), key, self.fleet_id, succession)

    def drop_root(self, succession: SignedEntry | None) -> None:
        """Delete the key of a root that is retired."""
        self._root.drop(succession)
        if succession is None:
            self._membership = replace(self._membership, root_key=None)

    def _by_root(self, entry: RosterEntry, verb: str, what: str) -> SignedEntry:
        key = self._root.signing.key
        if key is None:
            raise NotAllowed("this node", verb, f"{what}: the fleet's root key is not here")
        return sign_by_power(entry, key, self.fleet_id, self._root.power)

    # --- a new key of a node ---

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
        signer, issuer = self._signer("admit")
        follows = newkey.checked(self.fleet_id, certificate_key(old_certificate), proof)
        key = public_key_from(proof.public_key)
        admit = Admit(key_id(key), name, node_certificate(key, signer, issuer), follows)
        admission = self._signed(admit, signer)
        return admission, self.ending(admission)

    def ending(self, admission: SignedEntry) -> SignedEntry:
        """Sign the revocation of the id that an admission follows.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
        """
        admit = admission.entry
        if not isinstance(admit, Admit) or admit.follows is None:
            raise NotPaired("what follows nobody ends nothing")
        why = f"goes on as {admit.node_id}"
        revoke = Revoke(admit.follows.node_id, why, (), admit.node_id)
        return self._signed(revoke, self._signer("revoke")[0])

    # --- their passphrase ---

    @property
    def _locks(self) -> Vault | RootKeys:
        """All root keys have one passphrase; an admin's key has its own."""
        return self._root if self.holds_root or self._power is None else self._admin

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Let the root key sign until then, at most.

        Raises:
            KeyLocked: the passphrase is wrong.
        """
        await self._locks.unlock(passphrase, until_wall_s)

    def forget(self) -> None:
        """Let it sign no more before it is unlocked again."""
        self._locks.forget()

    async def lock(self, passphrase: str) -> None:
        """Encrypt the root key on disk, and keep it nowhere else.

        Raises:
            WrongState: it has a passphrase already.
            MalformedRequest: this one is too short.
        """
        await self._locks.lock(passphrase)
        self._membership = replace(self._membership, root_key=None)

    async def unlock_for_good(self, passphrase: str) -> None:
        """Keep the root key on disk as it is.

        Raises:
            WrongState: it is so already.
            KeyLocked: the passphrase is wrong.
        """
        await self._locks.unlock_for_good(passphrase)
