"""A seat and who lives in it, on the node where they live: started once in each term, and what is left.

The team's home writes a seat down first; the number of that entry is its term. On the seat's node a term
gives one life at most: what was begun is brought to its end, what lives is found, and what has ended needs
a new term. Whoever comes with an older term than is known there is too late.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.team import RolePlan, agreed_digest
from fleet.core.teamdiff import OPENNESS
from fleet.core.trust import Policy, Verb


class Stage(StrEnum):
    """How far a term is."""

    BEGUN = "begun"  # to be started; perhaps it was
    LIVED = "lived"  # it was started, and may have ended since
    ENDED = "ended"  # the seat was emptied


class Became(StrEnum):
    """What became of having somebody in a seat."""

    STARTED = "started"
    FOUND = "found"  # it lives already
    OVER = "over"  # it has lived in this term; who comes next needs a new one
    UNDER_WAY = "under_way"  # it is being started; ask again


@dataclass(frozen=True, slots=True)
class Hosted:
    """A seat on its node. ``folder`` is where its member works; ``own`` says that this is a worktree of its
    own, which may go when nothing in it would be lost. ``token`` is that of the life that was begun."""

    team_id: str
    seat: str
    role: str
    agent: str
    folder: str
    own: bool
    term: int
    stage: Stage
    token: str = ""


class Turn(StrEnum):
    """What is to be done for a seat that is asked for."""

    START = "start"
    KEEP = "keep"
    NOTHING = "nothing"


def turn(known: Hosted | None, term: int, *, lives: bool) -> Turn:
    """What a seat's node does when the home asks for somebody in it. ``lives``: somebody does, who was
    started for this seat.

    Raises:
        WrongState: a later term is known.
    """
    require_newest(known, term)
    is_same = known is not None and known.term == term
    if is_same and known is not None and known.stage is Stage.ENDED:
        return Turn.NOTHING
    if lives:
        return Turn.KEEP
    if is_same and known is not None and known.stage is Stage.LIVED:
        return Turn.NOTHING
    return Turn.START


def require_newest(known: Hosted | None, term: int) -> None:
    """Insist that nothing later than this is known of a seat.

    Raises:
        WrongState: somebody else was put into it since.
    """
    if known is not None and known.term > term:
        raise overtaken(known.seat, term, known.term)


def overtaken(seat: str, term: int, newest: int) -> WrongState:
    """That a seat has gone on meanwhile."""
    return WrongState(
        f"seat {seat} has gone on: this was about term {term}, and {newest} is known",
        hint="look again: fleet team show",
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a node has agreed to about a role: what runs there (``digest``), how many at once, under no more
    open a policy, and with these verbs granted."""

    digest: str
    count: int
    policy: Policy
    verbs: Collection[Verb]


def require_within(role: RolePlan, terms: Terms | None, others: int) -> None:
    """Insist that one more member of a role is within what its node has agreed to; ``others`` of that
    role live there.

    Raises:
        NotAllowed: it is not; says in what.
    """
    if terms is None:
        why = "has not agreed to it"
    elif terms.digest != agreed_digest(role):
        why = "has agreed to it in another form"
    elif Verb.SPAWN not in terms.verbs:
        why = "lets nobody start it"
    elif OPENNESS.index(role.policy) > OPENNESS.index(terms.policy):
        why = f"has agreed to it as {terms.policy} to messages"
    elif others >= terms.count:
        why = f"has agreed to {terms.count} of it, who live there"
    else:
        return
    raise NotAllowed(
        f"role {role.name}", "live on", f"a node that {why}",
        hint=f"ask it for what the plan says now: fleet team invite TEAM NODE --role {role.name}",
    )  # fmt: skip


# --- what travels ---


@dataclass(frozen=True, slots=True)
class SeatAsk:
    """Have somebody in a seat. ``plan`` is the team's, in its canonical form."""

    seat: str
    term: int
    plan: str


@dataclass(frozen=True, slots=True)
class SeatAnswer:
    """What became of it."""

    became: Became


@dataclass(frozen=True, slots=True)
class UnseatAsk:
    """Empty a seat: its agent ends. ``keep``: its worktree stays also when nothing would be lost with it."""

    seat: str
    term: int
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a member. ``ended``: its agent lived, and was ended. ``folder`` is kept, for what
    is in it (``unsaved``, in words); empty where nothing is. ``branch`` is what was checked out there,
    ``unpushed`` is on that host only."""

    ended: bool = False
    folder: str = ""
    branch: str = ""
    unsaved: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateAsk:
    """Tell how the members in these seats are. ``files``: also what is in their worktrees."""

    seats: tuple[str, ...]
    files: bool = True


@dataclass(frozen=True, slots=True)
class MemberState:
    """How a member is, as its node sees it; of one whose node is away nothing but that is known.

    ``doing`` is what its screen is read as (``ready``, ``busy``, ``dialog``, …), empty when it was not
    looked at; ``still_s`` for how long nothing has changed there. ``held`` messages wait for it, of which
    ``held_id`` has waited longest: for ``held_s``, and why. ``paused_s`` is for how long its program says
    that it is limited still. ``folder``, ``branch``, ``unsaved`` and ``unpushed`` are of its worktree.
    """

    seat: str
    connected: bool = True
    online: bool = False
    doing: str = ""
    still_s: float = 0.0
    held: int = 0
    held_id: str = ""
    held_why: str = ""
    held_s: float = 0.0
    paused_s: float = 0.0
    folder: str = ""
    branch: str = ""
    unsaved: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()
