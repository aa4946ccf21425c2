"""What ``fleet assign`` and its relatives ask the node, and what they show."""

from __future__ import annotations

from typing import Any

from tests.support.door import done, scripted

CHOSEN: dict[str, Any] = {
    "task": "T12", "title": "renew the lease", "answer": "chosen", "who": "impl", "offered": True,
    "until": "2026-11-24T20:14:00.000Z", "weights": 1, "reasons": {"full": 1},
    "scored": [
        {"seat": "impl", "total": 0.0, "lost": {"words": 0.0, "free": 0.0}},
        {"seat": "help", "total": -1.92, "lost": {"words": -1.92, "free": 0.0}},
    ],
    "out": [{"seat": "docs", "why": "full"}],
    "like": [{"title": "renew it", "who": "impl@nova", "score": 2.0}],
}  # fmt: skip
NOBODY = {
    **CHOSEN, "task": "T13", "answer": "unroutable", "who": "", "offered": False, "until": None,
    "scored": [], "reasons": {"lacks:gpu": 2, "full": 1}, "like": [],
}  # fmt: skip
WEAK = {**NOBODY, "task": "T14", "answer": "weak", "who": "help"}


def test_a_line_for_each_task() -> None:
    with scripted({"assign": [done([CHOSEN, NOBODY, WEAK])]}) as (home, door):
        shown = home.run("assign", "T12", "--deadline", "60", "--team", "site")
        assert shown.code == 0
        assert "offered until 20:14 UTC" in shown.out
        assert "lacks:gpu (2), full (1)" in shown.out
        assert "it stays with you" in shown.out
        assert door.asked[0]["args"] == {
            "tasks": ["T12"], "dry_run": False, "deadline_s": 60.0, "team": "site",
        }  # fmt: skip


def test_explained_as_a_table_of_what_everybody_lost() -> None:
    with scripted({"assign": [done([{**CHOSEN, "offered": False}])]}) as (home, _):
        shown = home.run("assign", "--explain", "--dry-run")
        assert "T12 renew the lease\nchosen -> impl" in shown.out
        lines = shown.out.splitlines()
        assert lines[2].split() == ["SEAT", "WORDS", "TOTAL"], (
            "signals without a difference are left out"
        )
        assert lines[4].split() == ["help", "-1.92", "-1.92"]
        assert "docs  out: full" in shown.out
        assert 'most like it: "renew it" (impl@nova)' in shown.out
        assert "nothing was offered" in shown.err


def test_nothing_to_decide() -> None:
    with scripted({"assign": [done([])]}) as (home, _):
        assert "nothing can be claimed" in home.run("assign").err


def test_json_has_it_all() -> None:
    with scripted({"assign": [done([CHOSEN])]}) as (home, _):
        assert home.run("assign", "--json").json == [CHOSEN]


def test_who_is_asked_next_after_a_refusal() -> None:
    told = {"id": "T12", "team": "site", "next": CHOSEN}
    with scripted({"task_refuse": [done(told)]}) as (home, door):
        assert (
            home.run("task", "refuse", "T12", "no GPU").out
            == "T12 is passed on; impl is asked next\n"
        )
        assert door.asked[0]["args"]["text"] == "no GPU"
    with scripted({"task_refuse": [done({**told, "next": None})]}) as (home, _):
        assert "nobody else is asked" in home.run("task", "refuse", "T12", "no").out


def test_what_is_known_of_a_role() -> None:
    one = {
        "seat": "impl", "record": "impl@nova", "finished": 3, "accepted": 2.5, "handed_back": 0.0,
        "words": ["lease", "renew"], "paths": ["lease.py"], "skills": [{"name": "Leases"}],
        "offered": ["T12"],
    }  # fmt: skip
    with scripted({"competence": [done([one])]}) as (home, _):
        shown = home.run("competence", "show", "impl").out
        assert "impl (impl@nova)" in shown
        assert "lease, renew" in shown
    with scripted({"competence": [done([])]}) as (home, _):
        assert "nobody fills" in home.run("competence", "show", "x").err


def test_a_number_is_printed_and_nothing_else() -> None:
    taken = {"team": "site", "slot": "version", "number": 7, "again": False}
    with scripted({"slot_take": [done(taken)], "slots": [done([])]}) as (home, door):
        assert home.run("slot", "take", "version", "--at-least", "3").out == "7\n"
        assert door.asked[0]["args"]["at_least"] == 3
        assert home.run("slot", "take", "version", "--at-least", "-1").code == 2
        assert "no slot was taken" in home.run("slot", "ls").err
