"""The text of a message, wherever it comes from: whole and unchanged, or an error and nothing sent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.cli.text import LIMIT_BYTES
from tests.support.door import ScriptedDoor, done, receipt, scripted
from tests.support.homes import FLEET, Home

LONGEST = "x" * (LIMIT_BYTES - 2) + "ü"


@pytest.fixture
def door() -> Iterator[tuple[Home, ScriptedDoor]]:
    with scripted({"send": [done(receipt())], "reply": [done(receipt())]}) as both:
        yield both


def sent(door: ScriptedDoor) -> str:
    (asked,) = door.asked
    return str(asked["args"]["text"])


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "two\nlines\n",
        "\r\n\t trailing  ",
        "ümläut 漢字 👩\u200d💻",
        "a\x00b\x1b[31m",
        LONGEST,
    ],
    ids=["plain", "lines", "white space", "unicode", "control bytes", "the longest"],
)
@pytest.mark.parametrize("source", ["-f FILE", "-f -", "standard input"])
def test_a_text_arrives_byte_for_byte_from_every_source(
    door: tuple[Home, ScriptedDoor], tmp_path: Path, text: str, source: str
) -> None:
    home, node = door
    file = tmp_path / "text"
    file.write_bytes(text.encode())
    match source:
        case "-f FILE":
            said = home.run("send", "rin", "-f", str(file))
        case "-f -":
            said = home.run("send", "rin", "-f", "-", stdin=text)
        case _:
            said = home.run("send", "rin", stdin=text)
    assert said.code == 0, said
    assert sent(node) == text


def test_an_argument_is_the_text_as_it_stands(door: tuple[Home, ScriptedDoor]) -> None:
    home, node = door
    assert home.run("send", "rin", " $(id) `id` %s \\n '\" ").code == 0
    assert sent(node) == " $(id) `id` %s \\n '\" "


def test_a_reply_takes_its_text_in_the_same_ways(door: tuple[Home, ScriptedDoor]) -> None:
    home, node = door
    assert home.run("reply", "01KB", stdin="fine\n").code == 0
    assert sent(node) == "fine\n"


def test_standard_input_that_comes_in_pieces_is_read_to_its_end(
    door: tuple[Home, ScriptedDoor],
) -> None:
    home, node = door
    with subprocess.Popen(
        [FLEET, "send", "rin", "-f", "-"], env=home.environment, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        for number in range(300):
            process.stdin.write(f"{number}\n".encode() * 100)
            process.stdin.flush()
    assert process.returncode == 0
    assert sent(node).splitlines()[::100] == [str(number) for number in range(300)]


def test_a_file_called_dash_is_read_by_its_path(
    door: tuple[Home, ScriptedDoor], tmp_path: Path
) -> None:
    home, node = door
    (tmp_path / "-").write_text("from the file")
    assert home.run("send", "rin", "-f", f"{tmp_path}/-", stdin="from the pipe").code == 0
    assert sent(node) == "from the file"


# --- mistakes: told before the node is asked ---


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        (b"", 2, "empty_text"),
        (b" \n\t\n", 2, "empty_text"),
        (b"good \xff bad", 2, "undecodable_text"),
        ("smörgås".encode("latin-1"), 2, "undecodable_text"),
        (b"cut off: \xe6\xbc", 2, "undecodable_text"),
        (b"\xed\xa0\x80", 2, "undecodable_text"),
        (b"x" * (LIMIT_BYTES + 1), 9, "too_large"),
    ],
    ids=["empty", "blank", "a bad byte", "latin-1", "cut off", "half of a pair", "too large"],
)
@pytest.mark.parametrize("source", ["-f FILE", "-f -"])
def test_a_text_that_cannot_be_sent_is_an_error_with_a_hint_and_nothing_is_asked(
    door: tuple[Home, ScriptedDoor], tmp_path: Path, text: bytes, code: int, error: str, source: str
) -> None:
    home, node = door
    file = tmp_path / "text"
    file.write_bytes(text)
    from_file = source == "-f FILE"
    words = ("send", "rin", "-f", str(file) if from_file else "-", "--json")
    said = home.run(*words, stdin=None if from_file else text)
    assert (said.code, said.json["error"]["code"]) == (code, error)
    assert said.json["error"]["layer"] == "input"
    assert said.json["error"]["hint"]
    assert node.asked == []


def test_where_a_text_stops_being_utf8_is_told_with_its_source(
    door: tuple[Home, ScriptedDoor], tmp_path: Path
) -> None:
    (tmp_path / "notes").write_bytes("ü".encode() + b"ok\xff")
    said = door[0].run("send", "rin", "-f", f"{tmp_path}/notes")
    assert f"{tmp_path}/notes is not UTF-8: the first bad byte is at offset 4" in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["rin", os.fsdecode(b"\xc3\xbc\xff")], "undecodable_text"),
        ([os.fsdecode(b"r\xffn"), "text"], "malformed_request"),
    ],
)
def test_an_argument_that_is_not_utf8_is_told_too(
    door: tuple[Home, ScriptedDoor], words: list[str], code: str
) -> None:
    home, node = door
    said = home.run("send", *words, "--json")
    assert (said.code, said.json["error"]["code"]) == (2, code)
    assert said.json["error"]["hint"]
    assert node.asked == []


def test_an_empty_argument_is_no_text(door: tuple[Home, ScriptedDoor]) -> None:
    said = door[0].run("send", "rin", "", "--json", stdin="not this one")
    assert (said.code, said.json["error"]["code"]) == (2, "empty_text")


def test_two_texts_exclude_each_other(door: tuple[Home, ScriptedDoor]) -> None:
    home, node = door
    said = home.run("send", "rin", "one", "-f", "-", stdin="two")
    assert said.code == 2
    assert "usage: fleet send" in said.err
    assert "exclude each other" in said.err
    assert node.asked == []


def test_a_folder_a_missing_file_and_one_that_may_not_be_read_are_told_apart(
    door: tuple[Home, ScriptedDoor], tmp_path: Path
) -> None:
    home, node = door
    for path, why in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing", "No such file"),
        (tmp_path / "missing/deeper", "No such file"),
        (Path("/proc/self/mem"), "Input/output error"),
    ):
        said = home.run("send", "rin", "-f", str(path))
        assert said.code == 2, said
        assert f"error: {path} cannot be read: {why}" in said.err
        assert "Traceback" not in said.err
    assert node.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(
    door: tuple[Home, ScriptedDoor], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("hidden")
    file.chmod(0)
    said = door[0].run("send", "rin", "-f", str(file))
    assert (said.code, "Permission denied" in said.err) == (2, True)


def test_an_endless_source_is_refused_as_soon_as_it_is_too_large(
    door: tuple[Home, ScriptedDoor],
) -> None:
    said = door[0].run("send", "rin", "-f", "/dev/zero", "--json")
    assert (said.code, said.json["error"]["code"]) == (9, "too_large")


def test_the_size_of_a_file_that_is_too_large_is_told(
    door: tuple[Home, ScriptedDoor], tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    said = door[0].run("send", "rin", "-f", f"{tmp_path}/big")
    assert said.err.startswith(
        "error: the text is 300000 bytes; at most 262144 can be sent\nhint: "
    )
