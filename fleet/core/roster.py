"""Who belongs to the fleet: signed entries, merged in any order.

Merging is set union, and what the set says does not depend on the order, so replicas agree without a
clock. ``revoke`` always wins and is final for that key, whoever signed it. A root signs everything; an
admin, to whom a root gave a key of its own, signs admissions and revocations. What an admin let in
stands as long as its power does, and after that as far as a root says. A node that took a new key is
let in as the follower of the old one (``following.py``). What a retired root signed and its successor did
not keep is forgotten (``succession.py``), and so is all that rests on it. Signatures are checked before an
entry gets here (``node/adapters/seal.py``); this module trusts what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import assert_never

from fleet.core.entries import (
    Admit,
    Appoint,
    Follow,
    Retire,
    Revoke,
    RosterEntry,
    SignedEntry,
    Succeed,
)
from fleet.core.following import Following, put_out
from fleet.core.succession import FOUNDER, Line, line_of

__all__ = [
    "Admit", "Appoint", "Follow", "Retire", "Revoke", "Roster", "RosterEntry", "SignedEntry",
    "Succeed",
]  # fmt: skip


class Roster:
    """The merged entries. Grows, but for what a retired root said in vain."""

    def __init__(self, entries: Iterable[SignedEntry] = ()) -> None:
        self._entries: dict[str, SignedEntry] = {}
        self.line = Line()
        self._forget_judgements()
        self.merge(entries)

    def _forget_judgements(self) -> None:
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

    def merge(self, entries: Iterable[SignedEntry]) -> tuple[SignedEntry, ...]:
        """Add entries, and the powers they were signed with; returns those that were new, and are not
        void."""
        fresh: dict[str, SignedEntry] = {}
        for signed in entries:
            if not self._is_void(signed):
                for one in (*reversed([*signed.rests_on]), signed):
                    if (entry_id := one.entry_id) not in self._entries:
                        self._entries[entry_id] = fresh[entry_id] = one
        if any(isinstance(one.entry, Succeed | Retire) for one in fresh.values()):
            self._look_at_the_roots()
        else:
            for one in fresh.values():
                self._note(one)
        if fresh:
            self._out = put_out(self._followed, self._said)
            self._valid = dict(self._admissions())
            self._following = Following(self._standing_follows(), self._said)
        return tuple(one for entry_id, one in fresh.items() if entry_id in self._entries)

    def _look_at_the_roots(self) -> None:
        """Who signs now; what a root that is retired by now has said in vain goes."""
        heirs: dict[str, list[str]] = {}
        retirements: dict[str, dict[str, frozenset[str]]] = {}
        for entry_id, signed in self._entries.items():
            match signed.entry:
                case Succeed():
                    heirs.setdefault(signed.root, []).append(entry_id)
                case Retire(kept=kept):
                    retirements.setdefault(signed.root, {})[entry_id] = frozenset(kept)
                case _:
                    pass
        self.line = line_of(heirs, retirements)
        self._entries = {i: one for i, one in self._entries.items() if not self._is_void(one)}
        self._forget_judgements()
        for signed in self._entries.values():
            self._note(signed)

    def _is_void(self, signed: SignedEntry) -> bool:
        return bool(self.line.kept) and any(
            self.line.voids(one.root, one.entry_id)
            for one in (signed, *signed.rests_on)
            if one.appointed is None
        )

    def _is_undecided(self, signed: SignedEntry) -> bool:
        """Whether it rests on a root of whom nobody knows whether it is one."""
        return signed.root not in self.line.roots

    def _decided(self, signed: SignedEntry) -> tuple[bool, str]:
        return not self._is_undecided(signed), signed.entry_id

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
                self._appointed[admin_id] = max(signed, said, key=self._decided)
            case Revoke(node_id=node_id) as revoke:
                before = self._revoker.get(node_id)
                if before is None or _reasoned(signed) > _reasoned(before):
                    self._revoked[node_id], self._revoker[node_id] = revoke, signed
                whys = self._said.get(node_id, frozenset())
                self._said[node_id] = whys | {revoke.follower}
                if signed.appointed is None:
                    kept = frozenset(revoke.kept)
                    self._kept[node_id] = self._kept.get(node_id, kept) & kept
            case Succeed() | Retire():
                pass  # looked at together
            case _:
                assert_never(signed.entry)

    def _admissions(self) -> Iterator[tuple[str, SignedEntry]]:
        """For each node the admission that counts; a root's before an admin's, the later root's first."""
        standing = [one for one in self._entries.values() if self._stands(one)]
        for signed in sorted(standing, key=_precedence):
            if isinstance(signed.entry, Admit):
                yield signed.entry.node_id, signed

    def _stands(self, signed: SignedEntry) -> bool:
        """Whether an admission counts: a root's does; an admin's by its power, or because it is kept."""
        admin = signed.appointed
        if not isinstance(signed.entry, Admit) or self._is_undecided(signed):
            return False
        if admin is None:
            return True
        if admin.admin_id in self._kept:
            return signed.entry_id in self._kept[admin.admin_id]
        return admin.node_id not in self._out

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

    def admissions_of(self, node_id: str) -> tuple[SignedEntry, ...]:
        """All that were signed for a node, also those that do not count, in the order of their ids."""
        said = (one for one in self.entries() if isinstance(one.entry, Admit))
        return tuple(one for one in said if one.node_id == node_id)

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

    def contested(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The ids that several are to follow, each with all who claim it: none of them belongs."""
        return tuple(self._following.contested().items())

    def given_up(self) -> tuple[tuple[str, str], ...]:
        """The ids that their nodes gave up, each with the one it goes on as."""
        return tuple((i, self.heir(i)) for i in sorted(self._said) if self.is_given_up(i))

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
        """Who may sign now beside the roots, by the id of the key; each under the id its node has now."""
        return tuple(
            replace(one, node_id=self._holder(one))
            for _, signed in self._powers()
            if isinstance(one := signed.entry, Appoint)
        )

    def _holder(self, admin: Appoint) -> str:
        return admin.node_id if self.member(admin.node_id) else self.heir(admin.node_id)

    def power(self, node_id: str, admin_id: str) -> SignedEntry | None:
        """A root's word that this node may sign with this key, while it may."""
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
            if not self._is_undecided(signed) and self.member(self._holder(admin)):
                yield admin_id, signed

    def let_in_by(self, admin_id: str) -> tuple[SignedEntry, ...]:
        """The admissions by an admin's key that count now, in the order of their ids."""
        return tuple(
            signed
            for _, signed in sorted(self._entries.items())
            if (admin := signed.appointed) and admin.admin_id == admin_id and self._stands(signed)
        )

    def authorities(self, founder: bytes) -> tuple[bytes, ...]:
        """Certificates (DER) under which members have theirs, or may get one; ``founder`` is that of the
        founding root, which goes like any other when it is retired and no member has one under it."""
        members = filter(None, map(self.admission, self._valid))
        found = {signed.issuer or founder for signed in members}
        found |= {admin.certificate for admin in self.admins()}
        roots = ((FOUNDER, founder), *((s.entry_id, s.empowers or b"") for s in self.successions()))
        found |= {certificate for root, certificate in roots if not self.line.is_retired(root)}
        return tuple(sorted(found))

    # --- roots ---

    def successions(self) -> tuple[SignedEntry, ...]:
        """The words by which the root was followed, one by the other, oldest first."""
        return tuple(self._entries[root] for root in self.line.roots if root != FOUNDER)

    def rivals(self) -> tuple[SignedEntry, ...]:
        """Several words by which the last root was followed, of which none is decided for."""
        return tuple(self._entries[root] for root in self.line.rivals)

    def entry(self, entry_id: str) -> SignedEntry:
        """One of ours."""
        return self._entries[entry_id]

    def signed_by(self, root: str) -> tuple[str, ...]:
        """The ids of all that a root signed itself, in their order."""
        return tuple(
            entry_id
            for entry_id, signed in sorted(self._entries.items())
            if signed.appointed is None and signed.root == root
        )

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


def _precedence(signed: SignedEntry) -> tuple[int, str, bytes, str]:
    """What comes last counts."""
    name, certificate, _ = (
        _rank(signed.entry) if isinstance(signed.entry, Admit) else ("", b"", b"")
    )
    by_root = 0 if signed.appointed else 1 + sum(1 for _ in signed.rests_on)
    return by_root, name, certificate, signed.entry_id
