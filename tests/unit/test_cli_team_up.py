"""What ``fleet team up`` shows while it runs, to whom, and what it leaves to be read."""

from __future__ import annotations

import json
from typing import Any

from tests.support.door import done, scripted
from tests.support.pty_command import on_terminal


def seat(name: str, **changes: Any) -> dict[str, Any]:
    told = {
        "seat": name, "role": "impl", "node": "nova", "address": f"web.{name}@nova", "term": 7,
        "started": True, "brief": "submitted", "id": "01KB3", "receipt": None, "error": None,
    }  # fmt: skip
    return {**told, **changes}


AWAY = {
    "code": "node_unreachable", "message": "kai cannot be reached: no link", "hint": "fleet nodes",
    "layer": "network", "candidates": [],
}  # fmt: skip
LINES = (
    {"progress": {**seat("impl", brief=""), "done": False}},
    {"progress": {**seat("ship", brief="", error=AWAY, node="kai", address=""), "done": True}},
    {"progress": {**seat("impl"), "done": True}},
    done([seat("impl"), seat("ship", brief="", error=AWAY, node="kai", address="")], 8),
)


def test_in_a_terminal_each_seat_has_a_line_as_soon_as_all_is_done_for_it() -> None:
    with scripted({"team_up": LINES}) as (home, _):
        shown = on_terminal(home, "team", "up", "web").decode()
    wait, ship, impl = (shown.index(t) for t in ("waiting for impl", "ship  kai", "impl  nova"))
    assert wait < ship < impl
    assert "ship  kai  node_unreachable\n" in shown
    assert "impl  nova  submitted\n" in shown
    assert shown.index("SEAT") > impl
    assert "ship: kai cannot be reached: no link\n" in shown


def test_for_programs_and_files_there_is_one_answer_and_nothing_before_it() -> None:
    with scripted({"team_up": LINES}) as (home, _):
        told = home.run("team", "up", "web", "--json")
        said = home.run("team", "up", "web")
    assert (told.code, told.err) == (8, "")
    assert [one["seat"] for one in json.loads(told.out)] == ["impl", "ship"]
    assert "waiting" not in said.out + said.err
    assert said.out.startswith("SEAT")
