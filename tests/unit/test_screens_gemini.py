"""Gemini CLI's real screens, read with the profile we ship."""

from dataclasses import replace

import pytest

from fleet import profiles
from fleet.core.composer import Composer, composer, holds
from fleet.core.screen import asking, gate, is_busy
from tests.support.screens import Recorded, load

GEMINI = profiles.load().named("gemini")
SCREENS = {screen.name: screen for screen in load("gemini")}


@pytest.fixture(params=SCREENS.values(), ids=str)
def screen(request: pytest.FixtureRequest) -> Recorded:
    recorded: Recorded = request.param
    return recorded


def test_a_screen_is_read_as_a_person_reads_it(screen: Recorded) -> None:
    read = (
        composer(GEMINI, screen.look),
        bool(asking(GEMINI, screen.look, screen.own if screen.nonce else None)),
        is_busy(GEMINI, screen.look),
    )
    assert read == (screen.composer, screen.asking, screen.busy)


def test_our_text_is_seen_where_it_stands_and_nowhere_else(screen: Recorded) -> None:
    nonce = screen.nonce or "nobody"
    own = replace(screen, nonce=nonce).own
    assert holds(GEMINI, screen.look, own) is bool(screen.nonce)


def test_only_an_idle_and_empty_input_lets_us_type(screen: Recorded) -> None:
    is_free = screen.composer is Composer.EMPTY and not screen.asking and not screen.busy
    assert (gate(GEMINI, screen.look, "", 0.0) is None) is is_free


def test_text_like_the_placeholder_is_a_draft_once_the_cursor_is_behind_it() -> None:
    idle = SCREENS["idle-fresh"].look
    assert composer(GEMINI, idle) is Composer.EMPTY
    behind = replace(idle, cursor_x=len(idle.cursor_row))
    assert composer(GEMINI, behind) is Composer.FILLED


def test_a_dialog_quoted_in_the_conversation_is_no_question() -> None:
    quoted = SCREENS["idle-quoted-dialog"].look
    assert any("Allow execution of [Shell]?" in row for row in quoted.rows)
    assert asking(GEMINI, quoted) == ""
    assert asking(GEMINI, replace(quoted, cursor_x=0, cursor_y=0))


def test_a_permission_is_seen_without_its_title_too() -> None:
    for name in ("dialog-permission", "dialog-permission-40x12", "dialog-permission-20x5"):
        assert asking(GEMINI, replace(SCREENS[name].look, title="")), name


def test_work_is_seen_without_its_title_too() -> None:
    for name in ("busy-empty", "busy-ours", "busy-two-queued", "busy-40x12"):
        assert is_busy(GEMINI, replace(SCREENS[name].look, title="")), name
