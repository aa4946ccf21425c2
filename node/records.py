"""What the node keeps, as values: one row of each queue, one agent, one peer.

Rows hold what was written down, nothing that is only true while the process lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fleet.core.delivery import State
from fleet.core.envelope import Entry, Envelope, Receipt
from fleet.core.trust import Policy
from node.ports.panes import PaneRef


@dataclass(frozen=True, slots=True)
class Me:
    """Who this node is. ``boot`` is this life of the process, ``epoch`` that of its database."""

    node_id: str
    name: str
    boot: str
    epoch: str
    build: str


class Waiting(NamedTuple):
    """Envelopes that wait for the same: for whom or why, how many, and since when the oldest does."""

    what: str
    number: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One envelope of the outbox. ``remote`` counts the recipient's timeline entries stored here;
    the first of them, ``accepted``, is counted when the envelope was taken."""

    seq: int
    envelope: Envelope
    state: State
    timeline: tuple[Entry, ...]
    remote: int
    cleaned: int

    @property
    def receipt(self) -> Receipt:
        """What is known here of the envelope."""
        return Receipt(self.envelope, self.timeline, self.cleaned)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One envelope of the inbox. ``told`` counts the timeline entries that the sender's node has.

    ``mark`` and ``token`` are the paste's sequence number and the incarnation it went to, written
    down before the paste; ``nonce`` is the frame's. They are 0 and empty until then. Not
    ``approved``: a person here has to let it through first.
    """

    seq: int
    envelope: Envelope
    state: State
    timeline: tuple[Entry, ...]
    told: int
    cleaned: int
    mark: int = 0
    token: str = ""
    nonce: str = ""
    approved: bool = True

    @property
    def receipt(self) -> Receipt:
        """What is known here of the envelope."""
        return Receipt(self.envelope, self.timeline, self.cleaned)


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of this node. ``ref`` is its newest incarnation's pane, None when it has none.

    ``command`` and ``cwd`` are how it was started, empty when it was adopted. ``hooks``: its program
    was made to tell its turns. ``skill``: it may be taught about fleet, where its program looks for skills.
    """

    name: str
    profile: str
    policy: Policy
    ref: PaneRef | None
    command: tuple[str, ...]
    cwd: str
    socket: str
    hooks: bool = False
    skill: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """What is remembered of reaching a node: addresses that worked, newest first, and when.

    ``epoch`` is the database life it last showed.
    """

    node_id: str
    addresses: tuple[str, ...]
    seen_at_s: float
    build: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """One open or ended invitation. ``ended`` is empty while it is open, else why it is not."""

    name: str
    secret: bytes
    expires_at_s: float
    ended: str
