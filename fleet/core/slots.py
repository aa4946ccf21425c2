"""Numbers that a team gives away, each once: a version, a port, a migration. Never taken from a clock.

A slot is a counter on the team's home. What was given is given: a number that nobody used leaves a gap,
and is not given again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.core.address import parse_name
from fleet.core.errors.requests import MalformedRequest, WrongState

SLOTS = 1_000
"""How many counters one team can have."""
HIGHEST = 2**53 - 1
"""The largest number that every reader of JSON takes for what it is."""


@dataclass(frozen=True, slots=True)
class SlotTaken:
    """A number was given away; whoever wanted it is the entry's author."""

    slot: str
    number: int


@dataclass(frozen=True, slots=True)
class TakeSlot:
    """Give me the next number of a counter; not below ``at_least``, where numbers were in use before."""

    slot: str
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """The number. ``again``: the same request had been carried out before, and got this."""

    slot: str
    number: int
    again: bool = False


def take(slots: Mapping[str, int], command: TakeSlot) -> SlotTaken:
    """What follows from a request; ``slots`` has the last number of each counter.

    Raises:
        MalformedName: the counter's name is none.
        MalformedRequest: the number would be below 0, or too large to be read everywhere.
        WrongState: the team has as many counters as it can.
    """
    slot = parse_name(command.slot)
    if slot not in slots and len(slots) >= SLOTS:
        raise WrongState(
            f"{len(slots)} slots are there; a team has no more", hint="use one of them"
        )
    number = max(slots.get(slot, 0) + 1, command.at_least)
    if command.at_least < 0 or number > HIGHEST:
        raise MalformedRequest(f"{number} is no number of a slot", hint=f"0 to {HIGHEST}")
    return SlotTaken(slot, number)
