"""A team's retrospective as Markdown, made from its log: what was done, by whom, how long it took, and
what went wrong on the way, with room for what people make of it.

The same log gives the same page. Times are the home node's; a clock that was set meanwhile shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from fleet.core.moment import iso_time
from fleet.core.task import (
    TaskAdded,
    TaskBlocked,
    TaskChanged,
    TaskClaimed,
    TaskDone,
    TaskEvent,
    TaskNoted,
    TaskReleased,
    TaskRemoved,
    TaskReopened,
    TaskStarted,
)
from fleet.core.team_events import (
    FarewellAsked,
    FarewellSaid,
    FarewellTakenBack,
    Happened,
    NodeJoined,
    NodeLeft,
    Planned,
    Seated,
    Unseated,
)

_STEERING = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#"} | {"\n": " ", "\r": " "})


@dataclass(slots=True)
class _Work:
    """One task on its way."""

    title: str
    found_while: int = 0
    added_s: float = 0.0
    claimed_s: float = 0.0
    took_s: float = 0.0
    done_by: str = ""
    evidence: str = ""
    holders: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    is_over: bool = False


@dataclass(slots=True)
class _Who:
    """One seat, or a person, and what came of its work."""

    claimed: int = 0
    done: int = 0
    let_go: int = 0
    blocked: int = 0
    at_work_s: float = 0.0


class _Story:
    """The log, read once."""

    def __init__(self) -> None:
        self.tasks: dict[int, _Work] = {}
        self.who: dict[str, _Who] = {}
        self.timeline: list[tuple[float, str]] = []

    def take(self, happened: Happened) -> None:
        """One more entry."""
        event, at_s = happened.event, happened.at_s
        if isinstance(event, TaskEvent):
            self._take_task(event, at_s, happened.by)
            return
        match event:
            case Planned():
                self.timeline.append((at_s, "the team file was applied"))
            case NodeJoined(node=node):
                self.timeline.append((at_s, f"node {node[:12]} joined"))
            case NodeLeft(node=node, why=why):
                self.timeline.append((at_s, f"node {node[:12]} left: {why}"))
            case Seated(seat=seat, agent=agent):
                self.timeline.append((at_s, f"{seat} was filled by {agent}"))
            case FarewellAsked(seat=seat):
                self.timeline.append((at_s, f"{seat} was asked to leave"))
            case FarewellTakenBack(seat=seat):
                self.timeline.append((at_s, f"{seat} was asked to stay"))
            case FarewellSaid(seat=seat):
                self.timeline.append((at_s, f"{seat} said goodbye"))
            case Unseated(seat=seat, why=why):
                self.timeline.append((at_s, f"{seat} became empty: {why}"))
            case _:
                pass

    def _take_task(self, event: TaskEvent, at_s: float, by: str) -> None:
        if isinstance(event, TaskAdded):
            wanted = event.wanted
            self.tasks[event.task] = _Work(wanted.title, wanted.found_while, at_s)
            return
        work, label = self.tasks[event.task], f"T{event.task}"
        match event:
            case TaskClaimed(holder=holder):
                work.holders.append(holder)
                work.claimed_s = at_s
                self._of(holder).claimed += 1
            case TaskDone(evidence=evidence):
                self._let_go(work, at_s).done += 1
                work.done_by, work.evidence, work.is_over = work.holders[-1], evidence, True
                self.timeline.append((at_s, f"{label} was done by {work.done_by}"))
            case TaskReleased(why=why):
                self._let_go(work, at_s).let_go += 1
                work.trouble.append(f"released: {why}")
                self.timeline.append((at_s, f"{label} went back on the list: {why}"))
            case TaskBlocked(why=why):
                self._of(work.holders[-1]).blocked += 1
                work.trouble.append(f"blocked: {why}")
                self.timeline.append((at_s, f"{label} was blocked: {why}"))
            case TaskReopened(why=why):
                work.is_over = False
                work.trouble.append(f"reopened by {by}: {why}")
                self.timeline.append((at_s, f"{label} was reopened by {by}: {why}"))
            case TaskRemoved(why=why):
                work.is_over = True
                self.timeline.append(
                    (at_s, f"{label} was removed: {why}" if why else f"{label} was removed")
                )
            case TaskStarted() | TaskNoted() | TaskChanged():
                pass
            case _:
                assert_never(event)

    def _let_go(self, work: _Work, at_s: float) -> _Who:
        spent_s = max(0.0, at_s - work.claimed_s)
        work.took_s += spent_s
        who = self._of(work.holders[-1])
        who.at_work_s += spent_s
        return who

    def _of(self, holder: str) -> _Who:
        return self.who.setdefault(holder, _Who())


def retrospective(team: str, log: Iterable[Happened]) -> str:
    """The page, as Markdown."""
    story = _Story()
    span: list[float] = []
    for happened in log:
        story.take(happened)
        span = [*span[:1], happened.at_s]
    pages = [f"# Retrospective: {_plain(team)}\n"]
    if span:
        pages.append(f"From {iso_time(span[0])} to {iso_time(span[-1])}.\n")
    pages.append(_numbers(story))
    pages.append(_section("Who did what", _who_table(story)))
    pages.append(_section("Tasks", _task_table(story)))
    pages.append(_section("What went wrong", _troubles(story)))
    pages.append(_section("Found on the side", _side_finds(story)))
    pages.append(
        _section(
            "Timeline", [f"- {iso_time(at_s)} {_plain(what)}" for at_s, what in story.timeline]
        )
    )
    pages.append("## What we learnt\n\n- \n\n## What we change\n\n- \n")
    return "\n".join(page for page in pages if page)


def _numbers(story: _Story) -> str:
    over = Counter(work.is_over for work in story.tasks.values())
    lapsed = sum(bool(work.trouble) for work in story.tasks.values())
    return (
        f"{len(story.tasks)} tasks: {over[True]} over, {over[False]} open;"
        f" {lapsed or 'none'} of them with trouble on the way.\n"
    )


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines or ("Nothing.",)) + "\n"


def _who_table(story: _Story) -> list[str]:
    rows = [
        f"| {_plain(name)} | {who.claimed} | {who.done} | {who.let_go} | {who.blocked} | {_length(who.at_work_s)} |"
        for name, who in sorted(story.who.items())
    ]
    head = ["| who | claimed | done | let go | blocked | at work |", "|---|---|---|---|---|---|"]
    return [*head, *rows] if rows else []


def _task_table(story: _Story) -> list[str]:
    rows = [
        f"| T{number} | {_plain(work.title)} | {_plain(work.done_by or ', '.join(work.holders[-1:]))} |"
        f" {_length(work.took_s) if work.took_s else ''} | {_plain(work.evidence)[:200]} |"
        for number, work in sorted(story.tasks.items())
    ]
    head = ["| task | what | who | took | shown by |", "|---|---|---|---|---|"]
    return [*head, *rows] if rows else []


def _troubles(story: _Story) -> list[str]:
    return [
        f"- T{number} {_plain(work.title)}: {_plain('; '.join(work.trouble))}"
        for number, work in sorted(story.tasks.items())
        if work.trouble
    ]


def _side_finds(story: _Story) -> list[str]:
    return [
        f"- T{number} {_plain(work.title)}, while at T{work.found_while}"
        for number, work in sorted(story.tasks.items())
        if work.found_while
    ]


def _plain(text: str) -> str:
    """What others wrote, so that it stands in a line and makes no Markdown of its own."""
    return "".join(c for c in text.translate(_STEERING) if c.isprintable())


def _length(seconds: float) -> str:
    for unit, unit_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"
