"""Whatever is wrong with a home ends in one clear error with a hint and its exit code, and nothing is lost."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess

import pytest

from tests.support.homes import UP, Home, Scene
from tests.support.promises import sent, told

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
