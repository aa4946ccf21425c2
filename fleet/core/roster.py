"""Who belongs to the fleet: signed entries, merged in any order.

Merging is set union, and what the set says does not depend on the order, so replicas agree without a
clock. ``revoke`` always wins and is final for that key, whoever signed it. The root signs everything; an
admin, to whom the root gave a key of its own, signs admissions and revocations. What an admin let in
stands as long as its power does, and after that as far as the root says. A node that took a new key is
let in as the follower of the old one (``following.py``). Signatures are checked before an entry gets here
(``node/adapters/seal.py``); this module trusts what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import assert_never

from fleet.core.following import Following, put_out


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
    """A node may sign with a key of its own, whose certificate (DER) it is. Only the root says so."""

    node_id: str
    admin_id: str
    certificate: bytes


RosterEntry = Admit | Revoke | Appoint


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as it is stored and travels: the exact signed bytes, and what they say.

    ``power`` is the root's word that its signer may sign; it is part of the body. None: the root signed.
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
    def speaks_of_admins(self) -> bool:
        """Whether it appoints one, or one signed it."""
        return self.power is not None or isinstance(self.entry, Appoint)

    @property
    def appointed(self) -> Appoint | None:
        """The admin who signed it; None for the root."""
        return self.power.entry if self.power and isinstance(self.power.entry, Appoint) else None


class Roster:
    """The merged entries. Grows only."""

    def __init__(self, entries: Iterable[SignedEntry] = ()) -> None:
        self._entries: dict[str, SignedEntry] = {}
        self._revoked: dict[str, Revoke] = {}
        self._revoker: dict[str, SignedEntry] = {}
        self._kept: dict[str, frozenset[str]] = {}
        self._appointed: dict[str, SignedEntry] = {}
        self._known: dict[str, Admit] = {}
        self._valid: dict[str, SignedEntry] = {}
        self._said: dict[str, frozenset[str]] = {}
        self._followed: dict[str, frozenset[str]] = {}
        self._out: frozenset[str] = frozenset()
        self._following = Following({}, {})
        self.merge(entries)

    def merge(self, entries: Iterable[SignedEntry]) -> tuple[SignedEntry, ...]:
        """Add entries, and the powers they were signed with; returns those that were new."""
        fresh: list[SignedEntry] = []
        for signed in entries:
            for one in (signed.power, signed):
                if one is not None and one.entry_id not in self._entries:
                    self._entries[one.entry_id] = one
                    self._note(one)
                    fresh.append(one)
        if fresh:
            self._out = put_out(self._followed, self._said)
            self._valid = dict(self._admissions())
            self._following = Following(self._standing_follows(), self._said)
        return tuple(fresh)

    def _standing_follows(self) -> dict[str, frozenset[str]]:
        """Of whom the admissions that stand say that they follow somebody, and whom."""
        found: dict[str, frozenset[str]] = {}
        for signed in self._entries.values():
            if isinstance(signed.entry, Admit) and signed.entry.follows and self._stands(signed):
                node_id, old = signed.entry.node_id, signed.entry.follows.node_id
                found[node_id] = found.get(node_id, frozenset()) | {old}
        return found

    def _note(self, signed: SignedEntry) -> None:
        """Of two entries for one node the one that sorts last counts, on every replica."""
        match signed.entry:
            case Admit(node_id=node_id) as admit:
                known = self._known.get(node_id, admit)
                self._known[node_id] = max(admit, known, key=_rank)
                if admit.follows:
                    olds = self._followed.get(node_id, frozenset())
                    self._followed[node_id] = olds | {admit.follows.node_id}
            case Appoint(admin_id=admin_id):
                said = self._appointed.get(admin_id, signed)
                self._appointed[admin_id] = max(signed, said, key=lambda one: one.entry_id)
            case Revoke(node_id=node_id) as revoke:
                before = self._revoker.get(node_id)
                if before is None or _reasoned(signed) > _reasoned(before):
                    self._revoked[node_id], self._revoker[node_id] = revoke, signed
                whys = self._said.get(node_id, frozenset())
                self._said[node_id] = whys | {revoke.follower}
                if signed.power is None:
                    kept = frozenset(revoke.kept)
                    self._kept[node_id] = self._kept.get(node_id, kept) & kept
            case _:
                assert_never(signed.entry)

    def _admissions(self) -> Iterator[tuple[str, SignedEntry]]:
        """For each node the admission that counts; the root's before an admin's."""
        standing = [one for one in self._entries.values() if self._stands(one)]
        for signed in sorted(standing, key=_precedence):
            if isinstance(signed.entry, Admit):
                yield signed.entry.node_id, signed

    def _stands(self, signed: SignedEntry) -> bool:
        """Whether an admission counts: the root's does; an admin's by its power, or because it is kept."""
        admin = signed.appointed
        if admin is None:
            return isinstance(signed.entry, Admit)
        if admin.admin_id in self._kept:
            return signed.entry_id in self._kept[admin.admin_id]
        return isinstance(signed.entry, Admit) and admin.node_id not in self._out

    def holds(self, entry_id: str) -> bool:
        """Whether it is one of ours already, and so was checked."""
        return entry_id in self._entries

    # --- members ---

    def member(self, node_id: str) -> Admit | None:
        """The node's admission, unless it was revoked or is not good any more."""
        signed = self.admission(node_id)
        return signed.entry if signed and isinstance(signed.entry, Admit) else None

    def admission(self, node_id: str) -> SignedEntry | None:
        """A member's admission as it was signed."""
        if node_id in self._revoked or node_id in self._out or self._following.is_void(node_id):
            return None
        return self._valid.get(node_id)

    def revoked(self, node_id: str) -> Revoke | None:
        """The node's revocation, if there is one."""
        return self._revoked.get(node_id)

    def revocation(self, node_id: str) -> SignedEntry | None:
        """The same as it was signed."""
        return self._revoker.get(node_id)

    def known(self, node_id: str) -> Admit | None:
        """The node's admission, revoked or not: revoked nodes are still shown by name."""
        return self._known.get(node_id)

    def members(self) -> tuple[Admit, ...]:
        """All that belong now, by id."""
        found = (self.member(node_id) for node_id in sorted(self._valid))
        return tuple(admit for admit in found if admit is not None)

    def revocations(self) -> tuple[Revoke, ...]:
        """All nodes that were put out, by id; not the keys that nodes gave up for others."""
        return tuple(
            revoke
            for node_id, revoke in sorted(self._revoked.items())
            if node_id not in self._appointed
            and ("" in self._said[node_id] or self.heir(node_id) == node_id)
        )

    # --- new keys of old nodes ---

    def lineage(self, node_id: str) -> tuple[str, ...]:
        """The id and those that the same node had before, newest first."""
        return self._following.lineage(node_id)

    def heir(self, node_id: str) -> str:
        """The newest id of the same node; the id itself when nothing follows it."""
        return self._following.heir(node_id)

    def followers(self, node_id: str) -> frozenset[str]:
        """All that were let in as following it, also those of which none counts."""
        return self._following.followers(node_id)

    def put_out(self, node_id: str) -> Revoke | None:
        """That the node was put out, under this id or a later one; not that it only gave up this key."""
        if node_id not in self._out:
            return None
        return self._revoked.get(self.heir(node_id)) or self._revoked.get(node_id)

    def is_given_up(self, node_id: str) -> bool:
        """Whether it is out only because its node goes on under another id, which belongs."""
        if "" in self._said.get(node_id, {""}):
            return False
        heir = self.heir(node_id)
        return heir != node_id and self.member(heir) is not None

    # --- admins ---

    def admins(self) -> tuple[Appoint, ...]:
        """Who may sign now beside the root, by the id of the key; each under the id its node has now."""
        return tuple(
            replace(one, node_id=self._holder(one))
            for _, signed in self._powers()
            if isinstance(one := signed.entry, Appoint)
        )

    def _holder(self, admin: Appoint) -> str:
        return admin.node_id if self.member(admin.node_id) else self.heir(admin.node_id)

    def power(self, node_id: str, admin_id: str) -> SignedEntry | None:
        """The root's word that this node may sign with this key, while it may."""
        signed = dict(self._powers()).get(admin_id)
        admin = signed.entry if signed else None
        if not isinstance(admin, Appoint) or admin.node_id not in self.lineage(node_id):
            return None
        return signed

    def _powers(self) -> Iterator[tuple[str, SignedEntry]]:
        for admin_id, signed in sorted(self._appointed.items()):
            admin = signed.entry
            if not isinstance(admin, Appoint) or admin_id in self._kept:
                continue
            if self.member(self._holder(admin)):
                yield admin_id, signed

    def let_in_by(self, admin_id: str) -> tuple[SignedEntry, ...]:
        """The admissions by an admin's key that count now, in the order of their ids."""
        return tuple(
            signed
            for _, signed in sorted(self._entries.items())
            if (admin := signed.appointed) and admin.admin_id == admin_id and self._stands(signed)
        )

    def authorities(self) -> tuple[bytes, ...]:
        """Certificates (DER) under which members have theirs, beside the root's own."""
        powers = [signed.entry for _, signed in self._powers()]
        powers += [signed.appointed for signed in self._valid.values() if signed.appointed]
        found = {one.certificate for one in powers if isinstance(one, Appoint)}
        return tuple(sorted(found))

    # --- the whole ---

    def entries(self) -> tuple[SignedEntry, ...]:
        """Everything, in the one order all replicas share."""
        return tuple(self._entries[entry_id] for entry_id in sorted(self._entries))

    def digest(self) -> str:
        """Equal on two nodes exactly when their rosters are."""
        return sha256("".join(sorted(self._entries)).encode()).hexdigest()


def _rank(admit: Admit) -> tuple[str, bytes, bytes]:
    return admit.name, admit.certificate, admit.follows.signature if admit.follows else b""


def _reasoned(signed: SignedEntry) -> tuple[bool, str, str]:
    """That a node was put out is told before that it goes on under another id."""
    revoke = signed.entry
    if not isinstance(revoke, Revoke):
        return False, "", signed.entry_id
    return not revoke.follower, revoke.reason, signed.entry_id


def _precedence(signed: SignedEntry) -> tuple[bool, str, bytes, str]:
    """What comes last counts."""
    name, certificate, _ = (
        _rank(signed.entry) if isinstance(signed.entry, Admit) else ("", b"", b"")
    )
    return signed.power is None, name, certificate, signed.entry_id
