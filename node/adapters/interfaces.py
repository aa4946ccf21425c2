"""Under which addresses others can reach a socket of this host."""

from __future__ import annotations

import ipaddress

import ifaddr

_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
_MOST = 4


def reachable(host: str, port: int) -> tuple[str, ...]:
    """host:port as peers may dial it: every unicast address when bound to all, loopback last resort."""
    if host not in _ANY:
        return (_joined(host, port),)
    own = [a for a in _addresses() if not (a.is_loopback or a.is_link_local or a.is_multicast)]
    if not own:
        return (_joined("127.0.0.1", port),)
    own.sort(key=lambda a: a.version)
    return tuple(_joined(str(a), port) for a in own[:_MOST])


def _addresses() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            found.append(ipaddress.ip_address(text))
    return found


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
