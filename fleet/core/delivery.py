"""An envelope's life, as two tables: the sender's node and the recipient's node know different
things.

    sender's node     queued ─► accepted ─► whatever the recipient's node reports
    recipient's node  accepted ─► held | typing ─► typed ─► submitted ─► acknowledged

A row that is missing is a bug and says so. What is written down is written before it is acted on:
``typing`` is stored before the paste, so that after a crash the markers in tmux, not hope, decide
what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from fleet.core.errors.base import IllegalTransition


class State(StrEnum):
    """What is known of an envelope."""

    QUEUED = "queued"  # durable on the sender's node
    ACCEPTED = "accepted"  # durable on the recipient's node
    HELD = "held"  # waiting for a safe moment
    TYPING = "typing"  # a paste may be under way
    TYPED = "typed"  # the text is in the composer
    SUBMITTED = "submitted"  # the agent took it as a turn, or queued it itself
    ACKNOWLEDGED = "acknowledged"  # the agent answered or acked
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"  # the agent or tmux died between typing and evidence
    UNCONFIRMED = "unconfirmed"  # typed, Enter pressed, no evidence either way


TERMINAL = frozenset(
    {
        State.SUBMITTED,
        State.ACKNOWLEDGED,
        State.REFUSED,
        State.EXPIRED,
        State.CANCELLED,
        State.IN_DOUBT,
        State.UNCONFIRMED,
    }
)
DEAD_LETTERS = frozenset({State.REFUSED, State.EXPIRED, State.IN_DOUBT, State.UNCONFIRMED})
"""Ends that a person may want to look at and revive."""


class HoldReason(StrEnum):
    """Why an envelope waits."""

    DIALOG = "dialog"  # a question is on the screen
    DRAFT = "draft"  # a person has typed something
    BUSY = "busy"  # and this program does not queue input
    MODE = "mode"  # copy mode within its grace, or input switched off
    STARTING = "starting"
    APPROVAL = "approval"  # policy
    OFFLINE = "offline"  # no such pane now, agent known
    UNKNOWN = "unknown"  # its profile does not know what is on the screen


class Evidence(StrEnum):
    """How we know that the agent took it."""

    HOOK = "hook"
    TRANSCRIPT = "transcript"
    NATIVE = "native"
    SCREEN = "screen"


class Event(StrEnum):
    """What can happen to an envelope."""

    HOLD = "hold"  # not a safe moment
    RELEASE = "release"  # a person approved
    BEGIN = "begin"  # the intent to paste is written down
    NOT_TYPED = "not typed"  # proven: the paste was refused, or the marker never moved
    TYPE = "type"  # proven: the marker moved with the paste
    SUBMIT = "submit"  # evidence
    GIVE_UP = "give up"  # no evidence within the profile's limit
    LOSE = "lose"  # the pane, the agent or tmux died with the outcome unknown
    ACK = "ack"
    REFUSE = "refuse"
    EXPIRE = "expire"
    CANCEL = "cancel"
    TAKE = "take"  # the recipient's node answered that it is durable there
    FORGET = "forget"  # the recipient's node has taken it, and does not know it any more


_WAITING = (State.ACCEPTED, State.HELD)

RECIPIENT: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        **{(state, Event.HOLD): State.HELD for state in _WAITING},
        **{(state, Event.BEGIN): State.TYPING for state in _WAITING},
        **{(state, Event.EXPIRE): State.EXPIRED for state in _WAITING},
        **{(state, Event.CANCEL): State.CANCELLED for state in _WAITING},
        **{(state, Event.REFUSE): State.REFUSED for state in _WAITING},
        **{(state, Event.ACK): State.ACKNOWLEDGED for state in _WAITING},
        **{(state, Event.LOSE): State.IN_DOUBT for state in _WAITING},  # typed, and forgotten here
        (State.HELD, Event.RELEASE): State.ACCEPTED,
        (State.TYPING, Event.NOT_TYPED): State.HELD,
        (State.TYPING, Event.TYPE): State.TYPED,
        (State.TYPING, Event.LOSE): State.IN_DOUBT,
        (State.TYPED, Event.SUBMIT): State.SUBMITTED,
        (State.TYPED, Event.GIVE_UP): State.UNCONFIRMED,
        (State.TYPED, Event.LOSE): State.IN_DOUBT,
        (State.TYPED, Event.ACK): State.ACKNOWLEDGED,
        (State.SUBMITTED, Event.ACK): State.ACKNOWLEDGED,
        (State.UNCONFIRMED, Event.SUBMIT): State.SUBMITTED,  # evidence that came late
        (State.UNCONFIRMED, Event.ACK): State.ACKNOWLEDGED,
        (State.IN_DOUBT, Event.ACK): State.ACKNOWLEDGED,
    }
)

SENDER: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.QUEUED, Event.TAKE): State.ACCEPTED,
        (State.QUEUED, Event.REFUSE): State.REFUSED,
        (State.QUEUED, Event.EXPIRE): State.EXPIRED,
        (State.QUEUED, Event.CANCEL): State.CANCELLED,
        (State.QUEUED, Event.LOSE): State.IN_DOUBT,  # shown to a node that is not heard of any more
        **{(state, Event.FORGET): State.QUEUED for state in _WAITING},
        (State.TYPING, Event.LOSE): State.IN_DOUBT,  # typed there, and forgotten
        (State.TYPED, Event.LOSE): State.IN_DOUBT,
    }
)


LATER: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        end: frozenset(after for (before, _), after in RECIPIENT.items() if before is end)
        for end in TERMINAL
    }
)
"""What may still become of an envelope that has ended; mostly nothing."""


def step(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """The state after ``event``.

    Raises:
        IllegalTransition: the table has no such row; a bug of the caller.
    """
    after = table.get((state, event))
    if after is None:
        raise IllegalTransition(state.value, event.value)
    return after


def may(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> bool:
    """Whether the event makes sense now; what a person asks for is checked with this first."""
    return (state, event) in table
