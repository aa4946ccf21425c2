"""What a single value of a team's plan may be, and how a mistake quotes one.

Each rule yields what is wrong, or nothing. What values may be beside each other is decided in
``fleet/core/teamrules.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from fleet.core.address import parse_name, parse_query
from fleet.core.branch import check_branch
from fleet.core.errors.files import Mistake
from fleet.core.errors.requests import MalformedName, MalformedRequest
from fleet.core.worktree import check_include

LINE_CHARS = 1_000
SHOWN_CHARS = 60
_LARGE = 10**18
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Neither git's own options (-…) nor helpers that run what they are given (ext::…).
_REPOSITORY = re.compile(
    r"~?/.*|(?:https?|ssh|git|file)://[^-/].*|file:///.*|\w[\w.-]*(?:@\w[\w.-]*)?:(?!//)[^:-].*"
)


def shown(value: object) -> str:
    """A value as a mistake quotes it: short, and never the inside of a table."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value) if abs(value) < _LARGE else "a number beyond any reason"
        case float():
            return f"{value:g}"
        case str():
            cut = value[:SHOWN_CHARS]
            quoted = json.dumps(cut, ensure_ascii=False)
            return quoted if cut == value else f"{quoted}… ({len(value)} characters)"
        case dict():
            return "a table"
        case None:
            return "nothing"
        case list() | tuple():
            return "a list"
        case _:
            return "a date or time"


def key_of(name: str) -> str:
    """A key as it is written in a path: in quotes where it has to be, and never a long one."""
    cut = name if len(name) <= SHOWN_CHARS else f"{name[:SHOWN_CHARS]}…"
    return cut if _BARE_KEY.fullmatch(cut) else f'"{cut}"'


def of_a_line(key: str, text: str, *, required: bool = False) -> Iterator[Mistake]:
    if _CONTROL.search(text) or len(text) > LINE_CHARS or (required and not text.strip()):
        yield Mistake(key, shown(text), f"one line of up to {LINE_CHARS} characters")


def of_a_text(key: str, text: str) -> Iterator[Mistake]:
    if bad := _CONTROL_IN_TEXT.search(text):
        yield Mistake(key, f"the character {bad[0]!r}", "text, with line ends and tabs")


def of_a_number(key: str, value: float, span: tuple[float, float], unit: str) -> Iterator[Mistake]:
    least, most = span
    if not least <= value <= most:
        yield Mistake(key, shown(value), f"{least:g} to {most:g} {unit}")


def of_a_repository(key: str, text: str) -> Iterator[Mistake]:
    fits = len(text) <= LINE_CHARS and not _CONTROL.search(text) and _REPOSITORY.fullmatch(text)
    if text and not fits:
        yield Mistake(
            key, shown(text), "https://…, ssh://…, git@host:path, or a path from / or ~/",
            "it is looked for on each node, where a path from this folder means nothing",
        )  # fmt: skip


def of_a_file(key: str, pattern: str) -> Iterator[Mistake]:
    """Files to copy from one folder to another, at the same place below both."""
    try:
        check_include(pattern)
    except MalformedRequest:
        yield Mistake(key, shown(pattern), "files below the repository's folder, and not of .git")


def is_branch(text: str) -> bool:
    """Whether there may be a branch of that name."""
    try:
        check_branch(text)
    except MalformedRequest:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether it is a name in its stored form."""
    try:
        return parse_name(text) == text
    except MalformedName:
        return False


def is_node(text: str) -> bool:
    """Whether it may name a node: its label, with the beginning of its id if need be."""
    try:
        return str(parse_query(f"agent@{text}")) == f"agent@{text}"
    except MalformedName:
        return False
