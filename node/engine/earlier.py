"""What an earlier life of this node left waiting, and who was asked whether it still waits.

The database may be an older copy (decision 0025): what waits in it may have been typed since. The
agent's pane knows, and the sender's node; what is written proves nothing before one of them was asked.
Nobody else knows: what this node sent itself to an agent whose pane is gone is as it is written.
"""

from __future__ import annotations

from fleet.core.address import OPERATOR
from node.records import Incoming

ASKED_FOR_S = 30.0
"""A sender's node is waited for after a start: links come back within a few seconds of both being there."""


class Earlier:
    """What was left, up to a row, and whose word there is of it."""

    def __init__(self, last_seq: int, node_id: str, now_s: float) -> None:
        self._last_seq = last_seq
        self._node_id = node_id
        self._until_s = now_s + ASKED_FOR_S
        self._proven: set[str] = {OPERATOR}  # agents whose panes were given nothing else
        self._compared: set[str] = set()

    def agrees(self, name: str) -> None:
        """An agent's pane was given nothing that is not known here."""
        self._proven.add(name)

    def compared(self, node_id: str) -> None:
        """A node has said what it knows of what it sent, or cannot say it."""
        self._compared.add(node_id)

    def is_unproven(self, item: Incoming) -> bool:
        """Whether an earlier life left it, and no pane says that it was not typed since."""
        return item.seq <= self._last_seq and item.envelope.recipient not in self._proven

    def may_be_known(self, item: Incoming) -> bool:
        """Whether its sender's node may know that it was typed, and was not asked."""
        origin = item.envelope.from_node
        is_asked = origin == self._node_id or origin in self._compared
        return self.is_unproven(item) and not is_asked

    def is_waited_for(self, item: Incoming, now_s: float) -> bool:
        """Whether its sender's node may still come and say so."""
        return now_s < self._until_s and self.may_be_known(item)
