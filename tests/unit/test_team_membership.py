"""Who is of a team, by plain values: asked, accepted once, left, seated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.task import TaskAdded, TaskClaimed, TaskReleased, Wanted
from fleet.core.team import ANY_NODE, agreed_digest
from fleet.core.team_events import (
    Event,
    Founded,
    Happened,
    InvitationEnded,
    NodeAsked,
    NodeJoined,
    NodeLeft,
    Seated,
    Unseated,
)
from fleet.core.team_membership import (
    accept,
    ask,
    decline,
    leave,
    reseat,
    roles_for,
    run_out,
    seat,
    unseat,
    withdraw,
)
from tests.support.teams import IMPL, WEB, role, team

HOME, NOVA, KAI = "h" * 8, "n" * 8, "k" * 8
ROLES = (("impl", agreed_digest(IMPL)),)
ASKED = NodeAsked("i1", NOVA, ROLES, ("message",), 100.0)


def board(*events: Event) -> Board:
    made = Board()
    for number, event in enumerate((Founded("web", HOME), *events), 1):
        made.fold([Happened(number, 0.0, "", "", event)])
    return made


JOINED = board(ASKED, NodeJoined("i1", NOVA, ROLES))


def code(call: object, *args: object) -> str:
    with pytest.raises(FleetError) as refused:
        call(*args)  # type: ignore[operator]
    return refused.value.code


def test_a_node_is_asked_for_what_may_live_there() -> None:
    assert [one.name for one in roles_for(WEB, "nova", ())] == ["impl", "lead"]
    assert [one.name for one in roles_for(WEB, "kai", ())] == ["lead"]
    assert [one.name for one in roles_for(WEB, "nova", ("IMPL", "impl"))] == ["impl"]
    assert code(roles_for, WEB, "kai", ("impl",)) == "malformed_request"
    assert code(roles_for, WEB, "nova", ("ship",)) == "malformed_request"
    nowhere = team(role(node="white"))
    nowhere = replace(nowhere, roles=tuple(replace(r, node="white") for r in nowhere.roles))
    assert code(roles_for, nowhere, "nova", ()) == "malformed_request"


def test_a_node_that_is_asked_anew_has_one_open_invitation() -> None:
    again = replace(ASKED, invitation="i2")
    assert ask(board(), ASKED) == (ASKED,)
    assert ask(board(ASKED), again) == (InvitationEnded("i1", "asked anew"), again)
    assert ask(board(ASKED), replace(again, node=KAI)) == (replace(again, node=KAI),)


def test_a_yes_counts_once_for_that_node_in_time_and_for_just_these_roles() -> None:
    asked = board(ASKED)
    assert accept(asked, NOVA, "i1", ROLES, 99.0) == (NodeJoined("i1", NOVA, ROLES),)
    assert accept(JOINED, NOVA, "i1", ROLES, 999.0) == ()
    for one in (
        (asked, KAI, "i1", ROLES, 99.0),
        (asked, NOVA, "i1", ROLES, 100.0),
        (asked, NOVA, "i2", ROLES, 99.0),
        (asked, NOVA, "i1", (), 99.0),
        (asked, NOVA, "i1", (("impl", "other"),), 99.0),
        (JOINED, KAI, "i1", ROLES, 99.0),
        (board(ASKED, InvitationEnded("i1", "withdrawn")), NOVA, "i1", ROLES, 99.0),
        (board(ASKED, NodeJoined("i1", NOVA, ROLES), NodeLeft(NOVA, "")), NOVA, "i1", ROLES, 99.0),
    ):
        assert code(accept, *one) == "invitation_refused"


def test_a_second_yes_adds_to_the_first() -> None:
    more = NodeAsked("i2", NOVA, (("lead", "d"),), (), 100.0)
    both = board(ASKED, NodeJoined("i1", NOVA, ROLES), more)
    assert accept(both, NOVA, "i2", more.roles, 0.0) == (
        NodeJoined("i2", NOVA, (*ROLES, ("lead", "d"))),
    )


def test_a_no_ends_the_invitation_and_after_a_yes_the_membership() -> None:
    assert decline(board(ASKED), NOVA, "i1", "") == (InvitationEnded("i1", "declined"),)
    assert decline(board(ASKED), NOVA, "i1", "full") == (InvitationEnded("i1", "declined: full"),)
    assert code(decline, board(ASKED), KAI, "i1", "") == "invitation_refused"
    assert decline(JOINED, NOVA, "i1", "") == (NodeLeft(NOVA, "declined"),)
    assert decline(JOINED, KAI, "i1", "") == ()
    assert decline(JOINED, NOVA, "i0", "") == ()


def test_what_is_open_can_be_withdrawn_and_runs_out() -> None:
    assert withdraw(board(ASKED), "i1") == (InvitationEnded("i1", "withdrawn"),)
    assert code(withdraw, JOINED, "i1") == code(withdraw, board(), "i1") == "wrong_state"
    assert run_out(board(ASKED), 99.0) == ()
    assert run_out(board(ASKED), 100.0) == (InvitationEnded("i1", "ran out"),)


def test_who_goes_lets_go_of_what_it_held() -> None:
    working = board(
        NodeJoined("i1", NOVA, ROLES),
        Seated("impl", "impl", "web.impl", NOVA),
        TaskAdded(1, Wanted("one")),
        TaskClaimed(1, "impl"),
    )
    let_go = TaskReleased(1, "gone")
    assert leave(working, NOVA, "gone") == (let_go, NodeLeft(NOVA, "gone"))
    assert leave(working, KAI, "gone") == ()
    assert unseat(working, "impl", "gone") == (let_go, Unseated("impl", "gone"))
    assert code(unseat, working, "impl-2", "gone") == "wrong_state"


def test_an_agent_takes_a_free_seat_of_a_role_that_its_node_agreed_to() -> None:
    assert seat(JOINED, WEB, "neo", NOVA, "impl", "") == (Seated("impl", "impl", "neo", NOVA),)
    assert seat(JOINED, WEB, "neo", HOME, "impl", "impl-3") == (
        Seated("impl-3", "impl", "neo", HOME),
    )
    for node, wanted, named, refused in (
        (NOVA, "ship", "", "malformed_request"),
        (NOVA, "impl", "lead", "malformed_request"),
        (NOVA, "lead", "", "not_allowed"),
        (KAI, "impl", "", "not_allowed"),
    ):
        assert code(seat, JOINED, WEB, "neo", node, wanted, named) == refused
    changed = team(replace(IMPL, command=("rm",), node=ANY_NODE))
    assert code(seat, JOINED, changed, "neo", NOVA, "impl", "") == "not_allowed"


def test_a_seat_is_filled_once_and_an_agent_is_in_one() -> None:
    filled = board(
        NodeJoined("i1", NOVA, ROLES),
        *(Seated(one, "impl", f"a{n}", HOME) for n, one in enumerate(("impl", "impl-2"))),
    )
    assert seat(filled, WEB, "neo", HOME, "impl", "")[0] == Seated("impl-3", "impl", "neo", HOME)
    assert seat(filled, WEB, "a0", HOME, "impl", "") == ()
    assert seat(filled, WEB, "a0", HOME, "impl", "impl") == ()
    assert code(seat, filled, WEB, "a0", HOME, "impl", "impl-3") == "wrong_state"
    assert code(seat, filled, WEB, "neo", HOME, "impl", "impl-2") == "wrong_state"
    few = team(replace(IMPL, count=2))
    assert code(seat, filled, few, "neo", HOME, "impl", "") == "wrong_state"


def test_a_seat_gets_a_new_incarnation_where_its_role_is_agreed_to() -> None:
    seated = Seated("impl", "impl", "web.impl", NOVA)
    filled = board(ASKED, NodeJoined("i1", NOVA, ROLES), seated)
    assert reseat(filled, WEB, "impl", NOVA) == seated
    assert reseat(filled, WEB, "impl", HOME) == replace(seated, node=HOME)
    assert reseat(filled, WEB, "impl-2", NOVA) == replace(seated, seat="impl-2", agent="web.impl-2")
    assert code(reseat, filled, WEB, "impl-9", HOME) == "malformed_request"
    assert code(reseat, filled, WEB, "impl", KAI) == "not_allowed"
    changed = team(replace(IMPL, command=("other",)))
    assert code(reseat, filled, changed, "impl", NOVA) == "not_allowed"
    own = board(Seated("impl", "impl", "neo", HOME))
    assert code(reseat, own, WEB, "impl", HOME) == "wrong_state"
