"""What may be asked of a team's list, by whom, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.errors.teams import LeaseLost
from fleet.core.task import TaskReleased, TaskState, Wanted
from fleet.core.team_commands import (
    Actor,
    AddTask,
    AssignTask,
    BlockTask,
    ChangeTask,
    ClaimTask,
    FinishTask,
    NoteTask,
    ReleaseTask,
    RemoveTask,
    ReopenTask,
    StartTask,
    TaskCommand,
    decide,
    done_before,
    lapse,
)
from fleet.core.team_events import (
    Event,
    Founded,
    Happened,
    NodeJoined,
    NodeLeft,
    Planned,
    Seated,
    Unseated,
)

HOME, NOVA = "w" * 52, "n" * 52
OWNER = Actor("operator@white", HOME, is_person=True, is_home=True)
GUEST = Actor("operator@nova", NOVA, is_person=True)
LEAD = Actor("site.lead@white", HOME, "lead", is_home=True)
RIN = Actor("site.rin@nova", NOVA, "rin")
KAI = Actor("site.kai@white", HOME, "kai", is_home=True)


class Site:
    """A team with a lead and two implementers, and its log."""

    def __init__(self, limit: int | None = None) -> None:
        self.board = Board()
        self.log: list[Happened] = []
        self.write(
            Founded("site", HOME),
            Planned("{}", "lead", () if limit is None else (("impl", limit),), 600.0),
            NodeJoined("i", NOVA, ()),
            Seated("lead", "lead", "site.lead", HOME),
            Seated("rin", "impl", "site.rin", NOVA),
            Seated("kai", "impl", "site.kai", HOME),
        )

    def write(self, *events: Event, by: str = "") -> None:
        for event in events:
            happened = Happened(self.board.head + 1, float(self.board.head), by, "", event)
            self.log.append(happened)
            self.board.fold([happened])

    def do(self, actor: Actor, command: TaskCommand) -> None:
        self.write(*decide(self.board, actor, command), by=actor.address)

    def add(self, *titles: str, **wanted: object) -> None:
        for title in titles:
            self.do(OWNER, AddTask(Wanted(title, **wanted)))  # type: ignore[arg-type]

    def refuses(self, actor: Actor, command: TaskCommand, code: str, words: str = "") -> None:
        head = self.board.head
        with pytest.raises(FleetError) as refused:
            self.do(actor, command)
        assert refused.value.code == code
        assert words in str(refused.value)
        assert self.board.head == head


def test_a_task_goes_its_way_from_the_list_to_done():
    site = Site()
    site.add("one")
    site.do(RIN, ClaimTask(1))
    site.do(RIN, StartTask(1))
    site.do(RIN, BlockTask(1, "no key"))
    site.do(RIN, StartTask(1))
    site.do(KAI, NoteTask(1, "the key is in the safe"))
    site.do(RIN, FinishTask(1, "commit abc"))
    task = site.board.tasks[1]
    assert (task.state, task.evidence, task.notes) == (TaskState.DONE, "commit abc", 1)
    site.do(KAI, ReopenTask(1, "it fails on arm"))
    assert site.board.next_claimable() == site.board.tasks[1]


def test_of_two_the_first_gets_it_and_the_second_is_told_who_has_it():
    site = Site()
    site.add("one")
    site.do(RIN, ClaimTask(1))
    site.refuses(KAI, ClaimTask(1), "already_claimed", "T1 is rin's")
    assert decide(site.board, RIN, ClaimTask(1)) == (), "it is theirs already"


def test_without_a_number_the_lowest_that_waits_for_nothing_is_claimed():
    site = Site()
    site.add("one")
    site.add("two", after=(1,))
    site.add("three")
    site.do(RIN, ClaimTask())
    assert site.board.tasks[1].holder == "rin"
    site.do(KAI, ClaimTask())
    assert site.board.tasks[3].holder == "kai"
    site.refuses(LEAD, ClaimTask(), "wrong_state", "no task can be claimed")
    site.refuses(LEAD, ClaimTask(2), "wrong_state", "T2 waits for T1")
    site.do(RIN, FinishTask(1, "done"))
    site.do(LEAD, ClaimTask())
    assert site.board.tasks[2].holder == "lead"


def test_what_was_removed_is_waited_for_no_longer():
    site = Site()
    site.add("one")
    site.add("two", after=(1,))
    site.do(OWNER, RemoveTask(1, "not needed"))
    site.do(RIN, ClaimTask())
    assert site.board.tasks[2].holder == "rin"


def test_a_finished_task_that_is_reopened_holds_up_what_comes_after_it_again():
    site = Site()
    site.add("one")
    site.add("two", after=(1,))
    site.do(RIN, ClaimTask(1))
    site.do(RIN, FinishTask(1, "done"))
    site.do(KAI, ReopenTask(1, "no"))
    assert site.board.waits_for(site.board.tasks[2]) == (1,)
    assert site.board.next_claimable() == site.board.tasks[1]


def test_a_late_worker_writes_over_nobody():
    site = Site()
    site.add("one")
    site.do(RIN, ClaimTask(1))
    token = site.board.tasks[1].token
    site.write(*lapse(site.board, 1, "rin"))
    site.refuses(RIN, FinishTask(1, "late"), "lease_lost", "ran out")
    site.do(KAI, ClaimTask(1))
    for late in (FinishTask(1, "late"), BlockTask(1, "late"), ReleaseTask(1), StartTask(1)):
        site.refuses(RIN, late, "lease_lost", "kai holds it")
    site.do(KAI, ReleaseTask(1))
    site.do(RIN, ClaimTask(1))
    site.refuses(RIN, FinishTask(1, "of the claim before", token), "lease_lost", "anew")
    site.do(RIN, FinishTask(1, "now", site.board.tasks[1].token))


def test_a_claim_that_stands_no_longer_does_not_lapse():
    site = Site()
    site.add("one")
    site.do(RIN, ClaimTask(1))
    assert lapse(site.board, 1, "kai") == ()
    site.do(RIN, ReleaseTask(1))
    assert lapse(site.board, 1, "rin") == ()
    assert lapse(site.board, 9, "rin") == ()


def test_a_role_that_takes_no_tasks_claims_none_and_is_given_none() -> None:
    site = Site(limit=0)
    site.add("one")
    site.refuses(RIN, ClaimTask(), "wrong_state", "rin takes no tasks")
    site.refuses(LEAD, AssignTask(1, "rin"), "wrong_state", "takes no tasks")


def test_a_seat_holds_as_many_at_once_as_its_role_may():
    site = Site(limit=1)
    site.add("one", "two")
    site.do(RIN, ClaimTask())
    site.refuses(RIN, ClaimTask(), "wrong_state", "rin holds T1; a impl holds 1 at once")
    site.refuses(LEAD, AssignTask(2, "rin"), "wrong_state", "holds 1 at once")
    site.do(LEAD, ClaimTask())


def test_the_lead_and_the_home_s_person_assign_and_nobody_else():
    site = Site()
    site.add("one")
    site.refuses(RIN, AssignTask(1, "rin"), "not_allowed")
    site.refuses(GUEST, AssignTask(1, "rin"), "not_allowed")
    site.do(LEAD, AssignTask(1, "rin"))
    site.do(OWNER, AssignTask(1, "kai"))
    assert site.board.tasks[1].holder == "kai"
    assert site.board.held_by("rin") == ()
    assert any(
        isinstance(one.event, TaskReleased) and "given to kai" in one.event.why for one in site.log
    )
    site.refuses(LEAD, AssignTask(1, "nobody"), "malformed_request", "no seat 'nobody'")


def test_only_who_has_a_say_in_a_task_changes_or_removes_it():
    site = Site()
    site.add("one")
    site.refuses(RIN, ChangeTask(1, Wanted("mine")), "not_allowed")
    site.refuses(RIN, RemoveTask(1), "not_allowed")
    site.do(RIN, ClaimTask(1))
    site.do(RIN, ChangeTask(1, Wanted("mine, as I hold it")))
    site.do(RIN, AddTask(Wanted("found on the side", found_while=1)))
    site.do(RIN, RemoveTask(2, "no"))


@pytest.mark.parametrize("actor", [
    Actor("operator@kai", "k" * 52, is_person=True),  # a member of the fleet, not of the team
    Actor("neo@white", HOME, is_home=True),  # an agent at home that fills no seat
])  # fmt: skip
@pytest.mark.parametrize("command", [AddTask(Wanted("x")), ClaimTask(1), NoteTask(1, "x")])
def test_who_is_not_of_the_team_asks_nothing_of_it(actor: Actor, command: TaskCommand):
    site = Site()
    site.add("one")
    site.refuses(actor, command, "not_allowed", "site")


def test_a_node_that_left_takes_its_seats_and_its_word_with_it():
    site = Site()
    site.add("one")
    site.write(NodeLeft(NOVA, "removed"))
    assert set(site.board.seats) == {"lead", "kai"}
    site.refuses(RIN, ClaimTask(1), "not_allowed")


def test_circles_and_unknown_tasks_are_refused():
    site = Site()
    site.add("one", "two")
    site.do(OWNER, ChangeTask(2, Wanted("two", after=(1,))))
    site.refuses(
        OWNER, ChangeTask(1, Wanted("one", after=(2,))), "malformed_request", "T1 → T2 → T1"
    )
    site.refuses(OWNER, ChangeTask(1, Wanted("one", after=(1,))), "malformed_request")
    site.do(OWNER, ChangeTask(2, Wanted("two", parent=1)))
    site.refuses(
        OWNER, ChangeTask(1, Wanted("one", parent=2)), "malformed_request", "part of itself"
    )
    site.refuses(OWNER, AddTask(Wanted("x", after=(9,))), "unknown_task", "T9")
    site.refuses(OWNER, ClaimTask(9), "unknown_task")


@pytest.mark.parametrize("command", [FinishTask(1, " "), BlockTask(1, ""), ReopenTask(1, "")])
def test_what_has_to_be_said_is_said(command: TaskCommand):
    site = Site()
    site.add("one")
    if not isinstance(command, ReopenTask):
        site.do(OWNER, ClaimTask(1))
    site.refuses(OWNER, command, "malformed_request", "has to be given")


def test_the_same_log_gives_the_same_board_and_a_gap_is_none():
    site = Site()
    site.add("one", "two")
    site.do(RIN, ClaimTask())
    again = Board()
    again.fold(site.log)
    assert (again.tasks, again.seats, again.nodes) == (
        site.board.tasks,
        site.board.seats,
        site.board.nodes,
    )
    assert again.history(1) == site.board.history(1) != ()
    with pytest.raises(ValueError, match="cannot follow"):
        again.fold(site.log[-1:])


def test_a_claim_that_is_asked_for_once_more_is_answered_only_while_it_is_still_ones_own():
    site = Site()
    site.do(OWNER, AddTask(Wanted("one")))
    site.do(RIN, ClaimTask(1))
    assert done_before(site.board, RIN, ClaimTask(), (1,)).tasks == (site.board.tasks[1],)
    site.do(LEAD, ReleaseTask(1, "for kai"))
    with pytest.raises(LeaseLost, match="for kai"):
        done_before(site.board, RIN, ClaimTask(), (1,))
    site.do(KAI, ClaimTask(1))
    with pytest.raises(LeaseLost, match="kai holds it"):
        done_before(site.board, RIN, ClaimTask(), (1,))
    assert done_before(site.board, RIN, NoteTask(1, "at it"), (1,)).again, "that was said, once"


def test_claims_go_on_with_a_seat_and_whoever_was_in_it_is_told_that_it_is_over():
    site = Site()
    site.add("one")
    site.do(RIN, ClaimTask(1))
    site.do(RIN, StartTask(1))
    before = site.board.task(1)
    site.write(Seated("rin", "impl", "site.rin", HOME))
    assert site.board.task(1) == before
    old, new = replace(RIN, seat=""), Actor("site.rin@white", HOME, "rin", is_home=True)
    for late in (FinishTask(1, "done", before.token), NoteTask(1, "still here"), ClaimTask(1)):
        site.refuses(old, late, "not_allowed", "site.rin@nova may not speak for site/rin")
    site.do(new, FinishTask(1, "done", before.token))
    site.write(Seated("rin", "impl", "site.rin", NOVA))
    site.do(RIN, NoteTask(1, "back again"))
    site.refuses(replace(new, seat=""), NoteTask(1, "x"), "not_allowed", "speak for site/rin")
    site.write(Unseated("rin", "dropped"))
    site.refuses(replace(RIN, seat=""), NoteTask(1, "x"), "not_allowed", "work on the tasks of")
