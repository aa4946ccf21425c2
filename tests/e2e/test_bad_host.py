"""What a host lacks, tmux or room on its disk, ends in one clear error with a hint, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.homes import FLEET, UP, Home, Scene
from tests.support.promises import sent, told


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
