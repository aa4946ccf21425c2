"""A seat on its node: what is done when the home asks, by what is known there, and what was agreed to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.member import Hosted, Stage, Terms, Turn, require_within, turn
from fleet.core.team import RolePlan, agreed_digest
from fleet.core.trust import Policy, Verb
from tests.support.teams import IMPL

KNOWN = Hosted("t1", "impl", "impl", "web.impl", "/w/impl", own=True, term=7, stage=Stage.LIVED)
TERMS = Terms(agreed_digest(IMPL), 2, Policy.APPROVAL, (Verb.MESSAGE, Verb.SPAWN))
ROLE = replace(IMPL, policy=Policy.APPROVAL)


@pytest.mark.parametrize(
    ("stage", "term", "lives", "todo"),
    [
        (None, 7, False, Turn.START),
        (None, 7, True, Turn.KEEP),  # a home that was put back knows it, and this node does not
        (Stage.BEGUN, 7, False, Turn.START),
        (Stage.BEGUN, 7, True, Turn.KEEP),
        (Stage.LIVED, 7, True, Turn.KEEP),
        (Stage.LIVED, 7, False, Turn.NOTHING),
        (Stage.ENDED, 7, False, Turn.NOTHING),
        (Stage.ENDED, 7, True, Turn.NOTHING),
        (Stage.LIVED, 8, False, Turn.START),
        (Stage.LIVED, 8, True, Turn.KEEP),
        (Stage.ENDED, 8, False, Turn.START),
    ],
)
def test_a_term_is_one_life(stage: Stage | None, term: int, *, lives: bool, todo: Turn) -> None:
    known = replace(KNOWN, stage=stage) if stage else None
    assert turn(known, term, lives=lives) is todo


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("lives", [True, False])
def test_an_older_term_is_too_late_whatever_became_of_the_newer(
    stage: Stage, *, lives: bool
) -> None:
    with pytest.raises(WrongState, match="this was about term 6, and 7 is known"):
        turn(replace(KNOWN, stage=stage), 6, lives=lives)


def test_what_was_agreed_to_may_live_there_up_to_its_number() -> None:
    require_within(ROLE, TERMS, 0)
    require_within(ROLE, TERMS, 1)
    require_within(replace(ROLE, policy=Policy.CLOSED), TERMS, 1)
    require_within(replace(ROLE, orders="other words", count=9), TERMS, 1)


@pytest.mark.parametrize(
    ("role", "terms", "others", "why"),
    [
        (ROLE, None, 0, "has not agreed to it"),
        (replace(ROLE, command=("sh",)), TERMS, 0, "in another form"),
        (replace(ROLE, include=(*ROLE.include, ".netrc")), TERMS, 0, "in another form"),
        (ROLE, replace(TERMS, verbs=(Verb.MESSAGE,)), 0, "lets nobody start it"),
        (replace(ROLE, policy=Policy.OPEN), TERMS, 0, "has agreed to it as approval to messages"),
        (ROLE, TERMS, 2, "has agreed to 2 of it, who live there"),
    ],
)
def test_what_goes_beyond_that_is_refused_and_says_in_what(
    role: RolePlan, terms: Terms | None, others: int, why: str
) -> None:
    with pytest.raises(NotAllowed, match=why):
        require_within(role, terms, others)
