"""Hosts on one switch, and the homes on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.namespaces import Network, network, why_not


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long-network", action="store_true", help="troubles of a minute, a thousand messages"
    )


@pytest.fixture(scope="session")
def _possible() -> None:
    if reason := why_not():
        pytest.skip(reason)


@dataclass
class Lan:
    """One switch and one folder; a host per name, a home per host."""

    network: Network
    scene: Scene

    def host(self, name: str, *addresses: str) -> Home:
        """A host with these addresses, and a home on it whose node is not up yet."""
        self.network.plug_in(name, *addresses)
        return replace(self.scene.home(name), prefix=self.network.on(name))

    def node(self, name: str, *addresses: str) -> Home:
        """A host whose node is up: port 7717 of all its addresses, mDNS."""
        home = self.host(name, *addresses)
        home.ask("up", "--name", name, "--listen", "0.0.0.0:7717")
        return home


@pytest.fixture
def lan(_possible: None) -> Iterator[Lan]:
    # Nodes end before their network does: a goodbye needs somebody to say it to.
    with network() as wires, scene() as stage:
        yield Lan(wires, stage)
