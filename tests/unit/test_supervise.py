"""What the supervisor does on a tick: the right one is told, a step at a time, once each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.supervise import Act, Incident, Limits, SeatView, Tick, To, Trouble, tick

LIMITS = Limits(still_s=600.0, held_s=300.0)
FINE = SeatView("rin", online=True, doing="busy", holds=("T1",))


def look(*seats: SeatView, before: tuple[Incident, ...] = (), free: int = 0) -> Tick:
    return tick(seats, before, lead="lead", free=free, limits=LIMITS)


def told(done: Tick) -> list[tuple[To, Trouble]]:
    return [(act.to, act.trouble) for act in done.acts]


# fmt: off
ROWS = [
    (FINE, None),
    (replace(FINE, still_s=9_999.0), None),  # it works: long is not stuck
    (replace(FINE, doing="ready", still_s=599.0), None),
    (replace(FINE, doing="ready", still_s=600.0), (To.SEAT, Trouble.STUCK)),
    (replace(FINE, doing="dialog"), (To.LEAD, Trouble.ASKING)),
    (replace(FINE, doing="dialog", held_s=999.0), (To.LEAD, Trouble.ASKING)),  # the cause, not what follows
    (replace(FINE, held_s=300.0), (To.LEAD, Trouble.DEAF)),
    (replace(FINE, held_s=299.0), None),
    (replace(FINE, online=False), (To.LEAD, Trouble.GONE)),
    (replace(FINE, online=False, connected=False), (To.LEAD, Trouble.AWAY)),
    (replace(FINE, blocked=("T1",)), (To.LEAD, Trouble.BLOCKED)),
    (replace(FINE, doing="ready", holds=(), still_s=9_999.0), None),  # nothing to do
]
# fmt: on


@pytest.mark.parametrize(("seat", "wanted"), ROWS)
def test_each_trouble_is_told_to_whom_it_concerns_first(
    seat: SeatView, wanted: tuple[To, Trouble] | None
):
    assert told(look(seat)) == ([wanted] if wanted else [])


def test_who_is_idle_is_reminded_once_of_what_waits():
    idle = replace(FINE, doing="ready", holds=(), still_s=700.0)
    first = look(idle, free=2)
    assert first.acts == (
        Act(To.SEAT, "rin", Trouble.IDLE, "it holds nothing, and 2 tasks wait for somebody"),
    )
    assert look(idle, before=first.open, free=2).acts == ()


def test_a_trouble_that_lasts_goes_from_the_seat_to_the_lead_to_the_person_once_each():
    stuck = replace(FINE, doing="ready", still_s=700.0)
    before: tuple[Incident, ...] = ()
    steps = []
    for _ in range(5):
        done = look(stuck, before=before)
        steps.append([act.to for act in done.acts])
        before = done.open
    assert steps == [[To.SEAT], [To.LEAD], [To.PERSON], [], []]


def test_what_ended_begins_anew():
    stuck = replace(FINE, doing="ready", still_s=700.0)
    first = look(stuck)
    well = look(FINE, before=first.open)
    assert well.open == ()
    assert told(look(stuck, before=well.open)) == [(To.SEAT, Trouble.STUCK)]


def test_of_the_lead_s_own_trouble_the_person_is_told():
    gone = replace(FINE, seat="lead", online=False)
    first = look(gone)
    assert told(first) == [(To.PERSON, Trouble.GONE)]
    assert look(gone, before=first.open).acts == ()


def test_who_is_limited_is_left_alone_and_its_incidents_wait():
    stuck = replace(FINE, doing="ready", still_s=700.0)
    first = look(stuck)
    paused = look(replace(stuck, paused_s=60.0), before=first.open)
    assert paused.acts == ()
    assert paused.open == first.open
    assert told(look(stuck, before=paused.open)) == [(To.LEAD, Trouble.STUCK)]


def test_every_seat_has_a_line_that_says_why():
    done = look(FINE, replace(FINE, seat="kai", online=False))
    assert done.said == (
        ("kai", "nobody lives in it; it holds T1; the lead is told"),
        ("rin", "nothing to do"),
    )


def test_the_order_in_which_seats_are_seen_changes_nothing():
    seats = (replace(FINE, doing="dialog"), replace(FINE, seat="kai", online=False))
    assert look(*seats) == look(*reversed(seats))
