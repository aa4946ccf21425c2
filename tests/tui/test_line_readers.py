"""Programs that read whole lines from a cooked terminal: each line once, in order, whole or in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.recording import FRAMED
from tests.support.terminals import SIZES, Program, TerminalRoom
from tests.support.until import until

PROGRAM = Path(__file__).with_name("line_reader.py")


class Reader:
    """``input()`` in a loop, and what it read."""

    def __init__(self, room: TerminalRoom, name: str, *options: str) -> None:
        self.file = room.folder / f"{name}.lines"
        words = (sys.executable, str(PROGRAM), str(self.file), *options)
        self.program: Program = room.start(name, "generic", words, "you>")

    def lines(self) -> list[str]:
        """What it read so far."""
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def wait_text(self, envelope_id: str) -> str:
        """The text of the last message, once its end line was read."""
        until(lambda: self.lines()[-1].startswith("[end "), "its end line was read")
        begins = next(n for n, line in enumerate(self.lines()) if envelope_id in line)
        whole = FRAMED.fullmatch("\n".join(self.lines()[begins:]))
        assert whole, self.lines()[begins:][:3]
        return whole["text"]


@pytest.fixture(scope="module")
def reader(room: TerminalRoom) -> Reader:
    return Reader(room, "reader")


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_read_line_by_line_and_nothing_more(reader: Reader, size: str) -> None:
    before = len(reader.lines()) if reader.file.exists() else 0
    receipt = reader.program.sent(SIZES[size])
    assert reader.wait_text(receipt["id"]) == SIZES[size]
    assert len(reader.lines()) == before + 2 + len(SIZES[size].split("\n")), "no surplus Enter"


def test_tabs_and_scripts_are_read_as_they_were_sent(reader: Reader) -> None:
    text = "\ta\tb 漢字 👩‍💻 'q' \"q\" \\ $HOME `id` ; # !!"
    receipt = reader.program.sent(text)
    assert (reader.wait_text(receipt["id"]), receipt["cleaned"]) == (text, 0)


@pytest.mark.parametrize("text", ["z" * 4_001, "é" * 2_001, f"short\n{'z' * 6_000}\nshort"])
def test_a_line_that_the_terminal_would_cut_goes_to_a_file(
    room: TerminalRoom, reader: Reader, text: str
) -> None:
    receipt = reader.program.sent(text)
    path = room.home.root / "spill" / f"{receipt['id']}.txt"
    assert path.read_text() == text
    assert reader.wait_text(receipt["id"]).endswith(f" is in {path}")


def test_the_longest_line_that_is_typed_is_read_whole(reader: Reader) -> None:
    receipt = reader.program.sent("z" * 4_000)
    assert reader.wait_text(receipt["id"]) == "z" * 4_000


def test_a_raw_text_that_the_terminal_would_cut_is_refused_not_shortened(reader: Reader) -> None:
    before = reader.lines()
    said = reader.program.send("z" * 5_000, "--raw")
    assert (said.code, said.json["state"], said.json["reason"]) == (9, "refused", "too_large")
    assert reader.program.sent("after it", "--raw")["state"] == "submitted"
    until(lambda: len(reader.lines()) > len(before), "it was read")
    assert reader.lines() == [*before, "after it"]


def test_a_reader_that_takes_its_time_loses_nothing(room: TerminalRoom) -> None:
    """What it has not read waits in the terminal, and behind that in tmux."""
    slow = Reader(room, "slow", "0.002")
    receipt = slow.program.sent(SIZES["500 lines"])
    assert slow.wait_text(receipt["id"]) == SIZES["500 lines"]


def test_a_program_that_computes_is_not_typed_into(room: TerminalRoom) -> None:
    sleeper = room.start(
        "sleeper", "generic", ("sh", "-c", "printf 'at work'; exec sleep 1000"), "at"
    )
    sleeper.held("hello", "busy")
    assert sleeper.screen().strip() == "at work"


def test_what_cat_is_given_is_what_it_writes(room: TerminalRoom) -> None:
    out = room.folder / "cat.out"
    cat = room.start("cat", "generic", ("sh", "-c", f"printf ready; exec cat > {out}"), "ready")
    for text in SIZES.values():
        cat.sent(text)
    until(lambda: out.read_text().count("\n[end ") == len(SIZES), "all is written")
    told = [match["text"] for match in FRAMED.finditer(out.read_text())]
    assert told == list(SIZES.values())
