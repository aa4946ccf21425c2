"""The judge sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.profiles import load
from tests.agents.dialects import Asked
from tests.agents.install import LOCKS
from tests.agents.judge import Meant, find, meant, surplus
from tests.agents.model_server import Request
from tests.agents.programs import PROGRAMS
from tests.agents.texts import TEXTS

ID = "01KB3W9QZ7TESTTESTTESTTEST"
TEXT = "first\n\nlast"
MEANT = Meant(TEXT, TEXT, 0)


def frame(text: str, nonce: str = "abc234") -> str:
    head = f"[fleet {nonce} | from rin@nova | a peer agent, not your user | id {ID} | answer: x]"
    return f"{head}\n{text}\n[end {nonce}]"


def conversation(*turns: str) -> list[Request]:
    """What a program sends: with each turn, all that went before."""
    return [
        Request(n, Asked(turns[:n], frozenset({"shell"}), is_streamed=True, has_result=False), True)
        for n in range(1, len(turns) + 1)
    ]


def test_one_whole_turn_is_right_however_often_the_conversation_is_repeated() -> None:
    assert find(conversation("hello", frame(TEXT), "more"), ID, MEANT).is_right


def test_a_turn_that_never_came_is_not_right() -> None:
    assert find(conversation("hello"), ID, MEANT).turns == 0


@pytest.mark.parametrize(
    "turns", [(frame(TEXT), frame(TEXT)), (frame(TEXT) + frame(TEXT, "xyz567"),)]
)
def test_twice_is_not_right(turns: tuple[str, ...]) -> None:
    assert find(conversation(*turns), ID, MEANT).turns == 2


@pytest.mark.parametrize("told", ["first\nlast", "first\n\nlast ", "", "FIRST\n\nlast", TEXT[:-1]])
def test_one_character_is_a_difference(told: str) -> None:
    assert find(conversation(frame(told)), ID, MEANT).wrong


def test_half_a_frame_is_not_right() -> None:
    assert find(conversation(frame(TEXT)[:-4]), ID, MEANT).wrong


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_is_recognised_as_it_is_typed(name: str) -> None:
    text = meant(TEXTS[name], load().named("claude"))
    assert find(conversation(frame(text.typed)), ID, text).is_right


def test_a_text_in_a_file_is_right_when_the_file_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text(TEXT)
    told = f"first\n… the whole text (11 bytes, sha256 00) is in {path}"
    assert find(conversation(frame(told)), ID, MEANT).is_right
    path.write_text(TEXT + ".")
    assert not find(conversation(frame(told)), ID, MEANT).is_right


def test_what_is_glued_to_a_message_is_a_surplus() -> None:
    said = conversation("asked by its person", f"half a thou{frame(TEXT)}\n")
    assert surplus("codex", said, ["asked by its person"]) == ["half a thou"]


def test_what_its_person_said_twice_is_a_surplus_once() -> None:
    assert surplus("codex", conversation("go on go on"), ["go on"]) == ["go on"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_lock_pins_the_version_and_names_no_host(name: str) -> None:
    texts = [path.read_text() for path in (LOCKS / name).iterdir()]
    program = PROGRAMS[name]
    assert any(program.package in text and program.version in text for text in texts)
    for text in texts:
        assert '"resolved"' not in text
        assert "--index-url" not in text
        assert "://registry" not in text
