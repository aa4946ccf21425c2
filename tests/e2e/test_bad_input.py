"""Whatever is asked wrongly ends in one clear error with a hint and its exit code, and nothing is lost."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fleet.core.envelope import TEXT_LIMIT_BYTES
from tests.support.homes import UP, Home, Scene, is_zombie
from tests.support.promises import run, told
from tests.support.recording import Recording

LONG = "n" * 64


@pytest.fixture(scope="module")
def white(world: Scene) -> Home:
    """A node with an agent, that no test breaks."""
    home = world.home("white")
    home.up()
    return home


@pytest.fixture(scope="module")
def rin(world: Scene, white: Home) -> Recording:
    recording = Recording(world.folder / "rin.jsonl")
    recording.start(white, "rin")
    return recording


# --- names ---


@pytest.mark.parametrize(
    "name",
    ["", " ", "@", "rin@", "@white", "rin@@white", "rin@a@b", "Rin!", "rin rin", "-rin", ".rin", LONG,
     "rin@white~", "rin@white~0189", "ⓡin", "rin\x1b[2J", "a/b/c", "/", "rin:", "*", "%1", "../rin"],
)  # fmt: skip
def test_a_malformed_name_is_told_as_one_by_every_command(white: Home, name: str) -> None:
    for words in (["send"], ["peek"], ["attach"], ["stop"], ["forget"], ["inbox"]):
        if words == ["inbox"] and not name:
            continue  # there nothing is a name, and means everybody
        if words == ["send"] and name == "@white":
            continue  # to everybody in a team
        text = ["hello"] if words == ["send"] else []
        error = told(white, *words, "--", name, *text, code=2)
        assert (error["code"], error["layer"]) == ("malformed_name", "input")
        assert repr(name) in error["message"]
    assert told(white, "route", "--", name, code=2)["error"]["code"] == "malformed_name"


@pytest.mark.parametrize("name", ["", "Bad Name", "rin@white", "team/rin", "operator", LONG])
def test_a_name_that_no_agent_can_have_starts_nothing(
    white: Home, rin: Recording, name: str
) -> None:
    before = told(white, "ls")
    error = told(white, "start", name, "--", "sleep", "1e6", code=2)
    assert error["code"] == "malformed_name"
    assert told(white, "adopt", name, "--pane", "%0", code=2)["code"] == "malformed_name"
    assert [one["name"] for one in told(white, "ls")] == [one["name"] for one in before]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("send nobody hello", "unknown_agent"),
        ("send rin@nowhere hello", "unknown_node"),
        ("send team/rin hello", "unknown_agent"),
        ("send rin@white~zzzz hello", "unknown_node"),
        ("send operator@nowhere hello", "unknown_node"),
        ("peek nobody", "unknown_agent"),
        ("attach nobody", "unknown_agent"),
        ("stop nobody", "unknown_agent"),
        ("stop team/rin", "unknown_agent"),
        ("forget nobody", "unknown_agent"),
        ("inbox nobody", "unknown_agent"),
        ("revoke nobody", "unknown_node"),
        ("show 01ABC", "unknown_envelope"),
        ("show nonsense", "unknown_envelope"),
        ("ack 01ABC", "unknown_envelope"),
        ("reply 01ABC hello", "unknown_envelope"),
        ("cancel 01ABC", "unknown_envelope"),
        ("release 01ABC", "unknown_envelope"),
        ("revive 01ABC", "unknown_envelope"),
        ("send rin hello --reply-to 01ABC", "unknown_envelope"),
        ("start kai --profile nonsense -- sleep 1e6", "unknown_profile"),
    ],
)
def test_an_unknown_name_is_exit_3(white: Home, rin: Recording, words: str, code: str) -> None:
    error = told(white, *words.split(), code=3)
    assert error["code"] == code
    assert error["candidates"] == []


def test_a_name_that_is_nearly_right_is_a_hint_and_no_match(white: Home, rin: Recording) -> None:
    before = rin.raw()
    assert "did you mean rin@white?" in told(white, "send", "rim", "hello", code=3)["hint"]
    assert "did you mean rin?" in told(white, "stop", "rim", code=3)["hint"]
    assert rin.raw() == before


def test_a_beginning_that_several_ids_have_in_common_says_how_many(
    white: Home, rin: Recording
) -> None:
    for text in ("one", "two"):
        told(white, "send", "rin", text)
    error = told(white, "show", "0", code=3)
    assert error["code"] == "unknown_envelope"
    assert "envelopes begin with 0" in error["message"]


# --- texts ---


def test_no_bad_text_reaches_the_agent_or_the_outbox(
    white: Home, rin: Recording, tmp_path: Path
) -> None:
    def nothing_sent() -> tuple[list[str], int]:
        return rin.raw(), len(told(white, "outbox", "-n", "1000"))

    big = tmp_path / "big"
    big.write_bytes(b"x" * (TEXT_LIMIT_BYTES + 1))
    before = nothing_sent()
    assert told(white, "send", "rin", "", code=2)["code"] == "empty_text"
    assert told(white, "send", "rin", "-f", "-", code=2, stdin=" \n ")["code"] == "empty_text"
    assert (
        told(white, "send", "rin", "-f", "-", code=2, stdin=b"a\xff")["code"] == "undecodable_text"
    )
    assert told(white, "send", "rin", "-f", str(big), code=9)["code"] == "too_large"
    assert told(white, "send", "rin", "-f", str(tmp_path), code=2)["code"] == "malformed_request"
    assert told(white, "send", "rin", "-f", f"{tmp_path}/no", code=2)["code"] == "malformed_request"
    assert nothing_sent() == before
    big.write_bytes(b"x" * TEXT_LIMIT_BYTES)
    assert told(white, "send", "rin", "-f", str(big))["state"] == "submitted", "the largest goes"


# --- options that make no sense ---


@pytest.mark.parametrize(
    "words",
    [
        "send rin hello --expires 0", "send rin hello --expires 15d",
        "send rin hello --timeout 2d", "invite --expires 0", "invite --expires 8d",
        "inbox -n 1000001", "log -n 99999999999999999999 --no-follow",
        "start kai --cwd /nowhere -- sleep 1e6", "start kai",
        "start kai -- no-such-program", "start kai -- /no/such/program",
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_exit_2_and_changes_nothing(
    white: Home, rin: Recording, words: str
) -> None:
    if words.startswith(("inbox", "log")):
        said = white.run(*words.split(), "--json")
        assert (said.code, said.json["error"]["code"]) == (2, "malformed_request")
        return
    assert told(white, *words.split(), code=2)["code"] == "malformed_request"
    assert [one["name"] for one in told(white, "ls")] == ["rin"]


@pytest.mark.parametrize("who", ["a@@b", "x y", "rin!@white", ""])
def test_a_grant_that_could_never_fit_anybody_is_not_given(white: Home, who: str) -> None:
    assert told(white, "grant", "--", who, "observe", code=2)["code"] == "malformed_name"
    assert told(white, "grant", "neo@white", "observe", "rin!", code=2)["code"] == "malformed_name"
    assert told(white, "grants") == []


def test_a_pane_that_is_not_there_cannot_be_adopted(
    world: Scene, white: Home, rin: Recording
) -> None:
    gone = told(white, "adopt", "kai", "--pane", "%99", code=5)
    assert (gone["code"], gone["layer"]) == ("pane_gone", "pane")
    assert gone["message"].startswith("kai@white has no pane: there is no pane %99")
    away = told(white, "adopt", "kai", "--pane", "%0", "--socket", "/no/such/sock", code=8)
    assert away["code"] == "no_tmux"


# --- tokens ---


def test_a_token_is_good_once_and_damaged_ones_burn_nothing(
    world: Scene, white: Home, lone: Home
) -> None:
    told(lone, *UP)
    token = white.run("invite").out.strip()
    for damaged in (
        "", "nonsense", token[:60], token.replace("fleet1", "fleet9"), token[:20] + "!" + token[21:],
        token + "0" * 10,
    ):  # fmt: skip
        error = told(lone, "join", "--", damaged, code=2)
        assert error["code"] == "malformed_request"
        assert "fleet invite printed" in error["hint"]
    node, secret = token.split(".")[1:3]
    other = "a" * (len(secret) - 2) + secret[-2:]
    wrong = told(lone, "join", token.replace(secret, other), code=7)
    assert wrong["code"] == "invitation_refused"
    unreachable = told(lone, "join", f"fleet1.{node}.{secret}.127.0.0.1:9", code=8)
    assert unreachable["code"] == "node_unreachable"
    assert told(lone, "join", token)["inviter"] == "white"
    with_it_again = world.home("again")
    told(with_it_again, *UP)
    used = told(with_it_again, "join", token, code=7)
    assert (used["code"], used["layer"]) == ("invitation_refused", "trust")
    assert "used" in used["message"]
    assert told(lone, "join", token, code=7)["hint"] == "fleet nodes lists its members"
    assert told(lone, "invite", code=7)["code"] == "not_allowed"
    expired = white.run("invite", "--expires", "0.001").out.strip()
    assert "expired" in told(with_it_again, "join", expired, code=7)["message"]
    told(white, "revoke", str(told(lone, "status")["node"]))


# --- requests of programs, errors for people ---


def test_a_bug_in_the_node_is_told_as_one_and_it_serves_on(white: Home, rin: Recording) -> None:
    """Through the door a program can ask for what the command line never would."""
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(white.root / "run/door.sock"))
        lines = door.makefile("rwb")
        for request in (b"nonsense", b'{"call": "fly"}', b'{"call": "send", "args": {"to": 5}}',
                        b'{"call": "send", "args": {"to": "rin", "text": "a\\ud800"}}', b'"call"',
                        b'{"call": "show"}'):  # fmt: skip
            lines.write(request + b"\n")
            lines.flush()
            answer = lines.readline()
            assert b'"error"' in answer, request
            assert b'"exit":2' in answer or b'"exit":8' in answer, answer
    assert told(white, "send", "rin", "still there")["state"] == "submitted"
    assert not is_zombie(white.pid)


def test_every_error_for_people_has_no_traceback_and_one_hint(white: Home, rin: Recording) -> None:
    for words in (
        "send nobody x", "send rin@nowhere x", "send @ x", "peek nobody", "show 9", "revoke white",
        "join nonsense", "start rin -- sleep 1", "adopt rin", "invite --expires 0",
    ):  # fmt: skip
        said = run(white, *words.split())
        assert (said.code in {2, 3, 9}, said.out) == (True, ""), words
