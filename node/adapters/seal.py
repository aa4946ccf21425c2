"""Roster entries and the root's signature on them. An entry that is not sealed right does not exist.

The signature is over the exact bytes that are stored and travel; they are never made again from what
they say.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from fleet.core.address import NAME
from fleet.core.errors import MalformedRequest, NotPaired
from fleet.core.roster import Admit, Revoke, SignedEntry
from fleet.wire import read_body, write_body
from node.adapters.pki import RootKey, check_certificate, key_id

_LABEL = b"fleet roster v1\0"


def sign_entry(entry: Admit | Revoke, root: RootKey) -> SignedEntry:
    """The entry with the root's signature over its exact bytes."""
    body = write_body(key_id(root.public_key()), entry)
    return SignedEntry(body, root.sign(_LABEL + body), entry)


def verify_entry(body: bytes, signature: bytes, root_der: bytes) -> SignedEntry:
    """An entry that this root signed and that makes sense.

    Raises:
        NotPaired: it is forged, another fleet's, or admits what is no node.
    """
    root = x509.load_der_x509_certificate(root_der).public_key()
    if not isinstance(root, ed25519.Ed25519PublicKey):
        raise NotPaired("a fleet's root has to have an Ed25519 key")
    try:
        root.verify(signature, _LABEL + body)
        fleet_id, entry = read_body(body)
    except InvalidSignature:
        raise NotPaired("a roster entry is not signed by this fleet's root") from None
    except MalformedRequest as error:
        raise NotPaired(f"this fleet's root signed {error}") from None
    if fleet_id != key_id(root):
        raise NotPaired("a roster entry is of another fleet")
    if isinstance(entry, Admit):
        if check_certificate(entry.certificate, root_der) != entry.node_id:
            raise NotPaired("a roster entry admits another node than its certificate names")
        if NAME.fullmatch(entry.name) is None:
            raise NotPaired("a roster entry admits a node under what is no name")
    return SignedEntry(body, signature, entry)
