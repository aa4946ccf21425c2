"""A team brought down on a real node: programs in tmux that are asked, save, and say goodbye themselves."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.test_team_up import git, repository
from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

__all__ = ["repository"]

FILE = """
name = {name}
lead = "lead"
repository = {repository}
down_s = 4
[roles.lead]
profile = "generic"
command = {answers}
worktree = "checkout"
[roles.impl]
profile = "generic"
command = {saves}
count = 2
[roles.mule]
profile = "generic"
command = {mute}
"""
ASKED = "is being brought down"
BYE = 'until fleet team bye --note "$FLEET_AGENT was here"; do sleep 0.1; done'
"""Until it counts: the node may be away for a moment."""
ANSWERS = f"""case "$(cat)" in *"{ASKED}"*) {BYE};; esac"""
SAVES = f"""case "$(cat)" in *"{ASKED}"*)
test $FLEET_AGENT = $FLEET_TEAM.impl && git add -A &&
  git -c user.name=a -c user.email=a@example.net commit -qm saved
{BYE};; esac"""


def command(world: Scene, tell: str) -> str:
    record = f"exec {sys.executable} {PROGRAM} {world.folder}/$FLEET_AGENT.jsonl --tell '{tell}'"
    return json.dumps(["sh", "-c", record])


def script(world: Scene, name: str, text: str) -> str:
    path = world.folder / name
    path.write_text(text)
    return f"sh {path}"


def up(home: Home, world: Scene, repository: Path, name: str) -> None:
    """A team of four: the lead, two that save, and one that never answers."""
    text = FILE.format(
        name=json.dumps(name),
        repository=json.dumps(str(repository)),
        answers=command(world, script(world, "answers.sh", ANSWERS)),
        saves=command(world, script(world, "saves.sh", SAVES)),
        mute=command(world, "cat > /dev/null"),
    )
    file = world.folder / "team.toml"
    file.write_text(text)
    told(home, "team", "apply", str(file), "--yes")
    told(home, "team", "up", name)


def requests(world: Scene, agent: str) -> list[str]:
    turns = Recording(world.folder / f"{agent}.jsonl").turns()
    return [turn.text for turn in turns if ASKED in turn.text]


def test_who_answers_is_ended_and_who_does_not_keeps_running_until_it_is_killed(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    up(white, world, repository, "crew")
    impl, impl2 = (white.root / "worktrees" / "crew" / seat for seat in ("impl", "impl-2"))
    for folder in (impl, impl2):
        (folder / "work").write_text(f"of a day of {folder.name}")
    for number, seat in enumerate(("impl", "mule"), 1):
        told(white, "task", "add", f"task {number}", "--team", "crew")
        told(white, "task", "assign", f"crew/T{number}", seat)
    before = told(white, "team", "status", "crew")
    assert [(one["seat"], one["state"], len(one["tasks"])) for one in before["seats"]] == [
        ("lead", "ready", 0),
        ("impl", "ready", 1),
        ("impl-2", "ready", 0),
        ("mule", "ready", 1),
    ]
    assert not [one for one in before["seats"] if one["need"]]
    first = {
        one["seat"]: one for one in told(white, "team", "down", "crew", "--deadline", "8", code=5)
    }
    assert {seat: (one["answered"], one["ended"]) for seat, one in first.items()} == {
        "impl": (True, True),
        "impl-2": (True, True),
        "lead": (True, True),
        "mule": (False, False),
    }
    assert first["impl"]["released"] == ["T1"]
    assert first["mule"]["holds"] == ["T2"]
    assert not impl.exists(), "everything in it was committed"
    assert "saved" in git(repository, "log", "-1", "--format=%s", "crew/impl")
    assert first["impl"]["unpushed"], "a commit that is on this host only is said"
    assert (impl2 / "work").read_text() == "of a day of impl-2"
    assert first["impl-2"]["folder"] == str(impl2)
    assert "work" in first["impl-2"]["unsaved"][0]
    assert told(white, "task", "show", "crew/T1")["state"] == "open"
    assert "web.impl was here" not in told(white, "memory", "briefing", "crew/impl")["text"]
    assert "crew.impl was here" in told(white, "memory", "briefing", "crew/impl")["text"]
    (text,) = requests(world, "crew.mule")
    assert "(T2)" in text

    seats = {one["seat"]: one for one in told(white, "team", "status", "crew")["seats"]}
    assert (seats["impl"]["state"], seats["impl"]["need"]) == ("left", "")
    assert seats["impl"]["said"]["text"] == "crew.impl was here"
    assert (seats["mule"]["farewell"], seats["mule"]["state"]) == ("silent", "ready")
    assert "has not answered" in seats["mule"]["need"]
    assert "mule  it was asked to leave" in run(white, "team", "status", "crew").out
    alive = {one["name"]: one["state"] for one in white.ask("ls")}
    assert (alive["crew.impl"], alive["crew.mule"]) == ("offline", "ready")
    again = run(white, "team", "down", "crew", "--deadline", "0")
    assert again.code == 5
    assert "mule: " in again.err
    killed = told(white, "team", "down", "crew", "--kill", "--deadline", "0")
    mule = next(one for one in killed if one["seat"] == "mule")
    assert (mule["answered"], mule["ended"], mule["released"]) == (False, True, ["T2"])
    assert "without an answer" in mule["why"]
    assert told(white, "team", "down", "crew") == killed, "once more does nothing"
    assert not told(white, "team", "show", "crew")["seats"]


def test_a_home_that_is_killed_in_the_middle_goes_on_where_it_was(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    up(white, world, repository, "site")
    going = white.begin("team", "down", "site", "--deadline", "600")
    until(lambda: requests(world, "site.mule"), "it was asked")
    white.kill()
    _, err = going.communicate()
    assert going.returncode == 5, err
    assert b"fleet team down once more" in err
    white.again()
    until(
        lambda: [one["seat"] for one in white.ask("team", "show", "site")["seats"]] == ["mule"],
        "who answered is ended, with nobody waiting",
    )
    again = told(white, "team", "down", "site", "--deadline", "0", code=5)
    assert [one["answered"] for one in again] == [True, True, True, False]
    assert len(requests(world, "site.mule")) == 1, "nobody is asked twice"
    told(white, "team", "down", "site", "--kill", "--deadline", "0")


def test_who_is_interrupted_kills_nobody(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    up(white, world, repository, "ship")
    going = white.begin("team", "down", "ship", "--kill")
    until(lambda: requests(world, "ship.mule"), "it was asked")
    going.send_signal(signal.SIGINT)
    _, err = going.communicate()
    assert going.returncode == 130, err
    assert b"stays asked" in err
    until(lambda: _late(white), "its time is over")
    assert [one["seat"] for one in white.ask("team", "show", "ship")["seats"]] == ["mule"]
    told(white, "team", "down", "ship", "--kill", "--deadline", "0")


def _late(home: Home) -> bool:
    said = home.run("team", "down", "ship", "--deadline", "0", "--json")
    return any(one["state"] == "silent" for one in said.json)


def test_a_member_that_ended_by_itself_is_not_asked(
    pair: tuple[Home, Home], world: Scene, repository: Path
) -> None:
    white, _ = pair
    up(white, world, repository, "dock")
    pane = world.tmux("list-panes", "-a", "-F", "#{pane_pid} #{window_name}")
    (pid,) = [line.split()[0] for line in pane.splitlines() if line.endswith(" dock.mule")]
    os.kill(int(pid), signal.SIGKILL)
    done = {one["seat"]: one for one in told(white, "team", "down", "dock")}
    assert all(one["ended"] for one in done.values())
    assert (done["mule"]["answered"], done["mule"]["request"]) == (False, "")
    assert not requests(world, "dock.mule")


@pytest.mark.parametrize(
    "words", [("team", "bye", "yard"), ("team", "down", "yard", "--role", "cook")]
)
def test_what_makes_no_sense_is_refused(
    pair: tuple[Home, Home], world: Scene, repository: Path, words: tuple[str, ...]
) -> None:
    white, _ = pair
    up(white, world, repository, "yard")
    assert run(white, *words).code == 2
    told(white, "team", "down", "yard", "--kill", "--deadline", "0")
