"""Other users of the host, and what may lie in the way of a home's files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.paths import Paths
from tests.support.homes import Home, Scene, scene

NOBODY = 65_534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def as_nobody(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python as another user."""
    return subprocess.run(
        [sys.executable, "-I", "-c", f"import os, sys, socket; os.setgid({NOBODY}); os.setuid({NOBODY})\n{program}", *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


TAKE = "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
ASK = TAKE + 's.sendall(b\'{"call": "status", "args": {}}\\n\'); print(s.recv(100))'


@needs_root
def test_another_user_enters_nothing_of_a_home() -> None:
    with scene() as stage:
        white = stage.home("white")
        white.up()
        paths = Paths(white.root)
        stage.folder.chmod(0o755)
        for path in (paths.door, paths.keys / "root.key", paths.database, paths.log, paths.lock):
            assert path.exists(), path
            said = as_nobody("print(open(sys.argv[1], 'rb').read())", str(path))
            assert "PermissionError" in said.stderr, path
        assert "PermissionError" in as_nobody(ASK, str(paths.door)).stderr
        assert white.ask("status")["pid"]


@needs_root
def test_another_user_is_hung_up_on_unheard_even_if_the_folder_let_it_in() -> None:
    """The kernel says who called; the folder's mode is the first lock, not the only one."""
    with scene() as stage:
        white = stage.home("white")
        white.up()
        door = Paths(white.root).door
        for folder in (stage.folder, white.root, door.parent):
            folder.chmod(0o755)
        door.chmod(0o777)
        said = as_nobody(ASK, str(door))
        assert said.stdout.strip() == "b''" or "Reset" in said.stderr or "Broken" in said.stderr, (
            said
        )
        assert "invitation" not in said.stdout


@needs_root
def test_a_command_says_nothing_to_a_door_that_another_user_serves(tmp_path: Path) -> None:
    """Who is pointed at somebody else's home does not tell that one's program its texts."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    home = tmp_path / "home"
    program = (
        "os.umask(0); root = sys.argv[1]; os.makedirs(root + '/run'); "
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2]); s.listen(); "
        "print('serving', flush=True); c, _ = s.accept(); print(c.recv(1000))"
    )
    door = Paths(home).door
    impostor = subprocess.Popen(
        [sys.executable, "-I", "-c",
         f"import os, sys, socket; os.setgid({NOBODY}); os.setuid({NOBODY})\n{program}", str(home), str(door)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert impostor.stdout is not None
        assert impostor.stdout.readline() == "serving\n"
        with scene() as stage:
            white = stage.home("white")
            environment = {**white.environment, "FLEET_HOME": str(home)}
            said = Home("white", home, environment).run("send", "rin", "the password is xyzzy")
        assert said.code == 7
        assert "another user" in said.err
        assert "xyzzy" not in impostor.stdout.read()
    finally:
        impostor.kill()
        impostor.communicate()


def lying(stage: Scene, what: str) -> tuple[Home, Path]:
    """A home with something in the place of a file of its own, and what that leads to."""
    white = stage.home("white")
    white.up()
    white.ask("down")
    victim = stage.folder / "victim"
    victim.write_text("precious")
    path = {"door": Paths(white.root).door, "lock": Paths(white.root).lock}[what]
    path.unlink(missing_ok=True)
    path.symlink_to(victim)
    return white, victim


def test_a_link_in_the_sockets_place_is_replaced_and_not_followed() -> None:
    with scene() as stage:
        white, victim = lying(stage, "door")
        white.again()
        assert victim.read_text() == "precious"
        assert not Paths(white.root).door.is_symlink()
        assert white.ask("status")["pid"]


def test_a_link_in_the_locks_place_is_not_followed() -> None:
    with scene() as stage:
        white, victim = lying(stage, "lock")
        said = white.run("up", "--no-mdns", "--json")
        assert said.code != 0
        assert victim.read_text() == "precious"
        assert "lock" in said.out


def test_a_second_node_takes_neither_the_lock_nor_the_socket_of_a_home() -> None:
    """Also when somebody removed the lock's file: a tidy-up is no reason for two nodes in one home."""
    with scene() as stage:
        white = stage.home("white")
        first = white.up()["pid"]
        Paths(white.root).lock.unlink()
        said = subprocess.run(
            [str(Path(sys.executable).with_name("fleet-node")), "--home", str(white.root), "--no-mdns"],
            env=white.environment, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        assert said.returncode != 0, said
        assert "serves" in said.stderr + said.stdout
        assert white.ask("status")["pid"] == first


def test_a_socket_that_was_taken_away_is_missed_and_none_but_ours_comes_back() -> None:
    with scene() as stage:
        white = stage.home("white")
        white.up()
        door = Paths(white.root).door
        door.unlink()
        with socket.socket(socket.AF_UNIX) as thief:
            thief.bind(str(door))
            said = white.run("status")
            assert said.code == 8
            down = white.run("down", "--json")
            assert (down.code, down.json["error"]["code"]) == (9, "wrong_state"), (
                "it is not stopped"
            )
            assert "its door is gone" in down.json["error"]["message"]
