"""A new key for this node: made durable beside the old one, signed for by both, and taken in one rename.

Until the rename the node is the old key, whatever happens; after it, it is the new one. What an admin
signed for it goes along, until the database has it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from fleet.core.errors.nodes import StartFailed
from fleet.core.errors.trust import NotPaired
from fleet.core.roster import Admit, Follow, Revoke, SignedEntry
from node.adapters import keyfile
from node.adapters.keyfolder import RESTORE, empty, parsed, start_beside
from node.adapters.pki import (
    NodeKey,
    NodePublicKey,
    check_follow,
    key_id,
    new_node_key,
    node_key_from,
    pem_of,
    private_pem,
    public_bytes,
    public_key_from,
    sign_follow,
)
from node.ports.authority import Proof

NEXT_KEY = "next.key"
"""The new key, while nobody has signed for it."""
NODE_KEY = "node.key"
_TOLD = "followed"  # what was signed for the new key, while the database may not have it
_BESIDE = "following"  # being written: worth nothing yet
_DECIDED = "follows"  # complete: has to be moved into place


def next_key(folder: Path) -> NodeKey | None:
    """The new key that was made and is not taken yet.

    Raises:
        StartFailed: its file is damaged.
    """
    pem = keyfile.read(folder / NEXT_KEY)
    return parsed(folder / NEXT_KEY, node_key_from, pem) if pem else None


def prove(folder: Path, own: NodeKey, fleet_id: str) -> Proof:
    """Make a new key durable, or take the one that is, and have both keys say that it follows."""
    new = next_key(folder)
    if new is None:
        new = new_node_key()
        keyfile.write(folder / NEXT_KEY, private_pem(new))
    old_id, public_key = key_id(own.public_key()), public_bytes(new.public_key())
    return Proof(
        public_key,
        sign_follow(own, fleet_id, old_id, public_key),
        sign_follow(new, fleet_id, old_id, public_key),
    )


def checked(fleet_id: str, old: NodePublicKey, proof: Proof) -> Follow:
    """That both keys said so, as it goes into the roster.

    Raises:
        NotPaired: one did not, or is no node's.
    """
    new = public_key_from(proof.public_key)
    old_id, public_key = key_id(old), public_bytes(new)
    check_follow(old, proof.by_old, fleet_id, old_id, public_key)
    check_follow(new, proof.by_new, fleet_id, old_id, public_key)
    return Follow(old_id, public_bytes(old), proof.by_old)


def stage(folder: Path, key: NodeKey, issuer: bytes, entries: tuple[SignedEntry, ...]) -> None:
    """Decide for the new key; the node is it from its next start on.

    Raises:
        NotPaired: these do not let it follow.
    """
    admit, revoke = _pair(entries)
    old_id, new = key_id(key.public_key()), next_key(folder)
    before = admit.follows
    if new is None or before is None or key_id(new.public_key()) != admit.node_id:
        raise NotPaired("another key than this node's new one was let in")
    if before.node_id != old_id or revoke != Revoke(old_id, revoke.reason, (), admit.node_id):
        raise NotPaired("it was let in to follow another node")
    files = {
        NODE_KEY: private_pem(new),
        "node.crt": pem_of(admit.certificate),
        "issuer.crt": pem_of(issuer),
        _TOLD: msgspec.json.encode([(one.body, one.signature) for one in entries]),
    }
    beside = start_beside(folder / _BESIDE)
    for name, data in files.items():
        keyfile.write(beside / name, data)
    beside.rename(folder / _DECIDED)
    keyfile.sync_folder(folder)


def _pair(entries: tuple[SignedEntry, ...]) -> tuple[Admit, Revoke]:
    match [signed.entry for signed in entries]:
        case [Admit() as admit, Revoke() as revoke]:
            return admit, revoke
        case _:
            raise NotPaired(
                "what was signed for the new key is not its admission and the old one's end"
            )


def finish_following(folder: Path) -> None:
    """Move what was decided into place; may be cut off anywhere and done again."""
    empty(folder / _BESIDE)
    decided = folder / _DECIDED
    if not decided.is_dir():
        return
    for path in sorted(decided.iterdir()):
        path.replace(folder / path.name)
    (folder / NEXT_KEY).unlink(missing_ok=True)  # it is the node's own now
    keyfile.sync_folder(folder)
    empty(decided)


def unfinished(folder: Path) -> tuple[tuple[bytes, bytes], ...]:
    """What was signed for the key that this node has now, while the database may not have it: bodies and
    signatures; else nothing.

    Raises:
        StartFailed: the file that says so is damaged.
    """
    data = keyfile.read(folder / _TOLD)
    if data is None:
        return ()
    try:
        return msgspec.json.decode(data, type=tuple[tuple[bytes, bytes], ...])
    except msgspec.MsgspecError as error:
        raise damaged(folder, error) from None


def damaged(folder: Path, error: Exception) -> StartFailed:
    """What was signed for this node's key makes no sense."""
    return StartFailed(f"{folder / _TOLD} is damaged: {error}", hint=RESTORE)


def finish(folder: Path) -> None:
    """The database has it."""
    (folder / _TOLD).unlink(missing_ok=True)
    keyfile.sync_folder(folder)
