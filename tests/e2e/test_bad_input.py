"""Whatever is wrong ends in one clear error with a hint and its exit code, and nothing is lost."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from fleet.core.envelope import TEXT_LIMIT_BYTES
from tests.support.homes import FLEET, LOOPBACK, Home, Scene, is_zombie, scene
from tests.support.promises import run, told
from tests.support.recording import Recording

UP = ("up", "--no-mdns", "--listen", LOOPBACK)
NUMBERS = count(1)
LONG = "n" * 64


@pytest.fixture(scope="module")
def world() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


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


@pytest.fixture
def lone(world: Scene) -> Iterator[Home]:
    """A home that a test may break."""
    home = world.home(f"lone{next(NUMBERS)}")
    home.root.mkdir(mode=0o700)
    yield home
    home.run("down")


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


# --- configuration ---


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"listen = [", "not TOML"),
        (b"\xff\xfe", "utf-8"),
        (b'lisen = "0.0.0.0:7717"', "lisen"),
        (b"listen = 7717", "listen"),
        (b'listen = "nonsense"', "nonsense"),
        (b'name = "Bad Name"', "Bad Name"),
        (b'peers = { nova = ["nonsense"] }', "nonsense"),
    ],
)
def test_a_corrupt_configuration_stops_the_start_and_names_file_and_key(
    lone: Home, text: bytes, named: str
) -> None:
    path = lone.root / "config.toml"
    path.write_bytes(text)
    error = told(lone, *UP, code=2)
    assert (error["code"], error["layer"]) == ("bad_config", "input")
    assert error["message"].startswith(f"{path}: ")
    assert named in error["message"]
    assert (
        named
        in next(c for c in told(lone, "doctor", code=8)["checks"] if c["check"] == "config")[
            "detail"
        ]
    )


def test_a_corrupt_configuration_corrected_is_a_node_that_starts(lone: Home) -> None:
    path = lone.root / "config.toml"
    path.mkdir()
    assert told(lone, *UP, code=2)["code"] == "bad_config"
    path.rmdir()
    assert told(lone, *UP)["pid"]


def test_a_corrupt_profile_stops_the_start_and_names_file_and_key(lone: Home) -> None:
    (lone.root / "profiles").mkdir()
    path = lone.root / "profiles/mine.toml"
    path.write_text("title = 'mine'\nprompt = '('\n")
    error = told(lone, *UP, code=2)
    assert error["code"] == "bad_config"
    assert error["message"].startswith(f"{path}: ")
    assert "prompt" in error["message"]


# --- the database ---


def sent(home: Home) -> str:
    """A node that was up, with a letter in its inbox; the letter's id."""
    told(home, *UP)
    return str(told(home, "send", "operator", "keep me")["id"])


def test_a_damaged_database_is_not_overwritten_and_says_what_to_do(lone: Home) -> None:
    sent(lone)
    told(lone, "down")
    path = lone.root / "fleet.db"
    whole = path.read_bytes()
    for damaged in (b"garbage" * 1000, whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(damaged)
        error = told(lone, *UP, code=8)
        assert (error["code"], error["layer"]) == ("store_failed", "store")
        assert f"{path} is damaged" in error["message"]
        assert "restore it from a backup" in error["hint"]
        assert path.read_bytes() == damaged
    path.write_bytes(whole)
    told(lone, *UP)
    assert [one["text"] for one in told(lone, "inbox")] == ["keep me"], "the backup does it"


def test_a_database_of_a_newer_fleet_is_left_untouched(lone: Home) -> None:
    sent(lone)
    told(lone, "down")
    path = lone.root / "fleet.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    error = told(lone, *UP, code=8)
    assert error["code"] == "version_mismatch"
    assert "schema 99" in error["message"]
    assert path.read_bytes() == before


def test_a_node_that_was_killed_leaves_a_socket_and_the_next_up_serves_with_everything(
    lone: Home,
) -> None:
    envelope_id = sent(lone)
    node_id = told(lone, "status")["id"]
    lone.kill()
    assert (lone.root / "run/door.sock").is_socket()
    error = told(lone, "inbox", code=8)
    assert error["code"] == "node_not_running"
    assert "its socket is still there" in error["message"]
    assert told(lone, "send", "operator", "lost?", code=8)["hint"] == "fleet up"
    assert told(lone, "down") == {"stopped": None}
    assert told(lone, *UP)["id"] == node_id
    assert [one["id"] for one in told(lone, "inbox")] == [envelope_id]


# --- the home ---


def test_a_home_that_others_can_reach_is_refused_until_it_is_closed(lone: Home) -> None:
    lone.root.chmod(0o750)
    error = told(lone, *UP, code=7)
    assert (error["code"], error["hint"]) == ("unsafe_home", f"chmod 700 {lone.root}")
    assert list(lone.root.iterdir()) == [], "no key was made in it"
    subprocess.run(error["hint"].split(), check=True)
    assert told(lone, *UP)["pid"]


def test_a_key_that_others_can_read_is_refused(lone: Home) -> None:
    told(lone, *UP)
    told(lone, "down")
    key = lone.root / "keys/node.key"
    key.chmod(0o640)
    error = told(lone, *UP, code=7)
    assert (error["code"], error["hint"]) == ("unsafe_home", f"chmod 600 {key}")
    key.chmod(0o600)
    key.write_text("rubbish")
    damaged = told(lone, *UP, code=8)
    assert damaged["code"] == "start_failed"
    assert f"{key} is damaged" in damaged["message"]


def test_a_home_that_is_a_file_or_below_one_cannot_be_made(world: Scene, lone: Home) -> None:
    file = world.folder / "file"
    file.touch()
    for path in (file, file / "below"):
        error = told(lone, "--home", str(path), "up", code=8)
        assert error["code"] == "start_failed"
        assert "--home DIR" in error["hint"]
        assert told(lone, "--home", str(path), "ls", code=8)["code"] == "node_not_running"
    found = told(lone, "--home", str(file), "doctor", code=8)
    assert "is not a folder" in next(c for c in found["checks"] if c["check"] == "home")["detail"]


def test_a_home_below_a_path_too_long_for_a_socket_works_like_any_other(world: Scene) -> None:
    root = world.folder / ("d" * 60) / ("e" * 60)
    home = Home("deep", root, {**world.home("x").environment, "FLEET_HOME": str(root)})
    assert len(str(root / "run/door.sock")) > 108
    try:
        told(home, *UP)
        told(home, "start", "nap", "--", "sleep", "1e6")
        assert [one["name"] for one in told(home, "ls")] == ["nap"]
        told(home, "stop", "nap")
    finally:
        assert told(home, "down")["stopped"]


def test_a_home_whose_path_is_no_text_is_refused_in_text(world: Scene, lone: Home) -> None:
    for name in (os.fsdecode(b"\xff"), "a\nb", "a\x1b[2J"):
        said = lone.run("--home", f"{world.folder}/{name}", "up")
        assert (said.code, said.out) == (8, "")
        assert "its path is not plain text\nhint: " in said.err
        assert "\x1b" not in said.err


def test_a_home_that_belongs_to_another_user_is_not_entered(lone: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(lone.root, 65_534, 65_534)
    assert told(lone, *UP, code=7)["code"] == "unsafe_home"
    home = next(c for c in told(lone, "doctor", code=8)["checks"] if c["check"] == "home")
    assert (home["verdict"], home["detail"]) == ("fail", f"{lone.root} is user 65534's")
    os.chown(lone.root, 0, 0)


# --- the port ---


def test_a_port_that_is_taken_is_an_error_when_it_was_asked_for(lone: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        error = told(lone, "up", "--no-mdns", "--listen", listen, code=8)
    assert (error["code"], listen in error["message"]) == ("port_in_use", True)
    assert told(lone, "up", "--no-mdns", "--listen", listen)["listen"] == listen


@pytest.mark.parametrize(
    ("listen", "code", "error"),
    [
        ("nonsense", 2, "bad_config"),
        ("127.0.0.1:99999", 2, "bad_config"),
        ("127.0.0.1:", 2, "bad_config"),
        ("192.0.2.1:0", 8, "start_failed"),
        ("no-such-host.invalid:0", 8, "start_failed"),
    ],
)
def test_an_address_that_is_none_or_not_ours_says_what_one_looks_like(
    lone: Home, listen: str, code: int, error: str
) -> None:
    told_ = told(lone, "up", "--no-mdns", "--listen", listen, code=code)
    assert told_["code"] == error
    assert listen in told_["message"]
    assert "0.0.0.0" in told_["hint"]


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


# --- what is missing on the host ---


def test_without_tmux_messages_work_and_agents_say_what_to_install(
    world: Scene, lone: Home
) -> None:
    tools = world.folder / "no tmux"
    tools.mkdir()
    (tools / "fleet").symlink_to(FLEET)
    (tools / "sleep").symlink_to("/bin/sleep")
    bare = replace(lone, environment={**lone.environment, "PATH": str(tools)})
    told(bare, *UP)
    for words in (["start", "nap", "--", "sleep", "1e6"], ["adopt", "nap", "--pane", "%0"]):
        error = told(bare, *words, code=8)
        assert (error["code"], error["layer"]) == ("no_tmux", "tmux")
        assert "install tmux 3.2 or newer" in error["hint"]
    assert told(bare, "send", "operator", "still here")["state"] == "accepted"
    found = told(bare, "doctor", code=8)
    assert found["failed"] == "tmux"
    assert told(bare, "ls") == []


@pytest.fixture
def small_disk(lone: Home) -> Iterator[Path]:
    """The home on a disk of 16 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "fleet-test", lone.root], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield lone.root
    lone.run("down")
    subprocess.run(["umount", "--lazy", lone.root], check=True)


def filled(folder: Path) -> Path:
    """A file that takes all that is left of a disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65_536)
        except OSError:
            pass
    return ballast


def test_a_full_disk_accepts_nothing_says_so_and_loses_nothing(
    lone: Home, small_disk: Path
) -> None:
    envelope_id = sent(lone)
    ballast = filled(small_disk)
    for text in ("small", "x" * 200_000):
        error = told(lone, "send", "operator", "-f", "-", stdin=text, code=8)
        assert (error["code"], error["layer"]) == ("no_space", "store")
        assert "nothing was accepted" in error["message"]
    assert [one["id"] for one in told(lone, "inbox")] == [envelope_id], "it still reads"
    found = told(lone, "doctor", code=8)
    failed = [check["check"] for check in found["checks"] if check["verdict"] == "fail"]
    assert failed == ["disk", "ready", "database"]
    ballast.unlink()
    after = told(lone, "send", "operator", "there is room again")
    assert [one["id"] for one in told(lone, "inbox")] == [after["id"], envelope_id]
    lone.kill()
    told(lone, *UP)
    assert [one["id"] for one in told(lone, "inbox")] == [after["id"], envelope_id]


def test_a_node_does_not_start_on_a_full_disk_and_starts_once_there_is_room(
    lone: Home, small_disk: Path
) -> None:
    envelope_id = sent(lone)
    told(lone, "down")
    ballast = filled(small_disk)
    error = told(lone, *UP, code=8)
    assert (error["code"], "make room" in error["hint"]) == ("no_space", True)
    ballast.unlink()
    told(lone, *UP)
    assert [one["id"] for one in told(lone, "inbox")] == [envelope_id]


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
