"""What a look at a pane means: may we type, has it appeared, was it taken? One row for each branch."""

import re
from dataclasses import replace

import pytest

from fleet import profiles
from fleet.core.delivery import HoldReason
from fleet.core.profile import Profile, Unknown
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
    holds,
    is_busy,
    returned,
    settled,
    shown,
    shows,
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


# --- an input of several rows ------------------------------------------------------------------------

# What a profile of an agent program says that shows its input in a box, folds what is long, and has
# a title of its own.
BOXED = Profile(
    name="boxed",
    title="an agent with a box",
    prompt=re.compile(r"^> "),
    continuation=re.compile(r"^  "),
    placeholder=re.compile(r"Type here"),
    folded=re.compile(r"\[Pasted \d+ lines\]"),
    dialog=(re.compile(r"^ *1\. Yes"),),
    dialog_title=re.compile(r"Action Required"),
    busy_title=re.compile(r"^✦"),
    queues_while_busy=True,
)
RULE = "────"
OWN = Own("[fleet 7f3k2q", END)
STANDING = look(RULE, "> [fleet 7f3k2q | from neo@white]", "  hello", f"  {END}")
ASKED = look("1. Yes", "2. No", "", cursor_x=1)


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


def test_a_text_that_nobody_knows_the_end_of_is_not_held():
    assert not holds(BOXED, look("> /compact"), Own("/compact", ""))
    assert holds(BOXED, look("> /compact"), Own("/compact", "/compact"))


def test_decomposed_letters_are_the_same_letters():
    end = "cafe\u0301"
    assert holds(BOXED, look("> caf\u00e9"), Own(end, end))


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


def test_a_prompt_that_is_there_too_early_is_no_prompt():
    early = replace(BOXED, starting=(re.compile("loading"),))
    held = gate(early, look("loading", "> "), TOKEN, 0.0)
    assert held is not None
    assert held.reason is HoldReason.STARTING
    assert gate(early, look("loaded", "> "), TOKEN, 0.0) is None
    # Later somebody has said such a row: it must not stop the mail.
    assert gate(early, look("loading", "> "), TOKEN, 0.0, was_ready=True) is None


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


def test_an_unknown_screen_is_starting_until_the_prompt_was_there_once():
    seen = look("a picture", "")
    starting = gate(BOXED, seen, TOKEN, 0.0)
    unknown = gate(BOXED, seen, TOKEN, 0.0, was_ready=True)
    assert (starting and starting.reason, unknown and unknown.reason) == (
        HoldReason.STARTING,
        HoldReason.UNKNOWN,
    )
    assert gate(replace(BOXED, unknown=Unknown.TYPE), seen, TOKEN, 0.0, was_ready=True) is None


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


def test_a_text_is_shown_where_its_end_is_seen():
    assert shows(look("one", END), own(END))
    assert not shows(look("one", "[end 000000]"), own(END))
