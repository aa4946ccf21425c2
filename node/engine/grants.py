"""What others may do with agents of this node: given, taken back, and written down."""

from __future__ import annotations

import re

from fleet.core.errors.requests import MalformedName, MalformedRequest
from fleet.core.moment import iso_time
from fleet.core.rate import parse_rate
from fleet.core.trust import Grant, Verb
from node.engine.fleet import Fleet
from node.engine.permits import Permits
from node.ports.host import Clock
from node.store import SqliteStore

_WHO = re.compile(r"[a-z0-9*._-]+@[a-z0-9*._~-]+")
_WHICH = re.compile(r"[a-z0-9*._-]+")
LONGEST_GRANT_S = 3_650 * 86_400.0


class Grants:
    """The grants that the person of this node gives."""

    def __init__(self, fleet: Fleet, permits: Permits, store: SqliteStore, clock: Clock) -> None:
        self._fleet = fleet
        self._permits = permits
        self._store = store
        self._clock = clock

    async def give(
        self, who: str, verbs: tuple[str, ...], agent: str, expires_s: float, rate: str
    ) -> Grant:
        """Let somebody do something with agents of this node, until it expires (0: never), and so and
        so often (empty: any number of times).

        Raises:
            MalformedRequest: no verb, no rate, or no length of time that a calendar holds.
            MalformedName: a pattern that could never fit.
        """
        known = {verb.value for verb in Verb}
        if not verbs or set(verbs) - known:
            raise MalformedRequest(
                f"{', '.join(verbs) or 'nothing'} cannot be granted",
                hint=f"{', '.join(sorted(known))}",
            )
        if not 0 <= expires_s <= LONGEST_GRANT_S:
            raise MalformedRequest(
                f"a grant cannot be good for {expires_s:g} s",
                hint=f"at most {LONGEST_GRANT_S / 86_400:.0f}d; for ever when nothing is said",
            )
        until_s = self._clock.wall_s() + expires_s if expires_s else 0.0
        often = parse_rate(rate) if rate else None
        grant = Grant(_who(who), _which(agent), frozenset(Verb(v) for v in verbs), until_s, often)
        self._store.book.put_grant(grant)
        self._audit(
            "grant given",
            who=grant.who,
            agent=grant.agent,
            verbs=sorted(verbs),
            rate=rate,
            expires_at=iso_time(until_s),
        )
        await self._store.commit()
        self._fleet.reload_grants()
        return grant

    async def take(self, who: str, agent: str) -> bool:
        """Take a grant back; whether there was one."""
        pattern, which = _who(who), _which(agent)
        removed = self._store.book.drop_grant(pattern, which)
        self._permits.forget(pattern, which)
        self._audit("grant taken", who=pattern, agent=which)
        await self._store.commit()
        self._fleet.reload_grants()
        return removed

    def _audit(self, kind: str, **facts: object) -> None:
        self._store.audit(kind, self._clock.wall_s(), **facts)


def _who(typed: str) -> str:
    """The pattern of a grant's holder; a bare node name is everybody there, * everybody."""
    pattern = typed.strip().lower()
    pattern = pattern if "@" in pattern else f"*@{pattern}"
    if _WHO.fullmatch(pattern) is None:
        raise MalformedName(typed, "whom a grant is for is agent@node, and * in it any letters")
    return pattern


def _which(typed: str) -> str:
    """The pattern of the agents that a grant is about."""
    pattern = typed.strip().lower()
    if _WHICH.fullmatch(pattern) is None:
        raise MalformedName(typed, "a grant is about agents of this node, and * is any letters")
    return pattern
