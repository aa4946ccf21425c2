"""Whatever a file holds, reading it gives a value or ``BadConfig``, and nothing else."""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import config, profiles
from fleet.config import Config, split_address
from fleet.core.errors.requests import BadConfig
from fleet.core.profile import Profile
from tests.support.strategies import any_texts

# Files that are nearly right are worth more than noise: known keys with values of every kind.
_texts = st.text(st.characters(codec="utf-8"), max_size=8).map(json.dumps)
_addresses = st.sampled_from(("white:7717", "[::1]:1", "white:²", "white", ":1", "a:99999")).map(
    json.dumps
)
_atoms = (
    _texts
    | _addresses
    | st.sampled_from(
        ("true", "1979-05-27", "'('", "'^> '", "inf", "nan", "-1", "0x7fffffffffffffff")
    )
    | st.integers().map(str)
    | st.floats().map(repr)
)
_values = _atoms | st.lists(_atoms, max_size=3).map(lambda atoms: f"[{', '.join(atoms)}]")


def files(*keys: str) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and files with these keys."""
    line = st.builds("{} = {}".format, st.sampled_from(keys), _values)
    heads = st.sampled_from(("", 'title = "x"', "[peers]"))
    written = st.builds("{}\n{}".format, heads, st.lists(line, max_size=4).map("\n".join))
    return (
        st.binary() | any_texts.map(lambda t: t.encode(errors="replace")) | written.map(str.encode)
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "mine.toml"


def outcome(read: Callable[[], object], path: Path, data: bytes) -> object:
    path.write_bytes(data)
    try:
        return read()
    except BadConfig as error:
        told = str(error)
    assert told.startswith(f"{path}: ")
    return None


@given(data=files("name", "listen", "mdns", "advertise", "nova"))
def test_a_configuration_is_one_or_bad(path: Path, data: bytes):
    found = outcome(lambda: config.load(path), path, data)
    if isinstance(found, Config):
        for address in (found.listen or "a:1", *found.advertise, *sum(found.peers.values(), ())):
            assert split_address(address)
    else:
        assert found is None


@given(
    data=files(
        "title", "aliases", "launch", "paste", "prompt", "dialog", "is_shell", "settle_s",
        "paste_limit_bytes", "promt",
    )
)  # fmt: skip
def test_a_profile_is_one_or_bad(path: Path, data: bytes):
    found = outcome(lambda: profiles.load(path.parent).named("mine"), path, data)
    if isinstance(found, Profile):
        assert 0 <= found.settle_s < inf
        assert found.paste_limit_bytes >= 0
    else:
        assert found is None


@given(any_texts | st.text("a:[]0789.²", max_size=12))
def test_an_address_is_a_host_and_a_port_or_bad(text: str):
    try:
        host, port = split_address(text)
    except BadConfig:
        return
    assert text.rpartition(":")[0] in {host, f"[{host}]"}
    assert host
    assert 0 <= port <= 65_535
