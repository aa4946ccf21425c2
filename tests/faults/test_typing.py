"""One node that fails somewhere between an intent to type and the evidence that it was taken."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Judge
from tests.faults.field import Field


@pytest.mark.parametrize(
    "point",
    [
        "claim:before_commit",
        "claim:after_intent",
        "tmux:after_load",
        "tmux:after_paste_before_db",
        "tmux:after_paste_db",
        "tmux:before_enter",
        "tmux:after_enter_before_db",
        "tmux:after_submit_db",
    ],
)
def test_a_node_that_fails_while_it_types_types_each_message_once(
    one_node: Field, fails: Judge, point: str, action: str
) -> None:
    fails(one_node, one_node.recipient, point, action)
