"""Whose words are heard next: while several peers speak, none of them takes up all of the node's time.

One that speaks alone may speak as fast as it can. As soon as others say something too, what a node can
take is divided by those who speak; who is over its part waits, and so, being read no further, does its
sender. Nothing is refused and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.core.frames import (
    DirectoryWord,
    Frame,
    Post,
    Reports,
    ReportsTaken,
    RosterWord,
    Standing,
    Taken,
    TeamWord,
)

TOTAL_PER_S = 4_000.0
"""Words of all peers together while several speak: a third of what two slow cores take from one."""
LEAST_PER_S = 200.0
IN_A_ROW = 512.0
"""Words that need not wait: a team that is told something, a list after a pause."""
SPEAKS_S = 1.0
"""Since its last word a peer counts as speaking."""
AT_ONCE = 16
"""Envelopes of one peer handled in one piece: 2 ms, in which nobody else is heard."""
LONGEST_WAIT_S = 1.0

_LOOK_S = 0.1
_WORD_BYTES = 1_024  # so much text costs what one more envelope costs


@dataclass(slots=True)
class _Peer:
    at_s: float
    level: float = 0.0


class Turns:
    """The peers of one node, by when and how much they spoke."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}
        self._speaking = 1
        self._looked_s = -_LOOK_S

    def hear(self, node_id: str, now_s: float) -> bool:
        """A peer says something; whether others do, too."""
        peer = self._peers.get(node_id)
        if peer is None:
            self._peers[node_id] = _Peer(now_s)
        elif now_s - peer.at_s >= _LOOK_S or now_s - self._looked_s >= _LOOK_S:
            self._drain(peer, now_s)
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._speaking = sum(now_s - p.at_s < SPEAKS_S for p in self._peers.values())
        return self._speaking > 1

    def wait_s(self, node_id: str, frame: Frame, now_s: float) -> float:
        """How long this word of a peer has to wait, when others speak."""
        peer = self._peers[node_id]
        self._drain(peer, now_s)
        peer.level += cost(frame)
        return min(LONGEST_WAIT_S, max(0.0, peer.level - IN_A_ROW) / self._rate)

    def forget(self, node_id: str) -> None:
        """It does not belong any more."""
        self._peers.pop(node_id, None)

    def _drain(self, peer: _Peer, now_s: float) -> None:
        peer.level = max(0.0, peer.level - (now_s - peer.at_s) * self._rate)
        peer.at_s = now_s

    @property
    def _rate(self) -> float:
        return max(LEAST_PER_S, TOTAL_PER_S / max(1, self._speaking))


def cost(frame: Frame) -> float:
    """What a frame costs to hear, in envelopes."""
    match frame:
        case Post(posted):
            return float(sum(1 + len(one.envelope.text) // _WORD_BYTES for one in posted))
        case DirectoryWord(agents=agents, gone=gone):
            return 1.0 + (len(agents) + len(gone)) / 4
        case RosterWord(entries):
            return 1.0 + len(entries)
        case Reports(reports):
            return float(sum(1 + len(one.entries) for one in reports))
        case ReportsTaken(counts):
            return 1.0 + len(counts) / 4
        case Standing(sent, got):
            return 1.0 + len(sent) + len(got)
        case Taken(envelope_ids, declined):
            return 1.0 + len(envelope_ids) / 8 + len(declined)
        case TeamWord(entries=entries):
            return 1.0 + len(entries) / 8
        case _:
            return 1.0


def parts(frame: Frame) -> Iterator[Frame]:
    """A frame in pieces that are each handled at once."""
    if not isinstance(frame, Post) or len(frame.posted) <= AT_ONCE:
        yield frame
        return
    for start in range(0, len(frame.posted), AT_ONCE):
        yield Post(frame.posted[start : start + AT_ONCE])
