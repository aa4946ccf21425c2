"""With real nodes: who may message an agent and how often, what is held and released, and its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import Recording
from tests.support.until import until


def log(home: Home, *kinds: str) -> list[dict[str, Any]]:
    lines = home.run("log", "--no-follow", "-n", "1000", "--json").out.splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] in kinds]


@pytest.fixture(scope="module")
def tom(world: Scene, pair: tuple[Home, Home]) -> Recording:
    """Another agent of nova."""
    recording = Recording(Path(world.folder / "tom.jsonl"))
    recording.start(pair[1], "tom")
    world.wait_known(pair[0], "tom@nova")
    return recording


def test_a_policy_is_changed_while_the_agent_runs_and_held_is_seen_and_released_from_both_sides(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    assert told(nova, "policy", "rin")["policy"] == "open"
    changed = told(nova, "policy", "rin", "approval")
    assert (changed["before"], changed["policy"], changed["held"]) == ("open", "approval", 0)
    ids = [
        str(told(white, "send", "rin", text, "--timeout", "0.1", code=5)["id"])
        for text in ("first", "second", "third")
    ]
    until(lambda: white.state_of(ids[2]) == "held", "the sender knows that it is held")
    for home, command in ((white, "outbox"), (nova, "inbox")):
        rows = told(home, command, "--held")
        assert [row["id"] for row in rows] == ids[::-1]
        assert {row["reason"] for row in rows} == {"approval"}
    assert "next  on nova: fleet release" in run(white, "show", ids[0]).out
    assert run(nova, "inbox", "--held", "--dead").code == 2
    assert "3 (approval)" in run(nova, "ls").out
    told(white, "cancel", ids[1])
    said = run(nova, "policy", "rin", "open")
    assert "rin@nova is open (was approval)" in said.out
    assert told(nova, "policy", "rin@nova")["held"] == 2
    assert [one["id"] for one in told(nova, "release", "--all", "rin")] == [ids[0], ids[2]]
    until(lambda: white.state_of(ids[2]) == "submitted", "both were typed")
    assert [turn.text for turn in rin.turns()][-2:] == ["first", "third"]
    assert told(nova, "release", "--all", "rin") == []
    assert run(nova, "release", "--all", "rin").code == 0
    assert told(white, "policy", "rin", "closed", code=3)["code"] == "unknown_agent"
    assert run(nova, "policy", "rin", "sometimes").code == 2


def test_a_rate_is_kept_over_a_kill_and_a_grant_ends_at_its_time(
    world: Scene, pair: tuple[Home, Home], tom: Recording
) -> None:
    white, nova = pair
    given = told(nova, "grant", "*@white", "message", "tom", "--rate", "2/h")
    assert given["rate"] == "2/h"
    assert told(nova, "grants") == [given]
    assert "2/h" in run(nova, "grants").out
    assert told(nova, "grant", "*@white", "message", "tom", "--rate", "2", code=2)["hint"]
    assert told(white, "send", "tom", "one")["state"] == "submitted"
    assert told(white, "send", "tom", "two")["state"] == "submitted"
    for again in (False, True):
        receipt = told(white, "send", "tom", "three", code=9)
        assert (receipt["state"], receipt["reason"]) == ("refused", "rate_exceeded")
        if not again:
            nova.kill()
            nova.again()
            world.wait_linked(white, nova)
            world.wait_known(white, "tom@nova")
    said = run(white, "send", "tom", "three")
    assert "may message tom 2/h, and its node has used that up: again in 30 min" in said.err
    assert "hint: fleet revive" in said.err
    assert told(nova, "send", "tom", "my own")["state"] == "submitted"
    assert [turn.text for turn in tom.turns()] == ["one", "two", "my own"]
    short = told(nova, "grant", "operator@white", "message", "tom", "--expires", "0.5")
    assert short["expires_at"]
    until(lambda: white.run("send", "tom", "four", "--json").json["state"] == "refused", "it ended")
    assert "(over)" in run(nova, "grants").out
    assert told(nova, "ungrant", "*@white", "tom") == {"removed": True}
    assert told(white, "send", "tom", "five")["state"] == "submitted"


def test_all_of_it_is_in_the_log_and_the_log_holds(
    pair: tuple[Home, Home], rin: Recording, tom: Recording
) -> None:
    white, nova = pair
    assert told(white, "peek", "tom", code=7)["code"] == "not_allowed"
    told(nova, "grant", "*@white", "observe", "tom")
    told(white, "peek", "tom")
    used = log(nova, "use allowed", "use refused")
    assert [(event["kind"], event["who"], event["verb"]) for event in used] == [
        ("use refused", "operator@white", "observe"),
        ("use allowed", "operator@white", "observe"),
    ]
    assert used[1]["by"] == "grant *@white observe tom"
    by = {event["by"] for event in log(nova, "envelope taken")}
    assert {"own operator", "policy open", "policy approval", "grant *@white message tom"} <= by
    assert {event["reason"] for event in log(nova, "envelope declined")} == {"rate_exceeded"}
    assert [event["by"] for event in log(nova, "envelope released")] == ["operator@nova"] * 2
    for home in pair:
        verified = home.run("log", "--verify", "--json")
        assert (verified.code, verified.json["broken"]) == (0, None)
