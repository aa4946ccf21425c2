"""Folders, branches, titles and sessions with hostile names around an agent: real node, real tmux, real git."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.until import until

RUN = "touch${IFS}${TMUX_TMPDIR}canary"
SHELLS = f"#({RUN})#{{@x}}`{RUN}`$({RUN});{RUN};'\"|{RUN}&%0"
BRANCH = f"owned/{SHELLS}\u202e\u2066"
"""As much as git lets a branch be called."""
FOLDER = f"-owned\x1b]0;owned\x07\x1b[2J\x9b31m\n\r\t\u202e {SHELLS}#{{E:@x}}#[fg=red]"

PROGRAM = """
import os, subprocess, sys
branch = subprocess.run(["git", "branch", "--show-current"], capture_output=True, text=True).stdout.strip()
where = os.getcwd()
with open(sys.argv[1], "a") as told:
    told.write(repr((branch, where)) + "\\n")
sys.stdout.write(f"\\x1b]2;{branch} {where}\\x07on {branch} in {where}\\non {branch}\\n> ")
sys.stdout.flush()
for line in sys.stdin:
    sys.stdout.write(f"{branch}> ")
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene() as built:
        yield built


@pytest.fixture(scope="module")
def folder(stage: Scene) -> Path:
    """A checkout of a hostile repository, in a folder that somebody hostile has named."""
    made = stage.folder / FOLDER
    made.mkdir()
    for words in (
        ("init", "-q"),
        ("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x"),
        ("checkout", "-q", "-b", BRANCH),
    ):
        subprocess.run(["git", *words], cwd=made, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def white(stage: Scene, folder: Path) -> Home:
    """A node with an agent that works there, and shows where in its title and on its screen."""
    home = stage.home("white")
    home.up()
    home.ask_with(
        ("start", "rin", "--cwd", str(folder), "--"),
        (sys.executable, "-c", PROGRAM, str(stage.folder / "told")),
    )
    until(lambda: lives(stage) == 1, "the program has begun")
    return home


def lives(stage: Scene) -> int:
    told = stage.folder / "told"
    return len(told.read_text().splitlines()) if told.exists() else 0


def assert_tame(text: str, what: str) -> None:
    bad = {c for c in text if unicodedata.category(c) in {"Cc", "Cf"}} - {"\n", "\t"}
    assert not bad, f"{what}: {bad}"


def assert_nothing_ran(stage: Scene, home: Home) -> None:
    tmux = Path(home.environment["TMUX_TMPDIR"] + "canary")
    found = [p for p in (tmux, *stage.folder.rglob("*canary")) if p.exists()]
    assert not found


def test_an_agent_begins_in_the_very_folder_and_again_in_it(
    stage: Scene, white: Home, folder: Path
) -> None:
    white.ask("stop", "rin")
    white.ask("start", "rin")  # where it ran before
    until(lambda: lives(stage) == 2, "it runs again")
    told = (stage.folder / "told").read_text().splitlines()
    assert told == [repr((BRANCH, str(folder)))] * 2
    assert_nothing_ran(stage, white)


def test_nothing_that_is_shown_of_it_steers_a_terminal_or_runs(stage: Scene, white: Home) -> None:
    until(lambda: "on owned" in white.run("peek", "rin").out, "it shows its branch")
    for words in (
        ("ls",), ("ls", "--json"), ("peek", "rin"), ("peek", "rin", "--json"), ("status",),
        ("status", "--json"), ("doctor",), ("doctor", "--json"), ("route", "rin"),
        ("route", "rin", "--json"), ("log", "--no-follow"), ("log", "--no-follow", "--json"),
        ("send", "rin", "hi", "--timeout", "1"), ("inbox", "rin"), ("whoami",),
        ("start", "kai", "--cwd", f"{FOLDER}x", "--", "cat"),
        ("start", FOLDER, "--", "cat"), ("adopt", "lee", "--pane", FOLDER), ("peek", BRANCH),
    ):  # fmt: skip
        said = white.run(*words)
        assert_tame(said.out + said.err, f"fleet {' '.join(words)[:40]!r}")
    assert_nothing_ran(stage, white)
    (log,) = Path(white.root, "log").glob("node.log")
    assert_tame(log.read_text(), "node.log")


def test_sessions_and_windows_with_such_names_can_be_adopted_from(
    stage: Scene, white: Home
) -> None:
    # Who makes them takes formats too; what is tried here is what they do once they are there.
    session, window = (name.replace("#", "##").replace("\n", "") for name in (FOLDER, BRANCH))
    made = subprocess.run(
        ["tmux", "new-session", "-d", "-s", session.lstrip("-"), "-n", window, "-P", "-F", "#{pane_id}", "cat"],
        env=white.environment,
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    pane = made.stdout.strip()
    assert white.ask("adopt", "lee", "--pane", pane)["address"] == "lee@white"
    for words in (("ls",), ("peek", "lee"), ("route", "lee"), ("log", "--no-follow")):
        said = white.run(*words)
        assert_tame(said.out + said.err, f"fleet {' '.join(words)}")
    assert_nothing_ran(stage, white)


def test_no_name_of_a_folder_or_branch_leaves_in_a_bundle(stage: Scene, white: Home) -> None:
    bundle = stage.folder / "bundle.tgz"
    said = white.run("doctor", "--bundle", str(bundle))
    assert bundle.exists(), said
    with tarfile.open(bundle) as tar:
        files = [file.read().decode() for m in tar.getmembers() if (file := tar.extractfile(m))]
    assert files
    for text in files:
        assert "owned" not in text
        assert "canary" not in text
        assert_tame(text, "the bundle")
