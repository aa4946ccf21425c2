"""Codex CLI's screens, as they were recorded, read with the profile that is shipped."""

import json
import tomllib
from dataclasses import replace
from hashlib import sha256

import pytest

from fleet import profiles
from fleet.core.composer import Composer, Own, composer, holds
from fleet.core.delivery import HoldReason
from fleet.core.evidence import taken
from fleet.core.look import Look
from fleet.core.screen import asking, gate, is_busy
from tests.support.screens import Recorded, load

CODEX = profiles.load().named("codex")
SCREENS = load("codex")
BY_NAME = {screen.name: screen for screen in SCREENS}
IDLE = BY_NAME["idle_after_turn"].look
PROMPT = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
OTHER = Own("[fleet zzzzzz", "[end zzzzzz]")


def _with(look: Look, *rows: str) -> Look:
    """The same screen with other rows at its top: a conversation."""
    return replace(look, rows=(*rows, *look.rows[len(rows) :]))


def _typed(text: str, cursor_x: int) -> Look:
    """An idle screen with something else behind the prompt."""
    rows = list(IDLE.rows)
    rows[IDLE.cursor_y] = PROMPT + text
    return replace(IDLE, rows=tuple(rows), cursor_x=cursor_x)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_a_recorded_screen_is_read_as_a_person_reads_it(screen: Recorded) -> None:
    assert composer(CODEX, screen.look) is screen.composer
    assert bool(asking(CODEX, screen.look)) is screen.asking
    assert is_busy(CODEX, screen.look) is screen.busy


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_our_text_is_found_in_the_input_where_it_stands_and_nowhere_else(screen: Recorded) -> None:
    assert holds(CODEX, screen.look, screen.own if screen.nonce else OTHER) is bool(screen.nonce)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_only_an_empty_input_without_a_question_is_typed_into(screen: Recorded) -> None:
    is_free = screen.composer is Composer.EMPTY and not screen.asking
    is_free &= screen.name != "early_composer"  # the questions of its start come later
    assert (gate(CODEX, screen.look, "", 0) is None) is is_free


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.asking], ids=str)
def test_a_question_is_held_as_one(screen: Recorded) -> None:
    hold = gate(CODEX, screen.look, "", 0)
    assert hold is not None
    assert hold.reason is HoldReason.DIALOG


def test_another_text_of_ours_in_the_input_is_not_this_one() -> None:
    for name in ("own_short", "own_20_lines", "own_45_lines_scrolled", "busy_own"):
        assert not holds(CODEX, BY_NAME[name].look, OTHER)


def test_a_draft_in_front_of_our_text_is_not_sent_with_it() -> None:
    screen = BY_NAME["own_short"]
    rows = tuple(
        row.replace(f"{PROMPT}[fleet", f"{PROMPT}and then [fleet") for row in screen.look.rows
    )
    assert not holds(CODEX, replace(screen.look, rows=rows), screen.own)


def test_a_conversation_that_quotes_a_dialog_asks_nothing() -> None:
    quoted = _with(
        IDLE,
        PROMPT + "1. Yes, proceed (y)",
        "  Would you like to run the following command?",
        "  Press enter to confirm or esc to cancel",
        "  enter select · esc back",
        "❯ 1. Yes",
    )
    assert not asking(CODEX, quoted)
    assert gate(CODEX, quoted, "", 0) is None


def test_a_conversation_that_ends_in_our_text_is_not_the_input() -> None:
    screen = BY_NAME["just_submitted_1"]
    assert any("[end yvsz4z]" in row for row in screen.look.rows)
    assert not holds(CODEX, screen.look, Own("[fleet yvsz4z", "[end yvsz4z]"))


def test_words_like_the_placeholder_are_a_draft_when_the_cursor_stands_behind_them() -> None:
    words = "Ask Codex to do anything"
    assert composer(CODEX, _typed(words, 2)) is Composer.EMPTY
    assert composer(CODEX, _typed(words, 2 + len(words))) is Composer.FILLED


def test_a_draft_that_begins_like_a_choice_is_held() -> None:
    assert gate(CODEX, _typed("1. first do this", 18), "", 0) is not None


def test_a_title_that_asks_holds_whatever_the_rows_show() -> None:
    assert asking(CODEX, replace(IDLE, title="[ . ] Action Required | work"))


@pytest.mark.parametrize("name", ["dialog_model", "dialog_permissions", "dialog_hooks_review"])
def test_the_hidden_cursor_on_the_chosen_row_of_a_dialog_is_at_no_prompt(name: str) -> None:
    """Where codex parks it after the choice was moved, at the right edge."""
    look = BY_NAME[name].look
    chosen = next(i for i, row in enumerate(look.rows) if row.startswith(PROMPT + "1. "))
    parked = replace(look, cursor_x=120, cursor_y=chosen)
    assert asking(CODEX, parked)
    assert composer(CODEX, parked) is Composer.UNSEEN


def test_an_empty_shell_mode_is_not_typed_into() -> None:
    """A paste there would be run by the shell."""
    look = BY_NAME["shell_mode_empty"].look
    assert look.cursor_row.startswith("!")
    assert gate(CODEX, look, "", 0) is not None


@pytest.mark.parametrize(
    ("after", "nonce"),
    [("busy_steered", "c292fh"), ("busy_pending_steer", "6e39hc"), ("busy_queued", "y95q49")],
)
def test_a_text_that_codex_queues_was_taken(after: str, nonce: str) -> None:
    typed, own = BY_NAME["busy_own"], Own(f"[fleet {nonce}", f"[end {nonce}]")
    assert taken(CODEX, typed.look, BY_NAME[after].look, own)
    assert not taken(CODEX, typed.look, BY_NAME[after].look, OTHER), "emptied by somebody"


def test_a_text_still_in_the_input_was_not_taken() -> None:
    typed = BY_NAME["own_20_lines"]
    moved = replace(typed.look, title="⠋ work")
    assert not taken(CODEX, typed.look, moved, typed.own)


def test_the_hook_is_one_command_for_every_agent_and_its_hash_is_that_of_the_profile() -> None:
    """Codex hashes the hook as JSON with sorted keys; a wrong hash opens a question at the start."""
    assert CODEX.hooks is not None
    hook, trust = (tomllib.loads(CODEX.hooks.arguments[at])["hooks"] for at in (1, 3))
    command = hook["UserPromptSubmit"][0]["hooks"][0]
    assert "{" not in command["command"]
    identity = {"event_name": "user_prompt_submit", "hooks": [{"async": False, **command}]}
    digest = sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode())
    (state,) = trust["state"].values()
    assert state == {"trusted_hash": f"sha256:{digest.hexdigest()}"}
