"""Ten thousand nodes that are none, on the network of two that are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.attacks.flood import resident_mb
from tests.netns import conftest
from tests.netns.conftest import Lan
from tests.netns.test_finding import EVE, HERE, NOVA, WHITE, join, node_id, rows, wait_linked
from tests.support.until import until

lan, _possible = conftest.lan, conftest._possible
IMPOSTOR = str(Path(HERE) / "impostor.py")


def test_ten_thousand_made_up_nodes_hold_up_nobody_and_take_no_room(lan: Lan) -> None:
    """With the victim's name among them, at another address, and its goodbye at the end."""
    white, nova = lan.node("white", WHITE), lan.node("nova", NOVA)
    lan.network.plug_in("eve", EVE)
    join(white, nova)
    wait_linked(white, nova)
    pid = white.pid
    before_mb, _ = resident_mb(pid)
    command = [*lan.network.on("eve"), sys.executable, IMPOSTOR, EVE, node_id(nova), "10000"]
    flood = subprocess.Popen(command)
    try:
        sent = [white.ask("send", "operator@nova", f"number {n}") for n in range(5)]
    finally:
        assert flood.wait(timeout=60) == 0
    assert {one["state"] for one in sent} == {"accepted"}
    until(lambda: rows(white, "found"), "white heard of some")
    assert len(rows(white, "found")) <= 256
    assert white.sees("nova")
    assert nova.sees("white")
    _, most_mb = resident_mb(pid)
    assert most_mb - before_mb < 60
