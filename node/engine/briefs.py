"""A member's first message: its briefing, once in each term of its seat, sent by the node that it lives on.

The text is what ``fleet memory briefing`` prints there at that moment; once sent, it is not made anew. The
node itself is the sender: what a node says itself is among nobody's unread messages, and its own agents hear it
whatever their policy.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import msgspec

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.board import Seat
from fleet.core.delivery import State
from fleet.core.envelope import Receipt
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.errors.teams import UnknownTeam
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.team import agent_name
from fleet.core.trust import Caller, Verb
from fleet.teamlog import said_from_json
from node.engine.agents import Agents
from node.engine.agreements import Agreements
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.memories import Memories
from node.engine.outbox import Outbox, Wish
from node.engine.permits import Permits
from node.engine.talk import Talk, Wait, is_over
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store.teams import Standing

BRIEF = "brief"
_STEP_S = 5.0  # of one question: less than a question may take
_AGAIN_S = 0.1  # until the entry of a seat has come to its node


class Briefed(msgspec.Struct, frozen=True):
    """How a first message stands. ``receipt`` is as ``fleet send --json`` prints it."""

    state: State
    receipt: dict[str, Any]

    @property
    def id(self) -> str:
        """The envelope's."""
        return str(self.receipt["id"])


_decode = msgspec.json.Decoder(Briefed | None).decode


class _Wanted(msgspec.Struct, frozen=True):
    seat: str
    term: int
    wait_s: float


class Briefs:
    """First messages: at a team's home for every seat, on each node for those that are there."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        agents: Agents,
        agreements: Agreements,
        permits: Permits,
        memories: Memories,
        outbox: Outbox,
        talk: Talk,
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._agents = agents
        self._agreements = agreements
        self._permits = permits
        self._memories = memories
        self._outbox = outbox
        self._talk = talk
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def brief(self, team: Chronicle, seat: Seat, timeout_s: float) -> Briefed:
        """At home: have whoever fills a seat given its briefing, and wait until it is submitted, or cannot be
        any more, or the time is up. Once more in the same term is the same message.

        Raises:
            NodeUnreachable: the seat's node is away; it may have been sent, and once more finds out.
            WrongState: that node has not learnt of the seat in time.
            FleetError: as sending demands.
        """
        if seat.node == self._fleet.me.node_id:
            return await self._here(team, seat, timeout_s)
        until_s = self._clock.now_s() + timeout_s
        while True:
            left_s = max(0.0, until_s - self._clock.now_s())
            briefed = await self._ask(team, seat, min(left_s, _STEP_S))
            if briefed and (left_s <= 0 or is_over(briefed.state, State.SUBMITTED)):
                return briefed
            if briefed is None and left_s <= 0:
                node = self._fleet.label(seat.node)
                raise WrongState(
                    f"{node} does not know yet that {seat.agent} is in seat {seat.name}",
                    hint=f"once more is the same message: fleet team up {team.row.name}",
                )
            if briefed is None:
                await self._clock.sleep(_AGAIN_S)

    async def _ask(self, team: Chronicle, seat: Seat, wait_s: float) -> Briefed | None:
        """None: its node has not learnt of the seat's entry yet."""
        wanted = msgspec.json.encode(_Wanted(seat.name, seat.term, wait_s))
        ask = TeamAsk(str(self._itself), team.team_id, BRIEF, wanted, "")
        told = await self._teams.ask(seat.node, ask)
        if not isinstance(told, TeamAnswer):
            raise VersionMismatch("the seat's node does not answer for teams")
        briefed: Briefed | None = _decode(told.result)
        return briefed

    async def answer(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """For a team's home: brief a member that lives here.

        Raises:
            UnknownTeam: that node is no home of a team that this node is of.
            NotAllowed: no agreement lets the team speak to whoever fills the seat.
        """
        team = self._teams.by_id(question.team)
        if team is None or team.row.home != node_id or team.row.standing is not Standing.COPY:
            raise UnknownTeam(question.team[:16])
        wanted = said_from_json(question.arguments, _Wanted)
        seat = team.board.seats.get(wanted.seat)
        briefed = None
        if seat and (seat.term, seat.node) == (wanted.term, self._fleet.me.node_id):
            self._require_agreed(team, seat)
            briefed = await self._here(team, seat, min(max(0.0, wanted.wait_s), _STEP_S))
        return TeamAnswer(msgspec.json.encode(briefed), team.board.head)

    def _require_agreed(self, team: Chronicle, seat: Seat) -> None:
        """An agent of this node's own that fills a seat is told nothing in this node's name; and nobody is
        when the person here has taken the grant back."""
        agreed = self._agreements.agreement(team.team_id, seat.role)
        is_hosted = seat.agent == agent_name(team.row.name, seat.name)
        person = self._fleet.peer_caller(OPERATOR, team.row.home)
        is_agreed = agreed is not None and Verb.MESSAGE in agreed.verbs
        is_granted = self._permits.may(person, Verb.MESSAGE, seat.agent)
        if not (is_hosted and is_agreed and is_granted):
            home = self._fleet.label(team.row.home)
            raise NotAllowed(f"{team.row.name}@{home}", "brief", seat.agent)

    async def _here(self, team: Chronicle, seat: Seat, timeout_s: float) -> Briefed:
        key = f"{BRIEF} {team.team_id} {seat.name} {seat.term}"
        to = f"{seat.agent}@{self._fleet.label(seat.node)}"
        async with self._turns[team.team_id]:  # its text is made once
            before = self._outbox.sent(self._itself, key)
            text = before.text if before else await self._memories.briefing(team, seat.name)
            wish = Wish(to, text, key=key)
            await self._outbox.send(self._itself, wish)
        self._agents.brief_is_there(seat.agent)
        wait = Wait(State.SUBMITTED, timeout_s)
        receipt, _ = await self._talk.send(self._itself, wish, wait, _untold)
        return Briefed(receipt.last.state, dict(receipt.as_json()))

    @property
    def _itself(self) -> Caller:
        """By its own name, however it is told from others: a key counts for one name."""
        me = self._fleet.me
        return Caller(NODE_ITSELF, me.name, me.node_id, is_local=True)


def _untold(_receipt: Receipt) -> None:
    pass
