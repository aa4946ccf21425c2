"""Whose envelope an agent is given next: first by node, and within a node by sender, each in rounds.

What the node itself says comes before all that: a member's briefing is the first that it is given.
By node, since only the node is proven: who invents a thousand senders has no more turns by it. The order
of a pair is that of arrival, whatever else. Looked up in indexes that hold nothing else, so that a pick
costs the same however much waits; who had a turn is kept in memory, and forgetting it does no harm.
"""

from __future__ import annotations

from collections import defaultdict

from fleet.core.address import NODE_ITSELF
from fleet.core.rounds import Round
from node.store.database import Database

AGENT = "substr(sender, 1, instr(sender, '@') - 1)"
"""A sender without its node's name, which may change: written as in the indexes."""
_READY = "recipient = ? AND state = 'accepted' AND approved"
_WINDOW = 256
"""So many senders of one node are weighed at a time: all of them, unless somebody invents them."""


class _Senders:
    """The senders of one node that wait for one agent. ``passed``: up to this name all had their turn, or
    wait for a person."""

    def __init__(self) -> None:
        self.round = Round()
        self.passed = ""

    def took(self, agent: str) -> None:
        if self.round.had(agent):
            self.passed = ""
        self.round.took(agent)


class _Desk:
    """The rounds of one agent."""

    def __init__(self) -> None:
        self.nodes = Round()
        self.senders: defaultdict[str, _Senders] = defaultdict(_Senders)


class Turns:
    """The rounds of all agents on the node of this id."""

    def __init__(self, database: Database, node_id: str) -> None:
        self._database = database
        self._node_id = node_id
        self._desks: defaultdict[str, _Desk] = defaultdict(_Desk)

    def next(self, recipient: str) -> int | None:
        """The row that is typed next. What is held stays first: it was picked before."""
        if own := self._own(recipient):
            return own
        held = self._database.row(
            "SELECT seq FROM inbox WHERE recipient = ? AND state = 'held' AND approved = 1"
            " ORDER BY seq LIMIT 1",
            (recipient,),
        )
        if held:
            return int(held[0])
        nodes = self._nodes(recipient)
        if not nodes:
            self._desks.pop(recipient, None)
            return None
        desk = self._desks[recipient]
        heads = [(self._of(recipient, node, desk.senders[node]), node) for node in nodes]
        picked = desk.nodes.order((seq, node) for seq, node in heads if seq is not None)
        return picked[0][0] if picked else None

    def _own(self, recipient: str) -> int:
        """The oldest row that this node itself says; 0 when there is none."""
        ready, held = _READY, "recipient = ? AND state = 'held' AND approved = 1"
        for where in (held, ready):
            found = self._database.row(
                f"SELECT seq FROM inbox WHERE {where} AND origin = ? AND {AGENT} = ?"
                " ORDER BY seq LIMIT 1",
                (recipient, self._node_id, NODE_ITSELF),
            )
            if found:
                return int(found[0])
        return 0

    def took(self, recipient: str, node_id: str, sender: str) -> None:
        """It was this sender's turn."""
        desk = self._desks[recipient]
        desk.nodes.took(node_id)
        desk.senders[node_id].took(sender.partition("@")[0])

    def _nodes(self, recipient: str) -> list[str]:
        rows = self._database.rows(
            "WITH RECURSIVE node(id) AS ("
            f" SELECT min(origin) FROM inbox WHERE {_READY}"
            f" UNION ALL SELECT (SELECT min(origin) FROM inbox WHERE {_READY} AND origin > node.id)"
            " FROM node WHERE node.id IS NOT NULL)"
            " SELECT id FROM node WHERE id IS NOT NULL",
            (recipient, recipient),
        )
        return [str(node_id) for (node_id,) in rows]

    def _of(self, recipient: str, node_id: str, senders: _Senders) -> int | None:
        """The row of a node that is typed next: of a sender that had no turn, else of any."""
        had = senders.round.had
        while heads := self._heads(recipient, node_id, senders.passed):
            for seq, agent in sorted(heads):
                if not had(agent) and not self._is_behind(recipient, node_id, agent, seq):
                    return seq
            if len(heads) < _WINDOW:
                break
            senders.passed = heads[-1][1]
        passed = ""
        while heads := self._heads(recipient, node_id, passed):
            for seq, agent in sorted(heads):
                if not self._is_behind(recipient, node_id, agent, seq):
                    return seq
            passed = heads[-1][1]
        return None

    def _heads(self, recipient: str, node_id: str, after: str) -> list[tuple[int, str]]:
        """The next senders of a node by name, each with the oldest row of its own."""
        ready = f"{_READY} AND origin = ?"
        return self._database.rows(
            "WITH RECURSIVE head(agent) AS ("
            f" SELECT min({AGENT}) FROM inbox WHERE {ready} AND {AGENT} > ?"
            f" UNION ALL SELECT (SELECT min({AGENT}) FROM inbox WHERE {ready} AND {AGENT} > head.agent)"
            f" FROM head WHERE head.agent IS NOT NULL LIMIT {_WINDOW})"
            f" SELECT (SELECT min(seq) FROM inbox WHERE {ready} AND {AGENT} = agent), agent"
            " FROM head WHERE agent IS NOT NULL",
            (recipient, node_id, after, recipient, node_id, recipient, node_id),
        )

    def _is_behind(self, recipient: str, node_id: str, agent: str, seq: int) -> bool:
        """Whether an earlier one of the pair waits for a person: order per pair outlasts everything."""
        found = self._database.row(
            "SELECT 1 FROM inbox WHERE recipient = ? AND state = 'held' AND approved = 0"
            f" AND origin = ? AND {AGENT} = ? AND seq < ? LIMIT 1",
            (recipient, node_id, agent, seq),
        )
        return found is not None
