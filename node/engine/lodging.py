"""On a node that is not a team's home: its home has members started and ended here, and asks how they are.

As far as this node has agreed, and no further: its agreement says which roles in which form, how many, on
which files, in which tmux server; its grants say whether they may be started and seen. The home's word is
not needed for any of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet.core.address import OPERATOR
from fleet.core.board import Seat
from fleet.core.bounds import LAST_COUNT, SEATS_LIMIT
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.teams import UnknownTeam
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.member import (
    Hosted,
    Left,
    MemberState,
    SeatAnswer,
    SeatAsk,
    StateAsk,
    Terms,
    UnseatAsk,
    overtaken,
    require_within,
)
from fleet.core.team import RolePlan, agent_name, seats
from fleet.core.trust import Caller, Verb
from fleet.teamfile import read_form
from fleet.teamlog import said_from_json, said_to_json
from node.engine.agreements import Agreements
from node.engine.chronicle import Chronicle
from node.engine.conditions import Conditions
from node.engine.fleet import Fleet
from node.engine.hosting import Hosting, Place
from node.engine.permits import Permits
from node.engine.teams import Teams
from node.store import SqliteStore
from node.store.agreements import Agreement
from node.store.teams import Standing


class Lodging:
    """What teams of other nodes may do with their members here."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        agreements: Agreements,
        permits: Permits,
        hosting: Hosting,
        conditions: Conditions,
        store: SqliteStore,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._agreements = agreements
        self._permits = permits
        self._hosting = hosting
        self._conditions = conditions
        self._store = store

    async def seat(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A team's home wants somebody in a seat here.

        Raises:
            NotAllowed: this node has not agreed to that, or grants it no more.
            WrongState: the seat has gone on since.
            FleetError: as ``Hosting.seat`` says.
        """
        team, said = self._of(node_id, question), said_from_json(question.arguments, SeatAsk)
        _require_term(said.term)
        plan = read_form(said.plan, f"the plan of {team.row.name}")
        role = seats(plan).get(said.seat)
        if role is None or plan.name != team.row.name:
            raise MalformedRequest(f"{said.seat!r} is no seat of that plan")
        agreement = self._agreements.agreement(team.team_id, role.name)
        self._require_room(role, agreement, 0)
        self._permits.require(self._person(node_id), Verb.SPAWN, agent_name(plan.name, said.seat))
        self._require_current(team, said.seat, said.term)
        place = Place(plan, role, said.seat, *_where(agreement))
        became = await self._hosting.seat(
            team.team_id,
            said.term,
            place,
            lambda others: self._require_room(role, agreement, others),
        )
        return TeamAnswer(said_to_json(SeatAnswer(became)), team.board.head)

    async def unseat(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A team's home wants a seat here empty.

        Raises:
            NotAllowed: this node does not let it start and end members any more.
            WrongState: the seat has gone on since.
        """
        team, said = self._of(node_id, question), said_from_json(question.arguments, UnseatAsk)
        _require_term(said.term)
        name = agent_name(team.row.name, said.seat)
        self._permits.require(self._person(node_id), Verb.SPAWN, name)
        left = await self._hosting.unseat(team.team_id, said.seat, said.term, keep=said.keep)
        return TeamAnswer(said_to_json(left), team.board.head)

    async def states(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A team's home asks how its members here are. What screens say, and what is in their folders,
        is told as far as it may observe them."""
        team, said = self._of(node_id, question), said_from_json(question.arguments, StateAsk)
        told: list[MemberState] = []
        for name in _each_once(said.seats):
            if (seat := self._seat(team, name)) is not None:
                seen = self._permits.may(self._person(node_id), Verb.OBSERVE, seat.agent)
                files = said.files and seen
                told.append(
                    await self._conditions.state(team.team_id, seat, seen=seen, files=files)
                )
        return TeamAnswer(said_to_json(told), team.board.head)

    # --- this node's person ---

    async def living(self, team: Chronicle) -> tuple[Hosted, ...]:
        """Who was started here for a team of another node, and lives.

        Raises:
            WrongState: this node is the team's home, or not of it.
        """
        self._agreements.agreed(team)
        return await self._hosting.living(team.team_id)

    async def leave(self, team: Chronicle) -> tuple[bool, tuple[tuple[Hosted, Left], ...]]:
        """Leave a team of another node, and end who was started here for it; whether the home knows it
        already, and what is left of each. Done once more after a crash it goes on.

        Raises:
            WrongState: this node is the team's home, or not of it.
            NoTmux: somebody cannot be ended now; this node is of the team still.
        """
        self._agreements.agreed(team)
        left = await self._hosting.clear(team.team_id)
        knows = await self._agreements.leave(team)
        # Whom the home has wanted here in between; from now on it wants nobody.
        return knows, (*left, *await self._hosting.clear(team.team_id))

    def _of(self, node_id: str, question: TeamAsk) -> Chronicle:
        """The team whose home asks.

        Raises:
            UnknownTeam: there is none that this node is of, and that lives there.
        """
        team = self._teams.by_id(question.team)
        if team is None or team.row.standing is not Standing.COPY or team.row.home != node_id:
            raise UnknownTeam(question.team[:16])
        return team

    def _person(self, node_id: str) -> Caller:
        """The person at the home: to that one grants were given, and the home speaks for them."""
        return self._fleet.peer_caller(OPERATOR, node_id)

    def _require_room(self, role: RolePlan, agreement: Agreement | None, others: int) -> None:
        terms = (
            Terms(agreement.digest, agreement.count, agreement.policy, agreement.verbs)
            if agreement
            else None
        )
        require_within(role, terms, others)

    def _require_current(self, team: Chronicle, name: str, term: int) -> None:
        """The copy of the log may know more already than what is asked."""
        board, me = team.board, self._fleet.me.node_id
        seat = board.seats.get(name)
        is_here = seat is not None and (seat.term, seat.node) == (term, me)
        if board.head >= term and not is_here:
            raise overtaken(name, term, seat.term if seat else board.head)

    def _seat(self, team: Chronicle, name: str) -> Seat | None:
        """A seat of this node, by the log, or by what the home has asked for when the log is not here yet."""
        seat, me = team.board.seats.get(name), self._fleet.me.node_id
        if seat is not None:
            return seat if seat.node == me else None
        hosted = self._store.hosted.get(team.team_id, name)
        return Seat(name, hosted.role, hosted.agent, me, hosted.term) if hosted else None


def _each_once(seats: Sequence[str]) -> Iterable[str]:
    """Seats that are asked about: each is a look at a screen and at a folder."""
    if len(seats) > SEATS_LIMIT:
        raise MalformedRequest(f"{len(seats)} seats", hint=f"at most {SEATS_LIMIT} at once")
    return dict.fromkeys(seats)


def _require_term(term: int) -> None:
    """A term is the number of an entry of the log."""
    if not 0 < term <= LAST_COUNT:
        raise MalformedRequest(f"{str(term)[:20]} is no term of a seat")


def _where(agreement: Agreement | None) -> tuple[str, str]:
    """The folder of the repository and the tmux server, as agreed.

    Raises:
        WrongState: it was not said where programs are to run.
    """
    if agreement is None or not agreement.socket:
        raise WrongState(
            "in which tmux server members are to run was not said when it was agreed to",
            hint="there: fleet team leave TEAM; then a new invitation, and fleet team accept ID",
        )
    return agreement.folder, agreement.socket
