"""The tale of a failed run: what happened, in order, to the envelopes that a checker complains of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.support.facts import Facts
from tests.support.world import World

_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
_ENVELOPES = 3
_LINES = 80
_AROUND_S = 3.0
"""What went wrong so long before an envelope's first moment, or after its last, may have to do with it."""

Line = tuple[float, str, str]


def tale_of(world: World, complaints: Iterable[str]) -> str:
    """The story of the envelopes that are named in the complaints, or of everything when none is."""
    case = [Facts(host) for host in world.hosts.values()]
    ids = list(dict.fromkeys(i for line in complaints for i in _ID.findall(line)))[:_ENVELOPES]
    moments = sorted(line for envelope_id in ids for line in _moments(case, envelope_id))
    first_s = moments[0][0] - _AROUND_S if moments else 0.0
    last_s = moments[-1][0] + _AROUND_S if moments else world.journal[-1][0]
    around = [line for line in world.journal if first_s <= line[0] <= last_s]
    lines = sorted([*moments, *around])
    kept = lines if len(lines) <= _LINES else [*lines[: _LINES // 2], *lines[-_LINES // 2 :]]
    left_out = len(lines) - len(kept)
    told = [f"{at_s:9.3f} {key:6} {what}" for at_s, key, what in kept]
    if left_out:
        told.insert(_LINES // 2, f"      … {left_out} lines")
    return "\n".join([*(_addressed(case, envelope_id) for envelope_id in ids), *told])


def _addressed(case: list[Facts], envelope_id: str) -> str:
    for facts in case:
        kept = [row.envelope for row in facts.outbox] + [item.envelope for item in facts.inbox]
        for envelope in kept:
            if envelope.id == envelope_id:
                first = envelope.text.partition("\n")[0]
                return f"{envelope_id} {envelope.sender} → {envelope.to}: {first}"
    return f"{envelope_id} is nowhere"


def _moments(case: list[Facts], envelope_id: str) -> Iterator[Line]:
    """What became of one envelope: as each node wrote it down, and as its program saw it."""
    for facts in case:
        clock, key = facts.host.clock, facts.host.key
        for item in facts.inbox:
            if item.envelope.id == envelope_id:
                for entry in item.timeline:
                    why = " ".join(
                        word for word in (entry.reason, entry.evidence, entry.detail) if word
                    )
                    yield clock.since_s(entry.at_s), key, f"  {entry.state} {why}"
        for row in facts.outbox:
            if row.envelope.id == envelope_id:
                told = " ".join(entry.state.value for entry in row.timeline)
                yield clock.since_s(row.timeline[0].at_s), key, f"  sent; told in the end: {told}"
        marks = {(item.token, item.mark) for item in facts.inbox if item.envelope.id == envelope_id}
        for typed in facts.host.typed:
            if (typed.token, typed.sequence) in marks:
                what = f"pasted, mark {typed.sequence}" if typed.data else "Enter"
                yield typed.at_s, key, f"  {what} → {typed.program.name} {typed.program.pid}"
