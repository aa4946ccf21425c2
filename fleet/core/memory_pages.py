"""A team's memory as Markdown files: the same bytes for the same memory, on every node.

``orders.md`` files are the bare text, for people edit them. All others are written for readers only, with
the words of others quoted (``fleet/core/quoted.py``). Old findings stand in files of ``PAGE_FINDINGS``
each, which do not change any more, so that one more finding changes one small file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from fleet.core.memory import Finding, Memory
from fleet.core.moment import iso_time
from fleet.core.quoted import one_line, quoted

ORDERS, NOTES, FINDINGS, HANDOVER = "orders.md", "notes.md", "findings.md", "handover.md"
PAGE_FINDINGS = 100
_WRITTEN = "Written by fleet; what is changed here is not read."


def pages_of(memory: Memory) -> dict[str, str]:
    """The text of each file by its path below the team's folder."""
    pages = dict(_role_pages(memory, ""))
    if notes := memory.notes():
        lines = [f"# Notes of {memory.team}", _WRITTEN]
        lines += [_entry(f"F{n.finding}", n.by, n.at_s, n.text, ", promoted by") for n in notes]
        pages[NOTES] = _page(lines)
    for role in memory.roles():
        pages.update(_role_pages(memory, role))
    return pages


def orders_path(role: str) -> str:
    """Where the standing orders of a role are, or the whole team's."""
    return f"{_folder(role)}{ORDERS}"


def role_of(folder: str) -> str:
    """The role whose folder is called so."""
    return folder.removesuffix("~")


def _folder(role: str) -> str:
    """A role may be called as one of our files is; no name has a tilde."""
    if not role:
        return ""
    return f"{role}~/" if role.endswith(".md") else f"{role}/"


def _role_pages(memory: Memory, role: str) -> Iterator[tuple[str, str]]:
    where = f"{memory.team}/{role}" if role else memory.team
    if orders := memory.orders(role):
        yield orders_path(role), f"{orders.text}\n" if orders.text else ""
    yield from _findings(where, _folder(role), memory.findings(role))
    if notes := memory.handovers(role):
        lines = [f"# Hand-over of {where}", _WRITTEN]
        lines += [_entry(f"For {n.seat}", n.by, n.at_s, n.text) for n in notes]
        yield f"{_folder(role)}{HANDOVER}", _page(lines)


def _findings(where: str, folder: str, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Full files first, by number; the last, which is still filled, is ``findings.md``."""
    full = max(0, (len(findings) - 1) // PAGE_FINDINGS)
    for number in range(full + 1 if findings else 0):
        name = FINDINGS if number == full else f"findings-{number + 1}.md"
        some = tuple(findings[number * PAGE_FINDINGS : (number + 1) * PAGE_FINDINGS])
        yield f"{folder}{name}", _findings_page(where, number, some)


@lru_cache(maxsize=512)  # full files do not change, and all are asked for at each change
def _findings_page(where: str, number: int, findings: Sequence[Finding]) -> str:
    before = [f"Before: [findings-{number}.md](findings-{number}.md)"] if number else []
    return _page([f"# Findings of {where}", _WRITTEN, *before, *map(_finding, findings)])


def _finding(finding: Finding) -> str:
    task = f", at T{finding.task}" if finding.task else ""
    tags = f" [{', '.join(one_line(tag) for tag in finding.tags)}]" if finding.tags else ""
    promoted = f", promoted to {one_line(finding.promoted)}" if finding.promoted else ""
    head = f"{task}{tags}{promoted}"
    return _entry(finding.label, finding.author, finding.at_s, finding.text, tail=head)


def _entry(
    label: str, by: str, at_s: float, text: str, between: str = ", by", tail: str = ""
) -> str:
    head = f"## {one_line(label)}{between} {one_line(by)}, {iso_time(at_s)}{tail}"
    return f"{head}\n\n{quoted(text)}"


def _page(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"
