"""A team's supervisor by the command line: what a member in a real pane says is told its lead, once."""

from __future__ import annotations

import json
import sys

from tests.support.homes import Home, Scene
from tests.support.promises import run, told
from tests.support.recording import PROGRAM, Recording
from tests.support.until import until

FILE = """
name = "crew"
lead = "lead"
[roles.lead]
profile = "generic"
command = {lead}
limits = {{ claims = 0 }}
[roles.impl]
profile = "generic"
command = {impl}
"""
SAYS = (
    'until fleet task claim T1; do sleep 0.1; done; fleet task block T1 "no key"; exec sleep 1000'
)


def test_what_a_member_cannot_go_on_with_is_told_its_lead_once(
    pair: tuple[Home, Home], world: Scene
) -> None:
    white, nova = pair
    record = world.folder / "lead"
    lead = [sys.executable, str(PROGRAM), str(record)]
    file = world.folder / "team.toml"
    file.write_text(FILE.format(lead=json.dumps(lead), impl=json.dumps(["sh", "-c", SAYS])))
    told(white, "team", "apply", str(file), "--yes")
    told(white, "task", "add", "mend the door")
    told(white, "team", "up", "crew", "--role", "lead")
    run(white, "team", "up", "crew", "--role", "impl", "--timeout", "0")
    until(lambda: told(white, "task", "show", "T1")["state"] == "blocked", "impl has said so")

    dry = told(white, "team", "tick", "crew", "--dry-run")
    lines = {seat["seat"]: seat["said"] for seat in dry["seats"]}
    assert lines["impl"][0] == {
        "saw": "it cannot go on with T1", "does": "the lead is told", "why": "",
    }  # fmt: skip
    assert (dry["dry_run"], dry["told"], dry["lead"]) == (True, [], "lead")
    assert "would be: the lead is told" in run(white, "team", "tick", "--dry-run").out

    first = told(white, "team", "tick")
    assert [(one["who"], one["to"], one["error"]) for one in first["told"]] == [
        ("lead", "crew.lead@white", None)
    ]
    until(lambda: len(Recording(record).turns()) > 1, "the lead has read it")
    turn = Recording(record).turns()[-1]
    assert turn.sender == "fleet@white"
    assert "- crew/impl: it cannot go on with T1. fleet task show T1 says why." in turn.text

    white.kill()
    white.again()
    again = run(white, "team", "tick", "crew")
    assert again.code == 0
    assert "nothing: the person will be told in 4 min, if it lasts" in " ".join(again.out.split())
    assert told(white, "team", "tick")["told"] == []
    assert len(Recording(record).turns()) == 2, "its briefing, and this"
    assert told(nova, "team", "tick", "crew", code=3)["code"] == "unknown_team"
