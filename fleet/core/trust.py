"""Who may ask for what. Default deny; decided on the recipient's side, from keys and grants.

Typing into an agent is running code as its user, so every verb is granted explicitly except one: a
member of the fleet may send messages to agents that are ``open``, which is the default policy. Each
ruling names what it follows from, for the audit log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.errors.ends import LoopStopped
from fleet.core.errors.trust import NotAllowed, RateExceeded
from fleet.core.rate import Rate


class Verb(StrEnum):
    """What can be asked of an agent."""

    MESSAGE = "message"
    OBSERVE = "observe"  # see its screen
    CONTROL = "control"  # raw keys, interrupt
    SPAWN = "spawn"  # start agents here


class Policy(StrEnum):
    """What an agent's owner decided about messages."""

    OPEN = "open"
    APPROVAL = "approval"  # held until a person here releases each
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission given on this node. ``who`` and ``agent`` are patterns with ``*``.

    ``who`` is matched against the printed address (``neo@white``) and, so that a grant can survive
    a node's new name, against ``neo@<node id>``. ``expires_at_s`` is wall time here, 0 for never.
    ``rate`` is how often each node whose callers fit may make use of it, None for any number of times.
    """

    who: str
    agent: str
    verbs: frozenset[Verb]
    expires_at_s: float = 0.0
    rate: Rate | None = None

    def __str__(self) -> str:
        return f"grant {self.who} {','.join(sorted(self.verbs))} {self.agent}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose identity is proven: by the kernel (local) or by TLS (a peer's node)."""

    agent: str
    node: str
    node_id: str
    is_local: bool

    def __str__(self) -> str:
        return f"{self.agent}@{self.node}"

    @property
    def is_own_operator(self) -> bool:
        """The person whose node this is; may do everything here."""
        return self.is_local and self.agent == OPERATOR

    @property
    def is_own_node(self) -> bool:
        """This node itself, which says nothing to its agents but what its person had it say."""
        return self.is_local and self.agent == NODE_ITSELF


@dataclass(frozen=True, slots=True)
class Ruling:
    """That something may be done. ``by`` names what allows it; ``spends`` are the grants of which one
    use is taken when it is done. Not ``approved``: a person has to let it through first."""

    by: str
    approved: bool = True
    spends: tuple[Grant, ...] = ()


_OWN = Ruling("own operator")
_ITSELF = Ruling("own node")
_BY_POLICY = {
    policy: Ruling(f"policy {policy}", approved=policy is Policy.OPEN) for policy in Policy
}

WaitS = Callable[[Grant], float]
"""How long until the caller's node may use a grant again; 0 for now."""


def rule(
    caller: Caller, verb: Verb, agent: str, grants: Collection[Grant], now_s: float, wait_s: WaitS
) -> Ruling:
    """Whether a grant gives ``verb`` on ``agent`` to the caller; policies are not asked here.

    A grant without a rate goes before those that have one.

    Raises:
        NotAllowed: none does.
        RateExceeded: one does, but not as often.
    """
    ruling = _granted(caller, verb, agent, grants, now_s, wait_s)
    if ruling is None:
        raise _ungranted(caller, verb, agent)
    return ruling


def _ungranted(caller: Caller, verb: Verb, agent: str) -> NotAllowed:
    hint = f"ask its operator: fleet grant '{caller}' {verb} {agent}"
    return NotAllowed(str(caller), verb.value, agent, hint=hint)


def _granted(
    caller: Caller, verb: Verb, agent: str, grants: Collection[Grant], now_s: float, wait_s: WaitS
) -> Ruling | None:
    """As ``rule``, but None when no grant fits."""
    if caller.is_own_operator:
        return _OWN
    if not grants:
        return None
    names = (str(caller), f"{caller.agent}@{caller.node_id}")
    fitting = [grant for grant in grants if _fits(grant, names, verb, agent, now_s)]
    if not fitting:
        return None
    if free := next((grant for grant in fitting if grant.rate is None), None):
        return Ruling(str(free))
    soonest = min(fitting, key=wait_s)
    if (left_s := wait_s(soonest)) > 0:
        raise RateExceeded(str(caller), verb.value, agent, str(soonest.rate), left_s)
    return Ruling(str(soonest), spends=(soonest,))


def _fits(grant: Grant, names: tuple[str, str], verb: Verb, agent: str, now_s: float) -> bool:
    return (
        verb in grant.verbs
        and (not grant.expires_at_s or now_s < grant.expires_at_s)
        and _like(grant.agent, agent)
        and (_like(grant.who, names[0]) or _like(grant.who, names[1]))
    )


def _like(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, in which * stands for any letters."""
    return _matcher(pattern)(name) is not None if "*" in pattern else pattern == name


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(translate(pattern)).match  # not fnmatchcase: that forgets at 256 patterns


def rule_message(
    caller: Caller,
    agent: str,
    policy: Policy,
    grants: Collection[Grant],
    now_s: float,
    wait_s: WaitS,
) -> Ruling:
    """Whether a message may be typed at once, or has to be approved first.

    What was granted goes before the agent's policy, in both directions: a grant opens a closed agent
    to whom it fits, and the rate of a grant holds for an open one.

    Raises:
        NotAllowed: the agent is closed to the caller.
        RateExceeded: the caller's node may not send as often.
    """
    if caller.is_own_node:
        return _ITSELF
    ruling = _granted(caller, Verb.MESSAGE, agent, grants, now_s, wait_s)
    if ruling is None and policy is Policy.CLOSED:
        raise _ungranted(caller, Verb.MESSAGE, agent)
    return ruling or _BY_POLICY[policy]


def check_hops(thread: str, hops: int, limit: int) -> None:
    """Stop two agents that answer each other for ever.

    Raises:
        LoopStopped: ``hops`` answers without a person in between.
    """
    if hops > limit:
        raise LoopStopped(thread, hops)
