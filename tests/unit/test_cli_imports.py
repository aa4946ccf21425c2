"""Start-up is most of what a command costs, so what a common command may import is a closed list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.door import AGENT, STATUS, done, receipt, scripted
from tests.support.homes import Home

ALWAYS = {"__future__", "errno", "fleet", "fleet.cli", "fleet.paths", "locale", "_locale"}
"""Beside argparse, json and _socket; argparse's gettext asks for the locale."""
FRAME = {"fleet.cli.command", "fleet.cli.door", "fleet.cli.main", "fleet.cli.terminal"}
MOMENTS = {"datetime", "_datetime", "math"}
HEAVY = {
    "asyncio", "cryptography", "dataclasses", "fleet.core", "fleet.outcomes", "google", "grpc",
    "importlib.metadata", "inspect", "libtmux", "logging", "msgspec", "node", "pathlib",
    "rich", "shutil", "socket", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "typing",
    "zeroconf",
}  # fmt: skip
LETTER = {**receipt(), "text": "hello", "at": "2026-11-23T10:00:00.000Z"}
SEND = {"fleet.cli.send", "fleet.cli.receipts", "fleet.cli.text"}
AGENTS = {"fleet.cli.agents", "fleet.cli.render"}
LETTERS = {"fleet.cli.letters", "fleet.cli.receipts", "fleet.cli.render"}
STATUS_OWN = {"fleet.cli.status", "fleet.cli.render"}


def before() -> set[str]:
    code = "import argparse, json, _socket, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(told.stdout.split())


def modules_after(home: Home, *words: str) -> set[str]:
    """Everything that is loaded when a command has ended well."""
    code = (
        "import sys; from fleet.cli.main import run\n"
        "try: code = run(sys.argv[2:])\n"
        "except SystemExit as end: code = end.code\n"
        "open(sys.argv[1], 'w').write('\\n'.join([str(code or 0), *sys.modules]))\n"
    )
    told = home.root / "modules"
    subprocess.run(
        [sys.executable, "-c", code, str(told), *words],
        env=home.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip
    end, *modules = told.read_text().splitlines()
    assert end == "0", words
    return set(modules)


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("send rin hello", SEND),
        ("send rin hello --json", SEND),
        ("reply 01KB hello", SEND),
        ("ls --json", AGENTS),
        ("ls", AGENTS | MOMENTS),
        ("inbox --json", LETTERS),
        ("inbox", LETTERS | MOMENTS),
        ("status", STATUS_OWN),
        ("whoami", STATUS_OWN),
        ("send --help", SEND | {"textwrap"}),
        ("--help", set[str]()),
    ],
)
def test_a_common_command_imports_its_own_module_and_nothing_that_takes_time(
    words: str, own: set[str]
) -> None:
    answers = {
        "send": [done(receipt())], "reply": [done(receipt())], "ls": [done([AGENT])],
        "inbox": [done([LETTER])], "status": [done(STATUS)],
        "whoami": [done({"identity": "operator@white"})],
    }  # fmt: skip
    with scripted(answers) as (home, _):
        loaded = modules_after(home, *words.split())
    assert loaded - before() <= ALWAYS | FRAME | own


def test_what_takes_time_is_not_even_there_by_way_of_argparse_or_json() -> None:
    assert not HEAVY & before()
