"""Finished work by likeness."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from fleet.core.experience import Work
from fleet.core.words import subject
from node.store.likeness import MOST, Likeness


def work(key: str, title: str) -> Work:
    return Work(key, "rin", 0.0, title)


@pytest.fixture
def index() -> Iterator[Likeness]:
    likeness = Likeness()
    yield likeness
    likeness.close()


def test_what_shares_rare_words_comes_first(index: Likeness) -> None:
    index.learn(
        [
            work("1", "fix the lease"),
            work("2", "fix the clock"),
            work("3", "fix renewal of a lease"),
        ]
    )
    assert [like.work.key for like in index.like(subject("lease renewal"))] == ["3", "1"]


def test_nothing_is_like_it(index: Likeness) -> None:
    index.learn([work("1", "fix the lease")])
    assert index.like(subject("paint a fence")) == ()
    assert index.like(()) == ()


def test_work_is_taken_in_once(index: Likeness) -> None:
    index.learn([work("1", "lease"), work("1", "lease")])
    assert len(index.like(("lease",))) == 1


def test_letters_with_marks_are_letters(index: Likeness) -> None:
    index.learn([work("1", "Größe überprüfen"), work("2", "Grosse Sache")])
    assert [like.work.key for like in index.like(subject("größe"))] == ["1"]


def test_words_of_the_query_language_are_words(index: Likeness) -> None:
    index.learn([work("1", 'NEAR "OR" NOT col:x')])
    assert [like.work.key for like in index.like(subject("near or not"))] == ["1"]


def test_the_order_in_which_work_comes_changes_nothing() -> None:
    works = [
        work(f"{n:04}", f"lease {'renewal ' * (n % 7)}{n % 13} clock") for n in range(2 * MOST)
    ]
    turned = list(works)
    random.Random(3).shuffle(turned)
    answers = []
    for some in (works, turned):
        likeness = Likeness()
        likeness.learn(some)
        answers.append(likeness.like(subject("renewal of the lease 5")))
        likeness.close()
    assert answers[0] == answers[1]
    assert 0 < len(answers[0]) <= MOST


def test_more_equals_than_are_answered_are_all_answered(index: Likeness) -> None:
    index.learn(work(f"{n}", "lease") for n in range(MOST + 5))
    assert len(index.like(("lease",))) == MOST + 5
