"""What a look at a pane means: may we type? One row for each branch."""

import re
from dataclasses import replace

import pytest

from fleet.core.delivery import HoldReason
from fleet.core.evidence import stands
from fleet.core.look import Foreground, Look, Tty
from fleet.core.profile import Profile, Unknown
from fleet.core.screen import Hold, asking, bound, fits, gate, is_busy
from tests.support.looks import (
    AGENT,
    ASKED,
    BASH,
    BOXED,
    DIALOG,
    END,
    GENERIC,
    IDLE,
    OWN,
    PTK,
    PYTHON,
    RULE,
    TOKEN,
    look,
)

DRAFT = Hold(HoldReason.DRAFT, "somebody has typed something")
STARTING = Hold(HoldReason.STARTING, "no prompt on the screen yet")
INPUT_OFF = Hold(HoldReason.MODE, "input is switched off for the pane (select-pane -e)")
IN_MODE = Hold(HoldReason.MODE, "somebody is in copy-mode")
UNREAD = Hold(HoldReason.BUSY, "the program has not read earlier input")
NOT_READING = Hold(HoldReason.BUSY, "the program is not reading its terminal")
IN_LINE_MODE = Hold(HoldReason.BUSY, "the terminal is in line mode")
NOT_IN_FRONT = Hold(HoldReason.BUSY, "another program has the terminal")
AT_WORK = Hold(HoldReason.BUSY, "the program is at work")
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


def test_a_prompt_that_is_there_too_early_is_no_prompt():
    early = replace(BOXED, starting=(re.compile("loading"),))
    held = gate(early, look("loading", "> "), TOKEN, 0.0)
    assert held is not None
    assert held.reason is HoldReason.STARTING
    assert gate(early, look("loaded", "> "), TOKEN, 0.0) is None
    # Later somebody has said such a row: it must not stop the mail.
    assert gate(early, look("loading", "> "), TOKEN, 0.0, was_ready=True) is None


def test_an_unknown_screen_is_starting_until_the_prompt_was_there_once():
    seen = look("a picture", "")
    starting = gate(BOXED, seen, TOKEN, 0.0)
    unknown = gate(BOXED, seen, TOKEN, 0.0, was_ready=True)
    assert (starting and starting.reason, unknown and unknown.reason) == (
        HoldReason.STARTING,
        HoldReason.UNKNOWN,
    )
    assert gate(replace(BOXED, unknown=Unknown.TYPE), seen, TOKEN, 0.0, was_ready=True) is None


# --- does it ask, does it work? -----------------------------------------------------------------


def test_a_question_is_quoted_as_its_row():
    assert asking(AGENT, look("x", "  Do you want to proceed?  ", "y")) == "Do you want to proceed?"
    assert asking(AGENT, look("do you want", "to proceed?")) == ""
    assert asking(GENERIC, look("Do you want to proceed?")) == ""


@pytest.mark.parametrize(
    ("seen", "question"),
    [
        (ASKED, "1. Yes"),
        (look("1. Yes", RULE, "> Type here", cursor_x=2), ""),  # said in the conversation
        (look("> ", title="✋ Action Required"), "✋ Action Required"),
        (look("nothing", ""), ""),
    ],
)
def test_no_row_is_a_question_while_the_cursor_stands_at_the_prompt(seen: Look, question: str):
    assert asking(BOXED, seen) == question
    held = gate(BOXED, seen, TOKEN, 0.0)
    assert (held == DIALOG) is bool(question)


def test_our_own_text_in_the_input_may_quote_a_question():
    quoting = look("> [fleet 7f3k2q | from neo]", "  1. Yes", f"  {END}")
    assert asking(BOXED, quoting) == "1. Yes"
    assert not asking(BOXED, quoting, OWN)
    assert asking(BOXED, ASKED, OWN) == "1. Yes"
    assert asking(BOXED, replace(quoting, title="✋ Action Required"), OWN)
    assert asking(AGENT, look("❯ 1. Yes", END), OWN), (
        "without a gutter nobody knows whose row it is"
    )


def test_work_is_seen_on_any_row():
    assert is_busy(AGENT, look("esc to interrupt", "", "│ >"))
    assert not is_busy(AGENT, look("escape", "│ >"))


def test_a_title_tells_work():
    assert is_busy(BOXED, look(">", title="✦ Working"))
    assert not is_busy(BOXED, look(">", title="◇ Ready"))


def test_a_text_in_the_input_that_speaks_of_work_is_no_work():
    profile = replace(BOXED, busy=(re.compile(r"^  esc to interrupt"),))
    quoting = look(RULE, "> [fleet 7f3k2q | from neo]", "  esc to interrupt", f"  {END}")
    assert stands(profile, None, quoting, OWN)
    assert not is_busy(profile, quoting)
    assert is_busy(profile, replace(quoting, rows=(*quoting.rows, RULE, "  esc to interrupt")))
    assert is_busy(profile, look("  esc to interrupt", RULE, "> one", "  two"))
    assert is_busy(profile, look("  esc to interrupt", "  two"))


def test_a_row_that_tells_work_counts_near_the_input_and_only_if_no_title_says_otherwise():
    works = replace(BOXED, busy=(re.compile("esc to stop"),))
    far = look("esc to stop", *["said"] * 9, RULE, ">", cursor_x=2)
    near = look("esc to stop", *["said"] * 5, RULE, ">", cursor_x=2)
    assert is_busy(works, near)
    assert not is_busy(works, far)
    assert is_busy(works, look(RULE, ">", RULE, "esc to stop", cursor_x=2, cursor_y=1))
    assert is_busy(works, look("esc to stop", "", "a picture", cursor_y=2))
    idle = replace(works, idle_title=re.compile("Ready"))
    assert not is_busy(idle, replace(near, title="◇ Ready"))
    assert is_busy(idle, replace(near, title="a shell"))


# --- can it be given whole? ---------------------------------------------------------------------
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
