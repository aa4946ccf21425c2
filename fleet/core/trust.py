"""Who may ask for what. Default deny; decided on the recipient's side, from keys and grants.

Typing into an agent is running code as its user, so every verb is granted explicitly except one: a
member of the fleet may send messages to agents that are ``open``, which is the default policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from fleet.core.address import OPERATOR
from fleet.core.errors import LoopStopped, NotAllowed


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
    """

    who: str
    agent: str
    verbs: frozenset[Verb]
    expires_at_s: float = 0.0


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


def allowed(caller: Caller, verb: Verb, agent: str, grants: Iterable[Grant], now_s: float) -> bool:
    """Whether a grant gives ``verb`` on ``agent`` to the caller; policies are not asked here."""
    if caller.is_own_operator:
        return True
    names = (str(caller), f"{caller.agent}@{caller.node_id}")
    return any(
        verb in grant.verbs
        and (not grant.expires_at_s or now_s < grant.expires_at_s)
        and fnmatchcase(agent, grant.agent)
        and any(fnmatchcase(name, grant.who) for name in names)
        for grant in grants
    )


def check_message(
    caller: Caller, agent: str, policy: Policy, grants: Iterable[Grant], now_s: float
) -> bool:
    """Whether a message may be typed at once (True) or has to be approved first (False).

    Raises:
        NotAllowed: the agent is closed to the caller.
    """
    if policy is Policy.OPEN or allowed(caller, Verb.MESSAGE, agent, grants, now_s):
        return True
    if policy is Policy.APPROVAL:
        return False
    raise NotAllowed(
        str(caller),
        "message",
        agent,
        hint=f"ask its operator: fleet grant '{caller}' message {agent}",
    )


def check(caller: Caller, verb: Verb, agent: str, grants: Iterable[Grant], now_s: float) -> None:
    """Insist on a grant.

    Raises:
        NotAllowed: there is none.
    """
    if not allowed(caller, verb, agent, grants, now_s):
        raise NotAllowed(
            str(caller),
            verb.value,
            agent,
            hint=f"ask its operator: fleet grant '{caller}' {verb} {agent}",
        )


def check_hops(thread: str, hops: int, limit: int) -> None:
    """Stop two agents that answer each other for ever.

    Raises:
        LoopStopped: ``hops`` answers without a person in between.
    """
    if hops > limit:
        raise LoopStopped(thread, hops)
