"""Each error has one row; an exit code is 0 for nothing less than what was asked."""

import grpc
import pytest

from fleet.core.delivery import State
from fleet.core.errors.base import FleetError
from fleet.core.errors.ends import LoopStopped
from fleet.core.errors.store import NoSpace
from fleet.core.errors.tree import every_error
from fleet.outcomes import OUTCOMES, WAITABLE, exit_code_of, outcome_of, reached, worst

# fmt: off
CODES = {
    1: "fleet_error illegal_transition",
    2: "malformed_name malformed_request empty_text undecodable_text bad_config malformed_team_file key_reused",
    3: "unknown_agent unknown_node unknown_envelope unknown_finding unknown_profile unknown_team unknown_task",
    4: "ambiguous_name seat_in_doubt",
    5: "mailbox_full not_kept pane_gone agent_asking agent_not_ready",
    6: "unconfirmed in_doubt",
    7: "unauthenticated not_allowed key_locked not_paired invitation_refused unsafe_home",
    8: "node_not_running start_failed port_in_use node_unreachable version_mismatch store_failed "
       "no_space no_tmux unknown_call too_busy",
    9: "too_large name_taken pane_taken pane_is_shell hooks_unsupported expired refused cancelled "
       "loop_stopped wrong_state rate_exceeded worktree_failed branch_in_use unsaved_work "
       "already_claimed lease_lost log_full",
}
STATUSES = {
    "INVALID_ARGUMENT": "malformed_name malformed_request empty_text undecodable_text too_large "
                        "bad_config malformed_team_file key_reused",
    "NOT_FOUND": "unknown_agent unknown_node unknown_envelope unknown_finding unknown_profile unknown_team unknown_task",
    "ABORTED": "already_claimed lease_lost",
    "ALREADY_EXISTS": "name_taken",
    "UNAUTHENTICATED": "unauthenticated",
    "PERMISSION_DENIED": "not_allowed key_locked invitation_refused",
    "RESOURCE_EXHAUSTED": "mailbox_full too_busy rate_exceeded log_full",
    "UNAVAILABLE": "node_not_running start_failed port_in_use node_unreachable store_failed no_space not_kept",
    "UNIMPLEMENTED": "version_mismatch unknown_call",
    "DEADLINE_EXCEEDED": "unconfirmed in_doubt",
    "INTERNAL": "fleet_error illegal_transition",
    "FAILED_PRECONDITION": "ambiguous_name seat_in_doubt not_paired unsafe_home no_tmux pane_gone pane_taken "
                           "pane_is_shell hooks_unsupported agent_asking agent_not_ready expired "
                           "refused cancelled loop_stopped wrong_state worktree_failed branch_in_use "
                           "unsaved_work",
}

# Rows: the state an envelope is in. Columns: what was waited for.
EXITS = """
                queued  accepted  typed  submitted  acknowledged
  queued             0         5      5          5             5
  accepted           0         0      5          5             5
  held               0         0      5          5             5
  typing             0         0      5          5             5
  typed              0         0      0          5             5
  submitted          0         0      0          0             5
  acknowledged       0         0      0          0             0
  refused            9         9      9          9             9
  expired            9         9      9          9             9
  cancelled          9         9      9          9             9
  in_doubt           0         0      6          6             6
  unconfirmed        0         0      6          6             6
"""
# fmt: on
HEAD, *LINES = EXITS.strip("\n").splitlines()
CELLS = [
    (State(line.split()[0]), State(wanted), int(code))
    for line in LINES
    for wanted, code in zip(HEAD.split(), line.split()[1:], strict=True)
]


def by_code(table: dict[int, str] | dict[str, str]) -> dict[str, object]:
    return {code: group for group, codes in table.items() for code in codes.split()}


def test_every_error_has_a_row_and_there_is_no_other_row():
    assert set(OUTCOMES) == set(every_error().values())


def test_exit_codes_are_those_of_the_design():
    assert {cls.code: outcome.exit_code for cls, outcome in OUTCOMES.items()} == by_code(CODES)


def test_statuses_say_whether_and_what_to_retry():
    assert {cls.code: outcome.status for cls, outcome in OUTCOMES.items()} == by_code(STATUSES)
    assert set(STATUSES) <= {status.name for status in grpc.StatusCode}


@pytest.mark.parametrize("cls", every_error().values())
def test_an_error_that_was_rebuilt_has_the_outcome_of_its_own_class(cls: type[FleetError]):
    assert outcome_of(cls.rebuilt("", "", "rpc", ())) == OUTCOMES[cls]


def test_a_subclass_has_its_own_row():
    assert outcome_of(NoSpace("/h")).exit_code == 8
    assert outcome_of(LoopStopped("01J", 33)).exit_code == 9


def test_the_grid_has_every_state_and_everything_that_can_be_waited_for():
    assert [line.split()[0] for line in LINES] == [
        "queued", "accepted", "held", "typing", "typed", "submitted", "acknowledged",
        "refused", "expired", "cancelled", "in_doubt", "unconfirmed",
    ]  # fmt: skip
    assert {state for state, _, _ in CELLS} == set(State)
    assert tuple(HEAD.split()) == WAITABLE


@pytest.mark.parametrize(("state", "wanted", "code"), CELLS)
def test_the_exit_code_is_0_exactly_when_what_was_wanted_was_reached(
    state: State, wanted: State, code: int
):
    assert exit_code_of(state, wanted) == code
    assert reached(state, wanted) == (code == 0)


def test_of_several_codes_the_one_that_came_least_far_counts():
    assert worst([]) == worst([0, 0]) == 0
    assert worst([0, 5, 0]) == 5
    assert worst([5, 6]) == worst([6, 5, 0]) == 6
    assert worst([9, 7, 5]) == 7
    assert worst([2, 1, 3]) == 1
