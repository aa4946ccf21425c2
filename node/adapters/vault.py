"""A signing key in a file: plain, or locked with a passphrase.

A locked file is a line with the salt, then the key as PKCS#8, encrypted by the ``cryptography``
package. What it derives a key with is cheap to guess against, so what it is given is not the
passphrase itself but what scrypt makes of it. An unlocked key is kept in memory for a given time,
never on disk.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import KeyLocked
from node.adapters import keyfile
from node.adapters.pki import RootKey, private_pem, root_key_from

SHORTEST = 8
"""Letters of a passphrase. Fewer can be tried one after the other, whatever one try costs."""
_MARK = b"fleet key, locked: scrypt 65536 8 2 "
_COST, _BLOCK, _LANES = 65_536, 8, 2  # 64 MiB and a few tenths of a second for each try
_SALT_BYTES = 16


def is_locked(data: bytes) -> bool:
    """Whether what a key file holds has a passphrase."""
    return data.startswith(_MARK)


class Vault:
    """One key file, which may be there or not."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._kept: RootKey | None = None
        self._kept_until_s = 0.0
        self._stored = b""
        self._plain: RootKey | None = None
        self.load()

    def load(self) -> None:
        """Read the file, as it is now.

        Raises:
            StartFailed: it is damaged.
            UnsafeHome: others can read it.
        """
        self._stored = keyfile.read(self._path) or b""
        self._plain = self._kept = None
        if self._stored and not is_locked(self._stored):
            try:
                self._plain = root_key_from(self._stored)
            except ValueError as error:
                raise StartFailed(
                    f"{self._path} is damaged: {error}", hint="restore it from a backup"
                ) from None

    @property
    def has_key(self) -> bool:
        """Whether there is a key, locked or not."""
        return bool(self._stored)

    @property
    def has_passphrase(self) -> bool:
        """Whether the file is of no use without its passphrase."""
        return bool(self._stored) and self._plain is None

    @property
    def is_locked(self) -> bool:
        """Whether there is a key, and it is not to be had now."""
        if self._now() >= self._kept_until_s:
            self._kept = None
        return self.has_passphrase and self._kept is None

    @property
    def open_until_s(self) -> float:
        """The wall time until which a key with a passphrase may sign; 0: it may not."""
        return 0.0 if self._kept is None else self._kept_until_s

    @property
    def key(self) -> RootKey | None:
        """The key, unless there is none.

        Raises:
            KeyLocked: nobody has said the passphrase, or too long ago.
        """
        if self.is_locked:
            raise KeyLocked(self._path.name)
        return self._plain or self._kept

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Keep the key in memory until then; if it is kept longer already, it stays so.

        Raises:
            KeyLocked: the passphrase is wrong.
        """
        if self.has_passphrase:
            key = await self._opened(passphrase)
            longer = self._kept_until_s if self._kept is not None else 0.0
            self._kept, self._kept_until_s = key, max(longer, until_wall_s)

    def forget(self) -> None:
        """Keep nothing in memory any more of a key that has a passphrase."""
        self._kept = None

    async def lock(self, passphrase: str) -> None:
        """Put a passphrase on the file.

        Raises:
            WrongState: it has one.
            MalformedRequest: too short.
        """
        if self._plain is None:
            raise WrongState(
                f"{self._path.name} has a passphrase already",
                hint="to change it: fleet trust unlock, then fleet trust lock",
            )
        if len(passphrase) < SHORTEST:
            raise MalformedRequest(f"a passphrase has at least {SHORTEST} letters")
        await self.put(self._plain, passphrase)

    async def put(self, key: RootKey, passphrase: str) -> None:
        """Write a key, durably; encrypted at once when a passphrase is given."""
        if not passphrase:
            self._replace(private_pem(key))
            return
        salt = secrets.token_bytes(_SALT_BYTES)
        secret = await asyncio.to_thread(_stretched, passphrase, salt)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret))
        self._replace(_MARK + salt.hex().encode() + b"\n" + pem)

    async def unlock_for_good(self, passphrase: str) -> None:
        """Take the passphrase off the file.

        Raises:
            WrongState: it has none.
            KeyLocked: the passphrase is wrong.
        """
        if not self.has_passphrase:
            raise WrongState(f"{self._path.name} has no passphrase")
        self._replace(private_pem(await self._opened(passphrase)))

    def _replace(self, data: bytes) -> None:
        keyfile.write(self._path, data)
        self.load()

    async def _opened(self, passphrase: str) -> RootKey:
        line, _, pem = self._stored.partition(b"\n")
        try:
            salt = bytes.fromhex(line.removeprefix(_MARK).decode())
            secret = await asyncio.to_thread(_stretched, passphrase, salt)
        except ValueError:
            raise StartFailed(f"{self._path} is damaged", hint="restore it from a backup") from None
        try:
            key = load_pem_private_key(pem, password=secret)
        except ValueError:
            raise KeyLocked(self._path.name, "the passphrase is wrong") from None
        if not isinstance(key, RootKey):
            raise StartFailed(f"{self._path} is damaged", hint="restore it from a backup")
        return key


def _stretched(passphrase: str, salt: bytes) -> bytes:
    derive = Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=_LANES)
    return b64encode(derive.derive(passphrase.encode()))
