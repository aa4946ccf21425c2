"""The pages as tests read them: sections, tables, code blocks, and what a command's section promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
EVERY_COMMAND = {0, 2, 7, 8}
"""Exit codes that docs/reference/cli.md gives once for all commands."""
_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")


def pages() -> list[Path]:
    """README.md and every page below docs/."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def section(page: Path, heading: str) -> str:
    """What stands below a heading, up to the next one of the same or a higher level.

    Raises:
        AssertionError: there is no such heading.
    """
    text = page.read_text()
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert found, f"{page} has no heading {heading!r}"
    level = len(found[1])
    return re.split(rf"^#{{1,{level}}} ", text[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each table row that begins with something in backquotes."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(text: str) -> list[str]:
    """What stands in backquotes in running text, on one line."""
    return [" ".join(quote.split()) for quote in _QUOTED.findall(prose(text))]


def prose(text: str) -> str:
    """The text without its code blocks."""
    return _BLOCK.sub("", text)


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The code blocks, of some languages or of all."""
    for language, block in _BLOCK.findall(text):
        if not languages or language in languages:
            yield block


def json_fields(command: str) -> set[str]:
    """The fields that a command's section says its JSON value (or each of the list's) has."""
    told = _paragraph(command, "JSON")
    fields = quoted(re.split(r"[.:;]", told)[0])
    named = [field.removeprefix("fleet ") for field in fields if field.startswith("fleet ")]
    own = {field for field in fields if not field.startswith("fleet ")}
    return own.union(*(json_fields(name) for name in named))


def exit_codes(command: str) -> set[int]:
    """The exit codes that a command may end with, as its section says."""
    told = _paragraph(command, "Exit")
    named = [one.removeprefix("fleet ") for one in quoted(told) if one.startswith("fleet ")]
    own = {int(code) for code in re.findall(r"\b\d\b", told)}
    return EVERY_COMMAND | own.union(*(exit_codes(name) for name in named if "as" in told))


def _paragraph(command: str, label: str) -> str:
    text = section(DOCS / "reference/cli.md", f"fleet {command}")
    found = re.search(rf"^{label}: (.*?)\n\n", f"{text}\n\n", re.MULTILINE | re.DOTALL)
    return found[1] if found else ""
