"""A team on one screen: a row a seat, in a person's words, and below it who needs somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.cli import team_status
from fleet.cli.team_down import waiting
from fleet.cli.terminal import Terminal


def at(ago_s: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()


def seat(name: str, **said: Any) -> dict[str, Any]:
    return {
        "seat": name, "role": name, "node": "white", "address": f"web.{name}@white", "term": 3,
        "state": "ready", "still_s": 0.0, "farewell": "", "farewell_at": "", "tasks": [],
        "held": 0, "held_id": "", "held_why": "", "held_s": 0.0, "said": None, "need": "",
        "todo": "", **said,
    }  # fmt: skip


def shown(*seats: dict[str, Any], **said: Any) -> list[str]:
    told = {
        "team": "web", "home": "white", "standing": "home", "home_connected": True,
        "lead": "lead", "at": at(0), "tasks": {"open": 3, "free": 2, "waiting": 1, "done": 9},
        "seats": list(seats), **said,
    }  # fmt: skip
    return team_status.screen(Terminal({}, as_json=False), told)


def test_a_row_says_what_a_member_is_at_what_is_held_and_what_it_said_last() -> None:
    said = {"at": at(200), "about": "to web.lead@white", "text": "which\nkey?"}
    task = {"id": "T4", "title": "mend it", "state": "started", "why": "", "changed_at": at(3_000)}
    lines = shown(
        seat("lead", still_s=600.0),
        seat("impl", state="busy", tasks=[task, task], held=2, held_why="draft", held_s=300.0, said=said),
    )  # fmt: skip
    assert lines[:2] == ["web  home white  lead lead", "tasks  2 free, 1 waiting, 9 done"]
    lead, impl = (line.split("  ") for line in lines[4:6])
    assert [cell.strip() for cell in lead if cell] == ["lead", "white", "idle 10 min"]
    assert [cell.strip() for cell in impl if cell] == [
        "impl", "white", "at work", "T4 mend it (started, 50 min) +1", "2 (draft, 5 min)",
        "3 min ago, to web.lead@white: which key?",
    ]  # fmt: skip
    assert "needs you" not in lines


def test_what_nobody_has_takes_no_column() -> None:
    assert shown(seat("lead"))[3].split() == ["SEAT", "NODE", "STATE"]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"state": "dialog"}, "asks"),
        ({"state": "busy", "still_s": 120.0}, "at work 2 min"),
        ({"state": "empty"}, "empty"),
        ({"state": "left", "farewell": "left", "farewell_at": at(7_300)}, "left 2 h ago"),
        ({"farewell": "asked"}, "asked to leave"),
        ({"farewell": "silent"}, "no answer"),
        ({"farewell": "silent", "state": "gone"}, "gone"),
        ({"farewell": "said"}, "leaving"),
        ({"state": "starting"}, "starting"),
    ],
)
def test_a_state_is_said_in_a_persons_words(said: dict[str, Any], word: str) -> None:
    assert shown(seat("impl", **said))[4].split(None, 2)[2] == word


def test_who_needs_somebody_stands_below_with_why_and_what_to_do() -> None:
    lines = shown(
        seat("lead"), seat("impl", need="its program has ended", todo="fleet team up web")
    )
    assert lines[-2:] == ["needs you", "impl  its program has ended  fleet team up web"]


def test_a_copy_says_that_it_is_one() -> None:
    lines = shown(seat("lead"), standing="copy", home_connected=False)
    assert lines[2].startswith("this is a copy, and the home is away")


def test_nothing_of_a_members_words_steers_the_terminal() -> None:
    said = {"at": at(1), "about": "T4", "text": "a\x1b[2Jb"}
    assert not [line for line in shown(seat("impl", said=said)) if "\x1b" in line]


def test_no_row_is_wider_than_it_may_be() -> None:
    said = {"at": at(1), "about": "T4", "text": "界" * 400}
    row = shown(seat("impl", said=said))[4]
    assert row.endswith("…")
    assert len(row) < 130


def test_what_is_waited_for_is_one_line() -> None:
    def one(name: str, **said: Any) -> dict[str, Any]:
        return {
            "seat": name,
            "answered": False,
            "ended": False,
            "error": None,
            "receipt": None,
            **said,
        }

    held = {"timeline": [{"state": "queued"}, {"state": "held", "reason": "dialog"}]}
    assert waiting(
        [
            one("a", answered=True, ended=True), one("b", answered=True), one("c", receipt=held),
            one("d"), one("e", error={"code": "not_allowed"}),
        ],
        96.4,
    ) == (
        "96 s  2 of 5 said goodbye  b (being ended), c (held(dialog)), d (not asked yet), e (not_allowed)"
    )  # fmt: skip
