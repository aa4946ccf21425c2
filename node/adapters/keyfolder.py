"""The ``keys`` folder: what belongs together is replaced together.

The files of a membership are written beside, one rename decides, and a start after a crash finishes
the move. With them goes what the inviter told, until the database has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from fleet.core.address import NODE_ID
from fleet.core.errors.nodes import StartFailed
from node.adapters import keyfile
from node.adapters.pki import RootKey, der_of, pem_of, private_pem, root_key_from
from node.adapters.vault import is_locked
from node.ports.authority import Joined

ROOT_KEY = "root.key"
ADMIN_KEY = "admin.key"
RESTORE = "restore the keys folder from a backup, or begin with a fresh home"
WELCOME = "welcome"  # what the inviter told, while the database may not have it
_BESIDE = "joining"  # being written: worth nothing yet
_DECIDED = "joined"  # complete: has to be moved into place
_PLAIN = "plain"  # in the decided folder: whoever joins leaves the root key of its old fleet behind
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Membership:
    """What changes when a node joins a fleet. Certificates are DER.

    ``issuer`` signed the certificate: the root, or an admin. ``root_key`` is only on the node that founded it, and only while it has no passphrase.
    """

    root: bytes
    issuer: bytes
    certificate: bytes
    discovery_key: bytes
    root_key: RootKey | None


def load(folder: Path) -> Membership | None:
    """The membership in a folder; None in an empty one.

    Raises:
        UnsafeHome: others can reach a file in it.
        StartFailed: a file is damaged or missing.
    """
    root, own = keyfile.read(folder / "root.crt"), keyfile.read(folder / "node.crt")
    issuer = keyfile.read(folder / "issuer.crt") or root  # homes from before there were admins
    discovery_key = keyfile.read(folder / "discovery.key")
    root_key = keyfile.read(folder / ROOT_KEY)
    if root is None and own is None and root_key is None:
        return None
    if root is None or issuer is None or own is None or discovery_key is None:
        raise StartFailed(f"{folder} is incomplete", hint=RESTORE)
    return Membership(
        parsed(folder / "root.crt", der_of, root),
        parsed(folder / "issuer.crt", der_of, issuer),
        parsed(folder / "node.crt", der_of, own),
        discovery_key,
        None
        if not root_key or is_locked(root_key)
        else parsed(folder / ROOT_KEY, root_key_from, root_key),
    )


def followers(folder: Path) -> list[tuple[str, Path]]:
    """The key files of roots that followed the founding one, by the root's id."""
    return [
        (root_id, path)
        for path in sorted(folder.glob("root.*.key"))
        if NODE_ID.fullmatch(root_id := path.name.split(".")[1])
        and path.with_suffix(".crt").exists()
    ]


def parsed(path: Path, parse: Callable[[bytes], _T], data: bytes) -> _T:
    """What a file holds.

    Raises:
        StartFailed: it is damaged.
    """
    try:
        return parse(data)
    except ValueError as error:
        raise StartFailed(f"{path} is damaged: {error}", hint=RESTORE) from None


class Welcome(msgspec.Struct):
    """What an inviter told, as it is kept until the database has it."""

    inviter_id: str
    addresses: tuple[str, ...]
    entries: tuple[tuple[bytes, bytes], ...]


def welcome_of(joined: Joined) -> bytes:
    """What an inviter told, as it is kept."""
    entries = tuple((entry.body, entry.signature) for entry in joined.entries)
    return msgspec.json.encode(Welcome(joined.inviter_id, joined.addresses, entries))


def stage(folder: Path, fresh: Membership, welcome: bytes = b"") -> None:
    """Write all files beside; the rename at the end is the moment at which they count."""
    beside = start_beside(folder / _BESIDE)
    keyfile.write(beside / "root.crt", pem_of(fresh.root))
    keyfile.write(beside / "issuer.crt", pem_of(fresh.issuer))
    keyfile.write(beside / "node.crt", pem_of(fresh.certificate))
    keyfile.write(beside / "discovery.key", fresh.discovery_key)
    if fresh.root_key is not None:
        keyfile.write(beside / ROOT_KEY, private_pem(fresh.root_key))
    else:
        keyfile.write(beside / _PLAIN, b"")
    if welcome:
        keyfile.write(beside / WELCOME, welcome)
    beside.rename(folder / _DECIDED)
    keyfile.sync_folder(folder)


def finish_joining(folder: Path) -> None:
    """Move what was decided into place; may be cut off anywhere and done again."""
    empty(folder / _BESIDE)
    decided = folder / _DECIDED
    if not decided.is_dir():
        return
    for name in ("root.crt", "issuer.crt", "node.crt", "discovery.key", ROOT_KEY, WELCOME):
        if (decided / name).exists():
            (decided / name).replace(folder / name)
    if (decided / _PLAIN).exists():
        (folder / ROOT_KEY).unlink(missing_ok=True)
        (folder / ADMIN_KEY).unlink(missing_ok=True)
        for path in folder.glob("root.*.*"):
            path.unlink()
    keyfile.sync_folder(folder)
    empty(decided)


def start_beside(beside: Path) -> Path:
    """A fresh folder for files that count once it is renamed."""
    empty(beside)
    beside.mkdir(mode=0o700)
    return beside


def empty(folder: Path) -> None:
    """Remove a folder of files, if it is there."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
