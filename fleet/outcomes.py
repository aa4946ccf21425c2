"""One table: every error to a gRPC status and an exit code. Nobody else maps errors.

Statuses by gRPC's own litmus test: UNAVAILABLE = retry just this call, ABORTED = retry the larger
step, FAILED_PRECONDITION = do not retry until somebody fixes something.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fleet.core import errors
from fleet.core.delivery import State
from fleet.core.errors import FleetError

EXIT_REACHED = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_AMBIGUOUS = 4
EXIT_NOT_YET = 5
EXIT_UNSURE = 6
EXIT_NOT_ALLOWED = 7
EXIT_UNREACHABLE = 8
EXIT_REFUSED = 9


class Outcome(NamedTuple):
    """The gRPC status name of an error and the exit code of a command that ends with it."""

    status: str
    exit_code: int


OUTCOMES: Mapping[type[FleetError], Outcome] = MappingProxyType(
    {
        errors.MalformedName: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.MalformedRequest: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.EmptyText: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.UndecodableText: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.TooLarge: Outcome("INVALID_ARGUMENT", EXIT_REFUSED),
        errors.BadConfig: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.KeyReused: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        errors.UnknownProfile: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        errors.UnknownCall: Outcome("UNIMPLEMENTED", EXIT_UNREACHABLE),
        errors.UnknownAgent: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        errors.UnknownNode: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        errors.UnknownEnvelope: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        errors.AmbiguousName: Outcome("FAILED_PRECONDITION", EXIT_AMBIGUOUS),
        errors.NameTaken: Outcome("ALREADY_EXISTS", EXIT_REFUSED),
        errors.Unauthenticated: Outcome("UNAUTHENTICATED", EXIT_NOT_ALLOWED),
        errors.NotAllowed: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        errors.RateExceeded: Outcome("RESOURCE_EXHAUSTED", EXIT_REFUSED),
        errors.KeyLocked: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        errors.NotPaired: Outcome("FAILED_PRECONDITION", EXIT_NOT_ALLOWED),
        errors.InvitationRefused: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        errors.UnsafeHome: Outcome("FAILED_PRECONDITION", EXIT_NOT_ALLOWED),
        errors.NodeNotRunning: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.StartFailed: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.PortInUse: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.NodeUnreachable: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.VersionMismatch: Outcome("UNIMPLEMENTED", EXIT_UNREACHABLE),
        errors.StoreFailed: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.NoSpace: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        errors.MailboxFull: Outcome("RESOURCE_EXHAUSTED", EXIT_NOT_YET),
        errors.TooBusy: Outcome("RESOURCE_EXHAUSTED", EXIT_UNREACHABLE),
        errors.NoTmux: Outcome("FAILED_PRECONDITION", EXIT_UNREACHABLE),
        errors.PaneGone: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        errors.PaneTaken: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.PaneIsShell: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.HooksUnsupported: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.AgentAsking: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        errors.AgentNotReady: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        errors.Unconfirmed: Outcome("DEADLINE_EXCEEDED", EXIT_UNSURE),
        errors.InDoubt: Outcome("DEADLINE_EXCEEDED", EXIT_UNSURE),
        errors.Expired: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.Refused: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.Cancelled: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.LoopStopped: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.WrongState: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        errors.IllegalTransition: Outcome("INTERNAL", EXIT_BUG),
        errors.FleetError: Outcome("INTERNAL", EXIT_BUG),
    }
)


def outcome_of(error: FleetError) -> Outcome:
    """The row of the error's own class; every class has one (a test walks the tree)."""
    return OUTCOMES[type(error)]


_PROGRESS = (State.QUEUED, State.ACCEPTED, State.TYPED, State.SUBMITTED, State.ACKNOWLEDGED)
WAITABLE = tuple(state.value for state in _PROGRESS)


def reached(state: State, wanted: State) -> bool:
    """Whether an envelope in ``state`` has got at least as far as ``wanted``.

    ``held`` and ``typing`` have got as far as ``accepted``; ``unconfirmed`` and ``in_doubt`` as far
    as ``accepted`` too: that they were typed is not known to have had an effect.
    """
    at = state if state in _PROGRESS else _AT_LEAST.get(state)
    return at is not None and _PROGRESS.index(at) >= _PROGRESS.index(wanted)


_AT_LEAST: Mapping[State, State] = MappingProxyType(
    {
        State.HELD: State.ACCEPTED,
        State.TYPING: State.ACCEPTED,
        State.UNCONFIRMED: State.ACCEPTED,
        State.IN_DOUBT: State.ACCEPTED,
    }
)


def exit_code_of(state: State, wanted: State) -> int:
    """The exit code of a command that wanted ``wanted`` and ends with the envelope in ``state``."""
    if reached(state, wanted):
        return EXIT_REACHED
    match state:
        case State.UNCONFIRMED | State.IN_DOUBT:
            return EXIT_UNSURE
        case State.REFUSED | State.EXPIRED | State.CANCELLED:
            return EXIT_REFUSED
        case _:
            return EXIT_NOT_YET
