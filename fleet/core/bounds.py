"""How much of anything a node of ours would say: what is longer or more makes no sense.

Checked where words arrive (``fleet/wire``), so that nobody further in keeps, counts or shows what
has no end. A bound is far above what an honest node sends; whoever is over it is not one of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TypeVar

from fleet.core.address import NAME

ENVELOPES_LIMIT = 1_024
"""In one post; ours have 128, those of earlier builds had 256."""
STANDING_LIMIT = 2_000
"""Ids in one word on what is open, each a look into the database. A node sends several, of half that."""
AGENTS_LIMIT = 4_096
"""Of one node."""
ADDRESSES_LIMIT = 64
CANDIDATES_LIMIT = 4_096
STEPS_LIMIT = 64
WORD_LIMIT = 256
"""Characters of what is no text and no sentence: ids, names, addresses."""
ENTRIES_LIMIT = 4_096
"""Of a team's log in one word."""
SEATS_LIMIT = 1_024
"""Of one team."""
SEATS_HELD_LIMIT = 16
"""By one agent."""
ENTRY_BYTES = 256 * 1024
"""Of a team's log, or of a command for it."""
LOG_BYTES = 64 * 1024 * 1024
"""Of a team's log, after which its home adds nothing to its list or its memory. Tens of thousands of tasks
and findings; a node holds all of it in memory."""
SENTENCE_LIMIT = 4_096
LAST_COUNT = 1_000_000_000
"""Of a timeline; sums of a few of them still fit the wire."""
LAST_INCARNATION = (1 << 63) - 1  # what the database holds

_T = TypeVar("_T")


def word(text: str) -> str:
    """An id, a name, an address."""
    if len(text) > WORD_LIMIT:
        raise ValueError(f"a word of {len(text)} characters")
    return text


def name(text: str) -> str:
    """A name that can be resolved, and shown as it is."""
    if NAME.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no name")
    return text


def few(values: Sequence[_T], limit: int, what: str) -> Sequence[_T]:
    """A list that somebody could have meant."""
    if len(values) > limit:
        raise ValueError(f"{len(values)} {what}, more than {limit}")
    return values


def count(value: int) -> int:
    """A place in a timeline."""
    if value > LAST_COUNT:
        raise ValueError(f"{value} is no count")
    return value


def incarnation(value: int) -> int:
    """The number of an agent's life."""
    if value > LAST_INCARNATION:
        raise ValueError(f"{value} is no incarnation")
    return value


def seconds(value: float) -> float:
    """A time that can be added to, kept and shown; a double may also be infinite, or no number."""
    if not 0 <= value < inf:
        raise ValueError(f"{value} is no time")
    return value
