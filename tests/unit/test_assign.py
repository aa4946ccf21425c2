"""Who should do a task, as decided from what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.assign import (
    Answer,
    Candidate,
    Decision,
    Job,
    Known,
    Outcomes,
    barred,
    decide,
    signals,
)
from fleet.core.competence import SIGNALS
from fleet.core.experience import DAY_S, Experience, Like, Work
from fleet.core.team import Skill

NOW_S = 100 * DAY_S
JOB = Job("t1", "renew the lease")
RIN = Candidate("rin", "impl@white")
KAI = Candidate("kai", "docs@nova")
DONE = Work("1", "impl@white", NOW_S - DAY_S, "renew the lease after suspend", ("node/lease.py",))
OTHER = Work("2", "docs@nova", NOW_S - DAY_S, "write the tutorial", ("docs/tutorial.md",))


def known(*works: Work, **changes: object) -> Known:
    experience = Experience()
    for work in works:
        experience.learn(work)
    likes = tuple(Like(work, 1.0) for work in works if "lease" in work.title)
    return replace(Known(experience, likes, NOW_S, {}, {}), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("job", "candidate", "why"),
    [
        (JOB, RIN, ""),
        (JOB, replace(RIN, is_alive=False), "dead"),
        (JOB, replace(RIN, is_trusted=False), "not-trusted"),
        (replace(JOB, never=frozenset({"rin"})), RIN, "excluded"),
        (replace(JOB, pinned="kai"), RIN, "excluded"),
        (replace(JOB, pinned="rin"), RIN, ""),
        (JOB, replace(RIN, running=1), "full"),
        (JOB, replace(RIN, capacity=0), "full"),
        (JOB, replace(RIN, has_repository=False), "no-repo"),
        (JOB, replace(RIN, has_repository=False, may_clone=True), ""),
        (replace(JOB, needs=frozenset({"gpu", "docker"})), RIN, "lacks:docker"),
        (replace(JOB, needs=frozenset({"gpu"})), replace(RIN, tags=frozenset({"gpu"})), ""),
        (replace(JOB, held_by=("T12",)), RIN, "same-function:T12"),
    ],
)
def test_hard_filters(job: Job, candidate: Candidate, why: str) -> None:
    assert barred(job, candidate) == why


def test_who_did_the_like_is_chosen() -> None:
    decision = decide(JOB, [KAI, RIN], known(DONE, OTHER))
    assert (decision.answer, decision.who) == (Answer.CHOSEN, "rin")
    assert decision.likes[0].work is DONE
    assert [one.who for one in decision.scored] == ["rin", "kai"]
    assert decision.scored[0].total == 0.0


def test_the_order_of_candidates_changes_nothing() -> None:
    one = decide(JOB, [KAI, RIN], known(DONE, OTHER))
    assert one == decide(JOB, [RIN, KAI], known(OTHER, DONE))


def test_nobody_is_left() -> None:
    dead = replace(KAI, is_alive=False)
    decision = decide(JOB, [replace(RIN, running=1), dead, replace(dead, seat="nova")], known(DONE))
    assert (decision.answer, decision.who, decision.scored) == (Answer.UNROUTABLE, "", ())
    assert decision.reasons == (("dead", 2), ("full", 1))


def test_nothing_speaks_for_the_best() -> None:
    decision = decide(replace(JOB, title="paint the fence green"), [RIN, KAI], known(DONE, OTHER))
    assert decision.answer is Answer.WEAK


def test_what_somebody_says_of_itself_speaks_for_it() -> None:
    skill = Skill("paint", "Painting", "paints fences", ("fence",))
    decision = decide(
        replace(JOB, title="paint the fence green"), [RIN, replace(KAI, skills=(skill,))], known()
    )
    assert (decision.answer, decision.who) == (Answer.CHOSEN, "kai")


TWIN = replace(RIN, seat="rin-2")


@pytest.mark.parametrize(
    ("one", "other", "who"),
    [
        (
            replace(RIN, capacity=4, running=2),
            replace(TWIN, capacity=4, running=2, idle_s=9.0),
            "rin-2",
        ),
        (replace(RIN, idle_s=5.0), replace(TWIN, idle_s=1.0), "rin"),
    ],
)
def test_equals_go_by_what_they_have_to_do(one: Candidate, other: Candidate, who: str) -> None:
    decision = decide(JOB, [one, other], known(DONE))
    assert (decision.answer, decision.who) == (Answer.CONTESTED, who)


def test_between_true_equals_chance_is_the_same_everywhere_and_favours_nobody() -> None:
    def winner(key: str) -> str:
        return decide(replace(JOB, key=key), [RIN, TWIN], known(DONE)).who

    won = [winner(f"t{n}") for n in range(40)]
    assert won == [winner(f"t{n}") for n in range(40)]
    assert 10 < won.count("rin") < 30


def parts(decision: Decision, who: str) -> dict[str, float]:
    return dict(next(one.lost for one in decision.scored if one.who == who))


def test_every_signal_is_in_the_table() -> None:
    measured = signals(JOB, [RIN, KAI], known(DONE, OTHER))
    assert set(measured) == set(SIGNALS)


def test_who_handed_work_back_loses_points() -> None:
    bad = {"docs@nova": Outcomes(0.0, 4.0)}
    assert parts(decide(JOB, [RIN, KAI], known(DONE, OTHER, outcomes=bad)), "kai")["outcomes"] < 0


def test_who_alone_can_do_other_work_is_spared() -> None:
    decision = decide(JOB, [RIN, TWIN], known(DONE, only_for={"rin": 3}))
    assert decision.who == "rin-2"
    assert parts(decision, "rin")["rarity"] < 0


def test_who_has_to_clone_loses_points() -> None:
    far = replace(TWIN, has_repository=False, may_clone=True)
    assert decide(JOB, [RIN, far], known(DONE)).who == "rin"


def test_what_is_declared_counts_less_the_more_is_known() -> None:
    skill = Skill("lease", "Leases", "renew a lease", ())
    sayer = replace(KAI, skills=(skill,))
    cold = parts(decide(JOB, [RIN, sayer], known()), "rin")["declared"]
    many = [
        Work(f"x{n}", who, NOW_S - DAY_S, "any work")
        for n in range(30)
        for who in ("impl@white", "docs@nova")
    ]
    many = [w._replace(key=f"{w.key}{w.who}") for w in many]
    warm = parts(decide(JOB, [RIN, sayer], known(*many)), "rin")["declared"]
    assert cold < warm == 0.0


def test_a_task_without_words_is_for_anybody_and_weak() -> None:
    assert decide(replace(JOB, title="?"), [RIN], known(DONE)).answer is Answer.WEAK
