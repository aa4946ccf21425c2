"""What goes to a terminal and what does not: no control character, colours only where wanted."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.cli.terminal import GREEN, Terminal, plain
from tests.support.door import AGENT, STATUS, Line, done, receipt, scripted
from tests.support.pty_command import on_terminal

ESCAPE = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal() -> Terminal:
    return Terminal({}, as_json=False)


# --- text that cannot steer a terminal ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\u{1b}[2J"),
        ("\x1b]52;c;aGk=\x07", r"\u{1b}]52;c;aGk=\u{7}"),
        ("a\rb\bc", r"a\u{d}b\u{8}c"),
        ("\x9b31m", r"\u{9b}31m"),
        ("\x7f\x00", r"\u{7f}\u{0}"),
        ("abc\u202edcba", r"abc\u{202e}dcba"),
        ("\u2066rin\u2069\u061c", r"\u{2066}rin\u{2069}\u{61c}"),
        ("r\u200bi\u00adn\ufeff", r"r\u{200b}i\u{ad}n\u{feff}"),
        ("\U000e0041", r"\u{e0041}"),
        ("\u2028", r"\u{2028}"),
    ],
)
def test_what_could_steer_a_terminal_or_hide_is_made_visible(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab",
        "ümläut 漢字　ไทย",
        "👩\u200d💻",
        "\u0645\u06cc\u200c\u062e",
        "l’été\u00a0!",
    ],
)
def test_what_languages_need_stays(text: str) -> None:
    assert plain(text) == text


@given(st.text())
def test_no_text_has_a_control_character_left_and_twice_is_once(text: str) -> None:
    shown = plain(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert plain(shown) == shown


# --- colours and streams ---

ANSWERS: dict[str, list[Line]] = {
    "ls": [done([AGENT, {**AGENT, "state": "offline"}])],
    "send": [done(receipt())],
    "status": [done(STATUS)],
    "grants": [
        {"error": {"code": "x", "message": "no", "hint": "yes", "layer": "name"}, "exit": 3}
    ],
}


@pytest.mark.parametrize("words", ["ls", "send rin x", "status", "grants", "send"])
def test_colours_are_for_terminals_and_for_those_who_want_them(words: str) -> None:
    with scripted(ANSWERS) as (home, _):
        assert ESCAPE.search(on_terminal(home, *words.split()))
        assert b"\x1b" not in on_terminal(home, *words.split(), NO_COLOR="1")
        assert b"\x1b" not in on_terminal(home, *words.split(), TERM="dumb")
        said = home.run(*words.split())
        assert "\x1b" not in said.out + said.err


def test_json_has_no_colours_on_a_terminal_either() -> None:
    with scripted(ANSWERS) as (home, _):
        for words in ("ls", "status", "grants", "send rin x"):
            shown = on_terminal(home, *words.split(), "--json")
            assert shown.startswith((b"{", b"["))
            assert b"\x1b" not in shown


def test_paint_is_for_a_terminal_only(terminal: Terminal) -> None:
    assert terminal.paint("ready", GREEN) == "ready"
    terminal.out_is_tty = True
    assert terminal.paint("ready", GREEN) == "\x1b[32mready\x1b[m"


def test_json_is_ascii_so_that_every_locale_can_carry_it() -> None:
    with scripted({"whoami": [done({"identity": "ümläut \x1b 漢"})]}) as (home, _):
        said = home.run("whoami", "--json")
    assert said.out.isascii()
    assert said.json == {"identity": "ümläut \x1b 漢"}


def test_what_the_locale_cannot_show_is_escaped_and_no_reason_to_fail() -> None:
    with scripted({"whoami": [done({"identity": "ü漢"})]}, PYTHONIOENCODING="ascii") as (home, _):
        said = home.run("whoami")
    assert (said.code, said.out) == (0, "\\xfc\\u6f22\n")


def test_what_is_said_beside_the_answer_goes_to_standard_error() -> None:
    with scripted({"grants": [done([])], "ls": [done([])], "inbox": [done([])]}) as (home, _):
        for command in ("grants", "ls", "inbox"):
            said = home.run(command)
            assert (said.code, said.out) == (0, "")
            assert said.err
            told = home.run(command, "--json")
            assert (told.json, told.err) == ([], "")


def test_progress_is_shown_to_those_who_watch_and_is_gone_at_the_end() -> None:
    timeline = [{"state": "queued"}, {"state": "accepted"}, {"state": "held", "reason": "dialog"}]
    held = receipt(state="held", reason="dialog")
    seen = threading.Event()
    progress = {**held, "timeline": timeline}
    with scripted({"send": [{"progress": progress}, seen, done(held, 5)]}) as (home, _):
        words = ("send", "rin", "x")
        shown = on_terminal(home, *words, until=(b"a question is open on its screen", seen))
        passed, _, rest = shown.rpartition(b"\r\x1b[K")
        assert b"queued > accepted > held(dialog)  a question is open on its screen" in passed
        assert b"\n" not in passed, "one line, in place"
        assert rest.lstrip().startswith(b"\x1b[33mheld")
        assert "\r" not in home.run(*words).err
        assert b"\r" not in on_terminal(home, *words, "--json")


@pytest.mark.parametrize(
    ("as_json", "term", "is_tty", "shown"),
    [
        (False, "xterm", True, True),
        (True, "xterm", True, False),
        (False, "dumb", True, False),
        (False, "xterm", False, False),
    ],
)
def test_progress_is_for_a_person_at_a_terminal_that_can_erase(
    *, as_json: bool, term: str, is_tty: bool, shown: bool
) -> None:
    terminal = Terminal({"TERM": term}, as_json=as_json)
    terminal.err_is_tty = is_tty
    assert terminal.shows_progress is shown
