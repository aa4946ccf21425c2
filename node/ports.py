"""What the engine needs of the world, as few and small protocols as will do.

Each has two makers: the adapter in ``node/adapters`` and the fake in ``tests/support``. One contract
suite (``tests/contract``) runs on both.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fleet.core.delivery import Evidence
from fleet.core.frames import Frame
from fleet.core.keystrokes import Paste
from fleet.core.look import Look
from fleet.core.profile import Hooks, Profile
from fleet.core.roster import Admit, Roster, SignedEntry


class Clock(Protocol):
    """Time, waiting, and everything random."""

    def now_s(self) -> float:
        """Monotonic seconds; compared only with itself."""
        ...

    def wall_s(self) -> float:
        """Seconds since the epoch; for display and deadlines on this host only."""
        ...

    def new_id(self) -> str:
        """A fresh envelope id (ULID)."""
        ...

    def token(self) -> str:
        """16 random hexadecimal digits: an incarnation, a boot, a database epoch."""
        ...

    def nonce(self) -> str:
        """Six random characters of a-z2-7 for one frame around one text."""
        ...

    def dice(self) -> float:
        """A random number in [0, 1)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; virtual in simulations."""
        ...


@dataclass(frozen=True, slots=True)
class PaneRef:
    """One incarnation's pane: enough to find it again and to notice that it is another.

    ``socket`` is the tmux server's socket path; ``server`` its pid and start time, which tell a
    restarted server whose pane ids begin at ``%0`` again. ``agent_pid`` with ``agent_start`` (clock
    ticks since boot, from /proc) is the process the agent was when it was bound.
    """

    socket: str
    server: str
    pane: str
    pane_pid: int
    agent_pid: int
    agent_start: int
    token: str


@dataclass(frozen=True, slots=True)
class SpawnSpec:
    """An agent to start: argv runs as the pane's own process, never through a shell.

    ``environment`` is added to the tmux server's. ``window`` is a name of our own making.
    """

    socket: str
    argv: tuple[str, ...]
    cwd: str
    window: str
    environment: tuple[tuple[str, str], ...]
    token: str


@dataclass(frozen=True, slots=True)
class Hooked:
    """What a program has to be started with so that it tells its turns."""

    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PaneInfo:
    """A pane before it is adopted: its foreground program and argv, its title, and the mark it may
    carry."""

    pane: str
    pane_pid: int
    program: str
    argv: tuple[str, ...]
    is_shell: bool
    token: str
    dead: bool
    title: str = ""


class Panes(Protocol):
    """tmux panes on this host. Every method may raise ``NoTmux``; then nothing is known."""

    async def spawn(self, spec: SpawnSpec) -> PaneRef:
        """Start a program in a new window and mark its pane with the token.

        Raises:
            NoTmux: tmux is missing, too old, or refused.
            MalformedRequest: there is no such program.
            PaneGone: the program ended at once.
        """
        ...

    async def inspect(self, socket: str, pane: str) -> PaneInfo:
        """What runs in a pane.

        Raises:
            PaneGone: there is no such pane.
        """
        ...

    async def bind(self, socket: str, pane: str, token: str) -> PaneRef:
        """Mark an existing pane with the token and remember its foreground program.

        Raises:
            PaneGone: there is no such pane.
        """
        ...

    async def look(self, ref: PaneRef) -> Look:
        """Everything about the pane at one moment, in one round trip.

        A pane or a server that is gone, or a server that is another one, is ``exists=False``.
        """
        ...

    async def paste(
        self,
        ref: PaneRef,
        sequence: int,
        text: bytes,
        how: Paste,
        *,
        cursor_x: int | None = None,
    ) -> bool:
        """Paste once, and set the pane's ``last`` mark to ``sequence``, in one tmux command list.

        The list refuses (False, proven untyped) unless pane, token, liveness and input are as
        expected, ``last`` < ``sequence``, and the cursor stands in column ``cursor_x``, if given: a
        draft or a question that came up since the last look has moved it. An exception means that
        the outcome is unknown; the marks tell.
        """
        ...

    async def enter(self, ref: PaneRef, sequence: int, *, cursor_x: int | None = None) -> bool:
        """Press Enter once more, guarded: ``last`` must equal ``sequence``, and the cursor's column
        ``cursor_x``, if given. Sets ``sub``.

        False: refused, nothing pressed.
        """
        ...

    async def release(self, ref: PaneRef) -> None:
        """Take our marks off the pane; the program goes on. A pane that is gone is no error."""
        ...

    async def end(self, ref: PaneRef) -> None:
        """Kill the pane and end what is left of everything that ran in it.

        Does nothing when the pane no longer carries the token.
        """
        ...

    async def place(self, ref: PaneRef) -> str:
        """The session that shows the pane, for attaching."""
        ...

    async def close(self) -> None:
        """Let go of all servers; agents stay."""
        ...


class Link(Protocol):
    """One authenticated stream to a peer, whoever dialled. Frames arrive whole and in order."""

    @property
    def peer_id(self) -> str:
        """The peer's node id, proven by TLS."""
        ...

    @property
    def dialled(self) -> bool:
        """Whether this side dialled."""
        ...

    @property
    def address(self) -> str:
        """host:port of the other end."""
        ...

    @property
    def backlog(self) -> int:
        """Frames given to ``send`` and not yet written."""
        ...

    def send(self, frame: Frame) -> None:
        """Queue a frame; nothing is known of its arrival. After the link closed it is dropped."""
        ...

    async def receive(self) -> Frame | None:
        """The next frame, or None when the link has ended.

        Raises:
            FleetError: the stream ended with the far node's own refusal (first receive only).
        """
        ...

    def close(self, why: str) -> None:
        """End the link at once; the other side is told why. Closing twice is no error."""
        ...


class Dialer(Protocol):
    """Opens links to members."""

    async def dial(self, member: Admit, address: str) -> Link:
        """Connect to exactly this member's key at host:port.

        Raises:
            NodeUnreachable: nobody answers there, or it is not that key.
            NotPaired: the other side does not count us as a member.
        """
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A node seen by mDNS: a hint, and cleaned for display. ``is_member`` says that it knew the
    fleet's discovery key of today, which proves nothing that TLS would not."""

    node_id: str
    addresses: tuple[str, ...]
    is_member: bool


class Discovery(Protocol):
    """mDNS, or its absence."""

    @property
    def trouble(self) -> str:
        """Why nobody finds this node or is found by it, or nothing."""
        ...

    def found(self) -> tuple[Found, ...]:
        """What is advertised on the network now, at most 256 nodes, without ourselves."""
        ...

    def seek(self, node_id: str) -> None:
        """Ask the network for a member that is away; may be called often, and asks seldom."""
        ...

    async def run(self) -> None:
        """Advertise and listen until cancelled, then say goodbye; ends by nothing else."""
        ...


class Told(NamedTuple):
    """A turn that a program says it took; ``text`` is empty where only its traces were found."""

    evidence: Evidence
    text: str


class Witness(Protocol):
    """What agent programs themselves tell of the turns they took."""

    def install(self, name: str, hooks: Hooks, ref: PaneRef | None) -> Hooked:
        """Make a program tell its turns; ``ref`` is that of one that runs already.

        Raises:
            HooksUnsupported: the program cannot be taught that while it runs.
            StoreFailed: a file could not be written.
        """
        ...

    def remove(self, name: str) -> None:
        """Take everything back that was installed for an agent; nothing is no error."""
        ...

    def keep(self, names: Container[str]) -> None:
        """Take back what was installed for anybody else: the node died before they were agents."""
        ...

    async def told(
        self, name: str, ref: PaneRef, profile: Profile, envelope_id: str, end: str
    ) -> Told | None:
        """Whether the agent's program told that it took the text with this id and end line.

        A hook's word goes before a transcript's. What cannot be read counts as not told.
        """
        ...


class Spill(Protocol):
    """Where texts go that are too long for one paste."""

    async def shorten(self, envelope_id: str, text: str) -> str:
        """Keep the text in a file of its own; what is typed instead: its first lines, path, size
        and digest.

        Raises:
            StoreFailed: it could not be written.
        """
        ...


class Usage(NamedTuple):
    """What the node's process costs, as of now. ``started_s`` is wall time."""

    memory_bytes: int
    cpu_s: float
    open_files: int
    started_s: float


@dataclass(frozen=True, slots=True)
class Joined:
    """What a newcomer was given by its inviter, all of it checked."""

    fleet_id: str
    inviter_id: str
    entries: tuple[SignedEntry, ...]
    addresses: tuple[str, ...]


class Authority(Protocol):
    """This node's key, its certificate, and the fleet's root: its certificate everywhere, its key
    only on an admin."""

    @property
    def fleet_id(self) -> str:
        """Names the fleet: the hash of the root's public key."""
        ...

    @property
    def holds_root(self) -> bool:
        """Whether the root key is here, with a passphrase or without."""
        ...

    @property
    def is_admin(self) -> bool:
        """Whether this node may admit and revoke: by the root key, or by its own admin key."""
        ...

    def follow(self, roster: Roster) -> None:
        """Take from the roster what it says of this node's own power, and whose certificates to accept."""
        ...

    @property
    def has_passphrase(self) -> bool:
        """Whether the root key here is of no use without its passphrase."""
        ...

    @property
    def is_locked(self) -> bool:
        """Whether the root key is here and cannot sign now."""
        ...

    async def unlock(self, passphrase: str, until_wall_s: float) -> None:
        """Let the root key sign until then, at most. Nothing happens when it has no passphrase.

        Raises:
            KeyLocked: the passphrase is wrong.
        """
        ...

    def forget(self) -> None:
        """Let a key with a passphrase sign no more before it is unlocked again."""
        ...

    async def lock(self, passphrase: str) -> None:
        """Put a passphrase on the root key.

        Raises:
            WrongState: it has one already.
            MalformedRequest: this one is too short.
        """
        ...

    async def unlock_for_good(self, passphrase: str) -> None:
        """Take the passphrase off the root key.

        Raises:
            WrongState: it has none.
            KeyLocked: the passphrase is wrong.
        """
        ...

    def verify(self, body: bytes, signature: bytes) -> SignedEntry:
        """Check a roster entry's signature and contents.

        Raises:
            NotPaired: it is not this fleet's root that signed it, or it makes no sense.
        """
        ...

    def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        """Certify a node's public key (DER); the signed admission and the certificate (DER).

        Raises:
            NotAllowed: the root key is not here.
        """
        ...

    def revoke(self, node_id: str, reason: str, kept: tuple[str, ...] = ()) -> SignedEntry:
        """Sign a revocation: of a node, or of an admin's key, whose admissions ``kept`` stand.

        Raises:
            NotAllowed: this node may not sign.
        """
        ...

    def appoint(self, node_id: str, certificate: bytes) -> SignedEntry:
        """Sign that a node may sign with the key of this certificate (DER).

        Raises:
            NotAllowed: the root key is not here.
            NotPaired: it is no admin's certificate.
        """
        ...

    def admin_certificate(self) -> bytes:
        """The certificate (DER) of this node's own admin key, which is made when there is none."""
        ...

    async def join(self, token: str, name: str) -> Joined:
        """Prove the token to its inviter and take over the fleet's root and our new certificate.

        Raises:
            InvitationRefused: in the inviter's words.
            NodeUnreachable: nobody there, or not the inviter.
        """
        ...

    def unfinished(self) -> Joined | None:
        """The fleet that an earlier life joined and may not have come to remember, if it did not.

        ``join`` makes it so before anything of the fleet is taken over.
        """
        ...

    def finish(self) -> None:
        """What was joined is durable elsewhere; ``unfinished`` is None from now on."""
        ...

    def open_to_newcomers(self, until_wall_s: float) -> None:
        """Let unknown keys knock (and do nothing else) until then."""
        ...
