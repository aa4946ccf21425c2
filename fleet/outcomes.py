"""One table: every error to a gRPC status and an exit code. Nobody else maps errors.

Statuses by gRPC's own litmus test: UNAVAILABLE = retry just this call, ABORTED = retry the larger
step, FAILED_PRECONDITION = do not retry until somebody fixes something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from fleet.core.delivery import State
from fleet.core.errors import (
    base,
    ends,
    files,
    names,
    nodes,
    panes,
    requests,
    store,
    teams,
    trust,
    worktrees,
)
from fleet.core.errors.base import FleetError

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
_FROM_GOOD_TO_BAD = (
    EXIT_REACHED, EXIT_NOT_YET, EXIT_UNSURE, EXIT_UNREACHABLE, EXIT_REFUSED, EXIT_NOT_ALLOWED,
    EXIT_AMBIGUOUS, EXIT_UNKNOWN, EXIT_USAGE, EXIT_BUG,
)  # fmt: skip


class Outcome(NamedTuple):
    """The gRPC status name of an error and the exit code of a command that ends with it."""

    status: str
    exit_code: int


OUTCOMES: Mapping[type[FleetError], Outcome] = MappingProxyType(
    {
        requests.MalformedName: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.MalformedRequest: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.EmptyText: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.UndecodableText: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.TooLarge: Outcome("INVALID_ARGUMENT", EXIT_REFUSED),
        requests.BadConfig: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        files.MalformedTeamFile: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.KeyReused: Outcome("INVALID_ARGUMENT", EXIT_USAGE),
        requests.UnknownProfile: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        requests.WrongState: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        names.UnknownAgent: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        names.UnknownNode: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        names.UnknownEnvelope: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        names.UnknownFinding: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        names.AmbiguousName: Outcome("FAILED_PRECONDITION", EXIT_AMBIGUOUS),
        names.SeatInDoubt: Outcome("FAILED_PRECONDITION", EXIT_AMBIGUOUS),
        names.NameTaken: Outcome("ALREADY_EXISTS", EXIT_REFUSED),
        teams.UnknownTeam: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        teams.UnknownTask: Outcome("NOT_FOUND", EXIT_UNKNOWN),
        teams.AlreadyClaimed: Outcome("ABORTED", EXIT_REFUSED),
        teams.LeaseLost: Outcome("ABORTED", EXIT_REFUSED),
        teams.LogFull: Outcome("RESOURCE_EXHAUSTED", EXIT_REFUSED),
        trust.Unauthenticated: Outcome("UNAUTHENTICATED", EXIT_NOT_ALLOWED),
        trust.NotAllowed: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        trust.RateExceeded: Outcome("RESOURCE_EXHAUSTED", EXIT_REFUSED),
        trust.KeyLocked: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        trust.NotPaired: Outcome("FAILED_PRECONDITION", EXIT_NOT_ALLOWED),
        trust.InvitationRefused: Outcome("PERMISSION_DENIED", EXIT_NOT_ALLOWED),
        trust.UnsafeHome: Outcome("FAILED_PRECONDITION", EXIT_NOT_ALLOWED),
        nodes.UnknownCall: Outcome("UNIMPLEMENTED", EXIT_UNREACHABLE),
        nodes.NodeNotRunning: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        nodes.StartFailed: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        nodes.PortInUse: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        nodes.NodeUnreachable: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        nodes.VersionMismatch: Outcome("UNIMPLEMENTED", EXIT_UNREACHABLE),
        nodes.TooBusy: Outcome("RESOURCE_EXHAUSTED", EXIT_UNREACHABLE),
        store.StoreFailed: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        store.NoSpace: Outcome("UNAVAILABLE", EXIT_UNREACHABLE),
        store.NotKept: Outcome("UNAVAILABLE", EXIT_NOT_YET),
        store.MailboxFull: Outcome("RESOURCE_EXHAUSTED", EXIT_NOT_YET),
        panes.NoTmux: Outcome("FAILED_PRECONDITION", EXIT_UNREACHABLE),
        panes.PaneGone: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        panes.PaneTaken: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        panes.PaneIsShell: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        panes.HooksUnsupported: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        panes.AgentAsking: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        panes.AgentNotReady: Outcome("FAILED_PRECONDITION", EXIT_NOT_YET),
        ends.Unconfirmed: Outcome("DEADLINE_EXCEEDED", EXIT_UNSURE),
        ends.InDoubt: Outcome("DEADLINE_EXCEEDED", EXIT_UNSURE),
        worktrees.WorktreeFailed: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        worktrees.BranchInUse: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        worktrees.UnsavedWork: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        ends.Expired: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        ends.Refused: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        ends.Cancelled: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        ends.LoopStopped: Outcome("FAILED_PRECONDITION", EXIT_REFUSED),
        base.IllegalTransition: Outcome("INTERNAL", EXIT_BUG),
        FleetError: Outcome("INTERNAL", EXIT_BUG),
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


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command that did several things: that of the one that came least far."""
    return max(codes, key=_FROM_GOOD_TO_BAD.index, default=EXIT_REACHED)
