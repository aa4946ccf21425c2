"""What the supervisor does on a tick: the right one is told, a step at a time, once each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.nudges import To, letters
from fleet.core.supervise import PATIENCE_S, STEPS, Incident, Said, Tick, tick
from fleet.core.troubles import Limits, SeatView, Trouble, lasted

LIMITS = Limits(still_s=600.0, held_s=300.0, step_s=300.0)
NOW_S = 1_000_000.0
LEAD = SeatView("lead", online=True, doing="busy")
FINE = SeatView("rin", online=True, doing="busy", holds=("T1",), moved=7)
STUCK = replace(FINE, doing="ready", still_s=700.0)
IDLE = replace(FINE, doing="ready", holds=(), still_s=700.0)


def look(
    *seats: SeatView,
    before: tuple[Incident, ...] = (),
    free: int = 0,
    after_s: float = 0.0,
    lead: SeatView = LEAD,
) -> Tick:
    views = (*seats, lead) if lead.seat not in {one.seat for one in seats} else seats
    return tick(views, before, lead="lead", free=free, limits=LIMITS, now_s=NOW_S + after_s)


def told(done: Tick) -> list[tuple[To, Trouble]]:
    return [(act.to, act.trouble) for act in done.acts]


def said_of(done: Tick, seat: str) -> list[Said]:
    return [one for one in done.said if one.seat == seat]


def in_the_long_run(*seats: SeatView, lead: SeatView = LEAD) -> list[list[tuple[To, Trouble]]]:
    """What is done on twelve ticks, five minutes apart, while nothing changes."""
    before: tuple[Incident, ...] = ()
    steps: list[list[tuple[To, Trouble]]] = []
    for number in range(12):
        done = look(*seats, before=before, after_s=300.0 * number, lead=lead)
        steps.append(told(done))
        before = done.open
    return [step for step in steps if step]


# fmt: off
ROWS = [
    (FINE, None),
    (replace(FINE, still_s=9_999.0), None),  # it works: long is not stuck
    (replace(STUCK, still_s=599.0), None),
    (replace(STUCK, still_s=600.0), (To.SEAT, Trouble.STUCK)),
    (replace(STUCK, doing="draft"), (To.LEAD, Trouble.STUCK)),  # it would not read a reminder
    (replace(STUCK, doing="mode"), (To.LEAD, Trouble.STUCK)),
    (replace(STUCK, doing=""), None),  # its screen cannot be read
    (replace(FINE, doing="dialog"), (To.LEAD, Trouble.ASKING)),
    (replace(FINE, doing="dialog", held_s=999.0), (To.LEAD, Trouble.ASKING)),  # the cause, not what follows
    (replace(FINE, doing="unknown", still_s=600.0), (To.LEAD, Trouble.STRANGE)),
    (replace(FINE, doing="unknown", still_s=599.0), None),
    (replace(FINE, doing="starting", still_s=600.0), (To.LEAD, Trouble.STRANGE)),
    (replace(FINE, held_s=300.0), (To.LEAD, Trouble.DEAF)),
    (replace(FINE, held_s=299.0), None),
    (replace(FINE, held_s=9_999.0, held_why="busy"), None),  # it takes its mail when it is done
    (replace(STUCK, held_s=300.0, held_why="draft"), (To.LEAD, Trouble.DEAF)),
    (replace(FINE, online=False), (To.LEAD, Trouble.GONE)),
    (replace(FINE, online=False, paused_s=60.0), (To.LEAD, Trouble.GONE)),
    (replace(FINE, online=False, connected=False), (To.LEAD, Trouble.AWAY)),
    (replace(FINE, blocked=("T1",)), (To.LEAD, Trouble.BLOCKED)),
    (replace(STUCK, blocked=("T1",)), (To.LEAD, Trouble.BLOCKED)),  # it said so: no reminder
    (replace(STUCK, paused_s=60.0), None),
    (replace(FINE, doing="dialog", paused_s=60.0), (To.LEAD, Trouble.ASKING)),
    (IDLE, None),  # nothing to do
]
# fmt: on


@pytest.mark.parametrize(("seat", "wanted"), ROWS)
def test_each_trouble_is_told_to_whom_it_concerns_first(
    seat: SeatView, wanted: tuple[To, Trouble] | None
):
    done = in_the_long_run(seat)
    assert (done[0] if done else []) == ([wanted] if wanted else [])


@pytest.mark.parametrize("trouble", list(PATIENCE_S))
def test_what_may_end_by_itself_is_told_only_once_it_has_lasted(trouble: Trouble):
    seat = {
        Trouble.GONE: replace(FINE, online=False),
        Trouble.AWAY: replace(FINE, online=False, connected=False),
        Trouble.ASKING: replace(FINE, doing="dialog"),
    }[trouble]
    first = look(seat)
    assert first.acts == ()
    assert first.open == (Incident("rin", trouble, "", 0, NOW_S, NOW_S + PATIENCE_S[trouble]),)
    early = look(seat, before=first.open, after_s=PATIENCE_S[trouble] - 1)
    assert early.acts == ()
    assert "the lead will be told in 1 s" in said_of(early, "rin")[0].why
    assert told(look(seat, before=early.open, after_s=PATIENCE_S[trouble])) == [(To.LEAD, trouble)]


def test_a_trouble_that_lasts_goes_from_the_seat_to_the_lead_to_the_person_once_each():
    assert in_the_long_run(STUCK) == [
        [(To.SEAT, Trouble.STUCK)],
        [(To.LEAD, Trouble.STUCK)],
        [(To.PERSON, Trouble.STUCK)],
    ]


def test_whoever_looks_every_second_hurries_nothing():
    first = look(STUCK)
    again = look(STUCK, before=first.open, after_s=1.0)
    assert again.acts == ()
    assert again.open == first.open
    assert said_of(again, "rin")[0].why == "the lead will be told in 4 min, if it lasts"


def test_a_reminder_moves_the_screen_and_that_is_no_going_on():
    first = look(STUCK)
    moved = look(replace(STUCK, still_s=290.0), before=first.open, after_s=300.0)
    assert moved.acts == ()
    assert moved.open[0].done == 1
    assert told(look(STUCK, before=moved.open, after_s=900.0)) == [(To.LEAD, Trouble.STUCK)]


def test_who_works_after_a_reminder_or_says_something_of_its_tasks_has_gone_on():
    first = look(STUCK)
    works = look(FINE, before=first.open, after_s=300.0)
    assert works.open == ()
    assert told(look(STUCK, before=works.open, after_s=900.0)) == [(To.SEAT, Trouble.STUCK)]
    noted = replace(STUCK, moved=8)
    assert told(look(noted, before=first.open, after_s=900.0)) == [(To.SEAT, Trouble.STUCK)]


def test_who_is_idle_is_reminded_once_of_what_waits():
    first = look(IDLE, free=2)
    assert told(first) == [(To.SEAT, Trouble.IDLE)]
    (rin,) = said_of(first, "rin")
    assert rin == Said("rin", "it holds nothing, and 2 tasks wait for somebody", "it is reminded")
    answered = look(replace(IDLE, still_s=200.0), before=first.open, free=2, after_s=300.0)
    assert answered.acts == ()
    assert look(IDLE, before=answered.open, free=2, after_s=900.0).acts == ()


def test_who_takes_no_tasks_is_not_reminded_of_any():
    assert look(replace(IDLE, takes=False), free=2).acts == ()


def test_every_task_that_cannot_go_on_is_told_of_by_itself():
    one = replace(FINE, holds=("T1", "T2"), blocked=("T1",))
    first = look(one)
    assert told(first) == [(To.LEAD, Trouble.BLOCKED)]
    both = look(replace(one, blocked=("T1", "T2")), before=first.open, after_s=10.0)
    assert [(act.to, act.tasks) for act in both.acts] == [(To.LEAD, ("T2",))]


LEADS = [
    replace(LEAD, online=False),
    replace(LEAD, online=False, connected=False),
    replace(LEAD, doing="dialog"),
    replace(LEAD, doing="unknown"),
    replace(LEAD, paused_s=60.0),
]


@pytest.mark.parametrize("lead", LEADS)
def test_of_what_the_lead_cannot_read_the_person_is_told(lead: SeatView):
    assert told(look(replace(FINE, blocked=("T1",)), lead=lead)) == [(To.PERSON, Trouble.BLOCKED)]


def test_of_the_lead_s_own_trouble_the_person_is_told():
    gone = replace(LEAD, online=False)
    assert in_the_long_run(lead=gone) == [[(To.PERSON, Trouble.GONE)]]


def test_who_is_limited_is_left_alone_and_told_to_go_on_when_that_is_over():
    first = look(STUCK)
    paused = look(replace(STUCK, paused_s=900.0), before=first.open, after_s=300.0)
    assert paused.acts == ()
    assert said_of(paused, "rin")[0].saw == "its program is limited for 15 min more"
    over = look(STUCK, before=paused.open, after_s=1_200.0)
    assert told(over) == [(To.SEAT, Trouble.LIMITED)]
    again = look(STUCK, before=over.open, after_s=1_400.0)
    assert again.acts == ()
    assert told(look(STUCK, before=again.open, after_s=1_500.0)) == [(To.LEAD, Trouble.STUCK)]


def test_who_goes_on_by_itself_after_a_limit_is_told_nothing():
    paused = look(replace(STUCK, paused_s=900.0))
    assert told(paused) == []
    assert look(FINE, before=paused.open, after_s=900.0).open == ()


@pytest.mark.parametrize(
    "seat",
    [STUCK, IDLE, replace(FINE, online=False), replace(FINE, doing="dialog", blocked=("T1",))],
)
def test_who_was_asked_to_leave_is_left_alone(seat: SeatView):
    leaving = replace(seat, leaving=True)
    assert in_the_long_run(leaving) == []
    paused = look(replace(STUCK, paused_s=60.0))
    over = look(replace(STUCK, leaving=True), before=paused.open, after_s=60.0)
    assert (over.acts, over.open) == ((), ())
    assert said_of(over, "rin")[0].why == "it was asked to leave"
    assert look(replace(LEAD, leaving=True), replace(FINE, blocked=("T1",))).acts[0].to is To.PERSON


def test_what_was_told_of_a_seat_is_not_told_again_when_its_node_was_away():
    blocked = replace(FINE, blocked=("T1",))
    first = look(blocked)
    away = look(replace(blocked, connected=False), before=first.open, after_s=300.0)
    assert away.acts == ()
    assert told(look(blocked, before=away.open, after_s=310.0)) == [(To.PERSON, Trouble.BLOCKED)]


def test_a_clock_that_was_set_back_holds_nothing_up_for_ever():
    first = look(STUCK)
    back = look(STUCK, before=first.open, after_s=-90_000.0)
    assert back.acts == ()
    assert told(look(STUCK, before=back.open, after_s=-89_700.0)) == [(To.LEAD, Trouble.STUCK)]


def test_every_seat_has_a_line_that_says_why():
    done = look(STUCK, replace(FINE, seat="kai", online=False))
    assert done.said == (
        Said(
            "kai",
            "nobody lives in it; it holds T1",
            "",
            "the lead will be told in 60 s, if it lasts",
        ),
        Said("lead", "busy; holds nothing", "", "all is well"),
        Said("rin", "it holds T1 and stands still for 11 min", "it is reminded", ""),
    )


def test_what_is_said_names_the_team_and_what_can_be_done():
    seats = (STUCK, replace(FINE, seat="kai", blocked=("T4",)), replace(IDLE, seat="nik"))
    done = look(*seats, replace(FINE, seat="ida", held_s=400.0, held_why="draft"), free=1)
    to_nik, to_rin, to_lead = sorted(
        letters("site", done.acts), key=lambda one: (-len(one.seat), one.seat)
    )
    assert (to_nik.seat, to_rin.seat) == ("nik", "rin")
    assert "fleet task claim" in to_nik.text
    assert "You hold T1, and nothing has moved" in to_rin.text
    assert 'fleet task block T1 "why"' in to_rin.text
    assert to_lead.to is To.LEAD
    assert to_lead.text.splitlines()[1:3] == [
        "- site/ida: a message for it is held for 6 min (draft). fleet peek site/ida shows its screen, fleet route site/ida what is in the way.",
        "- site/kai: it cannot go on with T4. fleet task show T4 says why.",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (119.9, "119 s"), (120.0, "2 min"), (7_199.0, "119 min"), (7_200.0, "2 h")],
)
def test_lengths_of_time_fit_on_a_line(seconds: float, words: str):
    assert lasted(seconds) == words


# --- whatever is seen, in whatever order ---

SEATS = st.builds(
    SeatView,
    st.sampled_from(["lead", "rin", "kai"]),
    online=st.booleans(),
    connected=st.booleans(),
    doing=st.sampled_from(["", "ready", "busy", "dialog", "draft", "unknown", "starting"]),
    still_s=st.sampled_from([0.0, 700.0]),
    holds=st.sampled_from([(), ("T1",), ("T1", "T2")]),
    blocked=st.sampled_from([(), ("T1",)]),
    held_s=st.sampled_from([0.0, 400.0]),
    paused_s=st.sampled_from([0.0, 0.0, 60.0]),
)
ROUNDS = st.lists(
    st.tuples(
        st.lists(SEATS, unique_by=lambda one: one.seat), st.sampled_from([1.0, 300.0, 1_000.0])
    ),
    max_size=12,
)


@given(ROUNDS)
def test_each_step_of_an_incident_is_taken_once_and_in_order(
    rounds: list[tuple[list[SeatView], float]],
):
    now_s = NOW_S
    before: tuple[Incident, ...] = ()
    for seats, passed_s in rounds:
        now_s += passed_s
        done = tick(seats, before, lead="lead", free=1, limits=LIMITS, now_s=now_s)
        assert done == tick(
            reversed(seats), before, lead="lead", free=1, limits=LIMITS, now_s=now_s
        ), "the order in which seats are seen changes nothing"
        was = {one[:3]: one for one in before}
        for one in done.open:
            earlier = was.get(one[:3], one._replace(done=0))
            assert 0 <= earlier.done <= one.done <= max(1, len(STEPS[one.trouble]))
            if one.done > earlier.done > 0 and one.trouble is not Trouble.STUCK:
                assert now_s >= earlier.next_s, "no step is taken before its time"
        assert {one.seat for one in done.said} == {one.seat for one in seats}
        assert len(set(done.acts)) == len(done.acts), "nobody is told one thing twice"
        for act in done.acts:
            (view,) = (one for one in seats if one.seat == act.seat)
            if act.to is To.SEAT:
                assert view.doing == "ready", "whoever asks or is asked is not written to"
                assert not view.is_limited
        before = done.open
