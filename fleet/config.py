"""The configuration of one home: the only reader of ``config.toml``.

Everything has a default; a file that cannot be used is an error that names the key. What the command
line says goes first, then the file, then what an earlier start wrote down.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from fleet.core.address import parse_name
from fleet.core.errors import BadConfig, FleetError

DEFAULT_PORT = 7717
ANY_HOST = "0.0.0.0"  # noqa: S104 - a node serves its peers; who may speak is decided by key


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``config.toml`` may say.

    ``listen`` is host:port for peers. ``advertise`` are more addresses under which this node can be
    reached (a forwarded port, a VPN). ``peers`` names fixed addresses of members, by name or id.
    """

    name: str = ""
    listen: str = ""
    mdns: bool = True
    advertise: tuple[str, ...] = ()
    peers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


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
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(str(path), f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        known = ", ".join(Config.__struct_fields__)
        raise BadConfig(str(path), f"{error} (known keys: {known})") from None
    _check(path, config)
    return config


def _check(path: Path, config: Config) -> None:
    try:
        if config.name:
            parse_name(config.name)
        for address in (*([config.listen] if config.listen else ()), *config.advertise):
            split_address(address)
        for addresses in config.peers.values():
            for address in addresses:
                split_address(address)
    except FleetError as error:
        raise BadConfig(str(path), str(error)) from None


def split_address(text: str) -> tuple[str, int]:
    """Take ``host:port`` (or ``[v6]:port``) apart.

    Raises:
        BadConfig: it is neither.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004
        raise BadConfig(text, "an address looks like host:port, with a port up to 65535")
    return host.removeprefix("[").removesuffix("]"), int(port)
