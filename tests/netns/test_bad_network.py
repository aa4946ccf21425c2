"""Three hosts on bad cables: partitions, loss, jitter, moves, naps. All arrives once, each pair in order.

In ``make test`` each trouble lasts seconds; ``make test-network`` gives it a minute, and a thousand
messages. How long it took until all links stood again is printed, and only bounded here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from tests.netns.conftest import Lan
from tests.support.homes import scene
from tests.support.namespaces import DEAF, Fault, network
from tests.support.recording import Recording
from tests.support.traffic import Traffic
from tests.support.until import until

WHERE = {"white": "10.77.0.1", "nova": "10.77.0.2", "kai": "10.77.0.3"}
MOVED = "10.77.0.33"
AGENTS = {"ren": "white", "rin": "nova", "mio": "kai"}
LOSSY = Fault(loss=0.2, delay_s=0.01, jitter_s=0.2)
BACK_S = 60.0
"""What is bounded here is that they find each other at all; the figure is in the guarantees."""
AWAY_S = 60.0


@dataclass(frozen=True)
class Size:
    """How much is sent, and how long the trouble lasts."""

    messages: int
    trouble_s: float


@dataclass
class Hosts:
    """The network, and who writes on it."""

    lan: Lan
    traffic: Traffic

    @contextmanager
    def trouble(
        self,
        title: str,
        size: Size,
        ends: Callable[[], None],
        but: str = "",
        *,
        all_in: bool = False,
    ) -> Iterator[None]:
        """Messages flow while something is wrong, which the block begins and ``ends`` mends; then
        all of them have arrived, and all links stand. ``all_in``: they have before it ends."""
        before = self.traffic.judge()
        rest_s = size.trouble_s / size.messages if size.messages > 100 else 0.0
        flow = threading.Thread(
            target=partial(self.traffic.send, title, size.messages, rest_s=rest_s, but=but)
        )
        try:
            yield
            began_s = time.monotonic()
            flow.start()
            flow.join()
            left_s = size.trouble_s - (time.monotonic() - began_s)
            time.sleep(max(0.0, left_s))  # the trouble itself lasts so long
            if all_in:
                self.traffic.judge()
        finally:
            ends()
        healed_s = time.monotonic()
        back_s = self.traffic.linked()
        wanted = self.traffic.judge() - before
        told = f"{wanted} of {wanted}, links after {back_s:.2f} s"
        sys.stdout.write(
            f"\nnetwork: {title}: {told}, all after {time.monotonic() - healed_s:.1f} s\n"
        )
        assert back_s < BACK_S


@pytest.fixture(scope="module")
def hosts(_possible: None) -> Iterator[Hosts]:
    """Three hosts in one fleet, an agent on each; one trouble follows the other on them."""
    with network() as wires, scene() as stage:
        lan = Lan(wires, stage)
        homes = {}
        for name, address in WHERE.items():
            wires.plug_in(name, address, is_bad=True)
            homes[name] = replace(stage.home(name), prefix=wires.on(name))
            homes[name].ask("up", "--name", name, "--listen", "0.0.0.0:7717")
        for name in ("nova", "kai"):
            token = homes["white"].run("invite").out.strip()
            homes[name].ask("join", token)
        agents = {}
        for agent, name in AGENTS.items():
            recording = Recording(stage.folder / f"{agent}.jsonl")
            agents[recording.start(homes[name], agent)] = recording
        for home in homes.values():
            stage.wait_known(home, *agents)
        traffic = Traffic(homes, agents)
        traffic.linked()
        yield Hosts(lan, traffic)


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    is_long = request.config.getoption("--long-network", default=False)
    return Size(1_000, 60.0) if is_long else Size(12, 1.5)


def test_a_partition_loses_and_doubles_nothing(hosts: Hosts, size: Size) -> None:
    with hosts.trouble("partition", size, lambda: hosts.lan.network.heal("nova")):
        hosts.lan.network.cut("nova")


def test_one_way_that_is_deaf_loses_and_doubles_nothing(hosts: Hosts, size: Size) -> None:
    """What nova sends gets through, what it is sent does not."""
    with hosts.trouble("one way deaf", size, lambda: hosts.lan.network.suffer("nova")):
        hosts.lan.network.suffer("nova", into=DEAF)


def test_a_fifth_lost_and_the_rest_out_of_order_changes_nothing(hosts: Hosts, size: Size) -> None:
    fewer = replace(size, messages=min(size.messages, 300))
    wires = hosts.lan.network
    with hosts.trouble("20 % loss, 200 ms jitter", fewer, lambda: wires.suffer("kai"), all_in=True):
        wires.suffer("kai", out=LOSSY, into=LOSSY)


def test_a_host_that_moves_is_found_and_nothing_is_lost(hosts: Hosts, size: Size) -> None:
    wires = hosts.lan.network
    with hosts.trouble("address change", size, lambda: wires.add_address("kai", MOVED)):
        wires.drop_address("kai", WHERE["kai"])


def test_a_node_that_was_suspended_goes_on(hosts: Hosts, size: Size) -> None:
    pid = hosts.traffic.homes["kai"].pid
    with hosts.trouble("suspended", size, lambda: os.kill(pid, signal.SIGCONT), but="kai"):
        os.kill(pid, signal.SIGSTOP)


def test_a_device_that_goes_down_and_up_changes_nothing(hosts: Hosts, size: Size) -> None:
    with hosts.trouble("device down", size, lambda: hosts.lan.network.up("white")):
        hosts.lan.network.down("white")


def test_a_link_that_was_noticed_to_be_gone_stands_again(hosts: Hosts) -> None:
    """Longer than keepalive waits: the link itself ends, on both sides, and another one is dialled."""
    traffic, wires = hosts.traffic, hosts.lan.network
    with hosts.trouble("noticed", Size(6, 0.0), lambda: wires.heal("nova")):
        wires.cut("nova")
        until(lambda: not traffic.links("nova"), "nova notices", AWAY_S)
        until(lambda: traffic.links("white") == 1, "and white does", AWAY_S)
