"""aider's screens, as they were recorded, read with the profile that is shipped."""

from dataclasses import replace

import pytest

from fleet import profiles
from fleet.core.composer import Composer, Own, composer, holds
from fleet.core.delivery import HoldReason
from fleet.core.evidence import taken
from fleet.core.look import Tty
from fleet.core.screen import asking, gate, is_busy
from tests.support.screens import Recorded, load

AIDER = profiles.load().named("aider")
SCREENS = load("aider")
BY_NAME = {screen.name: screen for screen in SCREENS}
OTHER = Own("[fleet zzzzzz", "[end zzzzzz]")
QUESTION = "Add file to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: "


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_a_recorded_screen_is_read_as_a_person_reads_it(screen: Recorded) -> None:
    assert composer(AIDER, screen.look) is screen.composer
    assert bool(asking(AIDER, screen.look)) is screen.asking
    assert is_busy(AIDER, screen.look) is screen.busy


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_our_text_is_found_in_the_input_where_it_stands_and_nowhere_else(screen: Recorded) -> None:
    own = screen.own if screen.nonce else OTHER
    assert holds(AIDER, screen.look, own) is bool(screen.nonce)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_only_an_empty_input_without_a_question_is_typed_into(screen: Recorded) -> None:
    is_free = screen.composer is Composer.EMPTY and not screen.asking
    assert (gate(AIDER, screen.look, "", 9) is None) is is_free


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.asking], ids=str)
def test_a_question_is_held_as_one(screen: Recorded) -> None:
    hold = gate(AIDER, screen.look, "", 9)
    assert hold is not None
    assert hold.reason is HoldReason.DIALOG


def test_an_answered_question_above_is_no_longer_one() -> None:
    screen = BY_NAME["busy"]
    answered = replace(screen.look, rows=(QUESTION + "n", *screen.look.rows[1:]))
    open_still = replace(screen.look, rows=(QUESTION.rstrip(), *screen.look.rows[1:]))
    assert not asking(AIDER, answered)
    assert asking(AIDER, open_still)


def test_our_text_that_fell_into_a_question_is_not_sent() -> None:
    screen = BY_NAME["text-short"]
    first = next(y for y, row in enumerate(screen.look.rows) if row.startswith("> [fleet"))
    rows = list(screen.look.rows)
    rows[first] = QUESTION + rows[first].removeprefix("> ")
    assert not holds(AIDER, replace(screen.look, rows=tuple(rows)), screen.own)


def test_a_draft_in_front_of_our_text_is_not_sent_with_it() -> None:
    screen = BY_NAME["text-short"]
    rows = tuple(row.replace("> [fleet", "> and then [fleet") for row in screen.look.rows)
    assert not holds(AIDER, replace(screen.look, rows=rows), screen.own)


def test_a_text_taller_than_the_screen_is_known_by_its_end_alone() -> None:
    screen = BY_NAME["text-10k"]
    assert holds(AIDER, screen.look, screen.own)
    assert not holds(AIDER, screen.look, OTHER)


def test_a_terminal_that_is_cooked_is_held_and_shows_that_the_text_was_taken() -> None:
    typed, after = BY_NAME["text-short"], replace(BY_NAME["busy"].look, tty=Tty.COOKED)
    hold = gate(AIDER, after, "", 9)
    assert hold is not None
    assert hold.reason is HoldReason.BUSY
    assert taken(AIDER, typed.look, after, typed.own)


def test_where_enter_adds_a_line_nothing_is_typed() -> None:
    hold = gate(AIDER, BY_NAME["idle-multiline-mode"].look, "", 9, was_ready=True)
    assert hold is not None
    assert hold.reason is HoldReason.UNKNOWN
