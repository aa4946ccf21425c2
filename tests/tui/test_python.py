"""Python's prompt up to 3.12: it knows no paste, so each line is a turn, and each key a key."""

from __future__ import annotations

import sys

import pytest

from tests.support.terminals import Program, TerminalRoom
from tests.support.until import until

PROMPT = ">>>"
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="3.13 has another prompt")


def start(room: TerminalRoom, name: str) -> Program:
    return room.start(name, "python", (sys.executable, "-q"), PROMPT)


@pytest.fixture(scope="module")
def python(room: TerminalRoom) -> Program:
    return start(room, "python")


def lines_of(count: int) -> str:
    """Statements that append their own number to the list ``seen``."""
    return "\n".join(f"seen.append({number})  # {'x' * 52}" for number in range(count))


@pytest.mark.parametrize("count", [1, 3, 500])
def test_every_line_is_run_once_and_in_order(
    room: TerminalRoom, python: Program, count: int
) -> None:
    python.sent("seen = []")
    python.sent(lines_of(count), "--timeout", "60")
    out = room.folder / f"seen {count}"
    python.sent(f"_ = open({str(out)!r}, 'w').write(repr(seen))")
    assert out.read_text() == repr(list(range(count)))


def test_no_enter_is_pressed_but_one_for_each_line(room: TerminalRoom, python: Program) -> None:
    python.press("C-l")
    receipt = python.sent("a = 1\nb = 2")
    rows = [row for row in python.screen().splitlines() if row.strip()]
    prompts = [row for row in rows if row.startswith(PROMPT)]
    assert len(prompts) == 6, "header, two lines, an empty one, end line, and it waits"
    assert rows[-1] == PROMPT
    assert receipt["id"] in rows[0]


def test_a_block_is_ended_and_blocks_nobody(room: TerminalRoom, python: Program) -> None:
    python.sent("def square(n):\n    return n * n")
    out = room.folder / "square"
    python.sent(f"_ = open({str(out)!r}, 'w').write(str(square(7)))")
    assert out.read_text() == "49"


def test_a_tab_completes_nothing_and_is_counted(room: TerminalRoom, python: Program) -> None:
    """At this prompt a tab is a key: ``pri`` and a tab would be typed on to ``print(``."""
    out = room.folder / "tabs"
    receipt = python.sent(
        f"for pri\tin range(1):\n\tif True:\n\t\t_ = open({str(out)!r}, 'w').write('a\tb')"
    )
    assert receipt["cleaned"] == 5
    until(out.exists, "it was run")
    assert out.read_text().split() == ["a", "b"]
    assert "\t" not in out.read_text()


def test_a_line_that_a_cooked_terminal_would_cut_goes_to_a_file(
    room: TerminalRoom, python: Program
) -> None:
    """While a statement runs the terminal is a cooked one, and the next line may come just then."""
    text = f"import time; time.sleep(0.2)\nlong = '{'y' * 5_000}'"
    said = python.send(text)
    assert said.code == 0, said
    path = room.home.root / "spill" / f"{said.json['id']}.txt"
    assert path.read_text() == text
    assert str(path) in python.screen().replace("\n", "")


def test_a_draft_is_left_alone_and_the_message_comes_after_it(room: TerminalRoom) -> None:
    drafter = start(room, "drafter")
    drafter.write("half = 1")
    drafter.wait_shows("half = 1")
    out = room.folder / "half"
    envelope_id = drafter.held(f"_ = open({str(out)!r}, 'w').write(str(half))", "draft")
    drafter.write("23")
    drafter.press("Enter")
    drafter.wait_state(envelope_id, "submitted")
    assert out.read_text() == "123"


def test_a_program_that_asks_for_a_line_is_not_given_a_message_as_its_answer(
    room: TerminalRoom,
) -> None:
    asker = start(room, "asker")
    asker.write("answer = input('sure? ')")
    asker.press("Enter")
    asker.wait_shows("\nsure?")
    out = room.folder / "answer"
    envelope_id = asker.held(f"_ = open({str(out)!r}, 'w').write(answer)", "starting")
    asker.write("no")
    asker.press("Enter")
    asker.wait_state(envelope_id, "submitted")
    assert out.read_text() == "no"
