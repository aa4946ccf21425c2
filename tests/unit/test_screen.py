"""What a look at a pane means: may we type, has it appeared, was it taken? One row for each branch."""

import re
from dataclasses import replace

import pytest

from fleet import profiles
from fleet.core.delivery import HoldReason
from fleet.core.profile import Profile
from fleet.core.screen import (
    Composer,
    Foreground,
    Hold,
    Look,
    Own,
    Tty,
    asking,
    bound,
    composer,
    fits,
    gate,
    is_busy,
    settled,
    shown,
    stands,
    taken,
)

PROFILES = profiles.load()
BASH, PYTHON = PROFILES.named("bash"), PROFILES.named("python")
PTK, GENERIC = PROFILES.named("prompt-toolkit"), PROFILES.named("generic")
# What a profile of an agent program may say: a composer in a box, with a placeholder, that takes
# input while the program works, and a program that asks.
AGENT = Profile(
    name="agent",
    title="an agent",
    prompt=re.compile(r"^\s*│ > "),
    placeholder=re.compile(r'(Try "[^"]*")?\s*│'),
    dialog=(re.compile(r"Do you want to proceed\?"), re.compile(r"^❯ 1\. Yes")),
    busy=(re.compile(r"esc to interrupt"),),
    queues_while_busy=True,
)
TOKEN = "token-1"
EMPTY_BOX = re.compile(r'(\s*│ > )(Try "[^"]*")?\s*│$')


def look(*rows: str, **changes: object) -> Look:
    """A pane of ours with these rows, the cursor behind the last one; in an empty box, in it."""
    last = rows[-1] if rows else ""
    plain = Look(
        exists=True,
        token=TOKEN,
        rows=rows,
        cursor_x=len(last),
        cursor_y=max(0, len(rows) - 1),
        tty=Tty.RAW,
    )
    seen = replace(plain, **changes)  # type: ignore[arg-type]
    box = EMPTY_BOX.match(seen.cursor_row)
    return seen if box is None or "cursor_x" in changes else replace(seen, cursor_x=box.end(1))


def own(end: str, start: str = "") -> Own:
    """A text of ours, known by its last line."""
    return Own(start, end)


DIALOG = Hold(HoldReason.DIALOG, "a question is open on its screen")
DRAFT = Hold(HoldReason.DRAFT, "somebody has typed something")
STARTING = Hold(HoldReason.STARTING, "no prompt on the screen yet")
INPUT_OFF = Hold(HoldReason.MODE, "input is switched off for the pane (select-pane -e)")
IN_MODE = Hold(HoldReason.MODE, "somebody is in copy-mode")
UNREAD = Hold(HoldReason.BUSY, "the program has not read earlier input")
NOT_READING = Hold(HoldReason.BUSY, "the program is not reading its terminal")
IN_LINE_MODE = Hold(HoldReason.BUSY, "the terminal is in line mode")
NOT_IN_FRONT = Hold(HoldReason.BUSY, "another program has the terminal")
AT_WORK = Hold(HoldReason.BUSY, "the program is at work")

# --- may we type? --------------------------------------------------------------------------------

IDLE = look("$ make", "ok", "ada@nova:~/src$")
WORKING = look("· Thinking (esc to interrupt)", "│ >  │", cursor_y=1)
OFFLINE = [
    (look(exists=False), "the pane is gone"),
    (look(token=""), "the pane belongs to another life of tmux or of an agent"),
    (look(token="token-2"), "the pane belongs to another life of tmux or of an agent"),
    (look(dead=True), "the program in the pane has ended"),
    (
        look(foreground=Foreground.SHELL),
        "the agent ended; its shell would run the message",
    ),
]


@pytest.mark.parametrize(("seen", "why"), OFFLINE)
def test_a_pane_that_is_not_this_incarnations_gets_nothing(seen: Look, why: str):
    offline = Hold(HoldReason.OFFLINE, why)
    assert bound(seen, TOKEN, is_shell=False) == offline
    assert gate(GENERIC, seen, TOKEN, 0.0) == offline


def test_a_shell_is_typed_into_only_where_it_is_the_agent():
    at_shell = replace(IDLE, foreground=Foreground.SHELL)
    assert bound(at_shell, TOKEN, is_shell=True) is None
    assert gate(BASH, at_shell, TOKEN, 0.0) is None
    assert gate(GENERIC, at_shell, TOKEN, 0.0) is not None


@pytest.mark.parametrize(
    ("profile", "seen"),
    [
        (BASH, IDLE),
        (BASH, look("root@nova:/#")),
        (BASH, look("~/src % ", "❯ ")),
        (PYTHON, look(">>> 1 + 1", "2", ">>>")),
        (PTK, look("In [1]: 1 + 1", "Out[1]: 2", "", "In [2]:")),
        (PTK, look(">>> ")),
        (PTK, look("app> ")),
        (GENERIC, look("anything at all", "with the cursor anywhere")),
        (GENERIC, look(tty=Tty.LINE)),
        (GENERIC, look(tty=Tty.UNKNOWN)),
        (AGENT, look("╭──╮", '│ > Try "fix the tests" │', cursor_y=1)),
        (AGENT, look("╭──╮", "│ >  │", "╰──╯", cursor_y=1)),
        (AGENT, WORKING),
    ],
)
def test_at_an_empty_prompt_the_way_is_free(profile: Profile, seen: Look):
    assert gate(profile, seen, TOKEN, 0.0) is None


@pytest.mark.parametrize(
    ("profile", "seen", "hold"),
    [
        (GENERIC, look(input_off=True), INPUT_OFF),
        (GENERIC, look(mode="copy-mode"), IN_MODE),
        (AGENT, look("Do you want to proceed?", "", "waiting for you"), DIALOG),
        (AGENT, look("rm -rf /?", "❯ 1. Yes", "  2. No"), DIALOG),
        (BASH, replace(IDLE, foreground=Foreground.OTHER), NOT_IN_FRONT),
        (BASH, look("$ sleep 5", "", tty=Tty.COOKED), NOT_READING),
        (GENERIC, look(tty=Tty.COOKED), NOT_READING),
        (BASH, replace(IDLE, tty=Tty.LINE), IN_LINE_MODE),
        (BASH, replace(IDLE, unread_bytes=3), UNREAD),
        (GENERIC, look(tty=Tty.LINE, unread_bytes=1), UNREAD),
        (replace(AGENT, queues_while_busy=False), WORKING, AT_WORK),
        (BASH, look("ada@nova:~$ git pu"), DRAFT),
        (PYTHON, look(">>> for x in"), DRAFT),
        (PTK, look("In [12]: %ru"), DRAFT),
        (AGENT, look("│ > please │"), DRAFT),
        (PYTHON, look(">>> for x in y:", "..."), STARTING),
        (PTK, look("Loading…"), STARTING),
        (BASH, look(), STARTING),
        (BASH, look("$ cat", "", cursor_y=1), STARTING),
    ],
)  # fmt: skip
def test_everywhere_else_a_message_waits_and_says_why(profile: Profile, seen: Look, hold: Hold):
    assert gate(profile, seen, TOKEN, 0.0) == hold


def test_a_person_may_read_in_copy_mode_for_the_profiles_grace_and_no_longer():
    reading = replace(IDLE, mode="copy-mode")
    grace_s = BASH.mode_grace_s
    assert gate(BASH, reading, TOKEN, grace_s - 0.001) is not None
    assert gate(BASH, reading, TOKEN, grace_s) is None


def test_a_question_holds_more_than_a_draft_and_copy_mode_more_than_a_question():
    seen = look("│ > a draft │", "❯ 1. Yes", "  2. No")
    assert gate(AGENT, seen, TOKEN, 0.0) == DIALOG
    held = gate(AGENT, replace(seen, mode="copy-mode"), TOKEN, 0.0)
    assert held is not None
    assert held.reason is HoldReason.MODE


# --- reading rows ----------------------------------------------------------------------------------


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


def test_a_question_is_quoted_as_its_row():
    assert asking(AGENT, look("x", "  Do you want to proceed?  ", "y")) == "Do you want to proceed?"
    assert asking(AGENT, look("do you want", "to proceed?")) == ""
    assert asking(GENERIC, look("Do you want to proceed?")) == ""


def test_work_is_seen_on_any_row():
    assert is_busy(AGENT, look("esc to interrupt", "", "│ >"))
    assert not is_busy(AGENT, look("escape", "│ >"))


# --- can it be given whole? ----------------------------------------------------------------------------

LIMIT = GENERIC.line_limit_bytes


@pytest.mark.parametrize(
    ("profile", "now", "text", "it_fits"),
    [
        (GENERIC, look("?"), "x" * GENERIC.paste_limit_bytes, True),
        (GENERIC, look("?"), "x" * (GENERIC.paste_limit_bytes + 1), False),
        (GENERIC, look("?"), "é" * (GENERIC.paste_limit_bytes // 2 + 1), False),
        (GENERIC, look("?", tty=Tty.LINE), f"{'x' * LIMIT}\n{'y' * LIMIT}", True),
        (GENERIC, look("?", tty=Tty.LINE), f"short\n{'x' * (LIMIT + 1)}\nshort", False),
        (GENERIC, look("?", tty=Tty.LINE), "é" * (LIMIT // 2 + 1), False),
        (GENERIC, look("?", tty=Tty.UNKNOWN), "x" * (LIMIT + 1), False),
        # Between two lines the terminal is a cooked one, while the program does what the first says.
        (PYTHON, look(">>>"), "x" * (LIMIT + 1), False),
        (BASH, look("$"), "x" * (LIMIT + 1), True),
    ],
)
def test_a_text_fits_when_it_is_one_paste_and_no_terminal_would_cut_a_line_of_it(
    profile: Profile, now: Look, text: str, it_fits: bool
):
    assert fits(profile, now, text) == it_fits


# --- has it appeared, was it taken? -------------------------------------------------------------------

END = "[end 7f3k2q]"
FRAME = ("$ # [fleet 7f3k2q | from neo@white | …]", "make", f"# {END}")


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
        (GENERIC, look("silent"), look("silent", ""), True),
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
