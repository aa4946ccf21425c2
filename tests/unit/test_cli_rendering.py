"""What people see: nothing that steers their terminal, columns that line up, colours where wanted."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from fleet.cli import render
from fleet.cli.terminal import Terminal
from tests.support.door import AGENT, STATUS, TRUST, done, receipt, scripted
from tests.support.pty_command import on_terminal

ESCAPE = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal() -> Terminal:
    return Terminal({}, as_json=False)


PEER = {"node": "nova", "state": "away", "last_seen": "", "since": "", "queued": 2}
TROUBLED = {
    "queues": {
        "outbox": {}, "inbox": {},
        "queued": [{"node": "nova", "id": "n", "count": 2, "oldest_s": 61.0}],
        "waiting": [{"agent": "rin", "count": 3, "oldest_s": 7_300.0, "held": {"draft": 1}}],
        "dead": {"outbox": {"count": 4, "oldest_s": 90.0}, "inbox": {"count": 0, "oldest_s": None}},
    },
    "errors": [{"at": "2026-11-23T10:00:00Z", "level": "warning", "event": "sweep failed",
                "error": "store_failed", "detail": "the disk is \x1b[31mslow"}],
}  # fmt: skip


def test_status_shows_what_waits_and_why_what_died_and_what_went_wrong() -> None:
    failed = {
        "code": "c",
        "message": "nobody answers",
        "layer": "network",
        "at": "2026-11-23T10:00:00Z",
    }
    back = {**PEER, "state": "connected", "last_error": failed}
    with scripted({"status": [done({**STATUS, **TROUBLED, "peers": [back]})]}) as (home, _):
        shown = home.run("status").out
    assert re.search(r"^node nova +2 +61 s +queued here$", shown, re.MULTILINE), shown
    assert re.search(r"^rin +3 +2 h +1 draft$", shown, re.MULTILINE), shown
    assert "4 in the outbox, the oldest 90 s old: fleet inbox --dead, fleet outbox --dead" in shown
    assert re.search(r"^nova .*ago: nobody answers \(network\)$", shown, re.MULTILINE), shown
    assert re.search(r" sweep failed +store_failed +the disk is ", shown), shown


def test_status_of_a_node_that_is_older_than_the_command_is_shown_as_far_as_it_goes() -> None:
    old = {key: value for key, value in STATUS.items() if key != "errors"}
    with scripted({"status": [done({**old, "peers": [{"node": "nova", "state": "away"}]})]}) as (
        home,
        _,
    ):
        said = home.run("status")
    assert said.code == 0
    assert "nova  away" in said.out


HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202e"


@pytest.mark.parametrize(
    ("words", "call", "result"),
    [
        (["ls"], "ls", [{**AGENT, "profile": HOSTILE, "state": HOSTILE}]),
        (["send", "rin", "x"], "send", receipt(to=HOSTILE, reason=HOSTILE)),
        (["show", "01K"], "show", {**receipt(), "text": HOSTILE, "at": ""}),
        (["inbox"], "inbox", [{**receipt(), "text": HOSTILE, "at": HOSTILE}]),
        (["peek", "rin"], "peek", {"address": HOSTILE, "rows": [HOSTILE], "state": HOSTILE}),
        (["nodes"], "nodes", [{"node": HOSTILE, "id": "x", "state": HOSTILE, "trouble": HOSTILE}]),
        (
            ["trust"],
            "trust",
            {
                **TRUST,
                "members": [{"node": HOSTILE, "state": "away", "admitted_by": "root", "id": "x"}],
                "revoked": [{"node": HOSTILE, "reason": HOSTILE, "revoked_by": HOSTILE, "id": "x"}],
            },
        ),
        (["status"], "status", {**STATUS, "node": HOSTILE, "missing": [HOSTILE], "mdns": HOSTILE}),
        (["status"], "status", {**STATUS, **TROUBLED, "peers": [{**PEER, "trouble": HOSTILE}]}),
        (["whoami"], "whoami", {"identity": HOSTILE}),
        (["attach", "rin"], "attach", {"socket": HOSTILE, "pane": "%1", "session": HOSTILE}),
        (["join", "t"], "join", {"node": HOSTILE, "inviter": HOSTILE, "members": [HOSTILE]}),
        (["invite"], "invite", {"token": HOSTILE, "expires_at": HOSTILE}),
        (["stop", "rin"], "end", {"address": HOSTILE}),
        (
            ["grants"],
            "grants",
            [
                {
                    "who": HOSTILE,
                    "verbs": [HOSTILE],
                    "agent": HOSTILE,
                    "rate": HOSTILE,
                    "expires_at": HOSTILE,
                },
            ],
        ),
        (
            ["policy", "rin"],
            "policy",
            {
                "address": HOSTILE,
                "name": HOSTILE,
                "policy": HOSTILE,
                "before": "",
                "held": 1,
            },
        ),
        (
            ["profile"],
            "profiles",
            [{"name": HOSTILE, "title": "", "aliases": [""], "programs": [""]}],
        ),
        (
            ["profile", "show", "x"],
            "profile",
            {"name": HOSTILE, "source": "", "file": HOSTILE, "changed": False, HOSTILE: [HOSTILE]},
        ),
    ],
)
def test_whatever_a_node_answers_no_command_passes_it_on_to_steer(
    words: list[str], call: str, result: object
) -> None:
    with scripted({call: [done(result)]}) as (home, _):
        said = home.run(*words)
    assert r"\u{1b}[31mred" in said.out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said.out + said.err)


def test_an_error_cannot_steer_either() -> None:
    where = {"address": HOSTILE, "node": HOSTILE, "state": HOSTILE, "last_seen": HOSTILE}
    error = {"code": "x", "message": HOSTILE, "hint": HOSTILE, "layer": "name"}
    answer = {"error": {**error, "candidates": [where]}, "exit": 4}
    with scripted({"ls": [answer]}) as (home, _):
        said = home.run("ls")
    assert said.code == 4
    assert said.err.count(r"\u{202e}") == 6
    assert "\x1b" not in said.err


def test_a_hostile_path_of_a_home_cannot_steer() -> None:
    with scripted({}) as (home, _):
        said = home.run("down", "--home", f"{home.root}/\x1b[2J")
    assert (said.code, said.err.count(r"\u{1b}")) == (0, 1)


# --- columns ---


def test_columns_line_up_and_those_that_are_empty_everywhere_are_left_out(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("rin@nova", "", "ready", None), ("a", None, "in\nlines", 3)]
    render.table(
        terminal, ("ADDRESS", "POLICY", "STATE", "HELD"), [[c or "" for c in r] for r in rows]
    )
    assert capsys.readouterr().out.splitlines() == [
        "ADDRESS   STATE     HELD",
        "rin@nova  ready",
        "a         in lines  3",
    ]


def test_columns_line_up_below_wide_and_combining_characters() -> None:
    assert render.aligned([["漢字", "x"], ["e\u0301e\u0301", "x"], ["abcd", "x"]]) == [
        "漢字  x",
        "e\u0301e\u0301    x",
        "abcd  x",
    ]


def test_facts_are_aligned_and_empty_ones_left_out(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    render.facts(terminal, [("node", "white"), ("mdns", ""), ("processes", 3), ("none", None)])
    assert capsys.readouterr().out == "node       white\nprocesses  3\n"


def test_on_a_narrow_terminal_the_id_to_paste_stays_in_one_piece() -> None:
    letter = {**receipt(), "text": "a long text " * 9, "at": "2026-11-23T10:00:00.000Z"}
    with scripted({"inbox": [done([letter])]}) as (home, _):
        shown = on_terminal(home, "inbox", columns=80)
    assert str(letter["id"]).encode() in shown
    assert all(len(row) <= 80 for row in ESCAPE.sub(b"", shown).decode().splitlines())


@pytest.mark.parametrize(
    ("length_s", "shown"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "120 min"),
        (7_200, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_lengths_of_time_are_in_the_largest_unit_that_fits(length_s: float, shown: str) -> None:
    assert render.span(length_s) == shown


def moment(ago_s: float) -> str:
    return (datetime.fromtimestamp(time.time(), UTC) - timedelta(seconds=ago_s)).isoformat()


def test_ages_count_from_this_hosts_clock_in_both_directions() -> None:
    assert render.ago(moment(1)) == render.ago(moment(-1)) == "now"
    assert render.ago(moment(3 * 3_600 + 60)) == "3 h ago"
    assert render.ago(moment(-3 * 3_600 - 60)) == "3 h ahead"


def test_a_moment_that_is_none_is_shown_as_it_is() -> None:
    assert render.ago(None) == render.ago("") == ""
    assert render.ago("yesterday") == "yesterday"


def test_the_beginning_of_a_text_is_one_line_of_limited_length() -> None:
    assert render.first_line(" one\n two\tthree ") == "one two three"
    assert render.first_line("x" * 61) == "x" * 59 + "…"
    assert render.first_line("x" * 60) == "x" * 60


def test_what_waits_for_an_agent_is_told_with_its_reason_and_what_it_does_if_that_is_more() -> None:
    agents = [
        {**AGENT, "doing": "busy", "held": 2, "held_reason": "draft"},
        {
            **AGENT,
            "address": "ada@nova",
            "state": "dialog",
            "doing": "dialog",
            "held": 0,
            "question": "Allow this? (y/n)",
        },
    ]
    with scripted({"ls": [done(agents)]}) as (home, _):
        heading, rin, ada = home.run("ls").out.splitlines()
    columns = [heading.index(name) for name in ("STATE", "DOING", "HELD", "INCARNATION")]
    cells = [[row[a:b].strip() for a, b in pairwise(columns)] for row in (rin, ada)]
    assert cells == [["ready", "busy", "2 (draft)"], ["dialog", "Allow this? (y/n)", ""]]


def test_a_list_says_in_words_why_something_is_held() -> None:
    letter = {**receipt(state="held", reason="draft"), "text": "hello", "at": ""}
    with scripted({"inbox": [done([letter])]}) as (home, _):
        assert "  draft: somebody has typed something there" in home.run("inbox").out


def test_a_hold_that_could_not_be_released_is_5_and_says_why_and_what_to_do() -> None:
    held = receipt(state="held", reason="draft", evidence=None)
    with scripted({"release": [done(held, 5)]}) as (home, _):
        said = home.run("release", "01KB")
        assert home.run("release", "01KB", "--json").json == held
    assert said.code == 5
    assert said.out.startswith("held       rin@nova")
    assert said.err.startswith("error: rin@nova: it is held on nova: somebody has typed something")
    assert "hint: send or remove it there: fleet attach rin on nova" in said.err


def test_a_shown_envelope_says_how_long_each_state_lasted_and_which_was_the_longest() -> None:
    def at(second: int) -> dict[str, str]:
        return {"at": f"2026-11-23T10:00:{second:02}.000Z", "node": "nova"}

    timeline = [
        {"state": "accepted", **at(0)}, {"state": "held", "reason": "draft", **at(1)},
        {"state": "typed", **at(9)}, {"state": "submitted", "evidence": "hook", **at(11)},
    ]  # fmt: skip
    whole = {**receipt(timeline=timeline), "text": "hello", "at": ""}
    with scripted({"show": [done(whole)]}) as (home, _):
        shown = home.run("show", "01KB").out
        told = home.run("show", "01KB", "--json").json
    rows = [line.split() for line in shown.splitlines() if line.startswith("+")]
    assert [row[2:] for row in rows] == [
        ["nova", "accepted", "1.0", "s", "agent"],
        ["nova", "held", "draft", "8.0", "s", "agent", "longest"],
        ["nova", "typed", "2.0", "s", "agent"],
        ["nova", "submitted", "hook"],
    ]
    assert [one["longest"] for one in told["delays"]] == [False, True, False, False]


def test_a_draft_limit_goes_to_the_node_only_when_it_is_given() -> None:
    with scripted({"send": [done(receipt())]}) as (home, door):
        home.run("send", "rin", "x")
        home.run("send", "rin", "x", "--draft-limit", "10m")
    assert "draft_limit_s" not in door.asked[0]["args"]
    assert door.asked[1]["args"]["draft_limit_s"] == 600.0
