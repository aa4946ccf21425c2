"""A hint that names a command names one that exists, with options that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.cli.command import Group, UsageError
from fleet.cli.main import TABLE, load, parse
from tests.support.pages import ROOT

_COMMAND = re.compile(r"(?<![\w/-])fleet ([a-z]+(?: [^;,:()'\"`\n]*)?)")
SOURCES = [
    path
    for room in ("fleet", "node")
    for path in sorted((ROOT / room).rglob("*.py"))
    if path.parent.name != "v1"
]
PROSE = {
    "advert",
    "again",
    "already",
    "as",
    "founded",
    "is",
    "joined",
    "needs",
    "on",
    "that",
    "with",
    "wrote",
}
"""How a sentence, an event or a key goes on behind the word fleet."""


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text that the module can say; what is filled in is X. Docstrings are not said."""
    silent = set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(node.value)
        if isinstance(node, ast.JoinedStr):
            silent.update(node.values)
            pieces = [n.value if isinstance(n, ast.Constant) else "X" for n in node.values]
            yield "".join(map(str, pieces))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent:
            yield node.value


def commands(text: str) -> Iterator[list[str]]:
    """Each command in a sentence with its options and their values; where its end is, only people see."""
    for found in _COMMAND.findall(text):
        words = re.split(r" (?:or|and|&&) ", found)[0].rstrip(" .").split()
        if words[0] not in PROSE:
            assert words[0] in TABLE, text
            options = [n for n, word in enumerate(words) if word.startswith("--")]
            named = 2 if isinstance(load(words[0]), Group) else 1
            yield [*words[:named], *(word for n in options for word in words[n : n + 2])]


def mistake_in(words: list[str]) -> str:
    """What is wrong with a command, beside that a word is missing or that the sentence goes on."""
    try:
        parse(words)
    except UsageError as mistake:
        is_fine = re.search(
            "are required|expected one argument|unrecognized arguments: [^-]+$", str(mistake)
        )
        return "" if is_fine else str(mistake)
    return ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_the_program_recommends_is_understood(path: Path) -> None:
    for text in texts(ast.parse(path.read_text())):
        for words in commands(text):
            assert mistake_in(words) == "", text


def test_the_sources_recommend_most_commands_so_that_the_test_above_sees_them() -> None:
    named = {
        words[0]
        for path in SOURCES
        for text in texts(ast.parse(path.read_text()))
        for words in commands(text)
    }
    assert len(named & set(TABLE)) > 20
