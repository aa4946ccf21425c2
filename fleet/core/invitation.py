"""An invitation: the token that a person carries, and how both ends prove its secret.

The token pins the inviter's key, so the newcomer says nothing before it has met that key. The secret
has 128 bits and crosses no wire: each end shows a MAC over a transcript that binds both nonces and
both TLS certificates as that end sees them.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from hmac import new as hmac_new

from fleet.core.address import NODE_ID
from fleet.core.errors.requests import MalformedRequest

SECRET_BYTES = 16
_LABEL = b"fleet pairing v1"
_VERSION = "fleet1"
_ADDRESS = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a token says: whom to ask, where, and the secret to prove."""

    node_id: str
    secret: bytes
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the secret: values end up in logs."""
        return f"Invitation({self.node_id[:12]}, {', '.join(self.addresses)})"


def make_token(invitation: Invitation) -> str:
    """The invitation as one word to copy: ``fleet1.<node id>.<secret>.<host:port,…>``.

    Raises:
        MalformedRequest: there is no address to put in, or one that a token cannot carry.
    """
    if not invitation.addresses:
        raise MalformedRequest(
            "no other host could reach this node: it has no address",
            hint="connect it to a network, or say where it listens: fleet up --listen HOST:PORT",
        )
    secret = b32encode(invitation.secret).decode().lower().rstrip("=")
    token = ".".join((_VERSION, invitation.node_id, secret, ",".join(invitation.addresses)))
    parse_token(token)
    return token


def parse_token(text: str) -> Invitation:
    """Read a token as it was pasted.

    Raises:
        MalformedRequest: it is cut short, mistyped, or of another version.
    """
    parts = "".join(text.split()).lower().split(".", 3)
    if parts[0] != _VERSION:
        raise _malformed(f"it does not begin with {_VERSION}.")
    if len(parts) != 4:  # noqa: PLR2004 - version, node id, secret, addresses
        raise _malformed("it is cut short")
    _, node_id, secret, addresses = parts
    if NODE_ID.fullmatch(node_id) is None:
        raise _malformed("its node id is not 52 characters of a-z 2-7")
    return Invitation(node_id, _secret(secret), tuple(_addresses(addresses)))


def _secret(text: str) -> bytes:
    padded = text.upper() + "=" * (-len(text) % 8)
    try:
        secret = b32decode(padded)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES or b32encode(secret).decode() != padded:
        raise _malformed("its secret is damaged")
    return secret


def _addresses(text: str) -> Iterable[str]:
    for address in text.split(","):
        found = _ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found["port"]) <= _LAST_PORT:
            raise _malformed(f"{address[:80]!r} in it is not host:port")
        yield address


def _malformed(why: str) -> MalformedRequest:
    return MalformedRequest(
        f"this is not an invitation: {why}",
        hint="copy the whole line that fleet invite printed",
    )


def invitation_name(secret: bytes) -> str:
    """What an invitation is called on the wire and in logs; says nothing about the secret."""
    return sha256(b"fleet invitation v1" + secret).hexdigest()[:16]


def transcript(
    *,
    invitation: str,
    name: str,
    joiner_nonce: bytes,
    inviter_nonce: bytes,
    inviter_certificate: bytes,
    joiner_certificate: bytes,
) -> bytes:
    """Everything that both ends must have seen alike; certificates are DER, as TLS showed them."""
    return _digest(
        invitation.encode(),
        name.encode(),
        joiner_nonce,
        inviter_nonce,
        inviter_certificate,
        joiner_certificate,
    )


def joiner_proof(secret: bytes, seen: bytes) -> bytes:
    """The newcomer's proof that it has the secret."""
    return hmac_new(secret, b"joiner" + seen, sha256).digest()


def inviter_proof(
    secret: bytes, seen: bytes, *, root: bytes, certificate: bytes, discovery_key: bytes
) -> bytes:
    """The inviter's proof, which also vouches for what it hands over."""
    given = _digest(root, certificate, discovery_key)
    return hmac_new(secret, b"inviter" + seen + given, sha256).digest()


def _digest(*parts: bytes) -> bytes:
    whole = sha256()
    for part in (_LABEL, *parts):
        whole.update(len(part).to_bytes(4, "big"))
        whole.update(part)
    return whole.digest()
