"""A team brought down, by plain values: who is asked, who may answer, what follows."""

from __future__ import annotations

import pytest

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.farewell import Behind, Stage
from fleet.core.memory_events import HandedOver
from fleet.core.parting import Parting, ask, empty, is_settled, reprieve, request, say, stay
from fleet.core.task import TaskAdded, TaskClaimed, TaskReleased, TaskState, Wanted
from fleet.core.team_commands import Actor
from fleet.core.team_events import (
    Event,
    FarewellAsked,
    FarewellSaid,
    FarewellTakenBack,
    Founded,
    Happened,
    NodeJoined,
    NodeLeft,
    Seated,
    Unseated,
)

HOME, NOVA = "h" * 8, "n" * 8
IMPL = Actor("web.impl@nova", NOVA, seat="impl")
SEATS = (
    Founded("web", HOME),
    NodeJoined("i", NOVA, ()),
    Seated("impl", "impl", "web.impl", NOVA),
    Seated("lead", "lead", "web.lead", HOME),
)
HOLDS = (TaskAdded(1, Wanted("one")), TaskClaimed(1, "impl"))


def board(*events: Event) -> Board:
    return grown(Board(), *SEATS, *events)


def grown(made: Board, *events: Event) -> Board:
    for event in events:
        made.fold([Happened(made.head + 1, 10.0, "", "", event)])
    return made


def test_everybody_is_asked_once_and_who_was_silent_is_asked_again() -> None:
    web = board()
    asked = ask(web, ("impl", "lead"), 10.0, 130.0)
    assert asked == (FarewellAsked("impl", 3, 130.0), FarewellAsked("lead", 4, 130.0))
    grown(web, *asked, FarewellSaid("lead", 4))
    assert ask(web, ("impl", "lead"), 20.0, 500.0) == ()
    assert ask(web, ("impl", "lead"), 131.0, 500.0) == (FarewellAsked("impl", 3, 500.0),)


def test_goodbye_frees_its_claims_and_hands_over_in_one_go() -> None:
    web = board(*HOLDS, FarewellAsked("impl", 3, 130.0))
    said = say(web, IMPL, "half done,\nsee the branch\n")
    assert said == (
        HandedOver("impl", "impl", "half done,\nsee the branch"),
        TaskReleased(1, "impl said goodbye: half done, see the branch"),
        FarewellSaid("impl", 3, (1,)),
    )
    grown(web, *said)
    assert web.tasks[1].state is TaskState.OPEN
    assert web.farewells["impl"].stage is Stage.SAID
    assert say(web, IMPL, "once more") == ()


def test_without_a_note_nothing_is_handed_over() -> None:
    web = board(*HOLDS, FarewellAsked("impl", 3, 130.0))
    assert say(web, IMPL, " \n") == (
        TaskReleased(1, "impl said goodbye"),
        FarewellSaid("impl", 3, (1,)),
    )


def test_nobody_says_goodbye_unasked_or_for_another_one() -> None:
    web = board(FarewellAsked("lead", 4, 130.0))
    with pytest.raises(WrongState, match="nobody has asked web/impl"):
        say(web, IMPL, "")
    for stranger in (Actor("operator@white", HOME, is_person=True, is_home=True),):
        with pytest.raises(MalformedRequest, match="fills no seat"):
            say(web, stranger, "")


def test_a_long_note_is_cut_where_it_is_a_tasks_reason_and_nowhere_else() -> None:
    web = board(*HOLDS, FarewellAsked("impl", 3, 130.0))
    handed, released, _ = say(web, IMPL, "x" * 5_000)
    assert isinstance(handed, HandedOver)
    assert len(handed.text) == 5_000
    assert isinstance(released, TaskReleased)
    assert len(released.why) < 250


def test_an_end_without_a_word_frees_its_claims_and_says_what_stays() -> None:
    web = board(*HOLDS, FarewellAsked("impl", 3, 130.0))
    behind = Behind("/w/impl", "web/impl", ("1 uncommitted file: a",))
    ended = empty(web, "impl", "ended without an answer", behind)
    assert ended[0] == TaskReleased(1, "ended without an answer")
    grown(web, *ended)
    assert "impl" not in web.seats
    farewell = web.farewells["impl"]
    assert (farewell.stage, farewell.behind, farewell.released) == (Stage.ENDED, behind, (1,))


def test_a_seat_that_is_filled_anew_begins_anew() -> None:
    web = board(FarewellAsked("impl", 3, 130.0), FarewellSaid("impl", 3), Unseated("impl", "bye"))
    assert web.farewells["impl"].stage is Stage.LEFT
    grown(web, Seated("impl", "impl", "web.impl", NOVA))
    assert not web.farewells
    with pytest.raises(WrongState):
        say(web, IMPL, "of the life before")


def test_who_leaves_with_its_node_is_asked_no_more_and_who_had_left_stays_told() -> None:
    web = board(FarewellAsked("impl", 3, 130.0), FarewellAsked("lead", 4, 130.0))
    grown(web, Unseated("lead", "x"), NodeLeft(NOVA, "removed"))
    assert set(web.farewells) == {"lead"}


def test_an_empty_seat_that_nobody_was_asked_to_leave_is_no_farewell() -> None:
    assert not board(Unseated("impl", "dropped")).farewells


def test_the_request_says_what_to_save_and_how_to_answer() -> None:
    web = board(*HOLDS, FarewellAsked("impl", 3, 130.0))
    text = request(web, web.farewells["impl"], 120.0)
    assert "web/impl" in text
    assert "120 s" in text
    assert "fleet team bye" in text
    assert "(T1)" in text
    grown(web, FarewellAsked("lead", 4, 130.0))
    assert "claims" not in request(web, web.farewells["lead"], 120.0)


def parting(stage: Stage | None, error: FleetError | None = None) -> Parting:
    return Parting("s", "r", "a", "n", None, stage, None, (), Behind(), error)


BROKEN = WrongState("tmux is away", hint="")


@pytest.mark.parametrize(
    ("partings", "left_s", "is_over"),
    [
        ((), 100.0, True),
        ((parting(Stage.LEFT), parting(Stage.SILENT), parting(None)), 100.0, True),
        ((parting(Stage.ASKED), parting(Stage.LEFT)), 100.0, False),
        ((parting(Stage.ASKED),), 0.0, True),  # another call gave it more time
        ((parting(Stage.SAID),), 100.0, False),
        ((parting(Stage.SAID),), 0.0, False),  # it answered: its end is worth a moment
        ((parting(Stage.SAID),), -100.0, True),
        ((parting(Stage.SAID, BROKEN),), 100.0, False),
        ((parting(Stage.SAID, BROKEN),), 0.0, True),
    ],
)
def test_how_long_it_is_worth_waiting(
    partings: tuple[Parting, ...], left_s: float, *, is_over: bool
) -> None:
    assert is_settled(partings, left_s) == is_over


def test_who_has_not_answered_may_stay_after_all_and_who_has_is_gone() -> None:
    web = board(
        FarewellAsked("impl", 3, 130.0), FarewellAsked("lead", 4, 130.0), FarewellSaid("lead", 4)
    )
    taken = stay(web, ("impl", "lead", "cook"))
    assert taken == (FarewellTakenBack("impl", 3),)
    grown(web, *taken)
    assert set(web.farewells) == {"lead"}
    with pytest.raises(WrongState, match="nobody has asked"):
        say(web, IMPL, "")
    assert ask(web, ("impl",), 20.0, 500.0) == (FarewellAsked("impl", 3, 500.0),)
    assert "need not leave" in reprieve("web", "impl")


def test_a_seat_that_is_empty_already_takes_no_step() -> None:
    web = board(FarewellAsked("impl", 3, 130.0), FarewellSaid("impl", 3), Unseated("impl", "bye"))
    before = web.farewells["impl"]
    grown(web, Unseated("impl", "once more"))
    assert web.farewells["impl"] == before
