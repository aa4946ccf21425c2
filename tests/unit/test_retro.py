"""A retrospective says what the log says, and nothing that was written in it makes Markdown."""

from __future__ import annotations

from fleet.core.retro import retrospective
from fleet.core.task import Wanted
from fleet.core.team_commands import AddTask, BlockTask, ClaimTask, FinishTask, ReopenTask, lapse
from tests.unit.test_team_commands import KAI, OWNER, RIN, Site


def a_day() -> Site:
    site = Site()
    site.add("mend the door", "paint it")
    site.do(RIN, ClaimTask(1))
    site.do(RIN, AddTask(Wanted("the hinge is loose", found_while=1)))
    site.do(RIN, BlockTask(1, "no key"))
    site.write(*lapse(site.board, 1, "rin"))
    site.do(KAI, ClaimTask(1))
    site.do(KAI, FinishTask(1, "commit abc"))
    site.do(OWNER, ReopenTask(1, "it squeaks"))
    site.do(KAI, ClaimTask(1))
    site.do(KAI, FinishTask(1, "commit def"))
    return site


def part(page: str, heading: str) -> str:
    return page.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def test_it_says_who_did_what_and_what_shows_it():
    page = retrospective("site", a_day().log)
    assert "3 tasks: 1 over, 2 open; 1 of them with trouble on the way." in page
    assert "| T1 | mend the door | kai |" in part(page, "Tasks")
    assert "commit def" in part(page, "Tasks")
    who = part(page, "Who did what")
    assert "| kai | 2 | 2 | 0 | 0 |" in who
    assert "| rin | 1 | 0 | 1 | 1 |" in who


def test_it_says_what_went_wrong_and_what_was_found_on_the_side():
    page = retrospective("site", a_day().log)
    wrong = part(page, "What went wrong")
    for word in ("blocked: no key", "ran out", "reopened by operator@white: it squeaks"):
        assert word in wrong
    assert "T3 the hinge is loose, while at T1" in part(page, "Found on the side")
    lines = part(page, "Timeline").strip().splitlines()
    assert lines == sorted(lines), "in the order of time"
    assert part(page, "What we learnt").strip() == "-"


def test_what_was_written_makes_no_markdown_and_steers_no_terminal():
    site = Site()
    site.add("# a heading | `rm -rf` <b> \x1b[2J [x](y)")
    site.do(RIN, ClaimTask(1))
    site.do(RIN, FinishTask(1, "| a | b |\n## another"))
    page = retrospective("site", site.log)
    assert "\x1b" not in page
    assert "\n## another" not in page
    assert "\\# a heading \\| \\`rm -rf\\` \\<b\\>" in page


def test_a_team_that_did_nothing_has_a_page_too():
    page = retrospective("site", [])
    assert page.startswith("# Retrospective: site\n")
    assert "0 tasks" in page
