"""A task's life as its table says it, and what no list carries."""

from __future__ import annotations

from typing import get_args

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, TooLarge, WrongState
from fleet.core.lease import Leases
from fleet.core.task import (
    TEXT_BYTES,
    TITLE_CHARS,
    Task,
    TaskAdded,
    TaskBlocked,
    TaskChanged,
    TaskClaimed,
    TaskDone,
    TaskEvent,
    TaskNoted,
    TaskReleased,
    TaskRemoved,
    TaskReopened,
    TaskStarted,
    TaskState,
    Wanted,
    check_wanted,
    cycle,
)

EVENTS: dict[str, TaskEvent] = {
    "claimed": TaskClaimed(1, "rin"),
    "started": TaskStarted(1),
    "noted": TaskNoted(1, "two callers"),
    "blocked": TaskBlocked(1, "no key"),
    "done": TaskDone(1, "commit abc"),
    "released": TaskReleased(1, "by rin"),
    "reopened": TaskReopened(1, "it fails"),
    "changed": TaskChanged(1, Wanted("another")),
    "removed": TaskRemoved(1, "a double"),
}
# Rows: the state a task is in. Columns: what happens to it. A dot: it cannot.
TABLE = """
           claimed started noted   blocked done released reopened changed removed
  open     claimed .       open    .       .    .        .        open    removed
  claimed  .       started claimed blocked done open     .        claimed .
  started  .       .       started blocked done open     .        started .
  blocked  .       started blocked .       done open     .        blocked .
  done     .       .       done    .       .    .        open     .       .
  removed  .       .       .       .       .    .        open     .       .
"""
HEAD, *LINES = TABLE.strip("\n").splitlines()
CELLS = [
    (TaskState(line.split()[0]), event, then)
    for line in LINES
    for event, then in zip(HEAD.split(), line.split()[1:], strict=True)
]


def task(state: TaskState = TaskState.OPEN, **changes: object) -> Task:
    values: dict[str, object] = (
        {"holder": "rin", "token": 7} if state in "claimed started blocked" else {}
    )
    return Task(1, Wanted("mend it"), "neo@white", 1.0, 1.0, state, **values | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "event", "then"), CELLS)
def test_what_can_happen_to_a_task_is_in_the_table(state: TaskState, event: str, then: str):
    if then == ".":
        with pytest.raises(WrongState) as refused:
            task(state).after(EVENTS[event], 9, 2.0)
        assert "T1" in str(refused.value)
        assert state in str(refused.value)
    else:
        after = task(state).after(EVENTS[event], 9, 2.0)
        assert after.state == then
        assert after.changed_at_s == 2.0


def test_the_table_names_every_event():
    assert {type(event) for event in EVENTS.values()} == set(get_args(TaskEvent)) - {TaskAdded}


def test_a_claim_s_token_is_the_number_of_the_entry_that_made_it():
    claimed = task().after(EVENTS["claimed"], 9, 2.0)
    assert (claimed.holder, claimed.token) == ("rin", 9)
    free = claimed.after(EVENTS["released"], 10, 3.0)
    assert (free.holder, free.why) == ("", "by rin")
    assert free.after(TaskClaimed(1, "kai"), 11, 4.0).token == 11


def test_what_shows_that_it_is_done_goes_when_it_is_open_again():
    done = task(TaskState.STARTED).after(EVENTS["done"], 9, 2.0)
    assert done.evidence == "commit abc"
    assert done.holder == "rin", "who did it stays known"
    again = done.after(EVENTS["reopened"], 10, 3.0)
    assert (again.evidence, again.holder, again.why) == ("", "", "it fails")


@pytest.mark.parametrize("wanted", [
    Wanted(""), Wanted("   "), Wanted("two\nlines"), Wanted("x" * (TITLE_CHARS + 1)),
    Wanted("x", size="huge"), Wanted("x", paths=("p",) * 65), Wanted("x", wants=("w" * 401,)),
])  # fmt: skip
def test_what_no_list_carries_is_refused(wanted: Wanted):
    with pytest.raises(MalformedRequest):
        check_wanted(wanted)


def test_a_text_that_is_too_long_says_how_long_it_may_be():
    check_wanted(Wanted("x", text="ü" * (TEXT_BYTES // 2)))
    with pytest.raises(TooLarge, match=str(TEXT_BYTES)):
        check_wanted(Wanted("x", acceptance="ü" * (TEXT_BYTES // 2) + "x"))


def test_a_circle_of_tasks_is_found_with_its_way():
    tasks = {
        n: Task(n, Wanted("x", after=after), "", 0, 0)
        for n, after in {1: (), 2: (1,), 3: (2,)}.items()
    }
    assert cycle(1, (3,), tasks) == (1, 3, 2, 1)
    assert cycle(1, (1,), tasks) == (1, 1)
    assert cycle(4, (3, 1), tasks) == ()


def test_claims_run_out_unless_somebody_speaks_for_their_holder():
    leases = Leases(10.0)
    leases.hold(1, "rin", 0.0)
    leases.hold(2, "kai", 0.0)
    leases.beat(["kai", "nobody"], 6.0)
    assert leases.lapsed(9.9) == ()
    assert leases.lapsed(10.0) == ((1, "rin"),)
    assert leases.left_s(2, 10.0) == 6.0
    leases.drop(1)
    assert leases.lapsed(15.0) == ()
    assert leases.lapsed(16.0) == ((2, "kai"),)


def test_every_refusal_names_the_task():
    with pytest.raises(FleetError, match="T1 is claimed by rin and cannot be removed"):
        task(TaskState.CLAIMED).after(EVENTS["removed"], 9, 2.0)
