"""The fleet's root keys that are in this home: the founding one, and those that followed it.

The founding key is in ``root.key``; each that followed has a file of its own, named by the root's id, with
its certificate beside. So no file is ever renamed when another root signs, and a crash leaves a key at
most where it was. Which of them counts is the roster's to say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.trust import KeyLocked, NotAllowed
from fleet.core.roster import Roster, SignedEntry, Succeed
from node.adapters import keyfile
from node.adapters.keyfolder import RESTORE, ROOT_KEY, followers, parsed
from node.adapters.pki import der_of, key_id, new_root_key, pem_of, root_certificate
from node.adapters.vault import Vault


class RootKeys:
    """The keys of one home that are, were or may become the root's."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now
        self._founding = Vault(folder / ROOT_KEY, now)
        self._followers: dict[str, Vault] = {}
        self._signing = self._founding
        self._power: SignedEntry | None = None
        self._known: frozenset[str] = frozenset()

    def load(self) -> None:
        """Read the files, as they are now; until ``follow`` the founding key is taken for the one that signs.

        Raises:
            StartFailed: one is damaged, or is another key than its name says.
        """
        self._founding.load()
        self._followers = {i: Vault(path, self._now) for i, path in followers(self._folder)}
        for root_id, vault in self._followers.items():
            if not vault.has_passphrase and vault.key and _id(vault) != root_id:
                raise StartFailed(f"root.{root_id}.key is another root's", hint=RESTORE)
        self._signing, self._power = self._founding, None

    def follow(self, roster: Roster) -> None:
        """Sign with the newest key that counts and is here."""
        every = (e.entry for e in roster.entries() if isinstance(e.entry, Succeed))
        self._known = frozenset(one.root_id for one in every)
        line = ((root, power) for root, power in zip(
            roster.line.roots, (None, *roster.successions()), strict=True
        ))  # fmt: skip
        counting = [power for root, power in line if not roster.line.is_retired(root)]
        self._signing, self._power = Vault(self._folder / "no.key", self._now), None
        for power in reversed(counting):
            if self.has(power):
                self._signing, self._power = self._vault(power), power
                return

    @property
    def signing(self) -> Vault:
        """The key that signs here; an empty one when none of those that count is here."""
        return self._signing

    @property
    def power(self) -> SignedEntry | None:
        """The succession by which it signs; None for the founding key."""
        return self._power

    def has(self, power: SignedEntry | None) -> bool:
        """Whether the key of this succession is here; None: the founding one."""
        return self._vault(power).has_key

    def key_of(self, power: SignedEntry) -> Vault:
        """The key of a succession.

        Raises:
            NotAllowed: it is not here.
        """
        vault = self._vault(power)
        if not vault.has_key:
            raise NotAllowed("this node", "retire", "a root: the key that followed it is not here")
        return vault

    def _vault(self, power: SignedEntry | None) -> Vault:
        if power is None:
            return self._founding
        empty = Vault(self._folder / "no.key", self._now)
        root = power.entry
        return self._followers.get(root.root_id, empty) if isinstance(root, Succeed) else empty

    # --- a new one ---

    async def prepare(self, passphrase: str) -> bytes:
        """Make the key that is to follow, durably, unless an earlier call has; its certificate (DER). With
        a passphrase the file never was without."""
        waiting = [i for i in self._followers if i not in self._known]
        if not waiting:
            key = new_root_key()
            root_id = key_id(key.public_key())
            certificate = pem_of(root_certificate(key))
            keyfile.write(self._folder / f"root.{root_id}.crt", certificate)
            vault = Vault(self._folder / f"root.{root_id}.key", self._now)
            await vault.put(key, passphrase)
            self._followers[root_id] = vault
            waiting = [root_id]
        path = self._folder / f"root.{waiting[0]}.crt"
        stored = keyfile.read(path)
        return parsed(path, der_of, stored or b"")

    def drop(self, power: SignedEntry | None) -> None:
        """Delete a key that counts for nothing any more; not its certificate. None is there: nothing."""
        root = power.entry if power else None
        name = f"root.{root.root_id}.key" if isinstance(root, Succeed) else ROOT_KEY
        (self._folder / name).unlink(missing_ok=True)
        keyfile.sync_folder(self._folder)
        if isinstance(root, Succeed):
            self._followers.pop(root.root_id, None)
        else:
            self._founding.load()

    # --- their passphrase, which is one ---

    def _all(self) -> Iterator[Vault]:
        yield self._signing
        yield from (
            v for v in (self._founding, *self._followers.values()) if v is not self._signing
        )

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Let them sign until then.

        Raises:
            KeyLocked: that is not the passphrase of the one that signs.
        """
        for vault in self._all():
            with contextlib.suppress(*(() if vault is self._signing else (KeyLocked,))):
                await vault.unlock(passphrase, until_wall_s)

    def forget(self) -> None:
        """Keep nothing in memory of those that have a passphrase."""
        for vault in self._all():
            vault.forget()

    async def lock(self, passphrase: str) -> None:
        """Put a passphrase on all of them.

        Raises:
            WrongState: the one that signs has one.
            MalformedRequest: this one is too short.
        """
        for vault in self._all():
            if vault is self._signing or (vault.has_key and not vault.has_passphrase):
                await vault.lock(passphrase)

    async def unlock_for_good(self, passphrase: str) -> None:
        """Take the passphrase off all of them.

        Raises:
            WrongState: the one that signs has none.
            KeyLocked: it is wrong.
        """
        for vault in self._all():
            if vault is self._signing or vault.has_passphrase:
                await vault.unlock_for_good(passphrase)


def _id(vault: Vault) -> str:
    return key_id(vault.key.public_key()) if vault.key else ""
