"""Which tmux server, pane and folder a command means: what the caller's own tmux would mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet.cli.start import own_server, server_socket
from tests.support.door import ScriptedDoor, done, scripted

UID = os.getuid()
AGENT = {"address": "rin@white", "pane": "%1", "socket": "/s", "profile": "generic"}


@pytest.mark.parametrize(
    ("option", "environ", "socket"),
    [
        (None, {}, f"/tmp/tmux-{UID}/default"),
        (None, {"TMUX_TMPDIR": "/run/t"}, f"/run/t/tmux-{UID}/default"),
        (None, {"TMUX": "/srv/sock,123,0"}, "/srv/sock"),
        (None, {"TMUX": "/srv/so,ck,123,0"}, "/srv/so,ck"),
        ("work", {"TMUX": "/srv/sock,123,0"}, f"/tmp/tmux-{UID}/work"),
        ("work", {"TMUX_TMPDIR": "/run/t"}, f"/run/t/tmux-{UID}/work"),
        ("/a/b/../sock", {"TMUX": "/srv/sock,123,0"}, "/a/sock"),
        ("~/sock", {}, f"{Path('~').expanduser()}/sock"),
    ],
)
def test_the_server_is_the_one_that_is_named_else_the_callers_own_else_the_default(
    option: str | None, environ: dict[str, str], socket: str
) -> None:
    assert server_socket(option, environ) == socket


def test_outside_of_tmux_there_is_no_server_of_ones_own() -> None:
    assert own_server({}) == ""


def asked(door: ScriptedDoor) -> dict[str, object]:
    return dict(door.asked[-1]["args"])


def test_start_asks_for_this_folder_and_this_tmux(tmp_path: Path) -> None:
    with scripted({"start": [done(AGENT)]}, TMUX="/srv/sock,1,0") as (home, door):
        home.run("start", "rin", "--", "claude", "--resume")
        assert asked(door) == {
            "name": "rin", "socket": "/srv/sock", "cwd": str(Path.cwd()),
            "command": ["claude", "--resume"],
        }  # fmt: skip
        home.run("start", "rin", "--cwd", str(tmp_path), "--policy", "closed", "--profile", "x")
        assert asked(door) == {
            "name": "rin", "socket": "/srv/sock", "cwd": str(tmp_path), "command": [],
            "policy": "closed", "profile": "x",
        }  # fmt: skip


def test_start_without_a_command_leaves_the_folder_to_where_the_agent_ran_before() -> None:
    with scripted({"start": [done(AGENT)]}) as (home, door):
        home.run("start", "rin")
        here = asked(door).pop("here")
        assert (here, "cwd" in asked(door)) == (str(Path.cwd()), False)


def test_a_folder_that_is_none_is_told_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with scripted({"start": [done(AGENT)]}) as (home, door):
        for path, why in (
            (tmp_path / "x", "does not exist"),
            (tmp_path / "file", "is not a folder"),
        ):
            said = home.run("start", "rin", "--cwd", str(path), "--json")
            assert (said.code, said.json["error"]["code"]) == (2, "malformed_request")
            assert why in said.json["error"]["message"]
            assert "--cwd" in said.json["error"]["hint"]
        assert door.asked == []


def test_adopt_in_a_pane_means_that_pane() -> None:
    with scripted({"adopt": [done(AGENT)]}, TMUX="/srv/sock,1,0", TMUX_PANE="%7") as (home, door):
        assert home.run("adopt", "rin").code == 0
        assert asked(door) == {"name": "rin", "socket": "/srv/sock", "pane": "%7"}


def test_adopt_never_takes_the_own_panes_number_for_one_of_another_server() -> None:
    with scripted({"adopt": [done(AGENT)]}, TMUX="/srv/sock,1,0", TMUX_PANE="%7") as (home, door):
        said = home.run("adopt", "rin", "--socket", "/other/sock")
        assert (said.code, door.asked) == (2, [])
        assert "which pane? say --pane %N" in said.err


@pytest.mark.parametrize("pane", ["7", "work:1.2", "%", "%7x", "{last}", "%7 ; kill-server"])
def test_a_pane_is_an_id_and_nothing_that_tmux_could_read_otherwise(pane: str) -> None:
    with scripted({"adopt": [done(AGENT)]}) as (home, door):
        said = home.run("adopt", "rin", "--pane", pane)
        assert (said.code, door.asked) == (2, [])
        assert "hint: tmux list-panes" in said.err


def test_attach_without_a_terminal_prints_a_line_that_a_shell_can_run() -> None:
    place = {"socket": "/run/my sock", "pane": "%3", "session": "it's; mine"}
    with scripted({"attach": [done(place)]}) as (home, _):
        said = home.run("attach", "rin")
    words = _words_of_a_shell(said.out)
    assert words == [
        "-S", "/run/my sock", "select-window", "-t", "%3", ";", "select-pane", "-t", "%3", ";",
        "attach-session", "-t", "it's; mine",
    ]  # fmt: skip


def _words_of_a_shell(line: str) -> list[str]:
    import subprocess

    script = f'tmux() {{ printf "%s\\n" "$@"; }}\n{line}'
    told = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    return told.stdout.splitlines()
