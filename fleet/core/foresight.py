"""What a task will touch, before anybody has begun: by the places that its author named.

A place is a path, or a path and a function of it: ``lease.py:Lease.renew``. A path alone says too little to make
anybody wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet.core.collide import Block, Kind, Touch, Verdict, Work, meeting
from fleet.core.task import Task, Wanted


def named(task: Task) -> Work:
    """A task with the blocks that it names."""
    return Work(task.label, tuple(Touch(_block(path)) for path in task.wanted.paths))


def files_of(wanted: Wanted) -> tuple[str, ...]:
    """The files of the places that a task names, each once."""
    return tuple(dict.fromkeys(_block(path).path for path in wanted.paths))


def behind(tasks: Sequence[Task], under_way: Iterable[Task]) -> tuple[tuple[str, ...], ...]:
    """For each of the tasks those that it has to wait for: those under way that touch a function which it
    names, then those of the tasks before it that do."""
    before = [named(task) for task in under_way]
    found: list[tuple[str, ...]] = []
    for task in tasks:
        work = named(task)
        met = [meeting(one, work) for one in before if one.task != work.task]
        found.append(
            tuple(one.first for one in met if one is not None and one.verdict is Verdict.QUEUE)
        )
        before.append(work)
    return tuple(found)


def _block(place: str) -> Block:
    """``path:name``; what follows the last colon is no name when it is a line's number or has a slash."""
    path, colon, name = place.rpartition(":")
    is_name = bool(colon and path and name) and "/" not in name and not name.isdigit()
    return Block(path, Kind.FUNCTION, name) if is_name else Block(place)
