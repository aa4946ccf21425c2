"""The briefing of a new incarnation: what its role always obeys, what it learnt, what waits for it.

One text for one state, on every node, never longer than asked for. Things are taken in an order of
importance (``_by_importance``), and the briefing holds the longest beginning of it that fits: more room
only ever adds. Standing orders come first and whole; where they do not fit, the page says so and says
nothing else, since nobody should work without them. What is left out is counted where it would stand.

Words of people and agents are quoted line by line (``fleet/core/quoted.py``). No model chooses anything:
findings are the newest and those that share words and paths with the work at hand, in turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import chain, zip_longest
from types import MappingProxyType
from typing import assert_never

from fleet.core.briefing_parts import BriefingParts, OpenTask, Unread
from fleet.core.errors.requests import MalformedRequest
from fleet.core.memory import Finding, Note, Orders
from fleet.core.moment import iso_time
from fleet.core.quoted import one_line, quoted, quoted_start

BUDGET_CHARS = 48_000
"""The usual size: about 12,000 tokens. All standing orders that a memory takes fit into it."""
LEAST_CHARS = 2_000
"""What the page says when nothing fits, with the longest names."""

_QUOTING = "Lines that begin with > are quoted from people and agents; all others are fleet's own."
_TASK_CHARS, _MESSAGE_CHARS, _FINDING_CHARS = 2_000, 600, 1_500
_FIRST_TASKS, _FIRST_MESSAGES, _FIRST_NOTES = 20, 20, 20


def briefing(parts: BriefingParts, budget_chars: int = BUDGET_CHARS) -> str:
    """The text, Markdown, of at most so many characters.

    Raises:
        MalformedRequest: the budget is below ``LEAST_CHARS``.
    """
    if budget_chars < LEAST_CHARS:
        raise MalformedRequest(
            f"a briefing of {budget_chars} characters says nothing",
            hint=f"at least {LEAST_CHARS}; {BUDGET_CHARS} is usual",
        )
    parts = replace(parts, findings=tuple(_unsaid(parts)))
    chosen: list[_Item] = []
    size = 0
    for item in _by_importance(parts):
        size += len(item.text)
        if size > budget_chars:
            break
        chosen.append(item)
    while len(page := _page(parts, chosen)) > budget_chars:
        chosen.pop()
    return page


# --- what there is, in the order of its importance ---------------------------------------------------


class _Place(IntEnum):
    """Where on the page, from its top."""

    JOB = 0
    TEAM_ORDERS = 1
    ROLE_ORDERS = 2
    HANDOVER = 3
    CLAIMS = 4
    MESSAGES = 5
    TASKS = 6
    NOTES = 7
    FINDINGS = 8


@dataclass(frozen=True, slots=True)
class _Item:
    place: _Place
    rank: int
    text: str


def _by_importance(parts: BriefingParts) -> Iterator[_Item]:
    claims = [(n, task) for n, task in enumerate(parts.tasks) if task.mine]
    others = [(n, task) for n, task in enumerate(parts.tasks) if not task.mine]
    messages = list(enumerate(parts.messages))
    notes = list(enumerate(parts.notes))[::-1]
    if parts.team_orders and parts.team_orders.text:
        yield _Item(
            _Place.TEAM_ORDERS, 0, _orders(f"For everyone in {parts.team}", parts.team_orders)
        )
    if parts.role_orders and parts.role_orders.text:
        yield _Item(_Place.ROLE_ORDERS, 0, _orders(f"For the role {parts.role}", parts.role_orders))
    if parts.job:
        yield _Item(_Place.JOB, 0, f"{parts.job}\n")
    if parts.handover:
        note = parts.handover
        yield _Item(_Place.HANDOVER, 0, f"{_said(note.by, note.at_s)}:\n\n{quoted(note.text)}\n")
    yield from (_task(n, task, parts.team) for n, task in claims)
    yield from (_message(n, message) for n, message in messages[:_FIRST_MESSAGES])
    yield from (_note(n, note, parts.team) for n, note in notes[:_FIRST_NOTES])
    yield from (_task(n, task, parts.team) for n, task in others[:_FIRST_TASKS])
    yield from (_finding(finding, parts.team) for finding in _findings(parts))
    yield from (_message(n, message) for n, message in messages[_FIRST_MESSAGES:])
    yield from (_note(n, note, parts.team) for n, note in notes[_FIRST_NOTES:])
    yield from (_task(n, task, parts.team) for n, task in others[_FIRST_TASKS:])


def _findings(parts: BriefingParts) -> Iterator[Finding]:
    """The newest and the most relevant in turns, each once."""
    there = {finding.number: finding for finding in parts.findings}
    newest = sorted(there, reverse=True)
    relevant = (number for number in parts.relevant if number in there)
    done: set[int] = set()
    for number in chain.from_iterable(zip_longest(newest, relevant, fillvalue=0)):
        if number and number not in done:
            done.add(number)
            yield there[number]


def _unsaid(parts: BriefingParts) -> Iterator[Finding]:
    """Findings but those that stand among the orders or the notes already, word for word."""
    above = [orders.text for orders in (parts.team_orders, parts.role_orders) if orders]
    above += [note.text for note in parts.notes]
    for finding in parts.findings:
        if not finding.promoted or not any(finding.text in text for text in above):
            yield finding


def _said(by: str, at_s: float) -> str:
    return f"by {one_line(by)}, {iso_time(at_s) or 'at some time'}"


def _orders(whose: str, orders: Orders) -> str:
    return f"{whose}, {_said(orders.by, orders.at_s)}:\n\n{quoted(orders.text)}\n"


def _start(head: str, text: str, limit_chars: int, rest: str) -> str:
    shown, more = quoted_start(text, limit_chars)
    left = f"\n({more} more characters: `{rest}`)" if more else ""
    return f"{head}\n\n{shown}\n{left}"


def _task(rank: int, task: OpenTask, team: str) -> _Item:
    holder = f", held by {one_line(task.holder)}" if task.holder and not task.mine else ""
    head = f"T{task.number}, {one_line(task.state)}{holder}:"
    text = f"{task.title}\n\n{task.text}" if task.mine and task.text else task.title
    place = _Place.CLAIMS if task.mine else _Place.TASKS
    return _Item(
        place, rank, _start(head, text, _TASK_CHARS, f"fleet task show {team}/T{task.number}")
    )


def _message(rank: int, message: Unread) -> _Item:
    head = f"{one_line(message.id)}, {_said(message.sender, message.at_s).removeprefix('by ')}:"
    rest = f"fleet show {one_line(message.id)}"
    return _Item(_Place.MESSAGES, rank, _start(head, message.text, _MESSAGE_CHARS, rest))


def _note(rank: int, note: Note, team: str) -> _Item:
    head = f"F{note.finding}, promoted {_said(note.by, note.at_s)}:"
    rest = f"fleet memory show {team}/F{note.finding}"
    return _Item(_Place.NOTES, rank, _start(head, note.text, _FINDING_CHARS, rest))


def _finding(finding: Finding, team: str) -> _Item:
    task = f", at T{finding.task}" if finding.task else ""
    tags = f" [{', '.join(one_line(tag) for tag in finding.tags)}]" if finding.tags else ""
    head = f"{finding.label}, {_said(finding.author, finding.at_s)}{task}{tags}:"
    rest = f"fleet memory show {team}/{finding.label}"
    return _Item(_Place.FINDINGS, finding.number, _start(head, finding.text, _FINDING_CHARS, rest))


# --- the page ---------------------------------------------------------------------------------------

_TITLES: Mapping[_Place, str] = MappingProxyType(
    {
        _Place.JOB: "Your place in the team",
        _Place.TEAM_ORDERS: "Standing orders",
        _Place.ROLE_ORDERS: "Standing orders",
        _Place.HANDOVER: "Hand-over from whoever was here before",
        _Place.CLAIMS: "Tasks that you hold",
        _Place.MESSAGES: "Messages that wait for you",
        _Place.TASKS: "Other open tasks",
        _Place.NOTES: "Notes of the team",
        _Place.FINDINGS: "Findings, oldest first",
    }
)


def _page(parts: BriefingParts, chosen: Sequence[_Item]) -> str:
    """The page with these things on it, and the number of those that are not."""
    lines = [
        f"# Briefing for {parts.team}/{parts.seat}",
        "",
        f"Your role is {parts.role}. {_QUOTING}",
        "",
    ]
    for place in _Place:
        items = [item for item in chosen if item.place is place]
        left = _left_out(parts, place, len(items))
        if (items or left) and (title := f"## {_TITLES[place]}") not in lines:
            lines += [title, ""]
        lines += [item.text for item in sorted(items, key=lambda item: item.rank)]
        lines += [left, ""] if left else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _left_out(parts: BriefingParts, place: _Place, shown: int) -> str:
    """What is said of those that found no room; nothing when all did."""
    where = f"{parts.team}/{parts.role}"
    match place:
        case _Place.JOB:
            return _more(int(bool(parts.job)) - shown, f"`fleet team show {parts.team}`")
        case _Place.TEAM_ORDERS:
            return _unread_orders(parts.team_orders, parts.team, shown)
        case _Place.ROLE_ORDERS:
            return _unread_orders(parts.role_orders, where, shown)
        case _Place.HANDOVER:
            if parts.handover is None or shown:
                return ""
            size = len(parts.handover.text)
            return f"A note of {size} characters found no room: `fleet memory show {where}`."
        case _Place.CLAIMS | _Place.TASKS:
            mine = place is _Place.CLAIMS
            count = sum(1 for task in parts.tasks if task.mine is mine) - shown
            return _more(count, f"`fleet task ls --team {parts.team}`")
        case _Place.MESSAGES:
            return _more(len(parts.messages) - shown, "`fleet inbox`")
        case _Place.NOTES:
            return _more(len(parts.notes) - shown, f"`fleet memory show {parts.team}`")
        case _Place.FINDINGS:
            count = len(parts.findings) - shown
            how = f"`fleet memory ls {where}`, `fleet memory search --team {parts.team} WORDS`"
            return _more(count, how)
        case _:
            assert_never(place)


def _more(count: int, how: str) -> str:
    return f"{count} more found no room: {how}." if count else ""


def _unread_orders(orders: Orders | None, where: str, shown: int) -> str:
    if orders is None or not orders.text or shown:
        return ""
    return (
        f"The standing orders of {where}, {len(orders.text)} characters, do not fit here."
        f" Read them before anything else: `fleet memory show {where}`."
    )
