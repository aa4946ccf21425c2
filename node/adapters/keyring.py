"""This node's key, its certificate, and its fleet's root, in the home's ``keys`` folder.

A fresh home founds a fleet of one. Joining another fleet replaces root, certificate and discovery key
together. The node's own key is who the node is; a new one follows it (``newkey.py``).
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Self

import msgspec
import structlog

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.trust import NotAllowed, NotPaired, UnsafeHome
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
from node.adapters import keyfile, newkey, pairing
from node.adapters.credentials import Identity, ServerTrust
from node.adapters.keyfolder import (
    ADMIN_KEY,
    RESTORE,
    WELCOME,
    Membership,
    Welcome,
    finish_joining,
    load,
    parsed,
    stage,
    welcome_of,
)
from node.adapters.pki import (
    NodeKey,
    RootKey,
    certificate_key,
    check_certificate,
    check_root,
    der_of,
    key_id,
    new_node_key,
    new_root_key,
    node_certificate,
    node_key_from,
    pairing_root,
    pem_of,
    private_pem,
    public_bytes,
    public_key_from,
    root_certificate,
)
from node.adapters.rootkeys import RootKeys
from node.adapters.seal import ADMIN, sign_by_power, verify_entry
from node.adapters.vault import Vault
from node.faults import fault
from node.ports.authority import Joined, Proof

DISCOVERY_KEY_BYTES = 32
TEAM_KEY, TEAM_KEY_BYTES = "teams.key", 32

log = structlog.get_logger()


class Keyring:
    """The node's secrets; the ``Authority`` of the engine."""

    def __init__(self, folder: Path, key: NodeKey, now: Callable[[], float] = time) -> None:
        self._folder = folder
        self._key = key
        self._now = now
        self._open_until_s = 0.0
        self._root = RootKeys(folder, now)
        self._admin = Vault(folder / ADMIN_KEY, now)
        self._power: SignedEntry | None = None
        self._authorities: tuple[bytes, ...] = ()
        self._take(load(folder) or _found(folder, key))

    @classmethod
    def open(cls, folder: Path, now: Callable[[], float] = time) -> Self:
        """Read the folder; what is missing is made.

        Raises:
            UnsafeHome: others can reach the folder or a file in it.
            StartFailed: a file in it is damaged, or does not fit the others.
        """
        if stat.S_IMODE(folder.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnsafeHome(str(folder), "others can reach it", f"chmod 700 {folder}")
        finish_joining(folder)
        newkey.finish_following(folder)
        pem = keyfile.read(folder / newkey.NODE_KEY)
        if pem is None:
            pem = private_pem(new_node_key())
            keyfile.write(folder / newkey.NODE_KEY, pem)
        return cls(folder, parsed(folder / newkey.NODE_KEY, node_key_from, pem), now)

    def _take(self, held: Membership) -> None:
        """What belongs together fits together; if it did not, that would only show in TLS."""
        try:
            proven = check_certificate(held.certificate, held.issuer)
            self._fleet_id = check_root(held.root)
        except NotPaired as error:
            raise StartFailed(f"{self._folder}: {error}", hint=RESTORE) from None
        self._membership = held
        self._power = None
        self._authorities = tuple({held.root, held.issuer})
        self._root.load()
        self._admin.load()
        self._identity = Identity(private_pem(self._key), pem_of(held.certificate))
        if proven != self.node_id:
            raise StartFailed(
                f"{self._folder}/node.crt is not the certificate of node.key", hint=RESTORE
            )
        if held.root_key is not None and key_id(held.root_key.public_key()) != self.fleet_id:
            raise StartFailed(f"{self._folder}/root.key is another fleet's", hint=RESTORE)

    # --- who we are ---

    @property
    def node_id(self) -> str:
        """This node."""
        return key_id(self._key.public_key())

    @property
    def public_key(self) -> bytes:
        """This node's public key (DER)."""
        return public_bytes(self._key.public_key())

    @property
    def identity(self) -> Identity:
        """What this node shows in TLS, now."""
        return self._identity

    @property
    def certificate(self) -> bytes:
        """This node's certificate (DER)."""
        return self._membership.certificate

    @property
    def root_certificate(self) -> bytes:
        """The fleet's root (DER)."""
        return self._membership.root

    @property
    def discovery_key(self) -> bytes:
        """By which members recognise each other's adverts."""
        return self._membership.discovery_key

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

    def follow(self, roster: Roster) -> None:
        """Take from the roster which root signs, what it says of this node's own power, and whose
        certificates to accept."""
        self._root.follow(roster)
        self._authorities = tuple(
            {*roster.authorities(self._membership.root), self._membership.issuer}
        )
        self._power = self._own_power(roster)

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

    def trust(self) -> ServerTrust:
        """Whom TLS lets in now: members, and while an invitation is open anybody with a key."""
        roots = b"".join(pem_of(certificate) for certificate in self._authorities)
        if self._now() < self._open_until_s:
            roots += pem_of(pairing_root()[1])
        return ServerTrust(self._identity, roots)

    def open_to_newcomers(self, until_wall_s: float) -> None:
        """Let unknown keys knock (and do nothing else) until then."""
        self._open_until_s = until_wall_s

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

    def team_key(self) -> bytes:
        """The key with which this node tags the logs of its teams; made when there is none."""
        stored = keyfile.read(self._folder / TEAM_KEY)
        if stored is None:
            stored = secrets.token_bytes(TEAM_KEY_BYTES)
            keyfile.write(self._folder / TEAM_KEY, stored)
        return stored

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

    def next_id(self) -> str:
        """The id of this node's new key, while it is not taken; empty when there is none."""
        key = newkey.next_key(self._folder)
        return key_id(key.public_key()) if key else ""

    def prove_next(self) -> Proof:
        """A new key for this node, durable, signed for by both keys; the same one until it is taken."""
        return newkey.prove(self._folder, self._key, self.fleet_id)

    def take_next(self, entries: tuple[SignedEntry, ...]) -> None:
        """Decide for the new key: the next start of this node is under it.

        Raises:
            NotPaired: these entries do not let it follow.
        """
        issuer = entries[0].issuer if entries else None
        newkey.stage(self._folder, self._key, issuer or self._membership.root, entries)

    def followed(self) -> tuple[SignedEntry, ...]:
        """What was signed for this node's key, while the database may not have it; else nothing.

        Raises:
            StartFailed: the file that says so is damaged.
        """
        try:
            return tuple(self.verify(*signed) for signed in newkey.unfinished(self._folder))
        except NotPaired as error:
            raise newkey.damaged(self._folder, error) from None

    def remembered(self) -> None:
        """The database has what was followed."""
        newkey.finish(self._folder)

    # --- its passphrase ---

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

    # --- joining ---

    async def join(self, token: str, name: str) -> Joined:
        """Prove the token to its inviter and take over the fleet's root and our new certificate.

        Raises:
            MalformedRequest: the token is damaged.
            InvitationRefused: in the inviter's words.
            NodeUnreachable: nobody there, or not the inviter.
        """
        given = await pairing.join(token, self._key, name)
        fresh = Membership(
            given.root, given.issuer, given.certificate, given.discovery_key, root_key=None
        )
        joined = Joined(check_root(given.root), given.inviter_id, given.entries, given.addresses)
        stage(self._folder, fresh, welcome_of(joined))
        finish_joining(self._folder)
        self._take(fresh)
        log.info("fleet joined", fleet=self.fleet_id, inviter=given.inviter_id)
        return joined

    def unfinished(self) -> Joined | None:
        """The fleet that an earlier life joined, if it ended before the database had it.

        Raises:
            StartFailed: the file that says so is damaged.
        """
        data = keyfile.read(self._folder / WELCOME)
        if data is None:
            return None
        try:
            told = msgspec.json.decode(data, type=Welcome)
            entries = tuple(self.verify(body, signature) for body, signature in told.entries)
        except (msgspec.MsgspecError, NotPaired) as error:
            raise StartFailed(
                f"{self._folder / WELCOME} is damaged: {error}", hint=RESTORE
            ) from None
        return Joined(self.fleet_id, told.inviter_id, entries, told.addresses)

    def finish(self) -> None:
        """The database has what was joined."""
        (self._folder / WELCOME).unlink(missing_ok=True)
        keyfile.sync_folder(self._folder)


def _found(folder: Path, key: NodeKey) -> Membership:
    """A fleet of one, whose admin we are."""
    root_key = new_root_key()
    root = root_certificate(root_key)
    own = node_certificate(key.public_key(), root_key, root)
    founded = Membership(root, root, own, secrets.token_bytes(DISCOVERY_KEY_BYTES), root_key)
    stage(folder, founded)
    finish_joining(folder)
    log.info("fleet founded", fleet=key_id(root_key.public_key()))
    return founded
