"""Timelines as they are stored: a line for each entry, so that an update appends."""

from __future__ import annotations

import msgspec

from fleet.core.delivery import Evidence, State
from fleet.core.envelope import Entry

_encode = msgspec.json.Encoder().encode
_decode_lines = msgspec.json.Decoder(type=tuple[str, float, str, str, str, str]).decode_lines


def lines(entries: tuple[Entry, ...]) -> str:
    """Timeline entries as they are stored."""
    return "".join(
        _encode((e.state, e.at_s, e.node, e.reason, e.evidence or "", e.detail)).decode() + "\n"
        for e in entries
    )


def entries(stored: str) -> tuple[Entry, ...]:
    """The stored lines as timeline entries."""
    return tuple(
        Entry(State(state), at_s, node, reason, Evidence(evidence) if evidence else None, detail)
        for state, at_s, node, reason, evidence, detail in _decode_lines(stored)
    )
