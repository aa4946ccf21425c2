"""This node's key, its certificate, and its fleet's root, in the home's ``keys`` folder.

A fresh home founds a fleet of one. Joining another fleet replaces root, certificate and discovery key
together. The node's own key never changes, and with it who the node is.
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

from fleet.core.errors import NotAllowed, NotPaired, StartFailed, UnsafeHome
from fleet.core.roster import Admit, Revoke, SignedEntry
from node.adapters import keyfile, pairing
from node.adapters.credentials import Identity, ServerTrust
from node.adapters.keyfolder import (
    RESTORE,
    ROOT_KEY,
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
    check_certificate,
    check_root,
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
from node.adapters.seal import sign_entry, verify_entry
from node.adapters.vault import Vault
from node.ports import Joined

DISCOVERY_KEY_BYTES = 32

log = structlog.get_logger()


class Keyring:
    """The node's secrets; the ``Authority`` of the engine."""

    def __init__(self, folder: Path, key: NodeKey, now: Callable[[], float] = time) -> None:
        self._folder = folder
        self._key = key
        self._now = now
        self._open_until_s = 0.0
        self._vault = Vault(folder / ROOT_KEY, now)
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
        pem = keyfile.read(folder / "node.key")
        if pem is None:
            pem = private_pem(new_node_key())
            keyfile.write(folder / "node.key", pem)
        return cls(folder, parsed(folder / "node.key", node_key_from, pem), now)

    def _take(self, held: Membership) -> None:
        """What belongs together fits together; if it did not, that would only show in TLS."""
        try:
            proven = check_certificate(held.certificate, held.root)
            self._fleet_id = check_root(held.root)
        except NotPaired as error:
            raise StartFailed(f"{self._folder}: {error}", hint=RESTORE) from None
        self._membership = held
        self._vault.load()
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
    def is_admin(self) -> bool:
        """Whether the root key is here, with a passphrase or without."""
        return self._vault.has_key

    @property
    def has_passphrase(self) -> bool:
        """Whether the root key here is of no use without its passphrase."""
        return self._vault.has_passphrase

    @property
    def is_locked(self) -> bool:
        """Whether the root key is here and cannot sign now."""
        return self._vault.is_locked

    def trust(self) -> ServerTrust:
        """Whom TLS lets in now: members, and while an invitation is open anybody with a key."""
        roots = pem_of(self._membership.root)
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

        The same key always gets the same certificate.

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked.
            NotPaired: a node cannot have such a key.
        """
        root = self._root_key("admit")
        key = public_key_from(public_key)
        certificate = node_certificate(key, root, self._membership.root)
        return sign_entry(Admit(key_id(key), name, certificate), root), certificate

    def revoke(self, node_id: str, reason: str) -> SignedEntry:
        """Sign a revocation.

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked.
        """
        return sign_entry(Revoke(node_id, reason), self._root_key("revoke"))

    def _root_key(self, verb: str) -> RootKey:
        key = self._vault.key
        if key is None:
            raise NotAllowed("this node", verb, "nodes: the fleet's root key is not here")
        return key

    # --- its passphrase ---

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Let the root key sign until then, at most.

        Raises:
            KeyLocked: the passphrase is wrong.
        """
        await self._vault.unlock(passphrase, until_wall_s)

    def forget(self) -> None:
        """Let it sign no more before it is unlocked again."""
        self._vault.forget()

    async def lock(self, passphrase: str) -> None:
        """Encrypt the root key on disk, and keep it nowhere else.

        Raises:
            WrongState: it has a passphrase already.
            MalformedRequest: this one is too short.
        """
        await self._vault.lock(passphrase)
        self._membership = replace(self._membership, root_key=None)

    async def unlock_for_good(self, passphrase: str) -> None:
        """Keep the root key on disk as it is.

        Raises:
            WrongState: it is so already.
            KeyLocked: the passphrase is wrong.
        """
        await self._vault.unlock_for_good(passphrase)
        self._membership = replace(self._membership, root_key=self._vault.key)

    # --- joining ---

    async def join(self, token: str, name: str) -> Joined:
        """Prove the token to its inviter and take over the fleet's root and our new certificate.

        Raises:
            MalformedRequest: the token is damaged.
            InvitationRefused: in the inviter's words.
            NodeUnreachable: nobody there, or not the inviter.
        """
        given = await pairing.join(token, self._key, name)
        fresh = Membership(given.root, given.certificate, given.discovery_key, None)
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
    founded = Membership(root, own, secrets.token_bytes(DISCOVERY_KEY_BYTES), root_key)
    stage(folder, founded)
    finish_joining(folder)
    log.info("fleet founded", fleet=key_id(root_key.public_key()))
    return founded
