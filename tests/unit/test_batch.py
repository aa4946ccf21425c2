"""Several tasks at once."""

from __future__ import annotations

from fleet.core.assign import Answer, Candidate, Job, Known, decide
from fleet.core.batch import decide_all
from fleet.core.experience import DAY_S, Experience, Work

NOW_S = 100 * DAY_S
LEASE, DOOR = Job("t1", "renew the lease again"), Job("t2", "renew the lease of a door")
RIN, KAI = Candidate("rin", "impl@white"), Candidate("kai", "impl@nova")


def known(_job: Job) -> Known:
    experience = Experience()
    experience.learn(Work("1", "impl@white", NOW_S, "renew the lease"))
    experience.learn(Work("2", "impl@nova", NOW_S, "paint a door"))
    return Known(experience, (), NOW_S, {}, {})


def test_nothing() -> None:
    assert decide_all((), [RIN], known) == ()


def test_with_room_each_is_decided_by_itself() -> None:
    wide = [Candidate("rin", "impl@white", capacity=2), KAI]
    found = decide_all((LEASE, DOOR), wide, known)
    assert found == tuple(decide(job, wide, known(job)) for job in (LEASE, DOOR))


def test_without_room_the_one_that_loses_less_goes_to_the_second_best() -> None:
    alone = [decide(job, [RIN, KAI], known(job)).who for job in (LEASE, DOOR)]
    assert alone == ["rin", "rin"]
    lease, door = decide_all((LEASE, DOOR), [RIN, KAI], known)
    assert (lease.who, door.who) == ("rin", "kai")
    assert door.answer is Answer.CHOSEN
    assert {one.who for one in door.scored} == {"rin", "kai"}


def test_who_is_left_over_is_said_to_find_no_room() -> None:
    lease, door = decide_all((LEASE, DOOR), [RIN], known)
    assert [lease.answer, door.answer].count(Answer.UNROUTABLE) == 1
    left = next(one for one in (lease, door) if one.answer is Answer.UNROUTABLE)
    assert left.reasons == (("full", 1),)


def test_what_nothing_speaks_for_takes_no_room() -> None:
    weak = Job("t3", "compose a symphony")
    lease, other = decide_all((LEASE, weak), [RIN], known)
    assert (lease.who, other.answer) == ("rin", Answer.WEAK)
