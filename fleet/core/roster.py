"""Who belongs to the fleet: admit and revoke entries, signed by the root, merged in any order.

Merging is set union, so replicas agree whatever the order and no clock is needed. ``revoke`` always
wins and is final for that key. Signatures are checked before an entry gets here (``node/adapters/
pki.py``); this module trusts what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Admit:
    """A node belongs. ``certificate`` is its DER, signed by the root; ``node_id`` follows from it.

    ``name`` is a label for people and may collide with another node's.
    """

    node_id: str
    name: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Revoke:
    """A node does not belong any more, for ever."""

    node_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as it is stored and travels: the exact signed bytes, and what they say."""

    body: bytes
    signature: bytes
    entry: Admit | Revoke

    @property
    def entry_id(self) -> str:
        """Names the entry; the same bytes are the same entry everywhere."""
        return sha256(self.body).hexdigest()


class Roster:
    """The merged entries. Grows only."""

    def __init__(self, entries: Iterable[SignedEntry] = ()) -> None:
        self._entries: dict[str, SignedEntry] = {}
        self._admitted: dict[str, Admit] = {}
        self._revoked: dict[str, Revoke] = {}
        self.merge(entries)

    def merge(self, entries: Iterable[SignedEntry]) -> tuple[SignedEntry, ...]:
        """Add entries; returns those that were new."""
        fresh: list[SignedEntry] = []
        for signed in entries:
            if signed.entry_id in self._entries:
                continue
            self._entries[signed.entry_id] = signed
            fresh.append(signed)
            match signed.entry:
                # Of two entries for one node the one that sorts last counts, on every replica.
                case Admit(node_id=node_id) as admit:
                    self._admitted[node_id] = max(
                        admit,
                        self._admitted.get(node_id, admit),
                        key=lambda a: (a.name, a.certificate),
                    )
                case Revoke(node_id=node_id) as revoke:
                    self._revoked[node_id] = max(
                        revoke, self._revoked.get(node_id, revoke), key=lambda r: r.reason
                    )
                case _:
                    assert_never(signed.entry)
        return tuple(fresh)

    def holds(self, entry_id: str) -> bool:
        """Whether it is one of ours already, and so was checked."""
        return entry_id in self._entries

    def member(self, node_id: str) -> Admit | None:
        """The node's admission, unless it was revoked."""
        return None if node_id in self._revoked else self._admitted.get(node_id)

    def revoked(self, node_id: str) -> Revoke | None:
        """The node's revocation, if there is one."""
        return self._revoked.get(node_id)

    def known(self, node_id: str) -> Admit | None:
        """The node's admission, revoked or not: revoked nodes are still shown by name."""
        return self._admitted.get(node_id)

    def members(self) -> tuple[Admit, ...]:
        """All that belong now, by id."""
        return tuple(a for i, a in sorted(self._admitted.items()) if i not in self._revoked)

    def revocations(self) -> tuple[Revoke, ...]:
        """All that were put out, by id."""
        return tuple(revoke for _, revoke in sorted(self._revoked.items()))

    def entries(self) -> tuple[SignedEntry, ...]:
        """Everything, in the one order all replicas share."""
        return tuple(self._entries[entry_id] for entry_id in sorted(self._entries))

    def digest(self) -> str:
        """Equal on two nodes exactly when their rosters are."""
        return sha256("".join(sorted(self._entries)).encode()).hexdigest()
