"""In whatever order entries come, and whenever the node is restarted: once out, always out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.core.errors.trust import NotPaired
from fleet.core.roster import Admit, Revoke, RosterEntry, SignedEntry
from fleet.wire.roster import entry_from_wire
from node.engine.fleet import Fleet
from node.records import Me
from node.store import SqliteStore
from tests.support.strategies import signed_entries
from tests.support.vtime import VirtualClock

ME = Me("a" * 52, "white", "boot", "epoch", "1")
_MEMORY = Path("/dev/shm")


@contextmanager
def life(folder: str) -> Iterator[Fleet]:
    """One life of a node, from what is on its disk; what it merges is on disk when it ends."""
    store = SqliteStore(Path(folder) / "fleet.db", ME.node_id)
    fleet = Fleet(ME, store, VirtualClock())
    fleet.load(entry_from_wire(body, signature) for body, signature in store.book.roster())
    try:
        yield fleet
        store.database.flush()
    finally:
        store.database.close()


@settings(max_examples=30)  # each has several databases
@given(st.lists(st.lists(signed_entries, max_size=5), min_size=1, max_size=4))
def test_once_out_always_out_through_every_merge_and_restart(lives: list[list[SignedEntry]]):
    """A life for each list, and in it a merge for each entry."""
    out: set[str] = set()
    said: list[RosterEntry] = []
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        for told in [*lives, []]:
            with life(folder) as fleet:
                assert_out(fleet, out)
                for signed in told:
                    fleet.merge((signed,))
                    said.append(signed.entry)
                    out |= {signed.entry.node_id} if isinstance(signed.entry, Revoke) else set()
                    assert_out(fleet, out)
                admitted = {entry.node_id for entry in said if isinstance(entry, Admit)}
                assert {admit.node_id for admit in fleet.roster.members()} == admitted - out


def assert_out(fleet: Fleet, out: set[str]) -> None:
    for node_id in out:
        with pytest.raises(NotPaired, match="was revoked"):
            fleet.authorise(node_id)
        assert fleet.directory.node(node_id) is None or node_id == ME.node_id
        assert node_id not in {admit.node_id for admit in fleet.others()}
