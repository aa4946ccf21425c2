"""A support bundle of a home that is full of canaries: none of them is in it, and it still tells how the node does."""

from __future__ import annotations

import base64
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.homes import Home, Scene, scene
from tests.support.promises import told
from tests.support.recording import Recording
from tests.support.until import until

NODE, PEER, AGENT = "canarywhite", "canarynova", "canaryrin"
TEXT = "canarytext: buy 40 tulips"
CONFIG = """\
advertise = ["canaryhost.example.net:7717", "198.51.100.77:7718"]
[peers]
canarymba = ["203.0.113.99:7719"]
courier = ["203.0.113.99:7720"]
"""
LINES = [
    {"event": "canaryevent", "level": "warning", "detail": "canarydetail of canaryuser", "canarykey": "x"},
    {"event": "call failed", "level": "error", "exception": (
        'Traceback (most recent call last):\n  File "/home/canaryuser/fleet/node/engine/inbox.py",'
        ' line 120, in accept\n    check_text("canarysource")\nValueError: canarymessage'
    )},
    {"event": "dial failed", "level": "debug", "peer": "canarypeer", "address": "198.51.100.77:7718"},
    "canaryline",
]  # fmt: skip


class Bundled:
    """A bundle, read back: its files by name."""

    def __init__(self, path: Path) -> None:
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member) for member in tar.getmembers()}
            self.files = {
                name.removeprefix("fleet-support/"): file.read().decode()
                for name, file in members.items()
                if file is not None
            }
        assert self.files.keys() == {
            "README.txt", "versions.json", "doctor.json", "status.json", "health.json", "config.json",
            "log.jsonl", "errors.txt",
        }  # fmt: skip

    def json(self, name: str) -> Any:
        return json.loads(self.files[name])

    @property
    def log(self) -> list[Any]:
        return [json.loads(line) for line in self.files["log.jsonl"].splitlines()]

    @property
    def everything(self) -> str:
        return "\n".join(f"{name}\n{text}" for name, text in self.files.items())


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene() as one:
        yield one


@pytest.fixture(scope="module")
def home(stage: Scene) -> Home:
    """A node with everything in it that must not leave."""
    white, nova = stage.home(NODE), stage.home(PEER)
    white.root.mkdir(mode=0o700)
    (white.root / "config.toml").write_text(CONFIG)
    white.up()
    nova.up()
    stage.join(white, nova)
    recording = Recording(stage.folder / "rin.jsonl")
    recording.start(white, AGENT)
    stage.wait_known(nova, f"{AGENT}@{NODE}")
    assert told(nova, "send", f"{AGENT}@{NODE}", TEXT)["state"] == "submitted"
    told(white, "send", f"operator@{PEER}", TEXT, "--wait", "accepted")
    with (white.root / "log/node.log").open("a") as log:
        for line in LINES:
            log.write(f"{line if isinstance(line, str) else json.dumps(line)}\n")
    (white.root / "log/node.err").write_text(f"Fatal: canaryerror\n{LINES[1]['exception']}\n")  # type: ignore[index]
    (white.root / "log/crash-1.txt").write_text("canarycrash\nOSError: canaryreason\n")
    return white


def secrets_of(home: Home) -> Iterator[str]:
    """The keys of a home, as they are written and in other forms."""
    for file in (home.root / "keys").iterdir():
        data = file.read_bytes()
        yield from (line for line in data.decode(errors="replace").splitlines() if len(line) > 24)
        yield data.hex()[:48]
        yield base64.b64encode(data).decode()[:48]


def test_no_canary_is_in_it(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"
    token = home.run("invite").out.strip()
    status = home.ask("status")
    assert told(home, "doctor", "--bundle", str(file))["bundle"] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    shown = Bundled(file).everything.lower()
    found = [
        secret
        for secret in (
            "canary", "tulips", "198.51.100", "203.0.113", "example.net", token, token[:20],
            status["id"], status["id"][:12], status["fleet"], str(home.root), home.root.name,
            str(home.root.parent), *secrets_of(home),
            *(agent["incarnation"] for agent in home.ask("ls")),
            *(letter["id"] for letter in home.ask("inbox", AGENT)),
        )
        if secret and secret.lower() in shown
    ]  # fmt: skip
    assert not found, found
    host = os.uname().nodename.lower()
    assert not re.search(rf"\b{re.escape(host)}\b", shown) or host in {"localhost", "node", "fleet"}
    assert "courier" not in Bundled(file).files["config.json"], "a word of ours, and a name here"


def test_it_still_tells_how_the_node_does(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"
    home.run("doctor", "--bundle", str(file))
    bundle = Bundled(file)
    checks = {check["check"].split()[0]: check["verdict"] for check in bundle.json("doctor.json")}
    assert (checks["node"], checks["ready"], checks["peer"], checks["agent"]) == ("ok",) * 4
    status = bundle.json("status.json")
    (peer,) = status["peers"]
    assert (peer["state"], peer["queued"]) == ("connected", 0)
    assert peer["node"].startswith("<")
    assert status["queues"]["outbox"] == {"accepted": 1}
    assert bundle.json("health.json")["ready"] is True
    assert bundle.json("config.json")["advertise"][0].endswith(">:7717")
    assert "grpcio" in bundle.json("versions.json")
    # Who is who can be told across files, though not who they are.
    up = next(line for line in bundle.log if line["event"] == "peer connected")
    assert up["peer"] == peer["node"]
    failed = next(line for line in bundle.log if line["event"] == "call failed")
    assert failed["exception"] == ["node/engine/inbox.py:120 in accept", "ValueError"]
    assert bundle.files["errors.txt"].splitlines() == [*failed["exception"], "OSError"]


def test_a_file_that_is_there_is_not_written_over(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("mine")
    said = home.run("doctor", "--bundle", str(file))
    assert said.code == 2
    assert f"--bundle {file}: File exists" in said.err
    assert file.read_text() == "mine"


def test_without_a_node_it_tells_what_can_be_seen(stage: Scene, tmp_path: Path) -> None:
    home = stage.home("canarydown")
    home.root.mkdir(mode=0o700)
    (home.root / "config.toml").write_text("canary = [")
    file = tmp_path / "bundle.tar.gz"
    assert home.run("doctor", "--bundle", str(file)).code == 8
    bundle = Bundled(file)
    assert bundle.json("status.json") == {"error": "node_not_running"}
    assert bundle.json("config.json") == {"error": "bad_config"}
    assert "canary" not in bundle.everything.lower()
    assert bundle.log == []


def test_without_a_name_it_goes_into_a_file_here_named_after_the_time(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = told(home, "doctor", "--bundle")["bundle"]
    (file,) = tmp_path.iterdir()
    assert (str(file), file.name[:14]) == (bundle, "fleet-support-")
    until(lambda: Bundled(file), "it is whole")
