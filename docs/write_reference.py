"""Writes the help texts in docs/reference/cli.md anew, from the parsers: ``make docs FIX=1``.

A block that begins with ``$ fleet COMMAND --help`` is what that prints; everything else on the page is
written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from fleet.cli.command import Group, Parser
from fleet.cli.main import TABLE, load, overview

PAGE = Path(__file__).parent / "reference/cli.md"
_BLOCK = re.compile(r"(```console\n\$ fleet (?:((?:\w+ )*[\w-]+) )?--help\n).*?(```\n)", re.DOTALL)


def renewed(page: str) -> str:
    """The page with every help text as it is now, as wide as ``COLUMNS`` in the environment says."""
    return _BLOCK.sub(lambda block: f"{block[1]}{_help(block[2] or '')}{block[3]}", page)


def _help(command: str) -> str:
    if not command:
        return f"{overview()}\n"
    return parser_of(command).format_help()


def parser_of(command: str) -> Parser:
    """The parser of a command, or of one below another: ``team check``."""
    name, _, below = command.partition(" ")
    one = load(name)
    if below and isinstance(one, Group):
        return one.load(name, below).parser(command, one.table[below][1])
    return one.parser(command, TABLE[name][1])


def every_command() -> list[str]:
    """All of them, each followed by those below it."""
    found: list[str] = []
    for name in TABLE:
        one = load(name)
        found += [
            name,
            *(f"{name} {below}" for below in (one.table if isinstance(one, Group) else ())),
        ]
    return found


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
