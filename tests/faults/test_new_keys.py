"""Nodes that are killed while one takes a new key: started again, and asked again, it has it; nobody is shut
out, and messages both ways are typed once each."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest

from fleet.cli.door import Failed
from tests.faults.conftest import Judge
from tests.faults.field import Field, acknowledged, arm, asked, heal
from tests.support.homes import Home
from tests.support.until import until

EACH = 8


@pytest.mark.parametrize(
    "point",
    [
        "rotate:after_key",
        "rotate:after_staging",
        "rotate:before_rekey_commit",
        "rotate:after_rekey",
    ],
)
def test_a_node_that_is_killed_while_it_takes_a_new_key_has_it_when_asked_again(
    two_nodes: Field, fails: Judge, point: str
) -> None:
    killed_amid(two_nodes, fails, two_nodes.recipient, point)


@pytest.mark.parametrize("point", ["rotate:before_admit_commit", "rotate:between_admit_and_revoke"])
def test_a_node_has_its_new_key_when_asked_again_after_who_signed_for_it_was_killed(
    two_nodes: Field, fails: Judge, point: str
) -> None:
    killed_amid(two_nodes, fails, two_nodes.sender, point)


def killed_amid(both: Field, fails: Judge, victim: Home, point: str) -> None:
    """Nova takes a new key while messages go both ways, and the victim is killed at that point."""
    white, nova = both.sender, both.recipient
    plan = f"{point}=kill"
    pid = arm(victim, plan)
    both.scene.wait_linked(white, nova)
    both.wait_known()
    old = nova.ask("status")["id"]
    back: list[str] = []

    def meanwhile() -> None:
        running = nova.begin("trust", "rotate-key")
        heal(victim, pid, plan)
        said = running.communicate()
        begun = nova.ask("trust")["next_key"]
        back.extend(acknowledged(nova, "operator@white", f"{point} {n}") for n in range(EACH))
        if nova.ask("status")["id"] == old:
            assert running.returncode != 0, said
            both.scene.wait_linked(white, nova)
            again = nova.ask("trust", "rotate-key")
            assert again["id"] == begun, "it goes on with the key that it had made"

    fails.each = EACH
    fails.judged(both.exchange(EACH, meanwhile))
    new = nova.ask("status")["id"]
    assert new != old
    both.scene.wait_linked(white, nova)
    until(partial(have_all, white, back), "what the node sent has arrived")
    (row,) = (m for m in white.ask("trust")["members"] if m["node"] == "nova")
    assert (row["id"], row["keys_before"][0]) == (new, old)
    assert nova.ask("trust")["next_key"] == ""


def have_all(home: Home, ids: list[str]) -> bool:
    with contextlib.suppress(Failed):
        return all(asked(home, "show", id=id_) for id_ in ids)
    return False
