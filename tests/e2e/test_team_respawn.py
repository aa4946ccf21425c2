"""Members come back: after kill -9 of whatever it was, on another node, and while the old node is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_restored import copy_of
from tests.support.homes import Home, Scene, is_zombie, scene
from tests.support.promises import run, told
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

FILE = """
name = "web"
lead = "lead"
repository = {repository}
[roles.lead]
profile = "generic"
command = {command}
node = "white"
worktree = "none"
[roles.impl]
profile = "generic"
command = {command}
count = 2
orders = "One task at a time."
limits.claims = 9
"""


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.net")
    done = subprocess.run(
        ["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


class Web:
    """Team ``web``, at home on white; nova may have its implementers, from a clone of its own."""

    def __init__(self, world: Scene, white: Home, nova: Home) -> None:
        self.world, self.white, self.nova = world, white, nova
        self.shop = world.folder / "shop"

    def begin(self) -> None:
        self.shop.mkdir()
        git(self.shop, "init", "-q", "-b", "main")
        (self.shop / "README").write_text("read me")
        git(self.shop, "add", "README")
        git(self.shop, "commit", "-q", "-m", "begin")
        git(self.shop, "clone", "-q", ".", str(self.world.folder / "clone"))
        record = f"exec {sys.executable} {PROGRAM} {self.world.folder}/$FLEET_AGENT.$FLEET_NODE"
        command = json.dumps(["sh", "-c", record])
        file = self.world.folder / "team.toml"
        file.write_text(FILE.format(repository='"git@example.net:shop.git"', command=command))
        told(self.white, "team", "apply", str(file), "--yes")
        told(self.white, "team", "up", "web", "--checkout", str(self.shop))
        told(self.white, "team", "invite", "web", "nova", "--role", "impl")
        until(lambda: self.nova.ask("team", "invitations"), "nova is asked")
        (one,) = self.nova.ask("team", "invitations")
        told(self.nova, "team", "accept", one["id"], "--repo", f"={self.world.folder / 'clone'}")

    def respawn(self, seat: str, *words: str, code: int = 0) -> Any:
        return told(
            self.white, "team", "respawn", seat, "--checkout", str(self.shop), *words, code=code
        )

    def record(self, seat: str, node: str = "white") -> Recording:
        return Recording(self.world.folder / f"web.{seat}.{node}")

    def briefing(self, seat: str, home: Home | None = None) -> str:
        page = told(home or self.white, "memory", "briefing", f"web/{seat}")["text"]
        return str(page).removesuffix("\n")

    def pid(self, name: str, on: str = "") -> int:
        """The program of an agent, which is its pane's own process; one of them by its node's home."""
        form = "#{window_name} #{pane_pid} #{pane_current_path}"
        rows = self.world.tmux("list-panes", "-a", "-F", form).split("\n")
        there = [row.split() for row in rows if row.startswith(f"{name} ")]
        (pid,) = (int(pid) for _, pid, path in there if f"/{on}/" in path or not on)
        return pid

    def programs(self, name: str) -> int:
        """How many windows of this agent there are."""
        return self.world.tmux("list-windows", "-a", "-F", "#{window_name}").split().count(name)

    def mail(self) -> str:
        """What the person at home was told."""
        return " ".join(one["text"] for one in self.white.ask("inbox", "operator"))

    def holder(self, number: int, home: Home | None = None) -> tuple[str, str]:
        task = told(home or self.white, "task", "show", f"web/T{number}")
        return task["state"], task["holder"]


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with scene() as world:
        team = Web(world, *world.pair())
        team.begin()
        yield team


def learn(web: Web, what: str, seat: str = "impl") -> int:
    """Give a seat work and something to remember; the task's number."""
    task = told(web.white, "task", "add", f"mend the {what}", "--team", "web")["id"]
    told(web.white, "task", "assign", f"web/{task}", seat)
    told(web.white, "memory", "add", f"the {what} is of brass", "--role", "impl", "--team", "web")
    return int(task.removeprefix("T"))


def kill_agent(web: Web) -> None:
    os.kill(web.pid("web.impl"), signal.SIGKILL)


def kill_node(web: Web) -> None:
    web.white.kill()
    web.white.again()


def kill_both(web: Web) -> None:
    pid = web.pid("web.impl")
    web.white.kill()
    os.kill(pid, signal.SIGKILL)
    web.white.again()


@pytest.mark.parametrize("kill", [kill_agent, kill_node, kill_both])
def test_after_a_kill_the_briefing_that_arrives_is_the_one_that_was_printed_and_claims_stand(
    web: Web, kill: Callable[[Web], None]
) -> None:
    number = learn(web, kill.__name__)
    page = web.briefing("impl")
    assert f"> mend the {kill.__name__}" in page.partition("## Tasks that you hold")[2]
    assert f"> the {kill.__name__} is of brass" in page
    before = len(web.record("impl").turns())
    kill(web)
    assert web.briefing("impl") == page
    done = web.respawn("web/impl")
    assert (done["brief"], done["before"]["over"]) == ("submitted", True)
    assert f"T{number}" in done["claims"]
    (turn,) = web.record("impl").turns()[before:]
    assert (turn.sender, turn.id, turn.text) == ("fleet@white", done["id"], page)
    assert web.holder(number) == ("claimed", "impl")
    assert web.programs("web.impl") == 1


def test_after_a_reboot_of_both_hosts_it_is_the_same(web: Web) -> None:
    number = learn(web, "reboot")
    page, there = web.briefing("impl"), web.briefing("impl", web.nova)
    before = len(web.record("impl").turns())
    web.white.kill()
    web.nova.kill()
    server = int(web.world.tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{server}").exists() or is_zombie(server), "tmux is gone")
    web.white.again()
    web.nova.again()
    web.world.wait_linked(web.white, web.nova)
    assert (web.briefing("impl"), web.briefing("impl", web.nova)) == (page, there)
    assert page == there, "nothing waits for it that only its node would know of"
    assert web.respawn("impl")["brief"] == "submitted"
    assert [turn.text for turn in web.record("impl").turns()[before:]] == [page]
    assert web.holder(number) == web.holder(number, web.nova) == ("claimed", "impl")


def test_it_moves_to_another_node_with_all_it_has_but_what_it_did_not_save_which_is_named(
    web: Web,
) -> None:
    number = learn(web, "anchor", "impl-2")
    web.respawn("impl-2")
    old = web.white.root / "worktrees" / "web" / "impl-2"
    (old / "committed").write_text("one")
    git(old, "add", "committed")
    git(old, "commit", "-q", "-m", "one")
    (old / "half done").write_text("not committed")
    page = web.briefing("impl-2", web.nova)
    done = web.respawn("web/impl-2", "--node", "nova")
    assert (done["address"], done["brief"]) == ("web.impl-2@nova", "submitted")
    assert done["claims"] == [f"T{number}"]
    before = done["before"]
    assert (before["node"], before["over"], before["folder"]) == ("white", True, str(old))
    assert "half done" in " ".join(before["unsaved"])
    assert "1 commit on no remote" in " ".join(before["unpushed"])
    assert (old / "half done").read_text() == "not committed"
    assert web.programs("web.impl-2") == 1
    (turn,) = web.record("impl-2", "nova").turns()
    assert (turn.sender, turn.text) == ("fleet@nova", page)
    new = web.nova.root / "worktrees" / "web" / "impl-2"
    assert git(new, "branch", "--show-current") == "web/impl-2\n"
    for home in (web.white, web.nova):
        assert told(home, "send", "web/impl-2", "hello")["to"] == "web.impl-2@nova"
    assert web.holder(number) == ("claimed", "impl-2")


def test_while_the_old_node_is_away_the_seat_goes_on_and_that_node_ends_what_is_over(
    web: Web,
) -> None:
    learn(web, "lantern", "impl-2")
    web.respawn("impl-2", "--node", "nova")
    pid = web.pid("web.impl-2")
    (web.nova.root / "worktrees" / "web" / "impl-2" / "half done").write_text("on nova")
    web.nova.kill()
    until(lambda: not web.white.sees("nova"), "nova is away")
    assert web.respawn("impl-2", code=8)["code"] == "node_unreachable"
    assert web.respawn("impl-2", "--node", "nova", code=8)["code"] == "node_unreachable"
    done = web.respawn("impl-2", "--node", "white", code=5)
    assert (done["address"], done["brief"]) == ("web.impl-2@white", "submitted")
    assert (done["before"]["address"], done["before"]["over"]) == ("web.impl-2@nova", False)
    said = run(web.white, "team", "respawn", "impl-2", "--checkout", str(web.shop))
    assert said.code == 0, "it lives here now"
    lives = web.pid("web.impl-2", on="white")
    assert web.respawn("impl-2", "--node", "nova", code=8)["code"] == "node_unreachable"
    assert web.pid("web.impl-2", on="white") == lives, "nothing was done"
    assert Path(f"/proc/{pid}").exists(), "nobody could end it"
    web.nova.again()
    until(lambda: not Path(f"/proc/{pid}").exists(), "nova has ended it")
    until(lambda: "went on elsewhere" in web.mail(), "the person at home is told")
    kept = web.nova.root / "worktrees" / "web" / "impl-2"
    assert str(kept) in web.mail()
    assert "half done" in web.mail()
    assert (kept / "half done").read_text() == "on nova"
    assert web.programs("web.impl-2") == 1


def alike(web: Web, *words: str) -> Callable[[], bool]:
    """Whether both nodes would give the same briefing, with all of these in it."""

    def are_alike() -> bool:
        page, there = web.briefing("impl"), web.briefing("impl", web.nova)
        return page == there and all(f"> {one}" in page for one in words)

    return are_alike


def test_findings_come_to_whoever_was_away_and_back_to_whoever_was_put_back(web: Web) -> None:
    def add(words: str, home: Home) -> None:
        told(home, "memory", "add", words, "--role", "impl", "--team", "web")

    web.nova.kill()
    add("said while nova was away", web.white)
    web.nova.again()
    until(alike(web, "said while nova was away"), "nova has caught up")
    page = ""
    for home in (web.white, web.nova):
        put_back = copy_of(home)
        web.world.wait_linked(web.white, web.nova)
        add(f"said on nova before {home.name} was put back", web.nova)
        until(alike(web, f"said on nova before {home.name} was put back"), "both have it")
        page = web.briefing("impl")
        put_back()
        until(alike(web, f"said on nova before {home.name} was put back"), "both have it again")
        assert web.briefing("impl") == page
    before = len(web.record("impl").turns())
    assert web.respawn("impl")["brief"] == "submitted"
    assert [turn.text for turn in web.record("impl").turns()[before:]] == [page]
