"""Roster entries and the signatures on them. An entry that is not sealed right does not exist.

The signature is over the exact bytes that are stored and travel; they are never made again from what
they say. The root signs, or an admin: then the root's appointment of that admin is part of what is
signed, so an entry can be checked by itself, whatever else is known.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from fleet.core.address import NAME, NODE_ID
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import NotPaired
from fleet.core.roster import Admit, Appoint, Revoke, RosterEntry, SignedEntry
from fleet.wire import power_in, read_body, write_body
from node.adapters.pki import (
    RootKey,
    certificate_key,
    check_certificate,
    check_follow,
    check_root,
    key_id,
    public_bytes,
    public_key_from,
)

ADMIN = "admin"
"""What the subject of an admin's certificate begins with."""
_LABEL = b"fleet roster v1\0"


def sign_entry(entry: RosterEntry, root: RootKey) -> SignedEntry:
    """The entry with the root's signature over its exact bytes."""
    body = write_body(key_id(root.public_key()), entry)
    return SignedEntry(body, root.sign(_LABEL + body), entry)


def sign_as_admin(
    entry: Admit | Revoke, key: RootKey, fleet_id: str, power: SignedEntry
) -> SignedEntry:
    """The entry with an admin's signature, and the root's word that it may sign."""
    body = write_body(fleet_id, entry, power)
    return SignedEntry(body, key.sign(_LABEL + body), entry, power)


def verify_entry(body: bytes, signature: bytes, root_der: bytes) -> SignedEntry:
    """An entry that this root or one of its admins signed, and that makes sense.

    Raises:
        NotPaired: it is forged, another fleet's, beyond an admin's power, or admits what is no node.
    """
    try:
        carried = power_in(body)
        power = _verified(*carried, root_der, root_der) if carried else None
        if power is None:
            return _verified(body, signature, root_der, root_der)
        if not isinstance(power.entry, Appoint):
            raise NotPaired("a roster entry rests on what is no appointment")
        signed = _verified(body, signature, root_der, power.entry.certificate)
    except MalformedRequest as error:
        raise NotPaired(f"a roster entry makes no sense: {error}") from None
    if isinstance(signed.entry, Appoint) or (
        isinstance(signed.entry, Revoke) and signed.entry.kept
    ):
        raise NotPaired("an admin signed what only the root may say")
    return SignedEntry(body, signature, signed.entry, power)


def _verified(body: bytes, signature: bytes, root_der: bytes, signer_der: bytes) -> SignedEntry:
    """An entry that the key in this certificate signed; only a root's rests on nothing else."""
    key = x509.load_der_x509_certificate(signer_der).public_key()
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise NotPaired("who signs has to have an Ed25519 key")
    try:
        key.verify(signature, _LABEL + body)
    except InvalidSignature:
        raise NotPaired("a roster entry is not signed by this fleet's root") from None
    fleet_id, entry = read_body(body)
    if fleet_id != _key_id(root_der):
        raise NotPaired("a roster entry is of another fleet")
    if signer_der == root_der and power_in(body) is not None:
        raise NotPaired("a roster entry of the root rests on an admin's power")
    _check(entry, signer_der, fleet_id)
    return SignedEntry(body, signature, entry)


def _check(entry: RosterEntry, signer_der: bytes, fleet_id: str) -> None:
    match entry:
        case Admit():
            if check_certificate(entry.certificate, signer_der) != entry.node_id:
                raise NotPaired("a roster entry admits another node than its certificate names")
            if NAME.fullmatch(entry.name) is None:
                raise NotPaired("a roster entry admits a node under what is no name")
            _check_follows(entry, fleet_id)
        case Appoint():
            if check_root(entry.certificate, ADMIN) != entry.admin_id:
                raise NotPaired("a roster entry appoints another key than its certificate names")
            if NODE_ID.fullmatch(entry.node_id) is None:
                raise NotPaired("a roster entry appoints what is no node")
        case Revoke():
            pass


def _check_follows(admit: Admit, fleet_id: str) -> None:
    """The key before has to say so itself: no admin makes one node of two."""
    before = admit.follows
    if before is None:
        return
    old, new = public_key_from(before.public_key), certificate_key(admit.certificate)
    if key_id(old) != before.node_id or before.node_id == admit.node_id:
        raise NotPaired("a roster entry lets a node follow what is no other node's key")
    check_follow(old, before.signature, fleet_id, before.node_id, public_bytes(new))


def _key_id(der: bytes) -> str:
    key = x509.load_der_x509_certificate(der).public_key()
    return key_id(key) if isinstance(key, ed25519.Ed25519PublicKey) else ""
