"""opencode's screens, as they were recorded, read with the profile that is shipped."""

import json
from dataclasses import replace

import pytest

from fleet import profiles
from fleet.core.composer import Composer, Own, composer, holds
from fleet.core.delivery import HoldReason
from fleet.core.evidence import taken
from fleet.core.look import Look
from fleet.core.screen import asking, gate, is_busy
from tests.support.screens import Recorded, load

OPENCODE = profiles.load().named("opencode")
SCREENS = load("opencode")
BY_NAME = {screen.name: screen for screen in SCREENS}
OTHER = Own("[fleet zzzzzz", "[end zzzzzz]")


def _typed(look: Look, text: str) -> Look:
    """The same screen with something else in the cursor's row, and the cursor behind it."""
    before = look.cursor_row[: look.cursor_row.index("┃") + 3]
    rows = list(look.rows)
    rows[look.cursor_y] = before + text
    return replace(look, rows=tuple(rows), cursor_x=len(before + text))


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_a_recorded_screen_is_read_as_a_person_reads_it(screen: Recorded) -> None:
    assert composer(OPENCODE, screen.look) is screen.composer
    assert bool(asking(OPENCODE, screen.look)) is screen.asking
    assert is_busy(OPENCODE, screen.look) is screen.busy


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_our_text_is_found_in_the_input_where_it_stands_and_nowhere_else(screen: Recorded) -> None:
    own = screen.own if screen.nonce else OTHER
    assert holds(OPENCODE, screen.look, own) is bool(screen.nonce)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_only_an_empty_input_without_a_question_is_typed_into(screen: Recorded) -> None:
    is_free = screen.composer is Composer.EMPTY and not screen.asking
    assert (gate(OPENCODE, screen.look, "", 0) is None) is is_free


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.asking], ids=str)
def test_a_question_is_held_as_one(screen: Recorded) -> None:
    hold = gate(OPENCODE, screen.look, "", 0)
    assert hold is not None
    assert hold.reason is HoldReason.DIALOG


@pytest.mark.parametrize("row", range(29, 39))
@pytest.mark.parametrize("column", [5, 22, 90, 118])
def test_a_question_is_seen_wherever_its_hidden_cursor_was_left(row: int, column: int) -> None:
    look = replace(BY_NAME["permission"].look, cursor_x=column, cursor_y=row)
    assert asking(OPENCODE, look)
    assert composer(OPENCODE, look) is Composer.UNSEEN


def test_a_question_about_a_command_with_a_dot_like_the_input_s_is_still_one() -> None:
    rows = (
        row.replace("$ echo hi-from-tool", "$ echo a · b")
        for row in BY_NAME["permission"].look.rows
    )
    look = replace(BY_NAME["permission"].look, rows=tuple(rows), cursor_x=5, cursor_y=33)
    assert look.cursor_row.strip() == "┃"
    assert asking(OPENCODE, look)


def test_what_stands_in_the_sidebar_beside_the_input_is_not_in_it() -> None:
    for name in ("idle-sidebar-140x13", "folded-sidebar-140x13"):
        screen = BY_NAME[name]
        beside = screen.look.cursor_row.ljust(100) + "▼ Modified Files"
        rows = tuple(beside if row is screen.look.cursor_row else row for row in screen.look.rows)
        look = replace(screen.look, rows=rows)
        assert composer(OPENCODE, look) is screen.composer
        assert holds(OPENCODE, look, screen.own) is bool(screen.nonce)


@pytest.mark.parametrize("name", ["folded-short", "folded-20-lines", "busy-folded", "start-short"])
def test_something_typed_beside_our_text_is_not_sent_with_it(name: str) -> None:
    look = BY_NAME[name].look
    text = look.cursor_row.partition("┃  ")[2]
    assert holds(OPENCODE, _typed(look, text), OTHER)
    assert not holds(OPENCODE, _typed(look, f"and then {text}"), OTHER)
    assert not holds(OPENCODE, _typed(look, f"{text} now"), OTHER)


def test_a_draft_that_reads_like_the_placeholder_is_a_draft() -> None:
    shown, drafted = BY_NAME["start"], BY_NAME["start-draft-like-placeholder"]
    assert drafted.look.cursor_row.strip().startswith("┃  Ask anything")
    assert composer(OPENCODE, shown.look) is Composer.EMPTY
    assert composer(OPENCODE, drafted.look) is Composer.FILLED


def test_the_shell_that_a_bang_opens_is_not_typed_into() -> None:
    for name in ("shell-mode", "start-shell-mode"):
        hold = gate(OPENCODE, BY_NAME[name].look, "", 0, was_ready=True)
        assert hold is not None
        assert hold.reason is HoldReason.UNKNOWN


def test_an_input_that_is_empty_again_was_taken_also_by_a_program_at_work() -> None:
    own = BY_NAME["busy-folded"].own
    assert taken(OPENCODE, BY_NAME["busy-folded"].look, BY_NAME["busy-queued"].look, own)
    assert not taken(OPENCODE, BY_NAME["busy-folded"].look, BY_NAME["busy-folded"].look, own)


def test_the_plugin_is_given_to_this_process_alone() -> None:
    assert OPENCODE.hooks is not None
    given = json.loads(OPENCODE.hooks.environment["OPENCODE_CONFIG_CONTENT"])
    assert given == {"plugin": ["file://{folder}/fleet.js"]}
    assert "{tell}" in OPENCODE.hooks.files["fleet.js"]
