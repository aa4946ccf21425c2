"""What callers may do with agents here: asked before it is done, counted when it is, written down.

The ruling is the core's. Here is what a ruling needs to know of the world: the grants, the time, and how
much of a rate each node has left. Rates are counted for each grant and each node whose callers make use
of it, since only the node is proven: a member's node may call itself as many agents as it likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.errors.trust import NotAllowed, RateExceeded
from fleet.core.rate import Rate
from fleet.core.trust import Caller, Grant, Policy, Ruling, Verb, WaitS, rule, rule_message
from node.engine.fleet import Fleet
from node.engine.refusals import Refusals
from node.ports.host import Clock
from node.records import Agent
from node.store import SqliteStore


class Bucket(NamedTuple):
    """What was left of a rate, at a moment of this life's own clock."""

    left: float
    at_s: float


class Permits:
    """Every use of an agent of this node by others is asked for here."""

    def __init__(self, fleet: Fleet, store: SqliteStore, clock: Clock) -> None:
        self._fleet = fleet
        self._store = store
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._refusals = Refusals(clock)
        store.database.on_loss(self._buckets.clear)
        fleet.followed(lambda _old, _new: self._buckets.clear())

    # --- messages ---

    def message(self, caller: Caller, agent: Agent | None, *, raw: bool) -> Ruling:
        """Whether a message may be taken, by what; for an agent or (None) the person of this node.

        Nothing is used up by asking.

        Raises:
            NotAllowed: the agent is closed to the caller, or keys are.
            RateExceeded: the caller's node may not send as often.
        """
        name, policy = (agent.name, agent.policy) if agent else (OPERATOR, Policy.OPEN)
        grants, now_s, wait_s = self._fleet.grants, self._clock.wall_s(), self._waits(caller)
        ruling = rule_message(caller, name, policy, grants, now_s, wait_s)
        if not raw or agent is None:
            return ruling
        keys = rule(caller, Verb.CONTROL, name, grants, now_s, wait_s)
        by = dict.fromkeys((keys.by, ruling.by))
        spends = dict.fromkeys((*keys.spends, *ruling.spends))
        return Ruling(", ".join(by), ruling.approved, tuple(spends))

    def used(self, caller: Caller, spends: Iterable[Grant]) -> None:
        """What was ruled is done: one use is taken of each grant; staged in the store."""
        for grant in spends:
            if grant.rate is not None:
                left = self._left(grant, grant.rate, caller.node_id) - 1.0
                key = (grant.who, grant.agent, caller.node_id)
                self._buckets[key] = Bucket(left, self._clock.now_s())
                self._store.book.put_spent(*key, left, self._clock.wall_s())

    # --- everything else ---

    def require(self, caller: Caller, verb: Verb, agent: str) -> None:
        """Insist that the caller may do this now, once; what others than the person here do or try is
        written down.

        Raises:
            NotAllowed: nothing allows it.
            RateExceeded: something does, but not as often.
        """
        try:
            ruling = rule(
                caller, verb, agent, self._fleet.grants, self._clock.wall_s(), self._waits(caller)
            )
        except (NotAllowed, RateExceeded) as error:
            self.refused(caller, verb.value, agent, error)
            raise
        self.used(caller, ruling.spends)
        if not caller.is_own_operator:
            self._audit("use allowed", who=str(caller), verb=verb.value, agent=agent, by=ruling.by)

    def may(self, caller: Caller, verb: Verb, agent: str) -> bool:
        """Whether the caller might do this now; nothing is used up or written down by asking."""
        try:
            rule(caller, verb, agent, self._fleet.grants, self._clock.wall_s(), self._waits(caller))
        except (NotAllowed, RateExceeded):
            return False
        return True

    def refused(self, caller: Caller, verb: str, agent: str, error: FleetError) -> None:
        """Somebody tried what they may not do."""
        if self.is_written(caller.node_id, error):
            self._audit("use refused", who=str(caller), verb=verb, agent=agent, reason=error.code)

    def is_written(self, node_id: str, error: FleetError) -> bool:
        """Whether this refusal is written down by itself; else it is counted."""
        return self._refusals.one_more(node_id, error.code)

    def tidy(self) -> None:
        """Write down how many refusals were counted, when their while is over."""
        for node_id, reason, number in self._refusals.over():
            self._audit(
                "refusals counted", node=self._fleet.label(node_id), reason=reason, number=number
            )

    def _audit(self, kind: str, **facts: object) -> None:
        self._store.audit(kind, self._clock.wall_s(), **facts)
        self._store.commit_soon()

    # --- rates ---

    def _waits(self, caller: Caller) -> WaitS:
        def wait_s(grant: Grant) -> float:
            rate = grant.rate
            return rate.wait_s(self._left(grant, rate, caller.node_id)) if rate else 0.0

        return wait_s

    def _left(self, grant: Grant, rate: Rate, node_id: str) -> float:
        bucket = self._buckets.get(key := (grant.who, grant.agent, node_id))
        if bucket is None:
            bucket = self._buckets[key] = self._remembered(grant, rate, node_id)
        return rate.left(bucket.left, self._clock.now_s() - bucket.at_s)

    def _remembered(self, grant: Grant, rate: Rate, node_id: str) -> Bucket:
        """What an earlier life left, as of the time that has passed on the wall since."""
        now_s = self._clock.now_s()
        stored = self._store.book.spent(grant.who, grant.agent, node_id)
        if stored is None:
            return Bucket(float(rate.count), now_s)
        left, wall_s = stored
        return Bucket(left, now_s - max(0.0, self._clock.wall_s() - wall_s))

    def forget(self, who: str, agent: str) -> None:
        """A grant was taken back, and with it what was left of its rate."""
        self._store.book.drop_spent(who, agent)
        for key in [key for key in self._buckets if key[:2] == (who, agent)]:
            del self._buckets[key]
