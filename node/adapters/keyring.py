"""This node's key, its certificate, and its fleet's root, in the home's ``keys`` folder.

A fresh home founds a fleet of one. Joining another fleet replaces root, certificate and discovery key
together. The node's own key is who the node is; a new one follows it (``newkey.py``).
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Self

import msgspec
import structlog

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.trust import NotPaired, UnsafeHome
from fleet.core.roster import (
    Roster,
    SignedEntry,
)
from node.adapters import keyfile, newkey, pairing
from node.adapters.credentials import Identity, ServerTrust
from node.adapters.keyfolder import (
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
    root_certificate,
)
from node.adapters.signing import SigningKeys
from node.ports.authority import Joined, Proof

DISCOVERY_KEY_BYTES = 32
TEAM_KEY, TEAM_KEY_BYTES = "teams.key", 32

log = structlog.get_logger()


class Keyring(SigningKeys):
    """The node's secrets; the ``Authority`` of the engine."""

    def __init__(self, folder: Path, key: NodeKey, now: Callable[[], float] = time) -> None:
        super().__init__(folder, key, now)
        self._now = now
        self._open_until_s = 0.0
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

    def follow(self, roster: Roster) -> None:
        """Take from the roster which root signs, what it says of this node's own power, and whose
        certificates to accept."""
        self._root.follow(roster)
        self._authorities = tuple(
            {*roster.authorities(self._membership.root), self._membership.issuer}
        )
        self._power = self._own_power(roster)

    def trust(self) -> ServerTrust:
        """Whom TLS lets in now: members, and while an invitation is open anybody with a key."""
        roots = b"".join(pem_of(certificate) for certificate in self._authorities)
        if self._now() < self._open_until_s:
            roots += pem_of(pairing_root()[1])
        return ServerTrust(self._identity, roots)

    def open_to_newcomers(self, until_wall_s: float) -> None:
        """Let unknown keys knock (and do nothing else) until then."""
        self._open_until_s = until_wall_s

    def team_key(self) -> bytes:
        """The key with which this node tags the logs of its teams; made when there is none."""
        stored = keyfile.read(self._folder / TEAM_KEY)
        if stored is None:
            stored = secrets.token_bytes(TEAM_KEY_BYTES)
            keyfile.write(self._folder / TEAM_KEY, stored)
        return stored

    # --- a new key of this node ---

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
