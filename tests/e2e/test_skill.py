"""The skill that agents are taught: where it is put and when it goes; and each command in it, as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.skill import skill
from tests.support.homes import Home, Scene
from tests.support.pages import blocks
from tests.support.promises import run, told
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

PUPIL = """
title = "a program that reads skills"
paste = "native"
line_reader = true
show_limit_s = 0.3
skills = ".pupil/skills"
"""
SKILL = Path(".pupil/skills/fleet/SKILL.md")
TEAM = """
name = "web"
lead = "lead"
repository = {repository}
[roles.lead]
profile = "pupil"
command = {command}
worktree = "checkout"
[roles.impl]
profile = "pupil"
command = {command}
"""


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.net")
    done = subprocess.run(
        ["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def untracked(folder: Path) -> str:
    return git(folder, "status", "--porcelain", "--untracked-files=all")


@pytest.fixture(scope="module")
def white(world: Scene) -> Home:
    home = world.home("white")
    (home.root / "profiles").mkdir(parents=True)
    home.root.chmod(0o700)
    (home.root / "profiles/pupil.toml").write_text(PUPIL)
    home.up()
    return home


@pytest.fixture(scope="module")
def nova(world: Scene, white: Home) -> Home:
    home = world.home("nova")
    home.up()
    world.join(white, home)
    return home


def folder_for(world: Scene, name: str) -> Path:
    folder = world.folder / name
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "README").write_text("read me")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "begin")
    return folder


def start(home: Home, world: Scene, name: str, folder: Path, *options: str) -> None:
    program = (sys.executable, str(PROGRAM), str(world.folder / f"{name}.jsonl"))
    words = ("start", name, "--profile", "pupil", "--cwd", str(folder), *options, "--")
    home.ask_with(words, program)


# --- by hand ---


def test_it_is_printed_and_installed_by_hand(lone: Home, tmp_path: Path) -> None:
    assert run(lone, "skill").out == skill()
    assert told(lone, "skill")["text"] == skill()
    first = told(lone, "skill", "--install", str(tmp_path / "skills"))
    assert first["was"] == "new"
    assert Path(first["file"]).read_text() == skill()
    assert told(lone, "skill", "--install", str(tmp_path / "skills"))["was"] == "same"
    Path(first["file"]).write_text("mine")
    refused = told(lone, "skill", "--install", str(tmp_path / "skills"), code=9)
    assert "stays" in refused["message"]
    assert Path(first["file"]).read_text() == "mine"
    assert run(lone, "skill", "--install", first["file"]).code == 2, "a file is no folder"


# --- for agents ---


def test_an_agent_has_it_from_its_start_until_it_is_stopped(white: Home, world: Scene) -> None:
    folder = folder_for(world, "own")
    start(white, world, "pip", folder)
    start(white, world, "pop", folder)
    assert (folder / SKILL).read_text() == skill()
    assert untracked(folder) == "", "nobody commits it by accident"
    told(white, "stop", "pip")
    assert (folder / SKILL).exists(), "pop reads it still"
    told(white, "forget", "pop")
    assert sorted(path.name for path in folder.iterdir()) == [".git", "README"]
    told(white, "start", "pip")
    assert (folder / SKILL).read_text() == skill()
    told(white, "stop", "pip")


def test_who_wants_none_gets_none_also_the_next_time(white: Home, world: Scene) -> None:
    folder = folder_for(world, "plain")
    start(white, world, "pup", folder, "--no-skill")
    told(white, "stop", "pup")
    told(white, "start", "pup")
    assert sorted(path.name for path in folder.iterdir()) == [".git", "README"]
    told(white, "stop", "pup")
    told(white, "start", "pup", "--skill")
    assert (folder / SKILL).exists()
    told(white, "stop", "pup")


def test_a_persons_own_is_left_alone_and_the_agent_starts(white: Home, world: Scene) -> None:
    folder = folder_for(world, "theirs")
    (folder / SKILL).parent.mkdir(parents=True)
    (folder / SKILL).write_text("our own fleet has ships")
    start(white, world, "pep", folder)
    told(white, "forget", "pep")
    assert (folder / SKILL).read_text() == "our own fleet has ships"


def test_a_start_that_fails_leaves_none(white: Home, world: Scene) -> None:
    folder = folder_for(world, "failing")
    words = ("start", "pap", "--profile", "pupil", "--cwd", str(folder), "--")
    said = white.run(*words, "/no/such/program")
    if said.code == 0:
        until(lambda: white.run("forget", "pap").code == 0, "it is forgotten")
    assert not (folder / ".pupil").exists()


def test_a_home_can_do_without(world: Scene) -> None:
    home = world.home("strict")
    (home.root / "profiles").mkdir(parents=True)
    home.root.chmod(0o700)
    (home.root / "profiles/pupil.toml").write_text(PUPIL)
    (home.root / "config.toml").write_text("skills = false\n")
    home.up()
    folder = folder_for(world, "strict-folder")
    start(home, world, "pip", folder)
    assert not (folder / ".pupil").exists()
    told(home, "stop", "pip")


# --- for members, and what is in it ---


class Member:
    """The member of a seat; its program takes messages, and runs in its pane what it is told to."""

    def __init__(self, box: Path) -> None:
        self.box = box

    def types(self, line: str) -> tuple[int, str]:
        """Run a line in the member's pane; the exit code and what it said."""
        out = self.box / "out"
        out.unlink(missing_ok=True)
        (self.box / "new").write_text(f"{line}\n")
        (self.box / "new").rename(self.box / "go")
        until(out.exists, f"{line} has run")
        code, _, said = out.read_text().partition("\n")
        return int(code), said


LOOP = (
    'cd "$1"; while :; do if mv go now 2>/dev/null; then sh now >said 2>&1; code=$?; '
    "(echo $code; cat said) >done; mv done out; fi; sleep 0.02; done"
)


@pytest.fixture(scope="module")
def impl(white: Home, nova: Home, world: Scene) -> Member:
    repository = folder_for(world, "shop")
    record = f"exec {sys.executable} {PROGRAM} {world.folder}/$FLEET_AGENT.jsonl"
    box = f"{world.folder}/$FLEET_AGENT.box"
    script = f"mkdir -p {box}; (sh -c '{LOOP}' sh {box}) </dev/null >/dev/null 2>&1 & {record}"
    file = world.folder / "team.toml"
    command = json.dumps(["sh", "-c", script.replace(f"'{LOOP}'", '"$0"'), LOOP])
    file.write_text(TEAM.format(repository=json.dumps(str(repository)), command=command))
    told(white, "team", "apply", str(file), "--yes")
    told(white, "team", "up", "web")
    Recording(world.folder / "rin.jsonl").start(nova, "rin")
    world.wait_known(white, "rin@nova", "web.impl@white", "web.lead@white")
    return Member(world.folder / "web.impl.box")


def test_a_member_has_it_in_its_worktree_and_knows_its_team(
    impl: Member, white: Home, world: Scene
) -> None:
    worktree = white.root / "worktrees/web/impl"
    for folder in (worktree, world.folder / "shop"):
        assert (folder / SKILL).read_text() == skill()
        assert untracked(folder) == ""
    assert impl.types('echo "$FLEET_TEAM $FLEET_ROLE"') == (0, "web impl\n")


def test_a_member_that_is_started_again_by_hand_knows_its_team_still(
    impl: Member, white: Home
) -> None:
    told(white, "stop", "web.impl")
    told(white, "start", "web.impl")
    assert impl.types('echo "$FLEET_TEAM $FLEET_ROLE"') == (0, "web impl\n")
    code, said = impl.types("fleet whoami --json")
    assert code == 0
    assert "web.impl@white" in said


def commands() -> list[str]:
    """Every command that the skill shows, in its order."""
    lines = [line for block in blocks(skill(), "sh") for line in block.splitlines() if line]
    assert all(line.startswith("fleet ") for line in lines)
    assert len(lines) > 20
    return lines


def test_every_command_of_the_skill_does_what_it_says(
    impl: Member, white: Home, world: Scene
) -> None:
    for title in ("mend the door", "paint it", "oil it"):
        told(white, "task", "add", title)
    letter = told(white, "send", "web/impl", "which port?")["id"]
    down = None
    for line in commands():
        if line.startswith("fleet task done T3"):
            assert impl.types("fleet task claim T3")[0] == 0, "the list before has let go of it"
        if line.startswith("fleet team bye"):
            down = white.begin("team", "down", "web", "--role", "impl")
            until(
                lambda: "fleet team bye" in Recording(world.folder / "web.impl.jsonl").raw()[-1],
                "it is asked to",
            )
        code, said = impl.types(line.replace(" ID", f" {letter}"))
        assert code == 0, (line, said)
    done = told(white, "task", "show", "T3")
    assert (done["state"], done["evidence"]) == ("done", "commit 1f3c9a2; make test: 412 passed")
    assert done["side_finds"] == ["T4"]
    assert "LANG=C" in json.dumps(told(white, "memory", "ls", "web"))
    assert [one["text"] for one in told(white, "inbox", "operator")] == ["the port is 7717"]
    assert down is not None
    down.communicate(timeout=60)
    assert down.returncode == 0
    assert not (white.root / "worktrees/web/impl").exists(), "the skill is nobody's unsaved work"


def test_what_the_skill_shows_is_not_less_than_it_has_to_teach() -> None:
    shown = "\n".join(commands())
    for word in (
        "send", "reply", "ack", "task claim", "task done", "--found-while", "memory add",
        "memory search", "task block",
    ):  # fmt: skip
        assert word in shown


def test_with_the_last_seat_in_a_folder_it_goes(impl: Member, white: Home, world: Scene) -> None:
    assert (world.folder / "shop" / SKILL).exists()
    told(white, "team", "down", "web", "--kill", "--deadline", "1")
    assert untracked(world.folder / "shop") == ""
    assert not (world.folder / "shop" / ".pupil").exists()
