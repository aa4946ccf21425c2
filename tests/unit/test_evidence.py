"""Has a pasted text appeared, does it stand, was it taken? One row for each branch."""

from dataclasses import replace

import pytest

from fleet.core.evidence import returned, settled, shown, shows, stands, taken
from fleet.core.look import Look, Tty
from fleet.core.profile import Profile
from tests.support.looks import (
    AGENT,
    ASKED,
    BASH,
    BOXED,
    END,
    FRAME,
    GENERIC,
    OWN,
    PTK,
    RULE,
    STANDING,
    look,
    own,
)


@pytest.mark.parametrize(
    ("profile", "before", "now", "is_shown"),
    [
        (BASH, look("$"), look(*FRAME), True),
        (BASH, look("$"), look("$"), False),
        (BASH, look("$"), look("$", cursor_x=5), False),
        (BASH, look("$"), look("$ ma"), True),
        (BASH, look("$"), look("$ make", unread_bytes=4), False),
        (AGENT, look("│ >  │"), look("│ > [Pasted text +40 lines] │"), True),
        (AGENT, look("│ >  │"), look("one", "│ >  │"), True),  # the composer shows other things
        (PTK, look("In [1]:"), look("   ...:"), True),
        (GENERIC, look("?"), look("?"), False),
        (GENERIC, look("?"), look("?", cursor_x=9), True),
        (GENERIC, look("?"), look("?", cursor_y=9), True),
        (GENERIC, look("?"), look("? x", cursor_x=1), True),
        (GENERIC, look("?"), look("? x", unread_bytes=1), False),
    ],
)
def test_a_text_has_appeared_when_the_input_line_shows_it_and_nothing_is_left_unread(
    profile: Profile, before: Look, now: Look, is_shown: bool
):
    assert shown(profile, before, now) == is_shown


@pytest.mark.parametrize(
    ("profile", "typed", "now", "is_taken"),
    [
        (BASH, look(*FRAME), look(*FRAME), False),
        (BASH, look(*FRAME), look(*FRAME, "make: nothing to do", "$"), True),
        (BASH, look(*FRAME), look(*FRAME, "", tty=Tty.COOKED), True),
        (BASH, look(*FRAME), look(*FRAME, ""), False),
        (BASH, look(*FRAME), look(*FRAME, "", tty=Tty.COOKED, unread_bytes=1), False),
        (BASH, look(*FRAME), look(*FRAME, "$", unread_bytes=1), False),
        (AGENT, look(f"│ > {END} │"), look("· (esc to interrupt)", "│ > next │"), True),
        (AGENT, look(f"│ > {END} │"), look("│ > other │"), False),
        (AGENT, look("│ > [Pasted text] │"), look("> [Pasted text]", "│ >  │"), True),
        # A composer that never showed the text is no evidence while nothing else has changed.
        (AGENT, look("│ >  │"), look("│ >  │"), False),
        (AGENT, look("│ >  │"), look("a notice", "│ >  │"), False),
        (AGENT, look("│ >  │"), look(END, "│ >  │"), True),
        (GENERIC, look(END), look(END), False),
        (GENERIC, look(END), look(END, "> "), True),
        # In an editor of many lines Enter adds a line; in a cooked terminal it ends one.
        (GENERIC, look(END), look(END, "  "), False),
        (GENERIC, look(END), look(END, cursor_y=1), False),
        (GENERIC, look(END), look("", "x", END, cursor_y=0), True),
        (GENERIC, look(END), look(END, "", tty=Tty.LINE), True),
        (GENERIC, look(END), look(END, "thank you", ""), True),
        (GENERIC, look(f"> {END}"), look(f"> {END}", f"you said {END}"), False),
        (GENERIC, look("x"), look("x"), False),
        (GENERIC, look("x"), look("y", unread_bytes=1), False),
    ],
)
def test_a_text_was_taken_when_its_end_left_the_input_and_something_followed(
    profile: Profile, typed: Look, now: Look, is_taken: bool
):
    assert taken(profile, typed, now, own(END)) == is_taken


@pytest.mark.parametrize(
    ("profile", "typed", "now", "it_stands"),
    [
        (AGENT, look(f"│ > {END} │"), look("a notice", f"│ > {END} │"), True),
        (AGENT, look(f"│ > {END} │"), look("│ >  │"), False),
        (AGENT, look(f"│ > {END} │"), look("│ > half a thought │"), False),
        (AGENT, look("│ > [Pasted text] │"), look("a notice", "│ > [Pasted text] │"), True),
        (AGENT, look("│ > [Pasted text] │"), look("│ > half a thought │"), False),
        # What was never seen in the input may only be slow to appear.
        (AGENT, look("│ >  │"), look("│ > [Pasted text] │"), True),
        # Nor may Enter be pressed where it may answer a question; lines are read without being shown.
        (GENERIC, look("silent"), look("silent", ""), False),
        (GENERIC, look("silent"), look("silent", "", tty=Tty.LINE), True),
        (PTK, look("   ...: "), look("   ...: x"), True),
        (GENERIC, look(END), look(END, ""), False),
        # After a restart nothing but the end line tells whose text that is.
        (AGENT, None, look(f"│ > {END} │"), True),
        (AGENT, None, look("│ > [Pasted text] │"), False),
        (GENERIC, None, look("x"), False),
    ],
)
def test_a_text_stands_in_the_input_while_nobody_has_sent_or_replaced_it(
    profile: Profile, typed: Look | None, now: Look, it_stands: bool
):
    assert stands(profile, typed, now, own(END)) == it_stands


def test_a_text_without_an_end_stands_while_the_input_is_as_it_was():
    assert stands(BASH, look("$ ls"), look("$ ls"), own(""))
    assert not stands(BASH, look("$ ls"), look("$ rm"), own(""))


def test_a_text_whose_end_is_not_known_is_judged_by_the_rest():
    assert taken(GENERIC, look("/clear"), look(""), own(""))
    assert not taken(GENERIC, look("/clear"), look("/clear"), own(""))


@pytest.mark.parametrize(
    ("profile", "now", "is_settled"),
    [
        (BASH, look(*FRAME, "$"), True),
        (BASH, look(*FRAME), False),
        (BASH, look(*FRAME, "compiling"), False),
        (BASH, look("$", unread_bytes=1), False),
        (GENERIC, look(END, "thank you"), True),
        (GENERIC, look(END, "  "), False),
        (GENERIC, look(END, "", tty=Tty.COOKED), True),
        (GENERIC, look("x", END), False),
        (GENERIC, look("nothing", "of it"), False),
        (GENERIC, look(END, "", unread_bytes=2), False),
    ],
)
def test_after_a_restart_only_something_seen_proves_that_a_text_was_taken(
    profile: Profile, now: Look, is_settled: bool
):
    assert settled(profile, now, own(END)) == is_settled


def test_a_long_paste_of_a_persons_own_is_not_ours():
    ours, theirs = look("> [Pasted 26 lines]"), look("> [Pasted 7 lines]")
    assert stands(BOXED, ours, look("> [Pasted 26", "  lines]"), OWN)
    assert stands(BOXED, ours, STANDING, OWN)
    assert not stands(BOXED, ours, theirs, OWN)


@pytest.mark.parametrize(
    ("profile", "typed", "now", "is_back"),
    [
        (BOXED, STANDING, STANDING, True),
        (BOXED, None, STANDING, True),
        (BOXED, STANDING, look("> Type here", cursor_x=2), False),
        (BOXED, STANDING, look("> [Pasted 26 lines]"), False),  # somebody's own
        (BOXED, look("> [Pasted 26 lines]"), look("> [Pasted 26 lines]"), True),
        (BOXED, look("> [Pasted 26 lines]"), look("> [Pasted 7 lines]"), False),
        (BASH, look(*FRAME), look(*FRAME), True),
        (BASH, look(*FRAME), look(*FRAME, "$"), False),
    ],
)
def test_a_text_that_had_left_the_input_may_be_in_it_again(
    profile: Profile, typed: Look | None, now: Look, is_back: bool
):
    assert returned(profile, typed, now, OWN) is is_back


@pytest.mark.parametrize(
    ("now", "is_shown"),
    [
        (STANDING, True),
        (replace(STANDING, unread_bytes=1), False),
        (look("> Type here", cursor_x=2), False),
        (
            look("✦ still drawing", "> Type here", cursor_x=2),
            False,
        ),  # more has changed than nothing
        (look("  lo", f"  {END}"), True),
        (look("  "), False),
        (ASKED, False),
    ],
)
def test_a_text_has_appeared_in_a_box_when_the_box_is_not_empty(now: Look, is_shown: bool):
    assert shown(BOXED, look("> Type here", cursor_x=2), now) is is_shown


@pytest.mark.parametrize(
    ("now", "is_taken"),
    [
        (look(f"> {END}", "• ok", RULE, "> Type here", cursor_x=2), True),
        (STANDING, False),
        # Somebody types already: then it has to be seen as a turn above the input.
        (look(f"  {END}", RULE, "> and now", cursor_x=9), True),
        (look(RULE, "> and now"), False),
        (look(RULE, f"> {END} and", "  now"), False),
        # It asks something: its input is not seen then.
        (look(f"  {END}", "1. Yes", "2. No"), True),
        (look("1. Yes", "2. No"), False),
        (look(f"  {END}", "a picture", ""), False),
    ],
)
def test_a_text_was_taken_from_a_box_when_it_is_out_of_it(now: Look, is_taken: bool):
    assert taken(BOXED, STANDING, now, OWN) is is_taken


@pytest.mark.parametrize(
    ("now", "is_taken"),
    [
        (look("> Type here", cursor_x=2), False),  # somebody emptied it
        (look("[fleet 7f3k2q | from neo…", RULE, "> Type here", cursor_x=2), True),
        (look("[fleet 000000 | from neo…", RULE, "> Type here", cursor_x=2), False),
    ],
)
def test_an_emptied_input_is_no_evidence_until_the_text_is_seen_above_it(now: Look, is_taken: bool):
    assert taken(BOXED, STANDING, now, OWN) is is_taken
    folded = look("> [Pasted 26 lines]")
    assert taken(BOXED, folded, now, OWN), "a folded one may be shown in other words"


def test_a_text_is_shown_where_its_end_is_seen():
    assert shows(look("one", END), own(END))
    assert not shows(look("one", "[end 000000]"), own(END))
