"""Claude Code's screens, as they were recorded, read with the profile that is shipped."""

import json
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from fleet import profiles
from fleet.core.composer import Composer, Own, composer, holds
from fleet.core.delivery import HoldReason
from fleet.core.evidence import taken
from fleet.core.look import Look
from fleet.core.screen import asking, gate, is_busy
from tests.support.screens import Recorded, load

PROFILES = profiles.load()
CLAUDE = PROFILES.named("claude")
SCREENS = load("claude")
BY_NAME = {screen.name: screen for screen in SCREENS}
IDLE = BY_NAME["after-turn"].look
OTHER = Own("[fleet zzzzzz", "[end zzzzzz]")
PROMPT = "❯\N{NO-BREAK SPACE}"
FOLDED_BY_A_PERSON = "draft-folded"


def _typed(text: str, cursor_x: int) -> Look:
    """An idle screen with something else behind the prompt."""
    rows = list(IDLE.rows)
    rows[IDLE.cursor_y] = PROMPT + text
    return replace(IDLE, rows=tuple(rows), cursor_x=cursor_x)


# A question that is quoted above counts, as the cursor stands in a further row of somebody's draft.
QUOTED = dict.fromkeys(
    ("draft-two-rows", "draft-with-an-empty-row"), "the draft is held, but as a question"
)


def _screens(unread: dict[str, str]) -> list[ParameterSet]:
    """All screens; of these it is known that they are not read as they should be."""
    return [
        pytest.param(s, id=s.name, marks=pytest.mark.xfail(reason=unread[s.name]))
        if s.name in unread
        else pytest.param(s, id=s.name)
        for s in SCREENS
    ]


@pytest.mark.parametrize("screen", _screens(QUOTED))
def test_a_recorded_screen_is_read_as_a_person_reads_it(screen: Recorded) -> None:
    assert composer(CLAUDE, screen.look) is screen.composer
    own = screen.own if screen.nonce else None
    assert bool(asking(CLAUDE, screen.look, own)) is screen.asking
    assert is_busy(CLAUDE, screen.look) is screen.busy


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_our_text_is_found_in_the_input_where_it_stands_and_nowhere_else(screen: Recorded) -> None:
    """A fold does not say whose it is: that it is ours follows from the input having been empty."""
    is_there = bool(screen.nonce) or screen.name == FOLDED_BY_A_PERSON
    assert holds(CLAUDE, screen.look, screen.own if screen.nonce else OTHER) is is_there


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_only_an_empty_input_without_a_question_is_typed_into(screen: Recorded) -> None:
    is_free = screen.composer is Composer.EMPTY and not screen.asking
    assert (gate(CLAUDE, screen.look, "", 0) is None) is is_free


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.asking], ids=str)
def test_a_question_is_held_as_one(screen: Recorded) -> None:
    hold = gate(CLAUDE, screen.look, "", 0)
    assert hold is not None
    assert hold.reason is HoldReason.DIALOG


@pytest.mark.parametrize("name", ["ours-short", "ours-40x12", "ours-tall-40x12", "busy-ours"])
def test_another_text_of_ours_in_the_input_is_not_this_one(name: str) -> None:
    assert not holds(CLAUDE, BY_NAME[name].look, OTHER)


def test_a_draft_in_front_of_our_text_is_not_sent_with_it() -> None:
    screen = BY_NAME["ours-short"]
    rows = tuple(
        row.replace(f"{PROMPT}[fleet", f"{PROMPT}run it[fleet") for row in screen.look.rows
    )
    assert rows != screen.look.rows
    assert not holds(CLAUDE, replace(screen.look, rows=rows), screen.own)


def test_a_fold_with_a_draft_beside_it_is_not_our_text() -> None:
    for draft in ("[Pasted text #2 +21 lines] and", "and [Pasted text #2 +21 lines]"):
        assert not holds(CLAUDE, _typed(draft, 2 + len(draft)), OTHER)


def test_a_conversation_that_quotes_a_dialog_asks_nothing() -> None:
    quoted = BY_NAME["quoted-dialog-idle"].look
    assert any("❯ 1. Yes" in row for row in quoted.rows)
    assert any("Esc to cancel" in row for row in quoted.rows)
    assert not asking(CLAUDE, quoted)
    dialog = [row for row in BY_NAME["permission-over-ours"].look.rows if row]
    rows = (*dialog[-6:], *IDLE.rows[6:])
    assert gate(CLAUDE, replace(IDLE, rows=rows), "", 0) is None


@pytest.mark.parametrize("name", ["idle-placeholder", "queued-one"])
def test_words_like_a_placeholder_are_a_draft_when_the_cursor_stands_behind_them(name: str) -> None:
    look = BY_NAME[name].look
    assert len(look.cursor_row) > len(PROMPT)
    assert composer(CLAUDE, look) is Composer.EMPTY
    assert composer(CLAUDE, replace(look, cursor_x=len(look.cursor_row))) is Composer.FILLED


def test_a_turn_in_the_conversation_and_the_mark_of_a_menu_are_no_prompt() -> None:
    for row in ("❯ ", "❯ 1. Yes", " ❯ 1. Yes", "  ❯ 1. Default"):
        look = replace(IDLE, rows=(row,), cursor_x=2, cursor_y=0)
        assert composer(CLAUDE, look) is Composer.UNSEEN


def test_an_empty_shell_mode_is_not_typed_into() -> None:
    """A paste there would be run by the shell."""
    look = BY_NAME["shell-mode"].look
    assert look.cursor_row.startswith("!")
    assert gate(CLAUDE, look, "", 0) is not None


def test_a_title_of_the_conversation_says_whether_it_works() -> None:
    look = replace(IDLE, title="⠐ Repair the build")
    assert is_busy(CLAUDE, look)
    assert not is_busy(CLAUDE, replace(IDLE, title="✳ Repair the build"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ours-short", "after-turn"),
        ("busy-ours", "queued-one"),
        ("busy-ours-folded", "queued-two"),
        ("ours-40x12", "after-turn-40x12"),
    ],
)
def test_a_text_that_left_the_input_was_taken(before: str, after: str) -> None:
    typed = BY_NAME[before]
    assert taken(CLAUDE, typed.look, BY_NAME[after].look, typed.own)


def test_a_text_that_a_question_covers_was_not_taken_and_is_not_there_for_enter() -> None:
    """Seen: the text comes back into the input when the question is answered."""
    typed, covered = BY_NAME["busy-ours"], BY_NAME["permission-over-ours"].look
    assert not holds(CLAUDE, covered, typed.own)
    assert not taken(CLAUDE, typed.look, covered, typed.own)


def test_the_settings_for_one_process_name_one_hook_for_each_turn() -> None:
    assert CLAUDE.hooks is not None
    (name,) = CLAUDE.hooks.files
    assert CLAUDE.hooks.arguments == ("--settings", "{folder}/" + name)
    (turn,) = json.loads(CLAUDE.hooks.files[name])["hooks"]["UserPromptSubmit"]
    assert turn["hooks"] == [{"type": "command", "command": "{tell}"}]


def test_it_is_recognised_by_its_process() -> None:
    assert PROFILES.recognise("claude", ("claude", "--continue")) is CLAUDE
