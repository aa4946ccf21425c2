"""The pictures in docs/concepts/delivery.md are the tables in fleet/core/delivery.py."""

import re
from pathlib import Path

from fleet.core.delivery import RECIPIENT, SENDER, HoldReason, State

PAGE = (Path(__file__).parent.parent / "docs/concepts/delivery.md").read_text()
ARROW = re.compile(r"^\s*(\w+) --> (\w+): ([a-z ]+)$", re.MULTILINE)
MEMBERS = re.compile(r"state (\w+) \{(.*?)\n    \}", re.DOTALL)

Arrow = tuple[str, str, str]


def drawn(heading: str) -> set[Arrow]:
    """The arrows of the diagram below a heading; one from a group is one from each member."""
    diagram = PAGE.partition(f"### {heading}\n")[2].partition("```mermaid\n")[2].partition("```")[0]
    groups = {
        group: {state for line in ARROW.findall(body) for state in line[:2]}
        for group, body in MEMBERS.findall(diagram)
    }
    return {
        (before, event, after)
        for start, after, event in ARROW.findall(diagram)
        for before in groups.get(start, {start})
    }


def test_the_senders_picture_has_each_row_of_its_table_and_no_other():
    assert drawn("On the sender's node") == {(*row, after) for row, after in SENDER.items()}


def test_the_recipients_picture_has_each_row_of_its_table_and_no_other():
    assert drawn("On the recipient's node") == {(*row, after) for row, after in RECIPIENT.items()}


def test_every_state_and_every_reason_to_hold_is_explained():
    explained = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert {state.value for state in State} | {reason.value for reason in HoldReason} <= explained
