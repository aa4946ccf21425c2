"""What stands in an input: nothing, somebody's draft, our text."""

import pytest

from fleet.core.composer import Composer, Own, composer, holds
from fleet.core.evidence import stands
from fleet.core.look import Look
from fleet.core.profile import Profile
from tests.support.looks import (
    AGENT,
    ASKED,
    BASH,
    BOXED,
    END,
    GENERIC,
    IDLE,
    OWN,
    RULE,
    STANDING,
    look,
)


@pytest.mark.parametrize(
    ("profile", "seen", "state"),
    [
        (BASH, IDLE, Composer.EMPTY),
        (BASH, look("$ ", cursor_x=2), Composer.EMPTY),
        (BASH, look("$ ls", "$ ", cursor_y=0), Composer.FILLED),
        (BASH, look("$ ls -l"), Composer.FILLED),
        (BASH, look("total 12"), Composer.UNSEEN),
        (BASH, look("$", cursor_y=7), Composer.UNSEEN),
        (GENERIC, look("$ "), Composer.UNSEEN),
        (AGENT, look('│ > Try "edit app.py" │'), Composer.EMPTY),
        (AGENT, look('│ > Try "edit app.py" and more │'), Composer.FILLED),
    ],
)
def test_the_composer_is_what_stands_behind_the_prompt_on_the_cursors_row(
    profile: Profile, seen: Look, state: Composer
):
    assert composer(profile, seen) is state


def test_the_cursors_row_is_empty_when_it_was_not_captured():
    assert look("a", "b", cursor_y=0).cursor_row == "a"
    assert look("a", "b", cursor_y=2).cursor_row == ""


@pytest.mark.parametrize(
    ("seen", "shows"),
    [
        (look(RULE, "> Type here", cursor_x=2), Composer.EMPTY),
        (look(RULE, ">", cursor_x=2), Composer.EMPTY),
        (look(RULE, "> Type here"), Composer.FILLED),  # the cursor stands behind it: somebody's own
        (look(RULE, "> Type", "  here", cursor_x=2), Composer.FILLED),
        (look(RULE, "> one", "", "  two"), Composer.UNSEEN),  # an empty row is no row of this input
        (look(RULE, "> one", "  ", "  two"), Composer.FILLED),
        (
            look(RULE, "> one", "", cursor_x=2),
            Composer.FILLED,
        ),  # a gutter of blanks is not captured
        (look(RULE, "> one", "", cursor_x=7), Composer.FILLED),
        (look(RULE, "> one", "", cursor_x=0), Composer.UNSEEN),
        (look(RULE, ">", "  two", cursor_x=2, cursor_y=1), Composer.FILLED),  # it goes on beneath
        (look(RULE, ">", "", "  status", cursor_x=2, cursor_y=1), Composer.EMPTY),
        (look("  two", "  three"), Composer.UNSEEN),  # its first row is not on the screen
        (look("> an old turn", RULE, "  status"), Composer.UNSEEN),
        (look(RULE, "> one", "  two", cursor_y=0), Composer.UNSEEN),
    ],
)
def test_an_input_is_read_from_the_cursor_up_to_its_prompt(seen: Look, shows: Composer):
    assert composer(BOXED, seen) is shows


@pytest.mark.parametrize(
    ("seen", "it_holds"),
    [
        (STANDING, True),
        (
            look("> [fleet 7f3k2q | from neo", "  @white] hel", "  lo [end 7f", "  3k2q]"),
            True,
        ),  # narrow
        (look("  lo", f"  {END}"), True),  # the first rows are above the screen
        (look("> [Pasted 26 lines]"), True),
        (look("> [Pasted 26", "  lines]"), True),
        (look("> [Pasted 26 lines] and"), False),
        (look("  [Pasted 26 lines]"), False),
        (look("> and [fleet 7f3k2q | from neo]", f"  {END}"), False),  # typed before it
        (look("> [fleet 7f3k2q | from neo]", f"  {END} and"), False),  # behind it
        (look("> [fleet 000000 | from neo]", "  [end 000000]"), False),
        (look("> Type here", cursor_x=2), False),
        (ASKED, False),
    ],
)
def test_the_input_holds_our_text_when_it_is_there_whole_and_alone(seen: Look, it_holds: bool):
    assert holds(BOXED, seen, OWN) is it_holds
    assert stands(BOXED, None, seen, OWN) is it_holds
    assert stands(BOXED, STANDING, seen, OWN) is it_holds


def test_a_text_that_nobody_knows_the_end_of_is_not_held():
    assert not holds(BOXED, look("> /compact"), Own("/compact", ""))
    assert holds(BOXED, look("> /compact"), Own("/compact", "/compact"))


def test_decomposed_letters_are_the_same_letters():
    end = "cafe\u0301"
    assert holds(BOXED, look("> caf\u00e9"), Own(end, end))
