"""Under which addresses others can reach a socket of this host, and who is on a link with it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import ifaddr

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
_MOST = 4


@dataclass(frozen=True, slots=True)
class Place:
    """One address of this host on a link that has room for others."""

    address: Address
    network: Network
    interface: int


def reachable(host: str, port: int) -> tuple[str, ...]:
    """host:port as peers may dial it: every unicast address when bound to all, loopback last resort."""
    if host not in _ANY:
        return (joined(host, port),)
    own = sorted((place.address for place in _all() if _is_usable(place.address)), key=_family)
    if not own:
        return (joined("127.0.0.1", port),)
    return tuple(joined(str(address), port) for address in own[:_MOST])


def places() -> tuple[Place, ...]:
    """Where this host is on a link with others, in a steady order: no loopback, no link-local
    addresses, no point-to-point tunnels."""
    found = [p for p in _all() if _is_usable(p.address) and p.network.num_addresses > 1]
    return tuple(sorted(found, key=lambda p: (_family(p.address), p.interface, int(p.address))))


def is_on_link(address: Address, around: tuple[Place, ...]) -> bool:
    """Whether a single host at this address could be spoken to without a router in between."""
    return _is_usable(address) and any(
        address in place.network
        and (address.version == 6 or address != place.network.broadcast_address)  # noqa: PLR2004
        for place in around
    )


def joined(host: str, port: int) -> str:
    """host:port, with brackets around what has colons itself."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_usable(address: Address) -> bool:
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )


def _family(address: Address) -> int:
    return address.version


def _all() -> list[Place]:
    found: list[Place] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            own = ipaddress.ip_interface(f"{text}/{ip.network_prefix}")
            found.append(Place(own.ip, own.network, adapter.index or 0))
    return found
