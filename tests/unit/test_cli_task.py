"""What the commands about tasks ask the node, and what they make of its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.door import done, scripted

TASK = {
    "id": "T3", "team": "site", "title": "mend the door", "state": "done", "holder": "rin",
    "token": 7, "why": "no key", "evidence": "", "text": "all of it", "again": False,
}  # fmt: skip


@pytest.mark.parametrize(("verb", "shown"), [
    ("done", "T3 is done"), ("note", "noted with T3"), ("block", "T3 is blocked: no key"),
    ("release", "T3 is free again"), ("reopen", "T3 is open again"), ("rm", "T3 is off the list"),
])  # fmt: skip
def test_what_is_said_of_a_task_is_an_argument_or_a_file(
    verb: str, shown: str, tmp_path: Path
) -> None:
    file = tmp_path / "words"
    file.write_text("from a file")
    with scripted({f"task_{verb}": [done(TASK)]}) as (home, door):
        assert home.run("task", verb, "T3", "commit abc").out.strip() == shown
        assert home.run("task", verb, "T3", "-f", str(file)).code == 0
        assert home.run("task", verb, "T3", "a", "-f", str(file)).code == 2
        assert [one["args"]["text"] for one in door.asked] == ["commit abc", "from a file"]


@pytest.mark.parametrize("verb", ["release", "rm"])
def test_where_no_reason_is_needed_none_is_waited_for(verb: str) -> None:
    with scripted({f"task_{verb}": [done(TASK)]}) as (home, door):
        assert home.run("task", verb, "T3").code == 0
        assert not door.asked[0]["args"].get("text")


def test_a_claim_shows_all_there_is_to_do() -> None:
    with scripted({"task_claim": [done(TASK)]}) as (home, door):
        assert home.run("task", "claim").out == "T3 is yours: mend the door\n\nall of it\n"
        assert not door.asked[0]["args"].get("task")


def test_only_what_is_said_of_a_task_is_asked_to_change() -> None:
    with scripted({"task_change": [done(TASK)]}) as (home, door):
        home.run("task", "change", "T3", "--after", "T1", "--after", "T2")
        args = door.asked[0]["args"]
        assert {name for name, value in args.items() if value} == {"task", "after"}
        assert args["after"] == ["T1", "T2"]


def test_tokens_and_limits_below_nothing_are_mistakes() -> None:
    with scripted({"task_start": [done(TASK)]}) as (home, door):
        assert home.run("task", "start", "T3", "--token", "-1").code == 2
        assert home.run("task", "ls", "--limit", "-1").code == 2
        assert not door.asked
