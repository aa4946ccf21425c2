"""Envelopes for tests, with everything that does not matter filled in."""

from __future__ import annotations

from fleet.core.envelope import Envelope

HERE = "a" * 52
THERE = "b" * 52


def ulid(number: int) -> str:
    """The ``number``-th well-formed id, in order."""
    return f"01J{number:023d}"


def letter(number: int = 1, **changes: object) -> Envelope:
    """An envelope from neo@white to rin@nova."""
    plain = Envelope(
        id=ulid(number),
        sender="neo@white",
        from_node=HERE,
        to="rin@nova",
        to_node=THERE,
        recipient="rin",
        text=f"text {number}",
        thread=ulid(number),
        reply_to="",
        hops=0,
        raw=False,
        created_at_s=1_000.0,
        expires_at_s=2_000.0,
    )
    return plain._replace(**changes)  # type: ignore[arg-type]
