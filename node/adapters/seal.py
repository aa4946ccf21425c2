"""Roster entries and the signatures on them. An entry that is not sealed right does not exist.

The signature is over the exact bytes that are stored and travel; they are never made again from what
they say. The founding root signs, or whoever has its power from it: a root that followed, an admin. Then
the word that gives the power is part of what is signed, so an entry can be checked by itself, whatever
else is known. Whether that power still counts is the roster's to say.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from fleet.core.address import NAME, NODE_ID
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.trust import NotPaired
from fleet.core.roster import Admit, Appoint, Retire, Revoke, RosterEntry, SignedEntry, Succeed
from fleet.core.succession import LONGEST_LINE
from fleet.wire.roster import power_in, read_body, write_body
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
_POWERS_REMEMBERED = 256


def sign_entry(entry: RosterEntry, root: RootKey) -> SignedEntry:
    """The entry with the founding root's signature over its exact bytes."""
    return sign_by_power(entry, root, key_id(root.public_key()), None)


def sign_by_power(
    entry: RosterEntry, key: RootKey, fleet_id: str, power: SignedEntry | None
) -> SignedEntry:
    """The entry with the signature of a root that followed, or of an admin, and the word that it may sign."""
    body = write_body(fleet_id, entry, power)
    return SignedEntry(body, key.sign(_LABEL + body), entry, power)


def verify_entry(body: bytes, signature: bytes, founder_der: bytes) -> SignedEntry:
    """An entry that this founding root signed, or who has the power from it, and that makes sense.

    Raises:
        NotPaired: it is forged, another fleet's, beyond its signer's power, or admits what is no node.
    """
    try:
        return _verified(body, signature, founder_der, LONGEST_LINE + 1)
    except MalformedRequest as error:
        raise NotPaired(f"a roster entry makes no sense: {error}") from None


def _verified(body: bytes, signature: bytes, founder_der: bytes, powers_left: int) -> SignedEntry:
    carried = power_in(body)
    if carried and not powers_left:
        raise NotPaired(f"a roster entry rests on over {LONGEST_LINE} successions")
    power = _power(*carried, founder_der, powers_left - 1) if carried else None
    signer_der = power.empowers if power else founder_der
    if signer_der is None:
        raise NotPaired("a roster entry rests on what gives no power to sign")
    key = x509.load_der_x509_certificate(signer_der).public_key()
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise NotPaired("who signs has to have an Ed25519 key")
    try:
        key.verify(signature, _LABEL + body)
    except InvalidSignature:
        raise NotPaired("a roster entry is not signed by this fleet's root") from None
    fleet_id, entry = read_body(body)
    if fleet_id != _key_id(founder_der):
        raise NotPaired("a roster entry is of another fleet")
    signed = SignedEntry(body, signature, entry, power)
    _check_power(signed, fleet_id)
    _check(entry, signer_der, fleet_id)
    return signed


@lru_cache(maxsize=_POWERS_REMEMBERED)
def _power(body: bytes, signature: bytes, founder_der: bytes, powers_left: int) -> SignedEntry:
    """Many entries rest on few words; each of those is checked once."""
    return _verified(body, signature, founder_der, powers_left)


def _check_power(signed: SignedEntry, fleet_id: str) -> None:
    """Whether its signer may say that at all."""
    entry, power = signed.entry, signed.power
    if signed.appointed:
        if not isinstance(entry, Admit | Revoke) or (isinstance(entry, Revoke) and entry.kept):
            raise NotPaired("an admin signed what only the root may say")
    elif isinstance(entry, Succeed):
        if entry.root_id in _roots(signed, fleet_id)[1:]:
            raise NotPaired("a root that was one before is to follow")
        if len(_roots(signed, fleet_id)) > LONGEST_LINE + 1:
            raise NotPaired(f"a roster entry rests on over {LONGEST_LINE} successions")
    elif isinstance(entry, Retire):
        if power is None or _roots(signed, fleet_id)[1] != entry.root_id:
            raise NotPaired("only who follows a root retires it")
        if power.entry_id not in entry.kept:
            raise NotPaired("a root is retired, and with it who follows it")


def _roots(signed: SignedEntry, fleet_id: str) -> list[str]:
    """The ids of the roots that an entry speaks of or rests on, the last one first."""
    line = [
        one.entry.root_id for one in (signed, *signed.rests_on) if isinstance(one.entry, Succeed)
    ]
    return [*line, fleet_id]


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
        case Succeed():
            if check_root(entry.certificate) != entry.root_id:
                raise NotPaired("a roster entry makes another root than its certificate names")
        case Revoke() | Retire():
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
