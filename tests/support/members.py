"""Real nodes in one event loop: throw-away homes with real keys, databases and ports on loopback.

They are the daemon itself, so what is tested is how it is joined together; only the command line and
tmux are not there. And callers of every kind at their ports: members, strangers, liars.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import fleet.v1
from fleet.core.errors.base import FleetError
from fleet.core.roster import Admit
from node.adapters.credentials import Identity, channel_to
from node.adapters.pki import (
    NodeKey,
    RootKey,
    new_node_key,
    new_root_key,
    node_certificate,
    pairing_root,
    pem_of,
    private_pem,
    root_certificate,
)
from node.adapters.stream import refusal_in
from node.daemon import Daemon, Options
from node.engine.node import Node
from tests.support.until import GIVE_UP_S, eventually

LOOPBACK = "127.0.0.1:0"


# --- nodes -------------------------------------------------------------------------------------


class Member:
    """One node that serves, in one life after the other."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lives = 0
        self._gone, self._back = asyncio.Event(), asyncio.Event()
        self._ends = False

    async def run(self, serves: Callable[[Node], None]) -> None:
        """As ``fleet-node`` does, all lives of it; and again when it comes back, until its end."""
        options = self.options
        while not self._ends:
            life: Daemon | None = Daemon(options)
            while life is not None:
                self.daemon = life
                self.keyring = self.daemon._keyring
                self.dialer = self.daemon._dialer
                await self.daemon.run(partial(self._ready, serves))
                life = self.daemon.successor()
            options = replace(options, listen=self.address)
            self._gone.set()
            await self._back.wait()

    async def leave(self) -> None:
        """Stop, until it comes back."""
        self._gone.clear()
        self._back.clear()
        self.node.stop()
        await self._gone.wait()

    async def come_back(self) -> None:
        """Be there again, at the same address."""
        lives = self.lives
        self._back.set()
        await eventually(lambda: self.lives > lives, "it serves again")

    def end(self) -> None:
        """Stop for good."""
        self._ends = True
        self.node.stop()
        self._back.set()

    def _ready(self, serves: Callable[[Node], None], node: Node) -> None:
        self.lives += 1
        if self.lives == 1:
            serves(node)

    @property
    def node(self) -> Node:
        return self.daemon.node

    @property
    def id(self) -> str:
        return self.keyring.node_id

    @property
    def address(self) -> str:
        """host:port of its peer door."""
        return self.node.listen

    @property
    def admit(self) -> Admit:
        """As others have it in their roster."""
        return Admit(self.id, self.node.fleet.me.name, self.keyring.certificate)

    def audit(self, kind: str) -> list[dict[str, object]]:
        """The events of a kind in its audit log, oldest first."""
        return [e for e in self.node.store.database.audit_tail(1_000) if e["kind"] == kind]

    def is_linked(self, other: Member) -> bool:
        """Whether it has a link with another node."""
        return self.node.peers.session(other.id) is not None


@asynccontextmanager
async def members(folder: Path, *names: str) -> AsyncGenerator[list[Member]]:
    """Nodes of these names, each in a fleet of its own. They stop gracefully, also when a test fails."""
    up: list[Member] = []
    running: list[asyncio.Task[None]] = []
    try:
        for name in names:
            member = Member(Options(folder / name, name, LOOPBACK, mdns=False))
            serves: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
            life = asyncio.create_task(member.run(serves.set_result))
            running.append(life)
            await asyncio.wait((serves, life), return_when=asyncio.FIRST_COMPLETED)
            if not serves.done():
                await life  # or a node that cannot begin would be waited for without end
            up.append(member)
        yield up
    finally:
        for member in up:
            member.end()
        await asyncio.gather(*running)


def run(folder: Path, story: Callable[..., Awaitable[None]], *names: str) -> None:
    """Play a test's story with nodes of these names."""

    async def play() -> None:
        async with members(folder, *names) as up, asyncio.timeout(GIVE_UP_S):
            await story(*up)

    asyncio.run(play())


async def let_in(inviter: Member, *joiners: Member) -> None:
    """Let nodes into the inviter's fleet, and wait until each has a link with the inviter."""
    for joiner in joiners:
        token, _ = await inviter.node.membership.invite(60)
        await joiner.node.membership.join(token)
        await eventually(partial(are_linked, inviter, joiner), "linked")


def are_linked(one: Member, other: Member) -> bool:
    """Whether both see the link between them."""
    return one.is_linked(other) and other.is_linked(one)


async def meet(one: Member, other: Member) -> None:
    """Let two members that were let in by a third know where they are; mDNS would."""
    one.node.fleet.add_addresses(other.id, (other.address,))
    await eventually(partial(are_linked, one, other), "they have a link")


# --- callers -----------------------------------------------------------------------------------


def under(root: RootKey, root_der: bytes, key: NodeKey | None = None) -> Identity:
    """A node's identity that this root certifies."""
    key = key or new_node_key()
    return Identity(private_pem(key), pem_of(node_certificate(key.public_key(), root, root_der)))


def of_another_fleet() -> Identity:
    """A member of some fleet."""
    root = new_root_key()
    return under(root, root_certificate(root))


def newcomer(key: NodeKey | None = None) -> Identity:
    """What a node shows that wants to pair."""
    return under(*pairing_root(), key)


def named(node_id: str, root: RootKey | None = None, root_der: bytes = b"") -> Identity:
    """A certificate that carries a node's name, over another key; self-signed without a root."""
    key = new_node_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id)])
    issuer = x509.load_der_x509_certificate(root_der).subject if root else name
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1970, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node_id)]), critical=False)
    )
    certificate = built.sign(root, None) if root else built.sign(key, SHA256())
    return Identity(private_pem(key), certificate.public_bytes(Encoding.PEM))


def channel(server: Member, identity: Identity | None) -> grpc.aio.Channel:
    """A channel to this very node, that shows an identity, or none."""
    certificate = pem_of(server.keyring.certificate)
    if identity is not None:
        return channel_to(server.address, identity, certificate, server.id)
    return grpc.aio.secure_channel(
        server.address,
        grpc.ssl_channel_credentials(root_certificates=certificate),
        [("grpc.ssl_target_name_override", server.id), ("grpc.use_local_subchannel_pool", 1)],
    )


class Rpc(NamedTuple):
    """One method of our protocol."""

    path: str
    sends_many: bool
    answers_many: bool


def every_rpc() -> Iterator[Rpc]:
    """All methods of all services of ``fleet.v1``, from the descriptors."""
    for module in pkgutil.iter_modules(fleet.v1.__path__):
        if not module.name.endswith("_pb2"):
            continue
        file = importlib.import_module(f"fleet.v1.{module.name}").DESCRIPTOR
        for service in file.services_by_name.values():
            for method in service.methods:
                yield Rpc(
                    f"/{service.full_name}/{method.name}",
                    method.client_streaming,
                    method.server_streaming,
                )


class Refusal(NamedTuple):
    """How a call ended."""

    status: grpc.StatusCode
    details: str
    error: FleetError | None


async def answer_to(
    server: Member, identity: Identity | None, rpc: Rpc, said: bytes = b""
) -> Refusal | bytes:
    """Call a method, saying these bytes: the first bytes answered, or how it was refused."""
    async with channel(server, identity) as to:
        shape = f"{_many(rpc.sends_many)}_{_many(rpc.answers_many)}"
        call: Any = getattr(to, shape)(rpc.path)
        try:
            async with asyncio.timeout(GIVE_UP_S):
                asked = call(iter((said,)) if rpc.sends_many else said)
                answer = await (asked.read() if rpc.answers_many else asked)
                return b"" if answer is grpc.aio.EOF else bytes(answer)
        except grpc.aio.AioRpcError as error:
            return Refusal(error.code(), error.details() or "", refusal_in(error))


def _many(yes: bool) -> str:
    return "stream" if yes else "unary"
