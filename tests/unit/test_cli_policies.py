"""What the commands about policies and held envelopes ask the node, and what they make of its answer."""

from __future__ import annotations

import pytest

from tests.support.door import Line, done, receipt, scripted

GRANT = {"who": "*@nova", "verbs": ["message"], "agent": "rin", "expires_at": ""}
HELD = {"text": "x", "at": "2026-11-23T10:00:00.000Z", "state": "held", "reason": "approval"}


def letter(name: str, **changes: object) -> dict[str, object]:
    return {**receipt(id=name), **HELD, **changes}


@pytest.mark.parametrize(
    ("options", "asked"), [((), None), (("--rate", "10/m"), "10/m"), (("--rate", ""), None)]
)
def test_a_rate_is_asked_for_only_where_it_is_said(
    options: tuple[str, ...], asked: str | None
) -> None:
    with scripted({"grant": [done({**GRANT, "rate": asked or ""})]}) as (home, door):
        said = home.run("grant", "*@nova", "message", "rin", *options)
        assert door.asked[0]["args"].get("rate") == asked
        assert said.out.strip() == "*@nova may message rin here" + (
            ", 10/m for each node" if asked else ""
        )


def test_grants_of_a_node_that_is_older_than_the_command_are_listed() -> None:
    with scripted({"grants": [done([GRANT])]}) as (home, _):
        assert "never" in home.run("grants").out


def test_a_grant_whose_time_is_over_is_listed_as_such() -> None:
    over, still = "2001-01-01T00:00:00.000Z", "9999-01-01T00:00:00.000Z"
    rows = [{**GRANT, "expires_at": end} for end in (over, still)]
    with scripted({"grants": [done(rows)]}) as (home, _):
        shown = home.run("grants").out
    assert f"{over} (over)" in shown
    assert f"{still} (over)" not in shown


@pytest.mark.parametrize("command", ["inbox", "outbox"])
def test_held_is_asked_for_only_where_it_is_said_and_never_with_dead(command: str) -> None:
    with scripted({command: [done([])]}) as (home, door):
        home.run(command)
        home.run(command, "--held")
        assert [one["args"].get("held") for one in door.asked] == [None, True]
        assert home.run(command, "--held", "--dead").code == 2
        assert len(door.asked) == 2


def test_release_all_approves_the_oldest_first_and_only_what_waits_for_approval() -> None:
    newest_first = [letter("C"), letter("B", reason="draft"), letter("A")]
    answers: dict[str, list[Line]] = {
        "inbox": [done(newest_first)],
        "release": [done(receipt(state="accepted"))],
    }
    with scripted(answers) as (home, door):
        assert home.run("release", "--all", "rin").code == 0
        assert door.asked[0]["args"]["name"] == "rin"
        released = [one["args"]["id"] for one in door.asked if one["call"] == "release"]
        assert released == ["A", "C"]


@pytest.mark.parametrize(("code", "exit_code"), [("wrong_state", 0), ("store_failed", 8)])
def test_release_all_passes_over_what_was_taken_back_meanwhile_and_over_nothing_else(
    code: str, exit_code: int
) -> None:
    error = {"code": code, "message": "no", "hint": "so", "layer": "store", "candidates": []}
    answers: dict[str, list[Line]] = {
        "inbox": [done([letter("A")])],
        "release": [{"error": error, "exit": 9 if code == "wrong_state" else 8}],
    }
    with scripted(answers) as (home, _):
        said = home.run("release", "--all", "rin")
        assert said.code == exit_code
        assert ("nothing waits for approval" in said.err) == (exit_code == 0)


@pytest.mark.parametrize("held", [0, 2])
def test_a_policy_that_was_changed_says_what_it_was_and_how_much_still_waits(held: int) -> None:
    told = {"address": "rin@white", "name": "rin", "policy": "open", "before": "approval"}
    with scripted({"policy": [done({**told, "held": held})]}) as (home, door):
        said = home.run("policy", "rin", "open")
        assert door.asked[0]["args"] == {"name": "rin", "policy": "open"}
        assert said.out.strip() == "rin@white is open (was approval)"
        assert ("2 wait for approval all the same: fleet inbox rin --held" in said.err) == bool(
            held
        )
