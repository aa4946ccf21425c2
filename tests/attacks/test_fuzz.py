"""Five seconds of coverage-guided fuzzing for each reader; ``make fuzz`` for as long as one likes."""

from __future__ import annotations

import pytest

from fleet.core.errors.requests import MalformedRequest
from tests.attacks.fuzz import FOUND, Broken, Target, fuzz
from tests.attacks.fuzz_targets import TARGETS

SECONDS = 5.0
ELSEWHERE = frozenset({"pairing", "door"})
"""Read by protobuf and msgspec alone: none of our lines leads anywhere."""
SEED = 4


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_it_is_given_it_reads_it_or_refuses_it_as_it_says(name: str) -> None:
    seconds = 0.5 if name in ELSEWHERE else SECONDS
    run = fuzz(name, TARGETS[name], seconds, SEED)
    assert run.inputs > 100, "or this shows nothing"


def test_a_reader_with_a_hole_that_only_coverage_leads_to_is_found_out() -> None:
    """The fuzzer itself: four letters in a row are one in four thousand million."""
    from tests.attacks import a_hole

    with pytest.raises(Broken, match="the input is in") as found:
        fuzz("a-hole", Target(a_hole.read, (MalformedRequest,), (b"xxxx",)), 60.0, SEED)
    path = next(FOUND.glob("a-hole-*"))
    assert str(path) in str(found.value)
    assert path.read_bytes().startswith(b"FLEE")
    path.unlink()
