"""This node's key, its certificate, and its fleet's root, in the home's ``keys`` folder.

A fresh home founds a fleet of one. Joining another fleet replaces root, certificate and discovery key
together: they are written beside, one rename decides, and a start after a crash finishes the move.
With them goes what the inviter told, until the database has it. The node's own key never changes, and
with it who the node is.
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Self, TypeVar

import msgspec
import structlog

from fleet.core.errors import NotAllowed, NotPaired, StartFailed, UnsafeHome
from fleet.core.roster import Admit, Revoke, SignedEntry
from node.adapters import keyfile, pairing
from node.adapters.credentials import Identity, ServerTrust
from node.adapters.pki import (
    NodeKey,
    RootKey,
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
    root_key_from,
)
from node.adapters.seal import sign_entry, verify_entry
from node.ports import Joined

DISCOVERY_KEY_BYTES = 32
_BESIDE = "joining"  # being written: worth nothing yet
_DECIDED = "joined"  # complete: has to be moved into place
_PLAIN = "plain"  # in the decided folder: whoever joins leaves the root key of its old fleet behind
_WELCOME = "welcome"  # what the inviter told, while the database may not have it
_T = TypeVar("_T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Membership:
    """What changes when a node joins a fleet; ``root_key`` only on an admin. Certificates are DER."""

    root: bytes
    certificate: bytes
    discovery_key: bytes
    root_key: RootKey | None


class Keyring:
    """The node's secrets; the ``Authority`` of the engine."""

    def __init__(self, folder: Path, key: NodeKey, now: Callable[[], float] = time) -> None:
        self._folder = folder
        self._key = key
        self._now = now
        self._open_until_s = 0.0
        self._take(_load(folder) or _found(folder, key))

    @classmethod
    def open(cls, folder: Path, now: Callable[[], float] = time) -> Self:
        """Read the folder; what is missing is made.

        Raises:
            UnsafeHome: others can reach the folder or a file in it.
            StartFailed: a file in it is damaged, or does not fit the others.
        """
        if stat.S_IMODE(folder.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnsafeHome(str(folder), "others can reach it", f"chmod 700 {folder}")
        _finish_joining(folder)
        pem = keyfile.read(folder / "node.key")
        if pem is None:
            pem = private_pem(new_node_key())
            keyfile.write(folder / "node.key", pem)
        return cls(folder, _parsed(folder / "node.key", node_key_from, pem), now)

    def _take(self, held: Membership) -> None:
        """What belongs together fits together; if it did not, that would only show in TLS."""
        try:
            proven = check_certificate(held.certificate, held.root)
            self._fleet_id = check_root(held.root)
        except NotPaired as error:
            raise StartFailed(f"{self._folder}: {error}", hint=_RESTORE) from None
        self._membership = held
        self._identity = Identity(private_pem(self._key), pem_of(held.certificate))
        if proven != self.node_id:
            raise StartFailed(
                f"{self._folder}/node.crt is not the certificate of node.key", hint=_RESTORE
            )
        if held.root_key is not None and key_id(held.root_key.public_key()) != self.fleet_id:
            raise StartFailed(f"{self._folder}/root.key is another fleet's", hint=_RESTORE)

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
        """Whether the root key is here."""
        return self._membership.root_key is not None

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
        """
        return sign_entry(Revoke(node_id, reason), self._root_key("revoke"))

    def _root_key(self, verb: str) -> RootKey:
        if self._membership.root_key is None:
            raise NotAllowed("this node", verb, "nodes: the fleet's root key is not here")
        return self._membership.root_key

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
        _stage(self._folder, fresh, _welcome_of(joined))
        _finish_joining(self._folder)
        self._take(fresh)
        log.info("fleet joined", fleet=self.fleet_id, inviter=given.inviter_id)
        return joined

    def unfinished(self) -> Joined | None:
        """The fleet that an earlier life joined, if it ended before the database had it.

        Raises:
            StartFailed: the file that says so is damaged.
        """
        data = keyfile.read(self._folder / _WELCOME)
        if data is None:
            return None
        try:
            told = msgspec.json.decode(data, type=_Welcome)
            entries = tuple(self.verify(body, signature) for body, signature in told.entries)
        except (msgspec.MsgspecError, NotPaired) as error:
            raise StartFailed(
                f"{self._folder / _WELCOME} is damaged: {error}", hint=_RESTORE
            ) from None
        return Joined(self.fleet_id, told.inviter_id, entries, told.addresses)

    def finish(self) -> None:
        """The database has what was joined."""
        (self._folder / _WELCOME).unlink(missing_ok=True)
        keyfile.sync_folder(self._folder)


_RESTORE = "restore the keys folder from a backup, or begin with a fresh home"


def _found(folder: Path, key: NodeKey) -> Membership:
    """A fleet of one, whose admin we are."""
    root_key = new_root_key()
    root = root_certificate(root_key)
    own = node_certificate(key.public_key(), root_key, root)
    founded = Membership(root, own, secrets.token_bytes(DISCOVERY_KEY_BYTES), root_key)
    _stage(folder, founded)
    _finish_joining(folder)
    log.info("fleet founded", fleet=key_id(root_key.public_key()))
    return founded


def _load(folder: Path) -> Membership | None:
    root, own = keyfile.read(folder / "root.crt"), keyfile.read(folder / "node.crt")
    discovery_key = keyfile.read(folder / "discovery.key")
    root_key = keyfile.read(folder / "root.key")
    if root is None and own is None and root_key is None:
        return None
    if root is None or own is None or discovery_key is None:
        raise StartFailed(f"{folder} is incomplete", hint=_RESTORE)
    return Membership(
        _parsed(folder / "root.crt", der_of, root),
        _parsed(folder / "node.crt", der_of, own),
        discovery_key,
        None if root_key is None else _parsed(folder / "root.key", root_key_from, root_key),
    )


def _parsed(path: Path, parse: Callable[[bytes], _T], data: bytes) -> _T:
    try:
        return parse(data)
    except ValueError as error:
        raise StartFailed(f"{path} is damaged: {error}", hint=_RESTORE) from None


class _Welcome(msgspec.Struct):
    """What an inviter told, as it is kept until the database has it."""

    inviter_id: str
    addresses: tuple[str, ...]
    entries: tuple[tuple[bytes, bytes], ...]


def _welcome_of(joined: Joined) -> bytes:
    entries = tuple((entry.body, entry.signature) for entry in joined.entries)
    return msgspec.json.encode(_Welcome(joined.inviter_id, joined.addresses, entries))


def _stage(folder: Path, fresh: Membership, welcome: bytes = b"") -> None:
    """Write all files beside; the rename at the end is the moment at which they count."""
    beside = folder / _BESIDE
    _empty(beside)
    beside.mkdir(mode=0o700)
    keyfile.write(beside / "root.crt", pem_of(fresh.root))
    keyfile.write(beside / "node.crt", pem_of(fresh.certificate))
    keyfile.write(beside / "discovery.key", fresh.discovery_key)
    if fresh.root_key is not None:
        keyfile.write(beside / "root.key", private_pem(fresh.root_key))
    else:
        keyfile.write(beside / _PLAIN, b"")
    if welcome:
        keyfile.write(beside / _WELCOME, welcome)
    beside.rename(folder / _DECIDED)
    keyfile.sync_folder(folder)


def _finish_joining(folder: Path) -> None:
    """Move what was decided into place; may be cut off anywhere and done again."""
    _empty(folder / _BESIDE)
    decided = folder / _DECIDED
    if not decided.is_dir():
        return
    for name in ("root.crt", "node.crt", "discovery.key", "root.key", _WELCOME):
        if (decided / name).exists():
            (decided / name).replace(folder / name)
    if (decided / _PLAIN).exists():
        (folder / "root.key").unlink(missing_ok=True)
    keyfile.sync_folder(folder)
    _empty(decided)


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
