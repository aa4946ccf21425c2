"""A configuration is used as it stands, or refused with the file, the key and the reason."""

from pathlib import Path

import pytest

from fleet.config import Config, OutboxLimits, load, split_address
from fleet.core.errors.requests import BadConfig
from tests.support.wording import says


def said(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_without_a_file_or_with_an_empty_one_everything_has_its_default(tmp_path: Path):
    assert load(tmp_path / "config.toml") == load(said(tmp_path, "# nothing")) == Config()
    assert Config() == Config(
        name="", listen="", mdns=True, advertise=(), peers={}, outbox=OutboxLimits()
    )


def test_every_key_is_understood(tmp_path: Path):
    path = said(
        tmp_path,
        """
        name = "white"
        listen = "0.0.0.0:7717"
        mdns = false
        advertise = ["white.example.net:7717", "[fd00::7]:1"]
        [peers]
        nova = ["nova.example.net:7717", "10.8.0.4:7717"]
        [outbox]
        peer_messages = 5
        bytes = 1000
        """,
    )
    assert load(path) == Config(
        name="white",
        listen="0.0.0.0:7717",
        mdns=False,
        advertise=("white.example.net:7717", "[fd00::7]:1"),
        peers={"nova": ("nova.example.net:7717", "10.8.0.4:7717")},
        outbox=OutboxLimits(peer_messages=5, bytes=1_000),
    )


LOOPBACK = "metrics are served on loopback only"
KEYS = "known keys: name, listen, mdns, advertise, metrics, metrics_names, peers, outbox, skills"
ADDRESS = "an address looks like host:port, with a port up to 65535"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name =", "not TOML: …"),
        ("name = 'a'\nname = 'b'", "not TOML: …"),
        (b"name = '\xff'", "…can't decode byte 0xff…"),
        (b"\x00\x01", "not TOML: …"),
        ("x = " + "[" * 5_000, "not TOML: …"),
        ("name = " + "9" * 5_000, "not TOML: …"),
        ("nmae = 'white'", f"Object contains unknown field `nmae` ({KEYS})"),
        ("name = 1", f"Expected `str`, got `int` - at `$.name` ({KEYS})"),
        ("mdns = 'no'", f"Expected `bool`, got `str` - at `$.mdns` ({KEYS})"),
        ("advertise = 'a:1'", f"Expected `array`, got `str` - at `$.advertise` ({KEYS})"),
        ("advertise = ['a:1', 2]", f"Expected `str`, got `int` - at `$.advertise[1]` ({KEYS})"),
        ("peers = ['a:1']", f"Expected `object`, got `array` - at `$.peers` ({KEYS})"),
        ("[peers]\nnova = 'a:1'", f"Expected `array`, got `str` - at `$.peers[...]` ({KEYS})"),
        ("[outbox]\nbytes = 0", f"Expected `int` >= 1 - at `$.outbox.bytes` ({KEYS})"),
        ("[outbox]\nbyte = 1", f"Object contains unknown field `byte` - at `$.outbox` ({KEYS})"),
        ("name = 'white house'", "'white house' is not a name: ' ' is not allowed - at `$.name`"),
        ("name = 'operator'", "'operator' is not a name: operator is reserved… - at `$.name`"),
        ("listen = '7717'", f"7717: {ADDRESS} - at `$.listen`"),
        ("metrics = '9717'", f"9717: {ADDRESS} - at `$.metrics`"),
        ("metrics = '0.0.0.0:9717'", f"0.0.0.0:9717: {LOOPBACK} - at `$.metrics`"),
        ("metrics = '127.0.0.1.example:9717'", f"127.0.0.1.example:9717: {LOOPBACK} - at `$.metrics`"),
        ("listen = 'white:70000'", f"white:70000: {ADDRESS} - at `$.listen`"),
        ("listen = 'white:²'", f"white:²: {ADDRESS} - at `$.listen`"),
        ("advertise = ['a:1', '']", f": {ADDRESS} - at `$.advertise`"),
        ("[peers]\nnova = ['a:1']\nmba = ['a']", f"a: {ADDRESS} - at `$.peers.mba`"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_the_file_the_key_and_the_reason(
    tmp_path: Path, text: str | bytes, why: str
):
    path = said(tmp_path, text)
    with pytest.raises(BadConfig) as refused:
        load(path)
    assert says(str(refused.value), f"{path}: {why}")
    assert refused.value.hint == f"correct {path}, or move it away for the defaults"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(BadConfig, match="Is a directory"):
        load(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0.0.0.0:7717", "0.0.0.0", 7717),
        ("white.example.net:0", "white.example.net", 0),
        ("white:65535", "white", 65535),
        ("[::]:7717", "::", 7717),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int):
    assert split_address(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "white", "white:", ":7717", "white:65536", "white:-1", "white: 1", "white:1 ",
        "white:\u0661", "white:²", "white:1_0", "white:000000", "::1:7717", "::", "[]:1", "[::1]", "[::1]7717",
        "[::1:7717", "white]:1", "a:b:1", "white:" + "1" * 5_000,
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(text: str):
    with pytest.raises(BadConfig, match=ADDRESS):
        split_address(text)
