"""What members are written when their team is brought down: that they are asked to leave, or stay after all.

One letter for each time of asking, with a key that names it: whatever ends this node in between, it is sent
once. It is good for as long as the member has, so that nobody reads it who comes later.
"""

from __future__ import annotations

import contextlib

import structlog

from fleet.core.address import OPERATOR
from fleet.core.delivery import TERMINAL, State
from fleet.core.envelope import Receipt
from fleet.core.errors.base import FleetError
from fleet.core.farewell import Farewell
from fleet.core.parting import reprieve, request
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.outbox import Wish
from node.engine.talk import Talk
from node.store import SqliteStore

_SHORTEST_S = 60.0  # a request is good for this long, however short the deadline
_REPRIEVE_S = 3_600.0

log = structlog.get_logger()


class Notices:
    """The letters of this home's person to the members of its teams."""

    def __init__(self, fleet: Fleet, talk: Talk, store: SqliteStore) -> None:
        self._fleet = fleet
        self._talk = talk
        self._store = store

    async def ask(self, team: Chronicle, farewell: Farewell, left_s: float) -> None:
        """Have a member asked; once for each time of asking.

        Raises:
            FleetError: it cannot be; once more is safe.
        """
        if self.request(team, farewell) is None:
            text = request(team.board, farewell, left_s)
            await self._post(farewell, text, _key(team, farewell), max(left_s, _SHORTEST_S))

    def request(self, team: Chronicle, farewell: Farewell) -> Receipt | None:
        """How the letter that asks stands; None when it was not sent."""
        row = self._store.outbox.by_key(str(self._operator()), _key(team, farewell))
        return self._talk.find(row.envelope.id).receipt if row else None

    async def take_back(self, team: Chronicle, farewell: Farewell) -> bool:
        """Have nobody read the letter any more; whether it is certain that nobody did."""
        letter = self.request(team, farewell)
        if letter is None:
            return True
        if letter.last.state not in TERMINAL:
            with contextlib.suppress(FleetError):  # typed already; or away, where it runs out
                letter = await self._talk.cancel(self._operator(), letter.envelope.id)
        return letter.last.state is State.CANCELLED

    async def reprieve(self, team: Chronicle, farewell: Farewell) -> None:
        """Tell a member that may have read the letter that it stays."""
        if await self.take_back(team, farewell):
            return
        text, key = reprieve(team.row.name, farewell.seat), f"stay {_key(team, farewell)}"
        try:
            await self._post(farewell, text, key, _REPRIEVE_S)
        except FleetError as error:  # its goodbye will be refused, which tells it too
            log.warning("member not told", team=team.row.name, seat=farewell.seat, error=str(error))

    async def _post(self, farewell: Farewell, text: str, key: str, expires_s: float) -> None:
        to = f"{farewell.agent}@{self._fleet.label(farewell.node)}"
        await self._talk.post(self._operator(), Wish(to, text, key=key, expires_s=expires_s))

    def _operator(self) -> Caller:
        return self._fleet.caller(OPERATOR)


def _key(team: Chronicle, farewell: Farewell) -> str:
    return f"farewell {team.team_id} {farewell.seat} {farewell.asked}"
