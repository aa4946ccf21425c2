"""What TLS is told at each end, and the options of gRPC that go with it.

A server trusts its fleet's root, never single peers, so its trust is not rebuilt as members come and
go; who is a member is decided per call, by key. A client trusts exactly one certificate: its
target's. Option names are strings that gRPC does not check; each one here has a test of what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import grpc

Options = list[tuple[str, int | str]]

FRAME_LIMIT_BYTES = 4 * 1024 * 1024
"""One frame. Batches stay below 1 MiB; a roster or directory told whole may be larger."""


class Identity(NamedTuple):
    """What a node shows: its private key and its certificate, both PEM."""

    key: bytes
    certificate: bytes


class ServerTrust(NamedTuple):
    """What a server shows, and the roots (PEM) under which TLS lets callers in."""

    identity: Identity
    roots: bytes


SERVER_OPTIONS: Options = [
    ("grpc.so_reuseport", 0),  # a second process would be given half of the connections
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.max_receive_message_length", FRAME_LIMIT_BYTES),
    ("grpc.max_send_message_length", FRAME_LIMIT_BYTES),
    ("grpc.max_metadata_size", 8 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Without these two the default policy ends a stream that is quiet for half a minute.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]

CLIENT_OPTIONS: Options = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", FRAME_LIMIT_BYTES),
    ("grpc.max_send_message_length", FRAME_LIMIT_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.enable_retries", 0),
]


def server_credentials(trust: Callable[[], ServerTrust]) -> grpc.ServerCredentials:
    """Credentials that follow ``trust``, which is asked on gRPC's own threads at every connection.

    It has to be quick and must not raise: an answer that fails would leave the old trust in force.
    """
    told = trust()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal told
        wanted = trust()
        if wanted == told:
            return None  # rebuilding costs a stranger nothing and us a lot
        told = wanted
        return _configuration(wanted)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(told),
        fetch,  # type: ignore[arg-type]  # the stubs do not know that None means unchanged
        require_client_authentication=True,
    )


def _configuration(trust: ServerTrust) -> grpc.ServerCertificateConfiguration:
    shown = (trust.identity.key, trust.identity.certificate)
    return grpc.ssl_server_certificate_configuration([shown], trust.roots)


def channel_to(
    address: str, identity: Identity, certificate_pem: bytes, node_id: str
) -> grpc.aio.Channel:
    """A channel that speaks to the holder of exactly this certificate, at host:port."""
    if not certificate_pem:
        raise ValueError("without a root gRPC would trust the public ones")
    credentials = grpc.ssl_channel_credentials(
        root_certificates=certificate_pem,
        private_key=identity.key,
        certificate_chain=identity.certificate,
    )
    options = [*CLIENT_OPTIONS, ("grpc.ssl_target_name_override", node_id)]
    return grpc.aio.secure_channel(address, credentials, options)
