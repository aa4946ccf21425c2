"""What the door of pairing is given of this node."""

from __future__ import annotations

from node.adapters.keyring import Keyring
from node.doors.pairing import Welcome
from node.engine.node import Node


class Newcomers:
    """What pairing may do with this node: the engine's membership, and the keyring's secrets."""

    def __init__(self, node: Node, keyring: Keyring) -> None:
        self._node = node
        self._keyring = keyring
        self.secret_of = node.membership.secret_of
        self.burn = node.membership.burn
        self.admit = node.membership.admit

    def welcome(self) -> Welcome:
        """Root certificate, discovery key, roster and own addresses."""
        return (
            self._keyring.root_certificate,
            self._keyring.discovery_key,
            self._node.fleet.roster.entries(),
            self._node.peers.own_addresses(),
        )
