"""A root key with a passphrase signs when the passphrase is said, by a file or by a person, and never else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.homes import FLEET, Home, Scene, scene
from tests.support.until import until

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def world() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


@pytest.fixture(scope="module")
def white(world: Scene) -> Home:
    home = world.home("white")
    home.up()
    return home


def with_file(home: Home, world: Scene, passphrase: str = PASSPHRASE) -> Home:
    """The same home, for commands that are given a passphrase in a file."""
    file = world.folder / "passphrase"
    file.write_text(passphrase + "\n")
    return replace(home, environment={**home.environment, "FLEET_PASSPHRASE_FILE": str(file)})


def typed(home: Home, *words: str, lines: int = 1) -> tuple[int, str]:
    """Run a command on a terminal and type the passphrase whenever it is asked for."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [FLEET, *words], env=home.environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown, answered = "", 0
        try:
            while piece := os.read(ours, 65_536):
                shown += piece.decode()
                if answered < lines and shown.rstrip(" ").endswith(":"):
                    answered += 1
                    shown += "\n"
                    os.write(ours, f"{PASSPHRASE}\n".encode())
        except OSError:  # how a terminal says that its last writer is gone
            pass
    os.close(ours)
    return process.returncode, shown


def secrets_in(folder: Path) -> list[Path]:
    """Files that hold a private key anybody can use, but for the node's own."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name != "node.key" and b"BEGIN PRIVATE KEY" in path.read_bytes()
    ]


def test_what_a_passphrase_locks_signs_only_with_it(world: Scene, white: Home) -> None:
    nova, kai = world.home("nova"), world.home("kai")
    nova.up()
    kai.up()
    world.join(white, nova)
    assert [path.name for path in secrets_in(white.root)] == ["root.key"]

    refused = white.run("trust", "lock")
    assert (refused.code, "FLEET_PASSPHRASE_FILE" in refused.err) == (2, True)
    assert with_file(white, world).ask("trust", "lock") == {"locked": True}
    assert secrets_in(white.root) == []
    assert white.ask("trust")["root"]["passphrase"]

    for words in (("revoke", "nova"), ("invite",), ("trust", "unlock")):
        said = white.run(*words, "--json")
        assert (said.code, said.json["error"]["code"]) == (7, "key_locked"), words
        wrong = with_file(white, world, "correct horse batterz").run(*words, "--json")
        assert (wrong.code, wrong.json["error"]["code"]) == (7, "key_locked"), words
        assert "wrong" in wrong.json["error"]["message"]

    # A newcomer comes when nobody is there: the key is kept for the invitation, and no longer.
    token = with_file(white, world).ask("invite")["token"]
    assert kai.run("join", token).code == 0
    world.wait_linked(white, kai)
    assert white.run("revoke", "nova").code == 7, "it is said for each signature"
    assert with_file(white, world).ask("revoke", "nova")["node"] == "nova"
    until(lambda: not nova.sees("white"), "nova is cut off")
    kinds = [
        event["kind"] for event in lines(white.run("log", "-n", "100", "--no-follow", "--json").out)
    ]
    assert "key locked" in kinds


def test_an_invitation_whose_key_was_locked_by_a_restart_says_so(world: Scene, white: Home) -> None:
    rin = world.home("rin")
    rin.up()
    token = with_file(white, world).ask("invite")["token"]
    white.kill()
    white.again()
    joined = rin.run("join", token, "--json")
    assert (joined.code, joined.json["error"]["code"]) == (7, "invitation_refused")
    assert "locked" in joined.json["error"]["message"]


def test_a_person_at_a_terminal_is_asked_for_it_and_it_is_not_shown(
    world: Scene, white: Home
) -> None:
    code, shown = typed(white, "invite")
    assert code == 0, shown
    assert "passphrase of the root key" in shown
    assert "fleet1." in shown
    code, shown = typed(white, "trust", "unlock")
    assert code == 0, shown
    assert [path.name for path in secrets_in(white.root)] == ["root.key"]
    code, shown = typed(white, "trust", "lock", lines=2)
    assert code == 0, shown
    assert PASSPHRASE not in shown
    assert secrets_in(white.root) == []


def test_new_keys_of_the_node_and_of_the_root_are_signed_for_with_it_and_never_else(
    world: Scene, white: Home
) -> None:
    said = with_file(white, world)
    before = white.ask("status")["id"]
    for words in (("rotate-key",), ("rotate-root",)):
        locked = white.run("trust", *words, "--json")
        assert (locked.code, locked.json["error"]["code"]) == (7, "key_locked"), words
    assert white.ask("status")["id"] == before
    assert said.ask("trust", "rotate-key")["old"] == before
    assert said.ask("trust", "rotate-root")["state"] == "overlap"
    locked = white.run("trust", "rotate-root", "--finish", "--json")
    assert (locked.code, locked.json["error"]["code"]) == (7, "key_locked")
    code, shown = typed(white, "trust", "rotate-root", "--finish")
    assert code == 0, shown
    assert "signs no more" in shown
    assert white.ask("trust")["root"] == {
        "key": white.ask("trust")["fleet"], "here": True, "passphrase": True,
    }  # fmt: skip
    assert secrets_in(white.root) == []


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]
