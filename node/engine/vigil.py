"""One pane, watched: for how long it was, and how old what was seen is.

A limit on evidence counts time in which somebody looked. While the node itself stands still (it is
suspended, its disk or its host hangs) or tmux does not answer, nothing is seen, and nothing may be
concluded from that.
"""

from __future__ import annotations

from fleet.core.look import Look
from node.ports.host import Clock
from node.ports.panes import PaneRef, Panes

FRESH_S = 1.0
"""A look that took longer may show what was: Enter is pressed on a newer one."""
_LOOK_S = 0.25  # what one look adds at most, beside the pause before it


class Vigil:
    """Begins with the first look. ``watched_s`` is how long it has lasted, less all standing still."""

    def __init__(self, panes: Panes, clock: Clock, ref: PaneRef) -> None:
        self._panes = panes
        self._clock = clock
        self._ref = ref
        self._last_s = clock.now_s()
        self._pause_s = 0.0
        self.watched_s = 0.0
        self.is_fresh = False

    async def look(self) -> Look:
        """Look now."""
        asked_s = self._clock.now_s()
        look = await self._panes.look(self._ref)
        now_s = self._clock.now_s()
        self.is_fresh = now_s - asked_s <= FRESH_S
        self.watched_s += min(now_s - self._last_s, self._pause_s + _LOOK_S)
        self._last_s, self._pause_s = now_s, 0.0
        return look

    async def pause(self, seconds: float) -> None:
        """Wait until the next look."""
        self._pause_s += seconds
        await self._clock.sleep(seconds)
