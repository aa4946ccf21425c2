"""Keys and certificates, as bytes: who a node is.

A node is the hash of its P-256 public key (gRPC refuses Ed25519 certificates). The fleet's root is
Ed25519 and certifies each node's key once. No trust rests on a clock:
certificates never expire, revocation is in the roster. TLS takes a pinned certificate for an
authority unless its key usage forbids that, so a certificate's whole profile is checked before it
is kept. Everything the root makes is a function of its key and the input: making it again gives the
same bytes, and a pinned certificate stays the pinned certificate.
"""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.core.errors.trust import NotPaired

NodeKey = ec.EllipticCurvePrivateKey
NodePublicKey = ec.EllipticCurvePublicKey
RootKey = ed25519.Ed25519PrivateKey

_Extensions = dict[type[x509.ExtensionType], tuple[x509.ExtensionType, bool]]

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_PAIRING_SEED = sha256(b"fleet pairing v1: this key authenticates nobody").digest()
_BOTH_ENDS = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
)

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for bytes that are no certificate, or a strange one."""


def new_node_key() -> NodeKey:
    """A fresh identity."""
    return ec.generate_private_key(ec.SECP256R1())


def new_root_key() -> RootKey:
    """A fresh fleet."""
    return RootKey.generate()


def public_bytes(key: NodePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    """The public key as DER (SubjectPublicKeyInfo), in its one encoding."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: NodePublicKey | ed25519.Ed25519PublicKey) -> str:
    """The identity that a public key is: 52 characters of a-z 2-7."""
    return b32encode(sha256(public_bytes(key)).digest()).decode().rstrip("=").lower()


def private_pem(key: NodeKey | RootKey) -> bytes:
    """A private key as files and gRPC have it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def node_key_from(pem: bytes) -> NodeKey:
    """A node's private key.

    Raises:
        ValueError: these bytes are no P-256 key.
    """
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, NodeKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 private key")  # noqa: TRY004 - the file is wrong, not the code
    return key


def root_key_from(pem: bytes) -> RootKey:
    """A root's private key.

    Raises:
        ValueError: these bytes are no Ed25519 key.
    """
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, RootKey):
        raise ValueError("not an Ed25519 private key")  # noqa: TRY004 - as above
    return key


def public_key_from(der: bytes) -> NodePublicKey:
    """A node's public key, from anywhere.

    Raises:
        NotPaired: it is no P-256 key.
    """
    try:
        return _p256(load_der_public_key(der))
    except _UNREADABLE as error:
        raise _bad(str(error)) from None


# --- one key follows another ---


def sign_follow(key: NodeKey, fleet_id: str, old_id: str, new_key: bytes) -> bytes:
    """A node's signature on it that a public key (DER) follows an id in a fleet."""
    return key.sign(_follow(fleet_id, old_id, new_key), ec.ECDSA(SHA256()))


def check_follow(
    key: NodePublicKey, signature: bytes, fleet_id: str, old_id: str, new_key: bytes
) -> None:
    """Insist on that signature.

    Raises:
        NotPaired: it is another's, or of other words.
    """
    try:
        key.verify(signature, _follow(fleet_id, old_id, new_key), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise NotPaired(
            "a key does not say what it is said to: that one follows the other"
        ) from None


def _follow(fleet_id: str, old_id: str, new_key: bytes) -> bytes:
    return b"\0".join((b"fleet follow v1", fleet_id.encode(), old_id.encode(), new_key))


# --- certificates ----------------------------------------------------------------------------------


def pem_of(der: bytes) -> bytes:
    """The same certificate as PEM, which is what gRPC takes."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def der_of(pem: bytes) -> bytes:
    """The same certificate as DER, which is what we keep.

    Raises:
        ValueError: these bytes are no certificate.
    """
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def root_certificate(key: RootKey, label: str = "fleet") -> bytes:
    """The root's own certificate (DER). Its subject holds its id: of two roots with one subject, TLS
    would try only the first."""
    subject = _named(f"{label} {key_id(key.public_key())}")
    built = (
        _blank(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(for_signing_others=True), critical=True)
    )
    return built.sign(key, None).public_bytes(Encoding.DER)


def node_certificate(public_key: NodePublicKey, root: RootKey, root_der: bytes) -> bytes:
    """A node's certificate (DER): its id as the only name, and no power to sign for others."""
    node_id = key_id(public_key)
    issuer = x509.load_der_x509_certificate(root_der).subject
    built = (
        _blank(_named(node_id), issuer, public_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node_id)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(for_signing_others=False), critical=True)
        .add_extension(_BOTH_ENDS, critical=False)
    )
    return built.sign(root, None).public_bytes(Encoding.DER)


@cache
def pairing_root() -> tuple[RootKey, bytes]:
    """A root whose key everybody has: TLS under it proves possession of a node's key, nothing else.

    It is trusted only while an invitation is open, and opens only the call that pairs.
    """
    key = RootKey.from_private_bytes(_PAIRING_SEED)
    return key, root_certificate(key, "pairing")


def check_certificate(der: bytes, root_der: bytes) -> str:
    """Insist on a node's certificate of exactly our making; the node id that it proves.

    Raises:
        NotPaired: saying which part is wrong.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(x509.load_der_x509_certificate(root_der))
        node_id = key_id(_p256(certificate.public_key()))
        found = _extensions(certificate)
        dates = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        subject = certificate.subject
    except InvalidSignature:
        raise _bad("another root signed it") from None
    except _UNREADABLE as error:
        raise _bad(str(error)) from None
    if subject != _named(node_id):
        raise _bad("it does not carry its key's id as its name")
    if dates != (_FIRST, _LAST):
        raise _bad("it depends on a clock")
    wanted: _Extensions = {
        x509.SubjectAlternativeName: (x509.SubjectAlternativeName([x509.DNSName(node_id)]), False),
        x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
        x509.KeyUsage: (_usage(for_signing_others=False), True),
        x509.ExtendedKeyUsage: (_BOTH_ENDS, False),
    }
    for kind in wanted.keys() | found.keys():
        if wanted.get(kind) != found.get(kind):
            raise _bad(f"its {kind.__name__} is not that of a node")
    return node_id


def check_root(der: bytes, label: str = "fleet") -> str:
    """Insist on a fleet root's certificate of exactly our making; the fleet id.

    An admin's is the same with another ``label``, and the id is that of the admin's key.

    Raises:
        NotPaired: saying which part is wrong.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(certificate)
        key = certificate.public_key()
        found = _extensions(certificate)
    except (InvalidSignature, *_UNREADABLE) as error:
        raise _bad(f"not a root's: {error}") from None
    wanted: _Extensions = {
        x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=0), True),
        x509.KeyUsage: (_usage(for_signing_others=True), True),
    }
    if not isinstance(key, ed25519.Ed25519PublicKey) or found != wanted:
        raise _bad("not that of a fleet's root")
    fleet_id = key_id(key)
    if certificate.subject != _named(f"{label} {fleet_id}"):
        raise _bad("the root does not carry its key's id as its name")
    return fleet_id


def certificate_key(der: bytes) -> NodePublicKey:
    """The key in a certificate, whoever signed it.

    Raises:
        NotPaired: a node cannot have such a key.
    """
    try:
        return _p256(x509.load_der_x509_certificate(der).public_key())
    except _UNREADABLE as error:
        raise _bad(str(error)) from None


@lru_cache(maxsize=1024)
def pem_id(pem: bytes) -> str:
    """The id of the key in a certificate as gRPC shows it, which is once per call.

    Raises:
        NotPaired: a node cannot have such a key.
    """
    try:
        return key_id(certificate_key(der_of(pem)))
    except _UNREADABLE as error:
        raise _bad(str(error)) from None


def _extensions(certificate: x509.Certificate) -> _Extensions:
    return {type(e.value): (e.value, e.critical) for e in certificate.extensions}


def _p256(key: object) -> NodePublicKey:
    if not isinstance(key, NodePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("its key is not P-256")  # noqa: TRY004 - the bytes are wrong, not the code
    return key


def _bad(why: str) -> NotPaired:
    return NotPaired(f"a certificate is not acceptable: {why}")


def _blank(
    subject: x509.Name, issuer: x509.Name, key: NodePublicKey | ed25519.Ed25519PublicKey
) -> x509.CertificateBuilder:
    # One certificate per key, so the key makes a serial number that repeats with it only.
    serial = int.from_bytes(sha256(public_bytes(key)).digest()[:19], "big") | 1
    return x509.CertificateBuilder(issuer, subject, key, serial, _FIRST, _LAST)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, for_signing_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not for_signing_others,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=for_signing_others,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
