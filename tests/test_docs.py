"""The pages are true where a machine can tell: links, commands, targets, what the index lists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.write_reference import every_command, parser_of
from fleet.cli.command import Group, UsageError
from fleet.cli.main import ALIASES, TABLE, load, parse
from tests.support.pages import DOCS, ROOT, blocks, pages, prose, quoted, rows, section

_LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)")
_PROMPT = re.compile(r"^(?:\w*\$|>>>) (.*)$")
_SHELL = re.compile(r"&&|\|\||[|;]")
NAMES = [str(page.relative_to(ROOT)) for page in pages() if page.name != "0000-template.md"]
LIKE_COMMANDS = {"fleet founded", "fleet joined", "fleet node inviter members"}
"""Events of the log and fields of a result, which begin as a command does."""


def anchors(page: Path) -> set[str]:
    """The headings as GitHub makes links of them."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in _LINK.findall(page.read_text()):
        if "://" in link:
            continue
        where, _, anchor = link.partition("#")
        target = (page.parent / where) if where else page
        assert target.exists(), f"{link}: no such file"
        assert ROOT in target.resolve().parents, f"{link}: outside of this repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for link in _LINK.findall(page.read_text()):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in reached and "://" not in link:
                waiting.append(target)
    fragments = set((DOCS / "changelog.d").glob("*.md"))
    template = {DOCS / "decisions/0000-template.md"}
    assert set(DOCS.rglob("*.md")) - fragments - template <= reached


def test_the_index_lists_every_decision_under_its_own_title() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", (DOCS / "index.md").read_text(), re.MULTILINE
    )
    there = []
    for page in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        number, _, title = page.read_text().splitlines()[0].removeprefix("# ").partition(". ")
        if number != "0000":
            there.append((number, f"decisions/{page.name}", title))
    assert sorted(listed) == there
    # A gap is a page that somebody is writing: numbers are given out ahead.
    assert len({number for number, _, _ in there}) == len(there), "two pages have one number"


@pytest.mark.parametrize("name", sorted({*NAMES} - {"docs/style.md"}))
def test_every_source_file_named_on_a_page_exists(name: str) -> None:
    """By its path, or by the end of it; in `style.md` they are examples."""
    rooms = ("fleet", "node", "tests", "proto", "docs")
    there = [f"/{path.relative_to(ROOT)}" for room in rooms for path in (ROOT / room).rglob("*.*")]
    text = (ROOT / name).read_text()
    for named in re.findall(r"(?<![\w*/.<>-])[a-z_][\w/]*\.(?:py|proto)\b", text):
        assert any(path.endswith(f"/{named}") for path in there), named


@pytest.mark.parametrize("room", ["fleet/core", "node/engine"])
def test_the_architecture_says_what_each_file_of_the_two_inner_rooms_is_for(room: str) -> None:
    page = DOCS / "architecture.md"
    listed = {name for row in rows(page.read_text()) for name in quoted(row[0])}
    there = {path.name for path in (ROOT / room).glob("*.py")} - {"__init__.py"}
    assert there <= listed


# --- commands ---


def shown(page: str) -> Iterator[str]:
    """Every command line in the code blocks of a page, without its prompt."""
    for block in blocks(page, "", "console", "sh", "bash"):
        for line in block.splitlines():
            prompted = _PROMPT.match(line)
            if prompted or line.startswith(("fleet ", "hey ")):
                yield prompted[1] if prompted else line


def commands(line: str) -> Iterator[list[str]]:
    """The words of each fleet command in a line of shell."""
    while inner := re.search(r"\$\(([^()]*)\)", line):
        yield from commands(inner[1])
        line = line.replace(inner[0], "VALUE")
    for piece in _SHELL.split(line) if "'" not in line and '"' not in line else [line]:
        try:
            words = shlex.split(re.sub(r"> *\S+", "", piece), comments=True)
        except ValueError:
            continue
        if words and words[0] in {"fleet", "hey"}:
            yield words[1:] if words[0] == "fleet" else ["send", *words[1:]]


def mistake_in(words: list[str]) -> str:
    """What the program would say against a command line; ``--help`` needs no more than its command."""
    if "--help" in words:
        plain = " ".join(word for word in words if word != "--help")
        return "" if plain in {"", *every_command()} else "no command"
    try:
        parse(words)
    except UsageError as mistake:
        return str(mistake)
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_every_command_shown_in_a_code_block_is_understood_as_it_stands(name: str) -> None:
    for line in shown((ROOT / name).read_text()):
        for words in commands(line):
            assert mistake_in(words) == "", line


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_running_text_exists_with_the_options_it_is_shown_with(name: str) -> None:
    """There it may stand without its arguments: `fleet send --raw`."""
    for quote in quoted((ROOT / name).read_text()):
        if not quote.startswith("fleet ") or quote in LIKE_COMMANDS or " …" in quote:
            continue
        for words in commands(quote):
            mistake = mistake_in(words)
            assert not mistake or "arguments are required" in mistake, f"`{quote}`: {mistake}"


def test_the_commands_page_has_a_section_for_each_command_in_the_order_of_the_table() -> None:
    headings = re.findall(
        r"^### fleet (\w+)$", (DOCS / "reference/cli.md").read_text(), re.MULTILINE
    )
    assert headings == list(TABLE)


def test_the_commands_page_has_a_section_for_each_command_below_another_in_order() -> None:
    headings = re.findall(
        r"^#### fleet (\w+ [\w-]+)$", (DOCS / "reference/cli.md").read_text(), re.MULTILINE
    )
    assert headings == [name for name in every_command() if " " in name]
    assert all(isinstance(load(name.partition(" ")[0]), Group) for name in headings)


def test_every_example_in_a_help_text_is_understood() -> None:
    for name in every_command():
        (words,) = commands((parser_of(name).epilog or "").removeprefix("example:\n  "))
        assert " ".join(words).startswith(name)
        assert mistake_in(words) == ""


# --- make ---


def targets() -> dict[str, str]:
    """What `make help` prints: each target and what it says of itself."""
    makefile = (ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z0-9-]+):.*?## (.+)$", makefile, re.MULTILINE))


def test_make_help_lists_every_target_that_is_meant_for_people() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*?[^\\])$", makefile, re.MULTILINE | re.DOTALL)
    assert phony
    inner = {"needs", "static"}
    assert set(phony[1].replace("\\", " ").split()) - inner == set(targets())
    rules = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    assert set(targets()) <= rules


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_named_on_a_page_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    lines = [line for block in blocks(text) for line in block.splitlines()] + quoted(text)
    named = {line.split()[1] for line in lines if re.match(r"make [a-z]", line)}
    assert named <= targets().keys() | {"help"}


def test_the_table_of_contributing_names_targets_that_exist() -> None:
    table = section(DOCS / "contributing.md", "What `make` does")
    named = {word.split()[0] for row in rows(table) for word in quoted(row[0])}
    assert named
    assert named <= targets().keys()


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    (command,) = blocks(section(ROOT / "README.md", "Test"))
    ci = (ROOT / ".ci/run").read_text().rstrip().splitlines()[-1]
    assert ci == f"exec {command.strip()}"


def test_the_help_overview_lists_every_command_once() -> None:
    from fleet.cli.main import GROUPS

    assert [name for names in GROUPS.values() for name in names] == list(TABLE)
    assert not TABLE.keys() & ALIASES.keys()
