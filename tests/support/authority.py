"""Trust without cryptography: who knows a root's secret can sign, and whoever is dialled is who it is.

Roster entries have their real form, so that they travel and are stored as they are; only the
signature and the certificates are words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from time import time
from typing import Protocol

from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import InvitationRefused, KeyLocked, NotAllowed, NotPaired
from fleet.core.invitation import invitation_name, parse_token
from fleet.core.roster import (
    Admit,
    Appoint,
    Follow,
    Retire,
    Revoke,
    Roster,
    RosterEntry,
    SignedEntry,
    Succeed,
)
from fleet.wire.roster import power_in, read_body, write_body
from node.adapters.vault import SHORTEST
from node.ports.authority import Joined, Proof
from tests.support.vtime import BASE32


def id_of(name: str) -> str:
    """A well-formed node id that this name always has."""
    number = int.from_bytes(sha256(name.encode()).digest(), "big")
    return "".join(BASE32[(number >> 5 * place) & 31] for place in range(51)) + "a"


class Inviter(Protocol):
    """The far end of a pairing."""

    def secret_of(self, name: str, address: str) -> bytes: ...

    async def burn(self, name: str, ended: str, address: str, *, is_proven: bool) -> None: ...

    async def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]: ...

    def welcome(self) -> tuple[str, tuple[SignedEntry, ...], tuple[str, ...]]:
        """Fleet id, roster, addresses."""
        ...


@dataclass(slots=True)
class FakeAuthority:
    """The ``Authority`` of one home; ``holds_root`` while the root's secret is here.

    ``inviter`` finds who answers for a node at an address, if anybody does.
    """

    node_id: str
    fleet_id: str
    holds_root: bool
    inviter: Callable[[str, str], Inviter | None]
    is_open_until_s: float = 0.0
    now_s: Callable[[], float] = time
    _power: SignedEntry | None = None
    _root: SignedEntry | None = None
    _followers: set[str] = field(default_factory=set)
    _has_founding: bool = field(init=False)
    _passphrase: str = ""
    _unlocked_until_s: float = 0.0
    _joined: Joined | None = None
    _next_id: str = ""
    _taken: tuple[SignedEntry, ...] = ()

    def __post_init__(self) -> None:
        self._has_founding = self.holds_root

    @property
    def is_admin(self) -> bool:
        return self.holds_root or self._power is not None

    def follow(self, roster: Roster) -> None:
        counting = [
            power
            for root, power in zip(roster.line.roots, (None, *roster.successions()), strict=True)
            if not roster.line.is_retired(root) and self.has_root(power)
        ]
        self.holds_root, self._root = bool(counting), counting[-1] if counting else None
        admin_id = id_of(f"admin {self.node_id}")
        self._power = roster.power(self.node_id, admin_id)

    @property
    def has_passphrase(self) -> bool:
        return bool(self.is_admin and self._passphrase)

    @property
    def is_locked(self) -> bool:
        return self.has_passphrase and self.now_s() >= self._unlocked_until_s

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        if self.has_passphrase:
            self._check(passphrase)
            self._unlocked_until_s = max(self._unlocked_until_s, until_wall_s)

    def forget(self) -> None:
        self._unlocked_until_s = 0.0

    async def lock(self, passphrase: str) -> None:
        if self._passphrase:
            raise WrongState("root.key has a passphrase already")
        if len(passphrase) < SHORTEST:
            raise MalformedRequest(f"a passphrase has at least {SHORTEST} letters")
        self._passphrase, self._unlocked_until_s = passphrase, 0.0

    async def unlock_for_good(self, passphrase: str) -> None:
        if not self.has_passphrase:
            raise WrongState("root.key has no passphrase")
        self._check(passphrase)
        self._passphrase = ""

    def _check(self, passphrase: str) -> None:
        if passphrase != self._passphrase:
            raise KeyLocked("root.key", "the passphrase is wrong")

    def verify(self, body: bytes, signature: bytes) -> SignedEntry:
        try:
            carried = power_in(body)
            fleet_id, entry = read_body(body)
        except MalformedRequest as error:
            raise NotPaired(f"this fleet's root signed {error}") from None
        power = self.verify(*carried) if carried else None
        if signature != _signature(_signer(power) or self.fleet_id, body):
            raise NotPaired("a roster entry is not signed by this fleet's root")
        if fleet_id != self.fleet_id:
            raise NotPaired("a roster entry is of another fleet")
        signed = SignedEntry(body, signature, entry, power)
        if signed.appointed and not (
            isinstance(entry, Admit) or (isinstance(entry, Revoke) and not entry.kept)
        ):
            raise NotPaired("an admin signed what only the root may say")
        if isinstance(entry, Admit) and (before := entry.follows):
            words = _words(fleet_id, before.node_id, entry.node_id)
            if before.signature != _signature(before.node_id, words):
                raise NotPaired("the key before does not say so")
        if isinstance(entry, Retire) and (power is None or power.entry_id not in entry.kept):
            raise NotPaired("only who follows a root retires it")
        return signed

    # --- a new key ---

    def next_id(self) -> str:
        return self._next_id

    def prove_next(self) -> Proof:
        self._next_id = self._next_id or id_of(f"after {self.node_id}")
        words = _words(self.fleet_id, self.node_id, self._next_id)
        return Proof(
            self._next_id.encode(),
            _signature(self.node_id, words),
            _signature(self._next_id, words),
        )

    def succession(
        self, old_certificate: bytes, name: str, proof: Proof
    ) -> tuple[SignedEntry, SignedEntry]:
        old, new = old_certificate.decode().split()[0], proof.public_key.decode()
        words = _words(self.fleet_id, old, new)
        if (proof.by_old, proof.by_new) != (_signature(old, words), _signature(new, words)):
            raise NotPaired("one of the two keys does not say so")
        certificate = f"{new} is of {self.fleet_id}".encode()
        follows = Follow(old, old.encode(), proof.by_old)
        admission = self._signed(Admit(new, name, certificate, follows), "admit")
        return admission, self.ending(admission)

    def ending(self, admission: SignedEntry) -> SignedEntry:
        admit = admission.entry
        if not isinstance(admit, Admit) or admit.follows is None:
            raise NotPaired("what follows nobody ends nothing")
        why = f"goes on as {admit.node_id}"
        return self._signed(Revoke(admit.follows.node_id, why, (), admit.node_id), "revoke")

    def take_next(self, entries: tuple[SignedEntry, ...]) -> None:
        match [signed.entry for signed in entries]:
            case [Admit(node_id=new, follows=Follow(node_id=old)), Revoke(follower=follower)] if (
                new == follower == self._next_id and old == self.node_id
            ):
                self._taken = entries
            case _:
                raise NotPaired("these do not let the new key follow")

    def start_again(self) -> None:
        """As a new start of the node does: it is the key that was taken."""
        if self._taken:
            self.node_id, self._next_id = self._next_id, ""

    def followed(self) -> tuple[SignedEntry, ...]:
        return () if self._next_id else self._taken

    def remembered(self) -> None:
        self._taken = ()

    def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        node_id = public_key.decode()
        certificate = f"{node_id} is of {self.fleet_id}".encode()
        return self._signed(Admit(node_id, name, certificate), "admit"), certificate

    def revoke(self, node_id: str, reason: str, kept: tuple[str, ...] = ()) -> SignedEntry:
        return self._signed(Revoke(node_id, reason, kept), "revoke")

    def appoint(self, node_id: str, certificate: bytes) -> SignedEntry:
        if not self.holds_root:
            raise NotAllowed("this node", "appoint", "admins: the fleet's root key is not here")
        return self._signed(Appoint(node_id, certificate.decode(), certificate), "appoint")

    def admin_certificate(self) -> bytes:
        return id_of(f"admin {self.node_id}").encode()

    def team_key(self) -> bytes:
        return f"teams of {self.node_id}".encode()

    # --- another root: its key is the word for it ---

    def has_root(self, succession: SignedEntry | None) -> bool:
        return (_signer(succession) or self.fleet_id) in self._roots()

    def _roots(self) -> set[str]:
        return {*self._followers, *([self.fleet_id] if self._has_founding else [])}

    async def succeed(self, passphrase: str) -> SignedEntry:
        root_id = id_of(f"root after {_signer(self._root) or self.fleet_id}")
        signed = self._signed(Succeed(root_id, root_id.encode()), "replace")
        self._followers.add(root_id)
        return signed

    def retire(self, succession: SignedEntry, root_id: str, kept: tuple[str, ...]) -> SignedEntry:
        if not self.has_root(succession):
            raise NotAllowed("this node", "retire", "a root: the key that followed it is not here")
        if self.is_locked:
            raise KeyLocked("root.key")
        return self._signed_by(Retire(root_id, kept), succession)

    def drop_root(self, succession: SignedEntry | None) -> None:
        self._followers.discard(_signer(succession))
        self._has_founding = self._has_founding and succession is not None

    def _signed(self, entry: RosterEntry, verb: str) -> SignedEntry:
        if not self.is_admin:
            raise NotAllowed("this node", verb, "nodes: the fleet's root key is not here")
        if self.is_locked:
            raise KeyLocked("root.key")
        return self._signed_by(entry, self._root if self.holds_root else self._power)

    def _signed_by(self, entry: RosterEntry, power: SignedEntry | None) -> SignedEntry:
        body = write_body(self.fleet_id, entry, power)
        return SignedEntry(body, _signature(_signer(power) or self.fleet_id, body), entry, power)

    async def join(self, token: str, name: str) -> Joined:
        wanted = parse_token(token)
        for address in wanted.addresses:
            inviter = self.inviter(wanted.node_id, address)
            if inviter is not None:
                return await self._enter(inviter, wanted.node_id, wanted.secret, name)
        raise NodeUnreachable(wanted.node_id[:12], "nobody there, or not the inviter")

    async def _enter(self, inviter: Inviter, inviter_id: str, secret: bytes, name: str) -> Joined:
        invitation = invitation_name(secret)
        if inviter.secret_of(invitation, "somewhere") != secret:
            raise InvitationRefused("the proof was wrong; the invitation is withdrawn")
        await inviter.burn(invitation, f"used by {name}", "somewhere", is_proven=True)
        await inviter.admit(self.node_id.encode(), name)
        self.fleet_id, entries, addresses = inviter.welcome()
        self.holds_root = self._has_founding = False
        self._power = self._root = None
        self._followers.clear()
        self._joined = Joined(self.fleet_id, inviter_id, entries, addresses)
        return self._joined

    def unfinished(self) -> Joined | None:
        return self._joined

    def finish(self) -> None:
        self._joined = None

    def open_to_newcomers(self, until_wall_s: float) -> None:
        self.is_open_until_s = until_wall_s


def _words(fleet_id: str, old: str, new: str) -> bytes:
    return f"{new} follows {old} in {fleet_id}".encode()


def _signer(power: SignedEntry | None) -> str:
    """The key that a word gives power to; empty: the founding root's."""
    match power.entry if power else None:
        case Appoint(admin_id=admin_id):
            return admin_id
        case Succeed(root_id=root_id):
            return root_id
        case _:
            return ""


def _signature(signer: str, body: bytes) -> bytes:
    return sha256(b"signed by " + signer.encode() + body).digest()
