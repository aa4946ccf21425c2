"""The teams of this node: what is asked of them, decided here at home, or carried to the home.

One command after the other is decided on the board as it stands, written down, and answered once that is
durable; a command with a key counts once. While a team's home is away its board can be read, and nothing
can be written: whoever asks is told so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from fleet.core.address import NODE_ITSELF, OPERATOR, parse_name
from fleet.core.board import Board
from fleet.core.directory import SeatHeld
from fleet.core.errors.base import FleetError
from fleet.core.errors.names import NameTaken
from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.teams import UnknownTeam
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import AnswerBody, Question, TeamAnswer, TeamAsk, TeamWord
from fleet.core.seating import KnownTeam
from fleet.core.task import Task
from fleet.core.team_commands import (
    Actor,
    Done,
    TaskCommand,
    decide,
    done_before,
    lapse,
    require_member,
)
from fleet.core.team_events import Event, Founded, Happened, Planned
from fleet.core.trust import Caller
from fleet.teamlog import (
    command_from_json,
    command_to_json,
    done_from_json,
    done_to_json,
    entry_from_json,
    verb_of,
)
from node.engine import teamnames
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.leases import TeamLeases
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.teams import Standing, TeamRow

log = structlog.get_logger()


class Teams:
    """All teams that this node is of."""

    def __init__(
        self,
        fleet: Fleet,
        store: SqliteStore,
        clock: Clock,
        key: bytes,
        is_online: Callable[[str], bool],
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._clock = clock
        self._key = key
        self._is_online = is_online
        self._teams: dict[str, Chronicle] = {}
        self._leases = TeamLeases(lambda: [one for one in self.all() if one.is_home], clock)
        self.ask: Callable[[str, Question], Awaitable[AnswerBody]] = _nobody_to_ask
        self.appended: Callable[[Chronicle], None] = lambda _team: None
        self.grown: Callable[[Chronicle], None] = lambda _team: None
        self.agreed_at: Callable[[str], int] = lambda _team_id: 0
        self.grew: Callable[[Chronicle], None] = lambda _team: None
        self.replaced: Callable[[Chronicle], None] = lambda _team: None
        self.reseated: Callable[[str], None] = lambda _agent: None
        self._seats: dict[str, tuple[SeatHeld, ...]] = {}
        store.database.on_loss(self._leases.lost)
        for row in store.teams.teams():
            self._know(row)
        self._seat_anew()
        fleet.followed(self._node_followed)

    def _know(self, row: TeamRow) -> Chronicle:
        key = self._key if row.standing is Standing.HOME else None
        team = self._teams[row.team_id] = Chronicle(row, self._store, key, self._fleet.now_id)
        if team.is_home:
            self._leases.begin(team)
        return team

    def _node_followed(self, old: str, new: str) -> None:
        """A node goes on under another id: it is the same node to every team."""
        for team in self._teams.values():
            if team.row.home == old:
                team.row = replace(team.row, home=new)
            team.read_anew()
        self._seat_anew()

    # --- which team ---

    def all(self) -> tuple[Chronicle, ...]:
        """All teams known here, by name and id."""
        return tuple(sorted(self._teams.values(), key=lambda t: (t.row.name, t.team_id)))

    def by_id(self, team_id: str) -> Chronicle | None:
        """The team of this id."""
        return self._teams.get(team_id)

    def named(self, text: str, caller: Caller) -> Chronicle:
        """The one team that is meant: by name, and id prefix where several share it; when nothing is
        said, the caller's own, or the only one.

        Raises:
            UnknownTeam: there is none.
            AmbiguousName: there are several; all of them are the candidates.
        """
        return teamnames.named(self.all(), self._fleet, text, caller)

    def home_of(self, name: str) -> Chronicle | None:
        """The team of this name whose home is this node."""
        return next((t for t in self._teams.values() if t.is_home and t.row.name == name), None)

    def require_reader(self, team: Chronicle, caller: Caller) -> None:
        """Let only the team read its list.

        Raises:
            NotAllowed: the caller is not of the team.
        """
        require_member(team.board, self.actor(team.board, caller))

    def may_read(self, team: Chronicle, caller: Caller) -> bool:
        """Whether the caller is of the team."""
        try:
            self.require_reader(team, caller)
        except NotAllowed:
            return False
        return True

    def label(self, team: Chronicle) -> str:
        """How a team is called here, unambiguously."""
        return teamnames.label(self._teams.values(), team)

    # --- at home ---

    async def found(self, caller: Caller, name: str, planned: Planned) -> Chronicle:
        """Make a team whose home is this node.

        Raises:
            NameTaken: this node is the home of one of that name.
            MalformedName: it is no name.
        """
        label = parse_name(name)
        if self.home_of(label):
            raise NameTaken(label, "a team whose home is this node")
        me = self._fleet.me.node_id
        row = TeamRow(self._clock.token(), label, me, Standing.HOME)
        self._store.teams.put(row)
        team = self._know(row)
        await self.write(team, str(caller), "", (Founded(label, me), planned))
        return team

    async def write(
        self, team: Chronicle, by: str, key: str, events: Sequence[Event]
    ) -> tuple[Happened, ...]:
        """Append to the log of a team whose home is here; durable, and on its way to the others, when
        this returns.

        Raises:
            StoreFailed: nothing was written.
        """
        happened = self._append(team, by, key, events)
        await self._settle(team, happened)
        return happened

    def _append(
        self, team: Chronicle, by: str, key: str, events: Sequence[Event]
    ) -> tuple[Happened, ...]:
        happened = team.append(by, key, self._clock.wall_s(), events)
        self._leases.follow(team, happened)
        return happened

    async def _settle(self, team: Chronicle, happened: Sequence[Happened]) -> None:
        """Wait until it is durable, and have it told."""
        await self._store.commit()
        team.committed(happened[-1].seq if happened else 0)
        self._seat_anew()
        self.appended(team)
        self.grew(team)

    async def regain(self, word: TeamWord) -> Chronicle | None:
        """Take back a team of this home that its database has lost, as far as a copy tells; none when
        this home has never written that.

        Raises:
            StoreFailed: nothing was written.
        """
        me = self._fleet.me.node_id
        try:
            event = entry_from_json(word.entries[0].body).event if word.entries else None
        except FleetError:
            return None
        if not isinstance(event, Founded) or word.team in self._teams:
            return None
        if self._fleet.now_id(event.home) != me:
            return None
        row = TeamRow(word.team, event.team, me, Standing.HOME)
        team = Chronicle(row, self._store, self._key, self._fleet.now_id)
        if not team.is_own(word):
            return None
        self._store.teams.put(row)
        self._teams[row.team_id] = team
        try:
            team.take_back(word)
            head = team.board.head
            await self._store.commit()
        except FleetError:
            self._teams.pop(row.team_id, None)
            raise
        team.committed(head)
        self._leases.begin(team)
        self.grew(team)
        self._seat_anew()
        return team

    # --- elsewhere ---

    def follow(self, team_id: str, name: str, home: str) -> Chronicle:
        """Begin a copy of a team whose home is another node; staged."""
        row = TeamRow(team_id, name, home, Standing.COPY)
        self._store.teams.put(row)
        return self._know(row)

    def copied(self, team: Chronicle) -> None:
        """A copy grew: this node may not be of the team any more."""
        me, board = self._fleet.me.node_id, team.board
        is_out = me in board.left and me not in board.nodes
        if is_out and board.left[me] > self.agreed_at(team.team_id):
            self.stand(team, Standing.LEFT)
        self.grown(team)
        self._store.commit_soon()
        self._seat_anew()

    def stand(self, team: Chronicle, standing: Standing) -> None:
        """This node is something else to a team than before; staged."""
        if team.row.standing is not standing:
            team.row = replace(team.row, standing=standing)
            self._store.teams.put(team.row)

    # --- commands ---

    async def command(
        self, caller: Caller, team: Chronicle, command: TaskCommand, key: str
    ) -> Done:
        """Carry out a command here, or have the team's home do so.

        Raises:
            FleetError: as ``decide`` says; NodeUnreachable when the home is away: nothing was written,
                or that is not known; the same key again finds out.
        """
        if team.is_home:
            return await self._carry_out(caller, team, command, key)
        require_member(team.board, self.actor(team.board, caller))
        verb, arguments = verb_of(command), command_to_json(command)
        try:
            told = await self.ask(
                team.row.home, TeamAsk(str(caller), team.team_id, verb, arguments, key)
            )
        except NodeUnreachable as error:
            home = self._fleet.label(team.row.home)
            error.hint = (
                f"{team.row.name} lives on {home}: its list can be read here, and not written;"
                " with the same --key a command counts once"
            )
            raise
        if not isinstance(told, TeamAnswer):
            raise VersionMismatch("the team's home does not answer for teams")
        return done_from_json(told.result)

    async def answer(self, node_id: str, ask: TeamAsk) -> TeamAnswer:
        """Carry out what a node of the team asks for one of its agents or people.

        Raises:
            UnknownTeam: this node is not its home.
            FleetError: as ``decide`` says.
        """
        team = self._teams.get(ask.team)
        if team is None or not team.is_home:
            raise UnknownTeam(ask.team[:16])
        caller = self._fleet.peer_caller(ask.caller, node_id)
        command = command_from_json(ask.verb, ask.arguments)
        done = await self._carry_out(caller, team, command, ask.key)
        return TeamAnswer(done_to_json(done), team.board.head)

    async def _carry_out(
        self, caller: Caller, team: Chronicle, command: TaskCommand, key: str
    ) -> Done:
        board = team.board
        actor = self.actor(board, caller)
        require_member(board, actor)
        ids = self._fleet.roster.lineage(caller.node_id) if key else ()
        keys = [f"{caller.agent}@{node_id}/{verb_of(command)}:{key}" for node_id in ids]
        whole = keys[0] if key else ""
        known = (board.done_of(one) for one in keys)  # also under the ids that its node had before
        before = next((one for one in known if one is not None), None)
        if before is not None:
            done = done_before(board, actor, command, before)
            await self._store.commit()  # whoever asks again is answered once it is durable, too
            return done
        events = decide(board, actor, command)
        # What is answered is how they stood then: by the time that it is durable others may have them.
        if not events:  # it is so already; and durable, before anybody hears so
            done = Done((board.task(getattr(command, "task", 0)),))
            await self._store.commit()
            return done
        happened = self._append(team, actor.address, whole, events)
        done = Done(tuple(team.board.tasks[n] for n in dict.fromkeys(e.task for e in events)))
        await self._settle(team, happened)
        return done

    def actor(self, board: Board, caller: Caller) -> Actor:
        seat = board.seat_of(caller.agent, caller.node_id)
        return Actor(
            str(caller),
            caller.node_id,
            seat.name if seat else "",
            is_person=caller.agent == OPERATOR,
            is_home=caller.node_id == board.home,
        )

    # --- seats ---

    def logs(self) -> Mapping[str, KnownTeam]:
        """The teams whose logs this node has, by id: by them it knows who fills a seat."""
        return {
            team.team_id: KnownTeam(team.row.name, team.team_id, team.is_home, team.board)
            for team in self._teams.values()
            if team.row.standing is not Standing.LEFT
        }

    def seats_of(self, agent: str) -> tuple[SeatHeld, ...]:
        """The seats that an agent of this node fills."""
        return self._seats.get(agent, ())

    def duty_of(self, agent: str) -> tuple[str, str]:
        """The team and role of an agent of this node; nothing where it fills no seat, or those of several
        teams."""
        me = self._fleet.me.node_id
        found = {
            (team.row.name, seat.role)
            for team in self._teams.values()
            if team.row.standing is not Standing.LEFT
            and (seat := team.board.seat_of(agent, me)) is not None
        }
        return found.pop() if len(found) == 1 else ("", "")

    def _seat_anew(self) -> None:
        """Look who of this node fills which seats, and have it told where that changed."""
        me, before = self._fleet.me.node_id, self._seats
        seats: dict[str, tuple[SeatHeld, ...]] = {}
        for team in self.all():
            if team.row.standing is Standing.LEFT:
                continue
            for seat in team.board.seats.values():
                if seat.node == me:
                    held = SeatHeld(team.row.name, team.team_id, seat.name, seat.term)
                    seats[seat.agent] = (*seats.get(seat.agent, ()), held)
        self._seats = seats
        for agent in before.keys() | seats.keys():
            if before.get(agent) != seats.get(agent):
                self.reseated(agent)

    # --- claims that run out ---

    def living(self, team: Chronicle) -> tuple[str, ...]:
        """The seats of a team whose agents live on this node."""
        me = self._fleet.me.node_id
        return tuple(
            seat.name
            for seat in team.board.seats.values()
            if seat.node == me and self._is_online(seat.agent)
        )

    def heard_of(self, node_id: str, team_id: str, seats: Sequence[str]) -> None:
        """A node says who lives there; it can speak for the seats on it alone."""
        team = self._teams.get(team_id)
        if team is None or not team.is_home:
            return
        board = team.board
        theirs = [one for one in seats if one in board.seats and board.seats[one].node == node_id]
        self._leases.beat(team, theirs)

    async def lapse(self) -> None:
        """Put back on the list what dead members held."""
        itself = f"{NODE_ITSELF}@{self._fleet.me.name}"
        for team in self.all():
            if not team.is_home:
                continue
            self.heard_of(self._fleet.me.node_id, team.team_id, self.living(team))
            for number, holder in self._leases.lapsed(team):
                events = lapse(team.board, number, holder)
                if events:
                    log.info("claim lapsed", team=team.row.name, task=number, holder=holder)
                    await self.write(team, itself, "", events)

    def left_s(self, team: Chronicle, task: Task) -> float:
        """For how long a claim still stands without a word; 0 elsewhere than at home."""
        return self._leases.left_s(team, task) if team.is_home else 0.0

    def lease_anew(self, team: Chronicle) -> None:
        """A team's board at home is another one: its claims stand for their whole length from now."""
        self._leases.begin(team)


async def _nobody_to_ask(node_id: str, _question: Question) -> AnswerBody:
    raise NodeUnreachable(node_id[:12], "the node has only just begun")
