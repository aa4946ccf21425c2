"""One text to everybody in a team: a message of its own for each, and a receipt for each.

There is no letter to a team. Each member's is held, typed, answered and refused as if it had been sent
alone; what one of them cannot get keeps it from nobody else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from fleet.core.delivery import State
from fleet.core.envelope import Receipt
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import WrongState
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.outbox import Wish
from node.engine.talk import Talk, Wait


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one member's message: a receipt, and what was waited for; or why there is none."""

    to: str
    outcome: tuple[Receipt, State] | FleetError


async def send_to_team(
    talk: Talk, fleet: Fleet, team: Chronicle, caller: Caller, wish: Wish, wait: Wait
) -> tuple[Sent, ...]:
    """Send to everybody in a team but the sender; all of them are waited for together.

    Raises:
        WrongState: nobody else is in it.
    """
    members = others(fleet, team, caller)
    if not members:
        raise WrongState(
            f"nobody else fills a seat of {team.row.name}",
            hint=f"fleet team show {team.row.name} lists its seats",
        )
    return tuple(
        await asyncio.gather(*(_send(talk, caller, member, wish, wait) for member in members))
    )


def others(fleet: Fleet, team: Chronicle, caller: Caller) -> tuple[str, ...]:
    """The addresses of a team's members without the caller's own, by seat; each once."""
    seats = (seat for _, seat in sorted(team.board.seats.items()))
    me = (caller.agent, caller.node_id)
    return tuple(
        dict.fromkeys(
            f"{seat.agent}@{fleet.label(seat.node)}"
            for seat in seats
            if (seat.agent, seat.node) != me
        )
    )


async def _send(talk: Talk, caller: Caller, to: str, wish: Wish, wait: Wait) -> Sent:
    key = f"{wish.key} {to}" if wish.key else ""
    try:
        wished = replace(wish, to=to, key=key)
        return Sent(to, await talk.send(caller, wished, wait, lambda _receipt: None))
    except FleetError as error:
        return Sent(to, error)
