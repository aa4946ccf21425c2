"""At a team's home: nodes are invited, answer once, are removed; agents take seats and give them up.

What is decided is in ``fleet/core/team_membership.py``. It is written down first, then told: an invited
node that is away learns of it when it links, a node that was removed by the team's log.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fleet.core.address import NODE_ITSELF
from fleet.core.errors.base import FleetError
from fleet.core.errors.names import UnknownNode
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.teams import UnknownTeam
from fleet.core.errors.trust import InvitationRefused, NotAllowed
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.team import TeamPlan
from fleet.core.team_events import Event, InvitationEnded, NodeAsked
from fleet.core.team_invitation import LONGEST_S, Asked, asked_role
from fleet.core.team_membership import (
    accept,
    ask,
    decline,
    leave,
    roles_for,
    run_out,
    seat,
    unseat,
    withdraw,
)
from fleet.core.trust import Caller
from fleet.teamlog import asked_to_json, said_from_json
from node.engine.chronicle import Chronicle
from node.engine.errands import INVITE, Errands
from node.engine.fleet import Fleet
from node.engine.plans import plan_of
from node.engine.teams import Teams
from node.faults import fault
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.agreements import Errand

WITHDRAW = "withdraw"
WHY_CHARS = 400


class Answered(msgspec.Struct, frozen=True):
    """What an invited node says to its home: which invitation, which roles with their digests, why."""

    invitation: str
    roles: tuple[tuple[str, str], ...] = ()
    why: str = ""


class Invitations:
    """What the home of a team decides about its nodes and seats."""

    def __init__(
        self, teams: Teams, fleet: Fleet, errands: Errands, store: SqliteStore, clock: Clock
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._errands = errands
        self._store = store
        self._clock = clock
        errands.refused = self._not_taken

    # --- the home's person ---

    async def invite(
        self, caller: Caller, team: Chronicle, node: str, roles: Sequence[str], expires_s: float
    ) -> tuple[NodeAsked, bool]:
        """Invite a node, for these roles or for all that may live there; and whether it was told.

        Raises:
            NotAllowed: the team's home is another node.
            WrongState: the team has no plan, or this node was meant.
            MalformedRequest: the plan has no such role for that node, or the time makes no sense.
            UnknownNode: it is no member of the fleet.
            VersionMismatch: it is connected, and too old to know of teams.
        """
        plan = self._require_plan(team, "invite nodes into")
        if node == self._fleet.me.node_id:
            raise WrongState(
                f"{team.row.name} lives on this node", hint="another node is invited: fleet nodes"
            )
        if self._fleet.roster.member(node) is None:
            raise UnknownNode(self._fleet.label(node), ())
        self._errands.require_known(node, TeamAsk)
        if not 1 <= expires_s <= LONGEST_S:
            raise MalformedRequest(
                f"an invitation cannot be good for {expires_s:g} s", hint="from 1 s to 30 days"
            )
        asked_roles = tuple(map(asked_role, roles_for(plan, self._fleet.label(node), roles)))
        asked = Asked(self._clock.token(), team.row.name, str(caller), expires_s, asked_roles)
        until_s = self._clock.wall_s() + expires_s
        event = NodeAsked(
            asked.invitation, node, tuple((r.role, r.digest) for r in asked_roles),
            tuple(verb.value for verb in asked.verbs), until_s,
        )  # fmt: skip
        events = ask(team.board, event)
        for before in events[:-1]:
            if isinstance(before, InvitationEnded):
                self._take_back(team, node, before.invitation)
        self._errands.give(
            node, team.team_id, INVITE, asked.invitation, asked_to_json(asked), until_s
        )
        self._audit("team invited", team, node, invitation=asked.invitation, by=str(caller))
        await self._teams.write(team, str(caller), "", events)
        return event, await self._errands.tell(node)

    async def withdraw(self, caller: Caller, team: Chronicle, invitation: str) -> None:
        """Take an open invitation back.

        Raises:
            NotAllowed: the team's home is another node.
            WrongState: it is not open.
        """
        self._require_home(team, "withdraw an invitation of")
        events = withdraw(team.board, invitation)
        node = team.board.asked[invitation].node
        self._take_back(team, node, invitation)
        self._audit("team invitation ended", team, node, invitation=invitation, why="withdrawn")
        await self._teams.write(team, str(caller), "", events)
        await self._errands.tell(node)

    async def remove(self, caller: Caller, team: Chronicle, node: str, why: str) -> None:
        """Take a node out of the team; it learns so with the log, and takes its grants back.

        Raises:
            NotAllowed: the team's home is another node.
            WrongState: it is not of the team.
        """
        self._require_home(team, "remove nodes from")
        events = leave(team.board, node, why[:WHY_CHARS] or f"removed by {caller}")
        if not events:
            raise WrongState(
                f"{self._fleet.label(node)} is not of {team.row.name}",
                hint=f"fleet team show {team.row.name} lists its nodes; fleet team withdraw ID ends an invitation",
            )
        self._audit("team node left", team, node, why="removed")
        await self._teams.write(team, str(caller), "", events)

    async def add(
        self, caller: Caller, team: Chronicle, agent: str, node: str, role: str, name: str
    ) -> str:
        """Let an agent that exists fill a seat; which one.

        Raises:
            FleetError: as ``seat`` of the core says, or the team's home is another node.
        """
        plan = self._require_plan(team, "seat agents in")
        events = seat(team.board, plan, agent, node, role, name)
        if events:
            await self._teams.write(team, str(caller), "", events)
        filled = team.board.seat_of(agent, node)
        return filled.name if filled else name

    async def drop(self, caller: Caller, team: Chronicle, name: str, why: str) -> None:
        """Empty a seat; what was held from it is on the list again.

        Raises:
            NotAllowed: the team's home is another node.
            WrongState: nobody is in it.
        """
        self._require_home(team, "empty seats of")
        events = unseat(team.board, name, why[:WHY_CHARS] or f"taken out by {caller}")
        await self._teams.write(team, str(caller), "", events)

    # --- invited nodes ---

    async def accepted(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A node accepts.

        Raises:
            InvitationRefused: as ``accept`` of the core says; written down.
            UnknownTeam: it lives elsewhere.
        """
        team, said = self._of(question)
        try:
            events = accept(team.board, node_id, said.invitation, said.roles, self._clock.wall_s())
        except InvitationRefused as error:
            if team.board.asked.get(said.invitation) or node_id in team.board.nodes:
                await self._lapse(team)
            self._audit(
                "team accept refused", team, node_id, invitation=said.invitation[:32],
                why=str(error),
            )  # fmt: skip
            self._store.commit_soon()
            raise
        if events:
            self._errand_done(said.invitation)
            self._audit("team node joined", team, node_id, invitation=said.invitation)
        answer = await self._answered(team, node_id, events)
        fault("accept:after_home_commit")
        return answer

    async def declined(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A node declines.

        Raises:
            InvitationRefused: it was not asked.
        """
        team, said = self._of(question)
        events = decline(team.board, node_id, said.invitation, said.why[:WHY_CHARS])
        if events:
            self._errand_done(said.invitation)
            self._audit(
                "team invitation ended", team, node_id, invitation=said.invitation, why="declined"
            )
        return await self._answered(team, node_id, events)

    async def left(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """A node leaves; not when it has accepted anew since it said so."""
        team, said = self._of(question)
        joined = team.board.nodes.get(node_id)
        is_meant = joined is not None and joined.invitation == said.invitation
        events = leave(team.board, node_id, "left") if is_meant else ()
        if events:
            self._audit("team node left", team, node_id, why="left")
        return await self._answered(team, node_id, events)

    async def _answered(self, team: Chronicle, node_id: str, events: Sequence[Event]) -> TeamAnswer:
        if events:
            await self._teams.write(team, f"operator@{self._fleet.label(node_id)}", "", events)
        else:
            await self._store.commit()  # what is so already may not be durable yet
        return TeamAnswer(b"{}", team.board.head)

    def _of(self, question: TeamAsk) -> tuple[Chronicle, Answered]:
        team = self._teams.by_id(question.team)
        if team is None or not team.is_home:
            raise UnknownTeam(question.team[:16])
        return team, said_from_json(question.arguments, Answered)

    # --- what ends by itself ---

    async def lapse(self) -> None:
        """End the invitations that nobody answered in time."""
        for team in self._teams.all():
            if team.is_home:
                await self._lapse(team)

    async def _lapse(self, team: Chronicle) -> None:
        events = run_out(team.board, self._clock.wall_s())
        for one in events:
            if isinstance(one, InvitationEnded):
                asked = team.board.asked[one.invitation]
                self._errand_done(one.invitation)
                self._audit(
                    "team invitation ended",
                    team,
                    asked.node,
                    invitation=one.invitation,
                    why=one.why,
                )
        if events:
            await self._teams.write(team, f"{NODE_ITSELF}@{self._fleet.me.name}", "", events)

    async def _not_taken(self, errand: Errand, error: FleetError) -> None:
        """The other node's refusal of what it was told: an invitation ends with it."""
        team = self._teams.by_id(errand.team_id)
        if errand.verb != INVITE or team is None or errand.key not in team.board.asked:
            return
        ended = InvitationEnded(errand.key, f"not taken: {error}"[:WHY_CHARS])
        self._audit(
            "team invitation ended", team, errand.node, invitation=errand.key, why="not taken"
        )
        await self._teams.write(team, f"{NODE_ITSELF}@{self._fleet.me.name}", "", (ended,))

    # --- helpers of the above ---

    def _take_back(self, team: Chronicle, node: str, invitation: str) -> None:
        """Tell the node that this invitation is open no more."""
        self._errand_done(invitation)
        self._errands.give(node, team.team_id, WITHDRAW, invitation, b"{}")

    def _errand_done(self, invitation: str) -> None:
        self._store.agreements.drop_errands(key=invitation)

    def _require_home(self, team: Chronicle, verb: str) -> None:
        if not team.is_home:
            home = self._fleet.label(team.row.home)
            raise NotAllowed("this node", verb, team.row.name, hint=f"its home does: {home}")

    def _require_plan(self, team: Chronicle, verb: str) -> TeamPlan:
        self._require_home(team, verb)
        plan = plan_of(team)
        if plan is None:
            raise WrongState(f"{team.row.name} has no plan", hint="fleet team apply team.toml")
        return plan

    def _audit(self, kind: str, team: Chronicle, node: str, **facts: object) -> None:
        self._store.audit(
            kind, self._clock.wall_s(), team=team.row.name, node=self._fleet.label(node), **facts
        )
