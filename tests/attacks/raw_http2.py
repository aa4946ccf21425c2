"""HTTP/2 by hand, for what no gRPC client would send (RFC 9113, RFC 7541)."""

from __future__ import annotations

import ssl
from pathlib import Path

from node.adapters.credentials import Identity


def tls_of(identity: Identity, folder: Path) -> ssl.SSLContext:
    """TLS 1.3 with this identity, that looks at nothing the other end shows."""
    pem = folder / "who.pem"
    pem.write_bytes(identity.key + identity.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(pem)
    return context


def http2_call(path: str, authority: str, *more: tuple[bytes, bytes]) -> bytes:
    """The beginning of a connection and one gRPC call on it."""
    fields = [
        (b":method", b"POST"), (b":scheme", b"https"), (b":path", path.encode()),
        (b":authority", authority.encode()), (b"te", b"trailers"),
        (b"content-type", b"application/grpc"), *more,
    ]  # fmt: skip
    block = b"".join(b"\x00" + _size(name) + name + _size(value) + value for name, value in fields)
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    headers = len(block).to_bytes(3, "big") + b"\x01\x04" + (1).to_bytes(4, "big") + block
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers


def data_frame(message: bytes, *, squeezed: bool = False, length: int | None = None) -> bytes:
    """A gRPC message in DATA frames, at most 60 kB: the window before anybody has read."""
    size = len(message) if length is None else length
    rest = bytes([squeezed]) + size.to_bytes(4, "big") + message
    frames = b""
    while rest:
        piece, rest = rest[:16_000], rest[16_000:]
        frames += len(piece).to_bytes(3, "big") + b"\x00\x00" + (1).to_bytes(4, "big") + piece
    return frames


def _size(data: bytes) -> bytes:
    """An HPACK string's length."""
    size = len(data)
    if size < 127:
        return bytes([size])
    rest, out = size - 127, b"\x7f"
    while rest >= 128:
        out += bytes([rest % 128 + 128])
        rest //= 128
    return out + bytes([rest])
