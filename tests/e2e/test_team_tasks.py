"""A team's list on two real nodes, by the command line: exit codes, JSON, keys, who is who."""

from __future__ import annotations

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.until import until

FILE = """
name = "crew"
lead = "lead"
[roles.lead]
command = ["sleep", "1000"]
"""


@pytest.fixture(scope="module")
def white(pair: tuple[Home, Home], world: Scene) -> Home:
    """The home of a team, from its file."""
    file = world.folder / "team.toml"
    file.write_text(FILE)
    told(pair[0], "team", "apply", str(file), "--yes")
    return pair[0]


def in_pane(world: Scene, home: Home, name: str, *words: str) -> str:
    """What a command says that an agent runs in its own pane."""
    out = world.folder / f"{name}.out"
    script = f"fleet {' '.join(words)} >{out}.new 2>&1; echo exit $? >>{out}.new; mv {out}.new {out}; sleep 1000"
    home.ask_with(("start", name, "--"), ("sh", "-c", script))
    until(out.exists, f"{name} has run it")
    return out.read_text()


def test_a_task_from_the_list_to_its_end(white: Home) -> None:
    added = told(
        white, "task", "add", "mend the door", "--path", "README.md", "--size", "S", code=2
    )
    assert added["code"] == "usage"
    first = told(white, "task", "add", "mend the door", "--path", "README.md", "--size", "s")
    assert (first["id"], first["state"], first["by"]) == ("T1", "open", "operator@white")
    second = told(white, "task", "add", "paint it", "--after", "T1", "--found-while", "t1")
    assert (second["waits_for"], second["found_while"]) == (["T1"], "T1")
    assert [t["id"] for t in told(white, "task", "ls", "--state", "free")] == ["T1"]
    assert [t["id"] for t in told(white, "task", "ls", "--state", "waiting")] == ["T2"]
    assert told(white, "task", "claim", "T2", code=9)["code"] == "wrong_state"
    claimed = told(white, "task", "claim")
    assert (claimed["id"], claimed["holder"]) == ("T1", "operator@white")
    assert told(white, "task", "start", "T1", "--token", "1", code=9)["code"] == "lease_lost"
    told(white, "task", "start", "crew/T1", "--token", str(claimed["token"]))
    told(white, "task", "note", "1", "two hinges")
    told(white, "task", "block", "T1", "no screws")
    assert run(white, "task", "done", "T1").code == 2, "without evidence"
    assert told(white, "task", "done", "T1", "commit 1f3c9a2")["evidence"] == "commit 1f3c9a2"
    assert told(white, "task", "claim")["id"] == "T2", "it waits for nothing now"
    assert told(white, "task", "release", "T2")["state"] == "open"
    shown = told(white, "task", "show", "T1")
    kinds = [
        "task_added",
        "task_claimed",
        "task_started",
        "task_noted",
        "task_blocked",
        "task_done",
    ]
    assert [entry["what"] for entry in shown["history"]] == kinds
    assert shown["side_finds"] == ["T2"]
    assert "T1 mend the door" in run(white, "task", "show", "T1").out
    assert told(white, "task", "reopen", "T1", "it squeaks")["state"] == "open"
    assert told(white, "task", "rm", "T2")["state"] == "removed"
    assert [t["id"] for t in told(white, "task", "ls", "--all")] == ["T1", "T2"]


def test_a_key_counts_once_also_over_a_kill_of_the_node(white: Home) -> None:
    first = told(white, "task", "add", "once", "--key", "k-1")
    assert first["again"] is False
    white.kill()
    white.again()
    again = told(white, "task", "add", "once", "--key", "k-1")
    assert (again["id"], again["again"]) == (first["id"], True)


def test_errors_say_what_helps(white: Home, pair: tuple[Home, Home]) -> None:
    _, nova = pair
    assert told(white, "task", "show", "T999", code=3)["code"] == "unknown_task"
    assert told(white, "task", "claim", "--team", "none", code=3)["code"] == "unknown_team"
    assert told(white, "task", "claim", "door", code=2)["code"] == "malformed_request"
    assert told(nova, "task", "ls", code=3)["code"] == "unknown_team"
    cycle = told(white, "task", "add", "one more")["id"]
    after = told(white, "task", "add", "behind it", "--after", cycle)["id"]
    refused = told(white, "task", "change", cycle, "--after", after, code=2)
    assert f"{cycle} → {after} → {cycle}" in refused["message"]
    assert told(white, "task", "assign", cycle, "nobody", code=2)["code"] == "malformed_request"


def test_who_runs_it_in_a_pane_is_that_agent_and_no_member_is_turned_away(
    white: Home, world: Scene
) -> None:
    said = in_pane(world, white, "neo", "task", "claim", "--json")
    assert '"not_allowed"' in said
    assert "neo@white" in said
    assert said.endswith("exit 7\n")
