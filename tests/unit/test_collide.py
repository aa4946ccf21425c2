"""What two pieces of work are to each other: one function, one file, or a place that everybody passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.core.collide import (
    NEAR_LINES,
    WHOLE,
    Block,
    Kind,
    Span,
    Touch,
    Verdict,
    Work,
    collisions,
    meeting,
    near,
    queues,
)
from fleet.core.commonplace import REMEDIES, Advice, advice_for

RENEW = Block("lease.py", Kind.FUNCTION, "Lease.renew")
TAKE = Block("lease.py", Kind.FUNCTION, "take")
IMPORTS = Block("lease.py", Kind.IMPORTS, "imports")


def work(task: str, *touches: Touch | Block) -> Work:
    return Work(task, tuple(t if isinstance(t, Touch) else Touch(t) for t in touches))


@pytest.mark.parametrize(
    ("mine", "theirs", "verdict", "blocks"),
    [
        (RENEW, RENEW, Verdict.QUEUE, (RENEW,)),
        (RENEW, TAKE, Verdict.PARALLEL, ()),
        (IMPORTS, IMPORTS, Verdict.SHARED, (IMPORTS,)),
        (RENEW, Block("lease.py"), Verdict.PARALLEL, ()),
        (Block("lease.py"), Block("lease.py"), Verdict.PARALLEL, ()),
        (Touch(RENEW, weight=0.8), Touch(RENEW, weight=0.7), Verdict.QUEUE, (RENEW,)),
        (Touch(RENEW, weight=0.5), Touch(RENEW, weight=0.9), Verdict.PARALLEL, (RENEW,)),
        (
            Touch(RENEW, (Span(4, 9),)),
            Touch(TAKE, (Span(10, 12),)),
            Verdict.QUEUE,
            (RENEW,),
        ),
        (Touch(RENEW, (Span(4, 9),)), Touch(TAKE, (Span(30, 31),)), Verdict.PARALLEL, ()),
        (Touch(RENEW, (Span(4, 9),)), Touch(RENEW, (Span(90, 91),)), Verdict.QUEUE, (RENEW,)),
        (
            Touch(Block("a.bin"), (WHOLE,)),
            Touch(Block("a.bin"), (Span(7, 7),)),
            Verdict.QUEUE,
            (Block("a.bin"),),
        ),
        (
            Touch(Block("a.txt"), (Span(70, 71),)),
            Touch(Block("a.txt"), (Span(7, 7),)),
            Verdict.PARALLEL,
            (),
        ),
    ],
)
def test_what_two_tasks_in_a_file_are_to_each_other(
    mine: Touch | Block, theirs: Touch | Block, verdict: Verdict, blocks: tuple[Block, ...]
) -> None:
    met = meeting(work("T1", mine), work("T2", theirs))
    assert met is not None
    assert (met.first, met.second, met.verdict, met.blocks) == ("T1", "T2", verdict, blocks)


def test_tasks_without_a_common_file_do_not_meet() -> None:
    assert meeting(work("T1", RENEW), work("T2", Block("roster.py"))) is None


def test_several_thin_chances_of_meeting_add_up() -> None:
    guesses = [Touch(block, weight=0.6) for block in (RENEW, TAKE)]
    met = meeting(work("T1", *guesses), work("T2", *guesses))
    assert met is not None
    assert met.verdict is Verdict.QUEUE
    assert met.likely == pytest.approx(1 - 0.64**2)


def test_a_changelog_is_shared_wherever_in_it_somebody_writes() -> None:
    sections = [Block("CHANGELOG.md", Kind.SECTION, name) for name in ("Fixed", "Added")]
    met = meeting(work("T1", sections[0]), work("T2", sections[1]))
    assert met is not None
    assert met.verdict is Verdict.SHARED
    assert [(str(one.block), one.advice) for one in met.common] == [
        ("CHANGELOG.md", Advice.CHANGELOG)
    ]


def test_a_function_of_its_own_is_graver_than_a_shared_list_beside_it() -> None:
    met = meeting(work("T1", IMPORTS, RENEW), work("T2", IMPORTS, RENEW))
    assert met is not None
    assert met.verdict is Verdict.QUEUE
    assert [one.block for one in met.common] == [IMPORTS]


def test_near_says_whether_a_conflict_is_to_be_expected() -> None:
    first, far = Touch(RENEW, (Span(4, 9),)), Touch(RENEW, (Span(40, 41),))
    close = Touch(RENEW, (Span(9 + NEAR_LINES - 1, 30),))
    for other, is_near in ((far, False), (close, True), (Touch(RENEW), False)):
        met = meeting(work("T1", first), work("T2", other))
        assert met is not None
        assert met.is_near is is_near


def test_the_gravest_comes_first_and_the_later_task_waits() -> None:
    works = [work("T3", TAKE), work("T8", RENEW), work("T6", RENEW), work("T5", RENEW)]
    found = collisions(works)
    assert [(c.first, c.second) for c in found[:3]] == [("T8", "T6"), ("T8", "T5"), ("T6", "T5")]
    assert {c.verdict for c in found[3:]} == {Verdict.PARALLEL}
    assert dict(queues(found)) == {"T6": ("T8",), "T5": ("T8", "T6")}


@pytest.mark.parametrize(("start", "is_near"), [(9, True), (11, True), (12, False)])
def test_three_lines_between_two_changes_are_enough(start: int, is_near: bool) -> None:
    assert near((Span(4, 9),), (Span(start, start),)) is is_near


spans = st.builds(
    lambda start, size: Span(start, start + size), st.integers(0, 40), st.integers(0, 9)
)


@given(spans, spans)
def test_near_is_the_same_from_both_sides_and_what_a_count_of_lines_between_says(
    one: Span, other: Span
) -> None:
    first, second = sorted((one, other))
    between = max(0, second.start - first.end)
    assert near((one,), (other,)) == near((other,), (one,)) == (between < NEAR_LINES)


touches = st.builds(
    Touch,
    st.sampled_from([RENEW, TAKE, IMPORTS, Block("lease.py"), Block("go.sum")]),
    st.lists(spans, max_size=2).map(tuple),
    st.sampled_from([0.3, 0.7, 1.0]),
)


@given(st.lists(touches, max_size=4), st.lists(touches, max_size=4))
def test_who_is_first_and_in_which_order_blocks_come_changes_nothing(
    mine: list[Touch], theirs: list[Touch]
) -> None:
    there = meeting(work("a", *mine), work("b", *theirs))
    back = meeting(work("b", *reversed(theirs)), work("a", *reversed(mine)))
    if there is None or back is None:
        assert there is back
        return
    assert (there.verdict, there.blocks, there.common, there.files, there.is_near) == (
        back.verdict, back.blocks, back.common, back.files, back.is_near,
    )  # fmt: skip
    assert there.likely == pytest.approx(back.likely)


@pytest.mark.parametrize(
    ("path", "name", "advice"),
    [
        ("CHANGELOG.md", "", Advice.CHANGELOG),
        ("docs/release_notes.rst", "1.0", Advice.CHANGELOG),
        ("history.py", "", None),
        ("docs/changelog.d/x.added.md", "", None),
        ("web/package-lock.json", "", Advice.LOCK),
        ("go.sum", "", Advice.LOCK),
        ("VERSION", "", Advice.VERSION),
        ("fleet/_version.py", "x", Advice.VERSION),
        ("fleet/__init__.py", "__version__", Advice.VERSION),
        ("fleet/__init__.py", "__all__", None),
        ("versions.py", "", None),
    ],
)
def test_places_that_everybody_passes_are_known_by_their_names(
    path: str, name: str, advice: Advice | None
) -> None:
    assert advice_for(path, name) is advice


def test_every_shared_place_has_a_remedy_and_imports_are_one() -> None:
    assert set(REMEDIES) == set(Advice)
    assert advice_for("a.py", "imports", is_imports=True) is Advice.IMPORTS
    assert str(RENEW) == "lease.py:Lease.renew"
    assert str(Block("a")) == "a"
