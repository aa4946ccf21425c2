"""What tasks will touch by what they name, and who has to wait for whom."""

from __future__ import annotations

import pytest

from fleet.core.collide import Block, Kind, Touch, Work
from fleet.core.foresight import behind, files_of, named
from fleet.core.task import Task, Wanted


def task(number: int, *paths: str) -> Task:
    return Task(number, Wanted("x", paths=paths), "site.rin@white", 0.0, 0.0)


@pytest.mark.parametrize(
    ("place", "block"),
    [
        ("lease.py:Lease.renew", Block("lease.py", Kind.FUNCTION, "Lease.renew")),
        ("lease.py", Block("lease.py")),
        ("lease.py:12", Block("lease.py:12")),
        ("lease.py:", Block("lease.py:")),
        (":renew", Block(":renew")),
        ("C:a/b.py", Block("C:a/b.py")),
        ("a:b/c.py:f", Block("a:b/c.py", Kind.FUNCTION, "f")),
    ],
)
def test_a_place_is_a_path_or_a_path_and_a_function(place: str, block: Block) -> None:
    assert named(task(7, place)) == Work("T7", (Touch(block),))
    assert files_of(Wanted("x", paths=(place, place))) == (block.path,)


def test_a_task_waits_for_those_under_way_and_those_before_it_on_its_function() -> None:
    renew, take = "lease.py:renew", "lease.py:take"
    under_way = [task(1, renew), task(2, take), task(3, "lease.py")]
    tasks = [task(4, take), task(5, renew, take), task(6, "lease.py"), task(7, "lease.py:give")]
    assert behind(tasks, under_way) == (("T2",), ("T1", "T2", "T4"), (), ())


def test_a_task_does_not_wait_for_itself() -> None:
    one = task(1, "lease.py:renew")
    assert behind([one], [one]) == ((),)
