"""What mDNS says of a node, and how little of what it hears is believed: addresses to try.

The one rule: whatever does not look exactly like our own advert is dropped. So nothing that a
stranger wrote reaches a person but 52 letters and an address on our own link. Sockets are not
here; those are in ``mdns``.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from node.adapters.interfaces import Place, is_on_link, joined
from node.ports.links import Found

SERVICE = "_fleet._tcp.local."
RECORD_VERSION = "1"
ADDRESSES_KEPT = 4
"""Per node. Each costs whoever believes it one failed dial."""
NODES_KEPT = 256
"""Members go before strangers; strangers are first come, first listed."""
LOWEST_PORT = 1024  # nothing of ours listens below, and no advert makes us knock there

_LABEL_LETTERS = 12  # 60 bits of the key's hash: nobody has the same by accident
_NODE_ID = re.compile(r"[a-z2-7]{52}")
_MARK = re.compile(r"[a-z2-7]{16}")
_INSTANCE = re.compile(rf"([a-z2-7]{{{_LABEL_LETTERS}}})\.{re.escape(SERVICE)}")
_DAY_S = 86_400


class BadAdvert(Exception):
    """Not one of ours; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Advert:
    """A node's word on itself, well-formed and no more. ``mark`` is the fleet's sign of the day."""

    node_id: str
    mark: str
    addresses: tuple[str, ...]


def instance_of(node_id: str) -> str:
    """The name of a node's service: of its key, never of its host or owner."""
    return f"{node_id[:_LABEL_LETTERS]}.{SERVICE}"


def server_of(node_id: str) -> str:
    """The name its addresses are kept under."""
    return f"{node_id}.local."


def is_instance(name: str) -> bool:
    """Whether a service's name could be one of ours. To be asked before anything is done with it."""
    return _INSTANCE.fullmatch(name) is not None


def day_of(wall_s: float) -> int:
    """The number of the day, the same everywhere."""
    return int(wall_s // _DAY_S)


def mark_of(node_id: str, key: bytes, day: int) -> str:
    """By this members recognise each other's adverts on one day; to others it is noise."""
    digest = hmac.digest(key, f"fleet advert {node_id} {day}".encode(), "sha256")
    return b32encode(digest[:10]).decode().lower()


def is_recognised(advert: Advert, key: bytes, day: int) -> bool:
    """Whether it was made with the fleet's key, yesterday, today or tomorrow: clocks differ."""
    return any(
        hmac.compare_digest(advert.mark, mark_of(advert.node_id, key, near))
        for near in (day, day - 1, day + 1)
    )


def text_of(advert: Advert) -> dict[str, str]:
    """The TXT record: nothing personal, less than 200 bytes."""
    return {"v": RECORD_VERSION, "id": advert.node_id, "h": advert.mark}


def read(
    name: str,
    text: Mapping[bytes, bytes | None],
    port: int | None,
    addresses: Iterable[bytes],
    around: tuple[Place, ...],
) -> Advert:
    """An advert from the records of one service; addresses that are not on a link of ours are left out.

    Raises:
        BadAdvert: a node of ours would not say that.
    """
    node_id = _field(text, b"id", _NODE_ID)
    if not is_instance(name) or name != instance_of(node_id):
        raise BadAdvert("the service is not named after the node")
    if text.get(b"v") != RECORD_VERSION.encode():
        raise BadAdvert("another version")
    mark = _field(text, b"h", _MARK)
    if port is None or not LOWEST_PORT <= port <= 65_535:  # noqa: PLR2004
        raise BadAdvert("no such port")
    hosts = (
        host for packed in addresses if (host := _address(packed)) and is_on_link(host, around)
    )
    dialable = dict.fromkeys(joined(str(host), port) for host in hosts)
    if not dialable:
        raise BadAdvert("no address on a link of ours")
    return Advert(node_id, mark, tuple(dialable)[:ADDRESSES_KEPT])


def _field(text: Mapping[bytes, bytes | None], key: bytes, form: re.Pattern[str]) -> str:
    value = (text.get(key) or b"").decode("ascii", "replace")
    if form.fullmatch(value) is None:
        raise BadAdvert(f"no well-formed {key.decode()}")
    return value


def _address(packed: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(packed)
    except ValueError:
        return None


class Board:
    """The adverts that hang out now; at most ``NODES_KEPT`` nodes."""

    def __init__(self) -> None:
        self._hung: dict[str, tuple[Advert, bool]] = {}

    def put(self, advert: Advert, *, is_member: bool) -> bool:
        """Hang it up, in place of the node's last one; whether it has an address that one had not.

        Raises:
            BadAdvert: there is no room for one more stranger.
        """
        old = self._hung.get(advert.node_id)
        if old is None and len(self._hung) >= NODES_KEPT:
            self._make_room(is_member=is_member)
        self._hung[advert.node_id] = (advert, is_member)
        return old is None or not set(advert.addresses) <= set(old[0].addresses)

    def _make_room(self, *, is_member: bool) -> None:
        stranger = next((node_id for node_id, (_, is_one) in self._hung.items() if not is_one), "")
        if not is_member or not stranger:
            raise BadAdvert("too many nodes")
        del self._hung[stranger]

    def take_down(self, name: str) -> None:
        """A service has gone, or somebody says so."""
        for node_id in [node_id for node_id in self._hung if instance_of(node_id) == name]:
            del self._hung[node_id]

    def recognise(self, is_member: Callable[[Advert], bool]) -> None:
        """Look at all of them anew: the day or the fleet's key is another."""
        self._hung = {
            advert.node_id: (advert, is_member(advert)) for advert, _ in self._hung.values()
        }

    def clear(self) -> None:
        """Take all of them down."""
        self._hung.clear()

    def found(self) -> tuple[Found, ...]:
        """Everything that hangs out, as the engine knows it."""
        return tuple(
            Found(advert.node_id, advert.addresses, is_member)
            for advert, is_member in self._hung.values()
        )
