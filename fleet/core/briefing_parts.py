"""What a briefing is made of, and what a memory has for one seat of a role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fleet.core.memory import Finding, Handover, Memory, Note, Orders
from fleet.core.relevance import terms_of

_RELEVANT = 400
_ASKED_TASKS, _ASKED_CHARS = 20, 4_000


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that is not over. ``mine``: the seat that is briefed holds it."""

    number: int
    title: str
    state: str
    holder: str = ""
    mine: bool = False
    text: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that waits for the role."""

    id: str
    sender: str
    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class BriefingParts:
    """All that a briefing is made of. ``findings`` may come in any order; ``relevant`` are numbers of
    findings, those first that have most to do with the tasks. ``job`` is fleet's own text about the seat
    (``fleet/core/lineup.py``); empty where no team file is known."""

    team: str
    role: str
    seat: str
    team_orders: Orders | None = None
    role_orders: Orders | None = None
    handover: Handover | None = None
    tasks: tuple[OpenTask, ...] = ()
    messages: tuple[Unread, ...] = ()
    notes: tuple[Note, ...] = ()
    findings: tuple[Finding, ...] = ()
    relevant: tuple[int, ...] = ()
    job: str = ""


def parts_of(
    memory: Memory,
    role: str,
    seat: str,
    tasks: Iterable[OpenTask] = (),
    messages: Iterable[Unread] = (),
    job: str = "",
) -> BriefingParts:
    """What a memory has for one seat of a role, beside what the caller knows of tasks, messages
    and the team file."""
    tasks = tuple(sorted(tasks, key=lambda task: task.number))
    return BriefingParts(
        memory.team,
        role,
        seat,
        memory.orders(),
        memory.orders(role),
        memory.handover(seat),
        tasks,
        tuple(sorted(messages, key=lambda message: (message.at_s, message.id))),
        memory.notes(),
        memory.known_to(role),
        memory.relevant(role, _asked_by(tasks), _RELEVANT),
        job,
    )


def _asked_by(tasks: Sequence[OpenTask]) -> Iterator[str]:
    """The words of the work at hand: what the seat holds, else what there is to do."""
    for task in ([task for task in tasks if task.mine] or tasks)[:_ASKED_TASKS]:
        yield from terms_of(" ".join((task.title, *task.paths, task.text[:_ASKED_CHARS])))
