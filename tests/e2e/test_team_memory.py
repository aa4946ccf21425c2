"""What a team remembers, by the command line, and what is left of it after kill -9."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.homes import Home, Scene
from tests.support.promises import run, told

FILE = """
name = "quay"
lead = "lead"
[roles.lead]
command = ["sleep", "1000"]
[roles.impl]
command = ["sleep", "1000"]
orders = "Leave the crane as you found it."
count = 2
"""


@pytest.fixture(scope="module")
def quay(world: Scene) -> Home:
    """A home with a team."""
    home = world.home("quay")
    home.up()
    file = world.folder / "team.toml"
    file.write_text(FILE)
    assert told(home, "team", "apply", str(file), "--yes")["new"] is True
    return home


def test_what_is_learnt_is_found_promoted_and_given_to_whoever_comes(
    quay: Home, tmp_path: Path
) -> None:
    first = told(quay, "memory", "add", "gates expire at ten", "--role", "impl", "--tag", "gate")
    assert (first["role"], first["tags"], first["again"]) == ("impl", ["gate"], False)
    again = [told(quay, "memory", "add", "ropes are wet", "--key", "k1")["id"] for _ in range(2)]
    assert again[0] == again[1]
    label = first["id"]
    assert label in run(quay, "memory", "ls").out
    assert [one["id"] for one in told(quay, "memory", "ls", "--tag", "gate")] == [label]
    assert [one["id"] for one in told(quay, "memory", "search", "expired", "gate")] == [label]
    assert run(quay, "memory", "search", "nowhere").code == 0
    assert "nothing has these words" in run(quay, "memory", "search", "nowhere").err
    edited = tmp_path / "edited.md"
    edited.write_text("gates expire at eleven\n")
    assert told(quay, "memory", "edit", label, "-f", str(edited))["tags"] == ["gate"]
    assert "gates expire at eleven" in run(quay, "memory", "show", f"quay/{label}").out
    assert told(quay, "memory", "promote", label, "--to", "orders")["promoted"] == "orders"
    orders = run(quay, "memory", "orders", "quay/impl").out
    assert orders == "Leave the crane as you found it.\n\ngates expire at eleven\n"
    edited.write_text("Knock twice.\n")
    assert run(quay, "memory", "orders", "quay", "-f", str(edited)).code == 0
    assert "Knock twice." in run(quay, "memory", "show", "quay").out
    page = run(quay, "memory", "briefing", "quay/impl-2").out
    for part in (
        "> Knock twice.",
        "> Leave the crane",
        "> gates expire at eleven",
        "> ropes are wet",
    ):
        assert part in page
    told(quay, "memory", "add", "rust " * 1_000, "--role", "impl")
    assert len(run(quay, "memory", "briefing", "quay/impl-2").out) > 2_000
    assert len(run(quay, "memory", "briefing", "quay/impl-2", "--budget", "2000").out) <= 2_000


def test_a_briefing_is_word_for_word_the_same_after_the_node_was_killed(quay: Home) -> None:
    for number in range(20):
        told(quay, "memory", "add", f"pile {number} is rotten", "--role", "impl")
    before = told(quay, "memory", "briefing", "quay/impl")
    quay.kill()
    quay.up()
    assert told(quay, "memory", "briefing", "quay/impl") == before
    assert len(told(quay, "memory", "search", "rotten", "piles")) == 20


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "words", "--team", "other"), 3, "other"),
        (("add", "words", "--task", "T9"), 3, "T9"),
        (("handover", "words"), 2, "fills no seat"),
    ],
)
def test_what_cannot_be_taken_is_kept_for_whoever_wrote_it(
    quay: Home, words: tuple[str, ...], code: int, says: str
) -> None:
    said = run(quay, "memory", *words)
    assert said.code == code
    assert says in said.err
    kept = re.search(r"kept in (\S+): say it again with -f", said.err)
    assert kept is not None
    file = Path(kept[1])
    assert file.read_text() == "words"
    file.unlink()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "F99"), 3, "no finding F99"),
        (("show", "quay/nobody"), 3, "quay/nobody"),
        (("briefing", "quay/nobody"), 3, "quay/impl"),
        (("briefing", "quay/impl", "--budget", "10"), 2, "says nothing"),
        (("edit", "F99"), 3, "no finding F99"),
        (("edit", "crane"), 2, "is no finding"),
        (("promote", "F99", "--to", "team"), 3, "no finding F99"),
        (("ls", "--limit", "-1"), 2, "not below 0"),
        (("orders", "--edit", "-f", "x"), 2, "exclude"),
    ],
)
def test_what_makes_no_sense_is_said(
    quay: Home, words: tuple[str, ...], code: int, says: str
) -> None:
    said = run(quay, "memory", *words)
    assert (said.code, says in said.err) == (code, True), said.err
