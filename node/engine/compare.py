"""What is open between two nodes is compared once in each pair of their lives, before anything is fed.

A database that was put back from a copy has forgotten what happened since; the other side of each
envelope has not. What is said here concerns only envelopes between these two, so a peer that lies
harms nobody's mail but its own. Why it is done so: decision 0025.
"""

from __future__ import annotations

import structlog

from fleet.core.bounds import STANDING_LIMIT
from fleet.core.frames import Differing, Standing
from node.engine.fleet import Fleet
from node.engine.inbox import Inbox
from node.engine.outbox import Outbox

AT_ONCE = STANDING_LIMIT // 2
"""Ids of each kind in one word."""

log = structlog.get_logger()


class Compare:
    """Who was compared with in this life, and what came of it."""

    def __init__(self, fleet: Fleet, outbox: Outbox, inbox: Inbox) -> None:
        self._fleet = fleet
        self._outbox = outbox
        self._inbox = inbox
        self._lives: dict[str, str] = {}  # node -> the life of it that was compared with this one

    def words(self, node_id: str, boot: str) -> tuple[Standing, ...]:
        """What to ask a node first; each is answered. Nothing when that was done before."""
        if self._lives.get(node_id) == boot:
            return ()
        sent, got = self._outbox.standing(node_id), self._inbox.standing(node_id)
        words = tuple(
            Standing(sent[first : first + AT_ONCE], got[first : first + AT_ONCE])
            for first in range(0, max(len(sent), len(got)), AT_ONCE)
        )
        if not words:
            self.done(node_id, boot)
        return words

    def done(self, node_id: str, boot: str) -> None:
        """All of it was answered."""
        self._lives[node_id] = boot
        self._outbox.compared(node_id)
        self._inbox.earlier.compared(node_id)

    def heard(self, node_id: str, standing: Standing) -> Differing:
        """Where a node's knowledge and ours differ. What it does not have of ours is told again."""
        forgotten = tuple(
            envelope_id
            for envelope_id, count in standing.sent
            if not self._inbox.untell(node_id, envelope_id, count)
        )
        differing = Differing(forgotten, self._outbox.ended_of(node_id, standing.got))
        if forgotten:
            log.warning("mail forgotten", peer=self._fleet.label(node_id), envelopes=len(forgotten))
        if differing.ended:
            log.warning(
                "peer forgot ends", peer=self._fleet.label(node_id), envelopes=len(differing.ended)
            )
        return differing

    def learnt(self, node_id: str, differing: Differing) -> None:
        """Do what follows from a node's answer; staged in the store."""
        if differing.forgotten:
            number = self._outbox.forgotten(node_id, differing.forgotten)
            log.warning("peer forgot mail", peer=self._fleet.label(node_id), envelopes=number)
        if differing.ended:
            number = self._inbox.ended_elsewhere(node_id, differing.ended)
            log.warning("ends forgotten", peer=self._fleet.label(node_id), envelopes=number)
