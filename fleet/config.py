"""The configuration of one home: the only reader of ``config.toml``.

Everything has a default; a file that cannot be used is an error that names the key. What the command
line says goes first, then the file, then what an earlier start wrote down.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import msgspec

from fleet.core.address import parse_name
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import BadConfig

DEFAULT_PORT = 7717
ANY_HOST = "0.0.0.0"  # noqa: S104 - a node serves its peers; who may speak is decided by key
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^][]+)\]|(?P<host>[^][:]+)):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65_535
_AtLeastOne = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]


class OutboxLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait to be taken by one node, and by all together: envelopes, and bytes of text."""

    peer_messages: _AtLeastOne = 100_000
    peer_bytes: _AtLeastOne = 256 * 1024 * 1024
    messages: _AtLeastOne = 200_000
    bytes: _AtLeastOne = 1024 * 1024 * 1024


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``config.toml`` may say.

    ``listen`` is host:port for peers. ``advertise`` are more addresses under which this node can be
    reached (a forwarded port, a VPN). ``metrics`` is host:port on loopback where numbers for Prometheus
    are served, ``metrics_names`` adds those that name agents and peers. ``peers`` names fixed addresses
    of members, by name or id. ``outbox`` is how much may wait here for other nodes. ``skills``: agents that are
    started here are taught about fleet, by a file where their program looks for skills.
    """

    name: str = ""
    listen: str = ""
    mdns: bool = True
    advertise: tuple[str, ...] = ()
    metrics: str = ""
    metrics_names: bool = False
    peers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    outbox: OutboxLimits = OutboxLimits()
    skills: bool = True


def load(path: Path) -> Config:
    """Read the file; the defaults when there is none.

    Raises:
        BadConfig: it is no TOML, has an unknown key, or a value of the wrong kind.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(str(path), str(error)) from None
    try:
        config = msgspec.convert(tomllib.loads(text), Config)
    except msgspec.ValidationError as error:
        known = ", ".join(Config.__struct_fields__)
        raise BadConfig(str(path), f"{error} (known keys: {known})") from None
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond any reason
        raise BadConfig(str(path), f"not TOML: {error}") from None
    _check(path, config)
    return config


def _check(path: Path, config: Config) -> None:
    for key, value, understand in _said(config):
        try:
            understand(value)
        except FleetError as error:
            raise BadConfig(str(path), f"{error} - at `$.{key}`") from None


def _said(config: Config) -> Iterator[tuple[str, str, Callable[[str], object]]]:
    if config.name:
        yield "name", config.name, parse_name
    if config.listen:
        yield "listen", config.listen, split_address
    if config.metrics:
        yield "metrics", config.metrics, loopback_address
    for address in config.advertise:
        yield "advertise", address, split_address
    for member, addresses in config.peers.items():
        for address in addresses:
            yield f"peers.{member}", address, split_address


def loopback_address(text: str) -> tuple[str, int]:
    """Take a host:port apart that nobody but this host can reach.

    Raises:
        BadConfig: it is none, or others could reach it.
    """
    host, port = split_address(text)
    if not is_loopback(host):
        wrong = BadConfig(text, "metrics are served on loopback only")
        wrong.hint = "for example 127.0.0.1:9717; from elsewhere: ssh -L"
        raise wrong
    return host, port


def is_loopback(host: str) -> bool:
    """Whether a host as people write it is this one, seen from itself; no name server is asked."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(text: str) -> tuple[str, int]:
    """Take ``host:port`` (or ``[v6]:port``) apart.

    Raises:
        BadConfig: it is neither.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > _LAST_PORT:
        wrong = BadConfig(text, "an address looks like host:port, with a port up to 65535")
        wrong.hint = "for example 0.0.0.0:7717 or [::]:7717; port 0 takes any that is free"
        raise wrong
    return found["v6"] or found["host"], int(found["port"])
