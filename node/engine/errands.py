"""What other nodes have to be told about teams: written down first, told now or on the next link.

Each is told again until the other node has answered, so what it does there is safe to repeat. An answer
that refuses ends it as well; who gave the errand is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable, TooBusy, VersionMismatch
from fleet.core.errors.store import StoreFailed
from fleet.core.frames import AnswerBody, Question, TeamAsk
from fleet.teamlog import asked_from_json, asked_to_json
from node.engine.fleet import Fleet
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.agreements import Errand

INVITE = "invite"

log = structlog.get_logger()


class Errands:
    """The errands of this node. One per node; ``ask`` carries a question to a linked one, and
    ``require_known`` raises when that one is too old for such a question."""

    def __init__(self, fleet: Fleet, store: SqliteStore, clock: Clock) -> None:
        self._fleet = fleet
        self._store = store
        self._clock = clock
        self._due = asyncio.Event()
        self._nodes: set[str] = set()
        self._telling: dict[str, asyncio.Lock] = {}
        self.ask: Callable[[str, Question], Awaitable[AnswerBody]] = _nobody_to_ask
        self.require_known: Callable[[str, type[Question]], None] = _anything_is_known
        self.refused: Callable[[Errand, FleetError], Awaitable[None]] = _nobody_cares

    def give(
        self, node: str, team_id: str, verb: str, key: str, arguments: bytes, until_s: float = 0.0
    ) -> None:
        """Write down that a node has to be told; staged."""
        self._store.agreements.put_errand(Errand(0, node, team_id, verb, key, arguments, until_s))

    def linked(self, node: str) -> None:
        """A new link stands."""
        self._nodes.add(node)
        self._due.set()

    async def run(self) -> None:
        """Tell each node that links what it has to be told."""
        while True:
            await self._due.wait()
            self._due.clear()
            nodes, self._nodes = self._nodes, set()
            async with asyncio.TaskGroup() as group:
                for node in nodes:
                    group.create_task(self.tell(node))

    async def tell(self, node: str) -> bool:
        """Tell a node all it has to be told, in order; whether nothing is left."""
        async with self._telling.setdefault(node, asyncio.Lock()):
            for errand in self._store.agreements.errands(node):
                try:
                    if not await self._told(errand):
                        return False
                except StoreFailed as error:
                    log.warning("errand not kept", peer=node[:12], error=str(error))
                    return False
        return True

    async def _told(self, errand: Errand) -> bool:
        now_s = self._clock.wall_s()
        if not errand.until_s or now_s < errand.until_s:
            try:
                await self.ask(errand.node, self._question(errand, now_s))
            except (NodeUnreachable, VersionMismatch, TooBusy) as error:
                log.debug("errand waits", peer=errand.node[:12], verb=errand.verb, error=error.code)
                return False
            except FleetError as error:
                log.warning(
                    "errand refused", peer=errand.node[:12], verb=errand.verb, error=error.code
                )
                await self.refused(errand, error)
        self._store.agreements.drop_errands(number=errand.number)
        await self._store.commit()
        return True

    def _question(self, errand: Errand, now_s: float) -> TeamAsk:
        arguments = errand.arguments
        if errand.verb == INVITE:  # clocks are not compared: it says what is left
            asked = asked_from_json(arguments)
            arguments = asked_to_json(replace(asked, expires_in_s=errand.until_s - now_s))
        caller = self._fleet.caller(OPERATOR)
        return TeamAsk(str(caller), errand.team_id, errand.verb, arguments, errand.key)


async def _nobody_to_ask(node_id: str, _question: Question) -> AnswerBody:
    raise NodeUnreachable(node_id[:12], "the node has only just begun")


def _anything_is_known(_node_id: str, _question: type[Question]) -> None:
    return


async def _nobody_cares(_errand: Errand, _error: FleetError) -> None:
    return
