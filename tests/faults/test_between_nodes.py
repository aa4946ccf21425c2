"""Two nodes, one of which fails somewhere between a caller's word and the end of the receipt."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Judge
from tests.faults.field import Field


@pytest.mark.parametrize(
    "point",
    [
        "out:before_commit",
        "out:after_commit",
        "send:before_call",
        "send:after_call_before_db",
        "ack:lost",
        "receipt:before_commit",
        "receipt:after_commit_before_ack",
        "db:write",
        "db:commit",
    ],
)
def test_a_senders_node_that_fails_loses_doubles_and_pretends_nothing(
    two_nodes: Field, fails: Judge, point: str, action: str
) -> None:
    fails(two_nodes, two_nodes.sender, point, action)


@pytest.mark.parametrize(
    "point",
    [
        "rx:before_authz",
        "rx:in_txn",
        "rx:before_commit",
        "rx:after_commit_before_ack",
        "receipt:before_send",
        "receipt:after_send_before_db",
        "db:write",
        "db:commit",
    ],
)
def test_a_recipients_node_that_fails_loses_doubles_and_pretends_nothing(
    two_nodes: Field, fails: Judge, point: str, action: str
) -> None:
    fails(two_nodes, two_nodes.recipient, point, action)


@pytest.mark.parametrize(
    ("point", "fails_there"), [("send:before_call", "sender"), ("rx:before_commit", "recipient")]
)
def test_a_bug_amid_a_batch_ends_the_link_and_the_batch_comes_again(
    two_nodes: Field, fails: Judge, point: str, fails_there: str
) -> None:
    """It stood for ever once: offered and never sent, or sent and never answered for."""
    fails(two_nodes, getattr(two_nodes, fails_there), point, "exception")
