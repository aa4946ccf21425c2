"""Counts what becomes of envelopes, for metrics. Exists only where metrics are asked for.

Counts begin anew with each life of the node, and so do times: an envelope that was under way before is
counted, not timed.
"""

from __future__ import annotations

from collections import Counter

from fleet.core.delivery import TERMINAL, State
from fleet.core.metrics import Histogram
from node.engine.events import Events, Move
from node.ports.host import Clock

TIMED_AT_ONCE = 100_000
"""Envelopes whose time is being taken; of more under way the oldest are only counted."""
_ACCEPT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 3_600)
_SUBMIT_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1_800, 3_600)
SENT, RECEIVED = "sent", "received"
_FIRST = {"envelope queued": (SENT, State.QUEUED), "envelope taken": (RECEIVED, State.ACCEPTED)}


class Tally:
    """Listens to everything that the node tells of envelopes."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._clock = clock
        self.states: Counter[tuple[str, State]] = Counter()
        """How many envelopes, sent from here or received here, have come to each state."""
        self.accept = Histogram(*_ACCEPT_S)
        self.submit = Histogram(*_SUBMIT_S)
        self._begun: dict[str, dict[str, float]] = {SENT: {}, RECEIVED: {}}
        events.tap(self._logged, self._moved)

    def _logged(self, event: dict[str, object]) -> None:
        first = _FIRST.get(str(event["kind"]))
        if first is None:
            return
        self.states[first] += 1
        begun = self._begun[first[0]]
        begun[str(event["id"])] = self._clock.now_s()
        if len(begun) > TIMED_AT_ONCE:
            del begun[next(iter(begun))]

    def _moved(self, move: Move) -> None:
        side = SENT if move.sent else RECEIVED
        for entry in move.news:
            self.states[side, entry.state] += 1
            if move.sent or entry.state in TERMINAL:
                begun_s = self._begun[side].pop(move.envelope_id, None)
                if begun_s is not None:
                    self._time(side, entry.state, self._clock.now_s() - begun_s)

    def _time(self, side: str, state: State, took_s: float) -> None:
        if side == SENT and state is State.ACCEPTED:
            self.accept.observe(took_s)
        elif side == RECEIVED and state is State.SUBMITTED:
            self.submit.observe(took_s)
