"""On an invited node: what teams of other nodes ask, and what was agreed to, with the grants of it.

Nothing counts before the team's home has written the acceptance down; then agreement, grants and the
copy of the log are written here together. A crash in between is mended by accepting once more. Leaving
counts here at once, and the home is told when it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from fleet.core.address import OPERATOR
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.moment import iso_time
from fleet.core.team_invitation import AMONG_MEMBERS, Asked
from fleet.core.team_membership import refused
from fleet.core.trust import Caller, Grant, Verb
from fleet.teamlog import asked_from_json
from node.engine.chronicle import Chronicle
from node.engine.errands import Errands
from node.engine.fleet import Fleet
from node.engine.permits import Permits
from node.engine.teams import Teams
from node.faults import fault
from node.ports.host import Clock
from node.store import SqliteStore
from node.store.agreements import Agreement, Answered, Invited
from node.store.teams import Standing

OPEN_LIMIT = 16
"""Of one node's invitations; a home that asks for more is asked to wait for an answer."""
KEPT_S = 90 * 86_400.0
KEPT_LIMIT = 64
"""Of one node's invitations that are over and were not accepted: the newest are told of still."""

_encode = msgspec.json.encode


class Agreements:
    """What this node has agreed to. One per node."""

    def __init__(
        self,
        teams: Teams,
        fleet: Fleet,
        permits: Permits,
        errands: Errands,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._fleet = fleet
        self._permits = permits
        self._errands = errands
        self._store = store
        self._clock = clock
        self._table = store.agreements
        self.linked: Callable[[str], None] = lambda _node: None
        teams.agreed_at, teams.grown = self.agreed_at, self.grown

    # --- asked by others ---

    def agreement(self, team_id: str, role: str) -> Agreement | None:
        """What was agreed to about a role of a team of another node."""
        return next((a for a in self._table.agreements(team_id) if a.role == role), None)

    def agreed_at(self, team_id: str) -> int:
        """The newest entry of a team's log by which this node is of it; 0 for none."""
        return max((one.joined for one in self._table.agreements(team_id)), default=0)

    def invitations(self) -> list[tuple[Invited, Asked]]:
        """Everything that came, answered or not, the one that is good for longest last."""
        return [(one, asked_from_json(one.asked)) for one in self._table.invited()]

    def is_open(self, one: Invited) -> bool:
        """Whether it can be answered now."""
        return one.state is Answered.OPEN and self._clock.wall_s() < one.until_s

    def would_grant(self, one: Invited, asked: Asked) -> list[Grant]:
        """What accepting gives to whom, now; other nodes of the team get what its members get."""
        return self._wanted(one.team_id, one.home, asked.team, frozenset(asked.verbs))

    # --- from the team's home ---

    async def asked(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """An invitation comes; once more changes nothing.

        Raises:
            MalformedRequest: it makes no sense, another node's has its id, or its team is another node's.
            WrongState: that node has too many open already.
        """
        asked = asked_from_json(question.arguments)
        self._require_its_own(node_id, question.team)
        known = next((i for i in self._table.invited() if i.invitation == asked.invitation), None)
        if known is not None:
            if (known.home, known.team_id) != (node_id, question.team):
                raise MalformedRequest("an invitation of this id is another team's")
            return TeamAnswer(b"{}", 0)
        now_s = self._clock.wall_s()
        self._require_few(node_id)
        self._table.drop_invited(now_s - KEPT_S)
        self._table.put_invited(
            Invited(
                asked.invitation, question.team, node_id, question.arguments,
                now_s + asked.expires_in_s, Answered.OPEN,
            )
        )  # fmt: skip
        self._audit("team invitation came", asked.team, node_id, invitation=asked.invitation)
        await self._store.commit()
        return TeamAnswer(b"{}", 0)

    def _require_its_own(self, node_id: str, team_id: str) -> None:
        """A team is its home's alone to invite into: who accepts begins a copy under this id."""
        team = self._teams.by_id(team_id)
        if team is not None and team.row.home != node_id:
            raise MalformedRequest("a team of this id is another node's")

    def _require_few(self, node_id: str) -> None:
        """Of a node's invitations so many are open, and so many are remembered when they are over."""
        theirs = [one for one in self._table.invited() if one.home == node_id]
        open_ = [one for one in theirs if self.is_open(one)]
        if len(open_) >= OPEN_LIMIT:
            raise WrongState(
                f"{len(open_)} invitations of that node wait for an answer already",
                hint="withdraw one: fleet team withdraw ID",
            )
        over = [i for i in theirs if i not in open_ and i.state is not Answered.ACCEPTED]
        for one in over[:-KEPT_LIMIT]:
            self._table.forget_invited(one.invitation)

    async def withdrawn(self, node_id: str, question: TeamAsk) -> TeamAnswer:
        """The home takes an invitation of its own back."""
        for one in self._table.invited(question.key):
            if one.invitation == question.key and one.home == node_id and self.is_open(one):
                self._put(one, Answered.WITHDRAWN)
        await self._store.commit()
        return TeamAnswer(b"{}", 0)

    # --- this node's person ---

    def meant(self, typed: str) -> tuple[Invited, Asked]:
        """The one invitation whose id begins so.

        Raises:
            InvitationRefused: there is none.
            MalformedRequest: several begin so.
        """
        found = self._table.invited(typed.strip().lower()) if typed.strip() else []
        if len(found) > 1:
            raise MalformedRequest(
                f"{len(found)} invitations begin with {typed}", hint="fleet team invitations"
            )
        if not found:
            error = refused(f"there is none called {typed!r}")
            error.hint = "fleet team invitations lists them"
            raise error
        return found[0], asked_from_json(found[0].asked)

    async def accept(
        self, caller: Caller, typed: str, folders: Mapping[str, str], socket: str = ""
    ) -> tuple[Invited, Asked]:
        """Accept an invitation, with a folder on this node for each repository that it names, and the tmux
        server that members are to run in: where none is said, none is started here.

        Raises:
            InvitationRefused: there is none, it is open no more, or the home says so.
            MalformedRequest: a repository has no folder, or a folder no repository; or the team is
                another node's.
            WrongState: another team of that name is here, or a grant of one's own is in the way.
            NodeUnreachable: the home is away; nothing was agreed to, and once more finds out.
        """
        one, asked = self.meant(typed)
        if one.state is Answered.ACCEPTED and self._table.agreements(one.team_id):
            return one, asked
        if not self.is_open(one):
            state = "out of time" if one.state is Answered.OPEN else one.state.value
            raise refused(f"it is {state}")
        placed = _placed(asked, folders)
        self._require_its_own(one.home, one.team_id)
        self._require_room(one, asked)
        await self._errands.tell(one.home)  # what was said before comes before this
        roles = tuple((role.role, role.digest) for role in asked.roles)
        said = _encode({"invitation": one.invitation, "roles": roles})
        told = await self._errands.ask(
            one.home, TeamAsk(str(caller), one.team_id, "accept", said, one.invitation)
        )
        if not isinstance(told, TeamAnswer):
            raise VersionMismatch("the team's home does not answer for teams")
        now_s = self._clock.wall_s()
        for role in asked.roles:
            self._table.put_agreement(
                Agreement(
                    one.team_id, role.role, one.home, role.digest, role.count, role.policy,
                    asked.verbs, placed.get(role.repository, ""), now_s, one.invitation, told.head,
                    socket,
                )
            )  # fmt: skip
        self._put(one, Answered.ACCEPTED)
        self._audit(
            "team joined", asked.team, one.home, invitation=one.invitation,
            roles=[role.role for role in asked.roles],
        )  # fmt: skip
        team = self._teams.follow(one.team_id, asked.team, one.home)
        self._grant_anew(team, is_accepted=True)
        fault("accept:before_commit")
        await self._store.commit()
        self.linked(one.home)
        return one, asked

    async def decline(self, typed: str, why: str) -> tuple[Invited, Asked]:
        """Say no; the home learns of it now or on the next link.

        Raises:
            InvitationRefused: there is none, or it was accepted here.
        """
        one, asked = self.meant(typed)
        if one.state is Answered.ACCEPTED:
            raise refused("it was accepted; fleet team leave takes that back")
        if one.state is Answered.OPEN:
            said = _encode({"invitation": one.invitation, "why": why})
            self._errands.give(one.home, one.team_id, "decline", one.invitation, said)
            self._put(one, Answered.DECLINED)
            self._audit("team declined", asked.team, one.home, invitation=one.invitation)
            await self._store.commit()
        await self._errands.tell(one.home)
        return one, asked

    async def leave(self, team: Chronicle) -> bool:
        """Leave a team of another node: grants and agreement are gone when this returns; whether the
        home knows it already.

        Raises:
            WrongState: this node is the team's home, or not of it.
        """
        agreements = self.agreed(team)
        newest = max(agreements, key=lambda one: one.joined)
        said = _encode({"invitation": newest.invitation})
        self._errands.give(team.row.home, team.team_id, "leave", newest.invitation, said)
        self._take_back(team)
        self._teams.stand(team, Standing.LEFT)
        await self._store.commit()
        return await self._errands.tell(team.row.home)

    def agreed(self, team: Chronicle) -> list[Agreement]:
        """What this node has agreed to with a team of another node.

        Raises:
            WrongState: this node is the team's home, or not of it.
        """
        agreements = self._table.agreements(team.team_id)
        if team.is_home or not agreements:
            raise WrongState(
                f"this node is {'the home of' if team.is_home else 'not of'} {team.row.name}",
                hint="fleet team ls",
            )
        return agreements

    # --- grants ---

    def grown(self, team: Chronicle) -> None:
        """The copy of a team's log grew, or this node is of it no more; staged."""
        if team.row.standing is Standing.LEFT:
            if self._table.agreements(team.team_id):
                self._take_back(team)
        elif team.row.standing is Standing.COPY:
            self._grant_anew(team, is_accepted=False)

    def _take_back(self, team: Chronicle) -> None:
        self._table.drop_agreements(team.team_id)
        self._grant_anew(team, is_accepted=False)
        self._audit("team left", team.row.name, team.row.home)

    def _grant_anew(self, team: Chronicle, *, is_accepted: bool) -> None:
        """Give and take so that it is what the agreements say; what the person here took back since
        stays taken."""
        agreements, have = self._table.agreements(team.team_id), self._table.granted(team.team_id)
        verbs = frozenset(verb for one in agreements for verb in one.verbs)
        wanted = self._wanted(team.team_id, team.row.home, team.row.name, verbs)
        own = {(g.who, g.agent) for g in self._fleet.grants} - have
        for grant in wanted:
            pair = (grant.who, grant.agent)
            if pair not in own and (is_accepted or pair not in have):
                self._store.book.put_grant(grant)
                self._table.put_granted(team.team_id, *pair)
                self._audit_grant(grant)
        for who, agent in sorted(have - {(one.who, one.agent) for one in wanted}):
            self._store.book.drop_grant(who, agent)
            self._permits.forget(who, agent)
            self._table.drop_granted(who, agent)
            self._store.audit("grant taken", self._clock.wall_s(), who=who, agent=agent)
        self._fleet.reload_grants()

    def _wanted(self, team_id: str, home: str, name: str, verbs: frozenset[Verb]) -> list[Grant]:
        """For the home's person, for members on the home, and on each other node of the team."""
        if not verbs:
            return []
        team, agents = self._teams.by_id(team_id), f"{name}.*"
        nodes = {home, *(team.board.nodes if team else ())} - {self._fleet.me.node_id}
        among = verbs & AMONG_MEMBERS
        members = [Grant(f"{agents}@{node}", agents, among) for node in sorted(nodes) if among]
        return [Grant(f"{OPERATOR}@{home}", agents, verbs), *members]

    def _require_room(self, one: Invited, asked: Asked) -> None:
        """Two teams of one name would share their agents, and a grant of one's own be written over."""
        for team in self._teams.all():
            is_other = team.row.name == asked.team and team.team_id != one.team_id
            if is_other and team.row.standing is not Standing.LEFT:
                raise WrongState(
                    f"a team called {asked.team} is here already: {self._teams.label(team)}",
                    hint="their members would have the same names; one of them needs another",
                )
        have = self._table.granted(one.team_id)
        own = {(grant.who, grant.agent) for grant in self._fleet.grants} - have
        for grant in self.would_grant(one, asked):
            if (grant.who, grant.agent) in own:
                raise WrongState(
                    f"a grant of your own is in the way: {grant.who} on {grant.agent}",
                    hint=f"fleet ungrant '{grant.who}' '{grant.agent}'",
                )

    def _put(self, one: Invited, state: Answered) -> None:
        self._table.put_invited(
            Invited(one.invitation, one.team_id, one.home, one.asked, one.until_s, state)
        )

    def _audit_grant(self, grant: Grant) -> None:
        self._store.audit(
            "grant given", self._clock.wall_s(), who=grant.who, agent=grant.agent,
            verbs=sorted(grant.verbs), rate="", expires_at=iso_time(0.0),
        )  # fmt: skip

    def _audit(self, kind: str, team: str, home: str, **facts: object) -> None:
        self._store.audit(
            kind, self._clock.wall_s(), team=team, home=self._fleet.label(home), **facts
        )


def _placed(asked: Asked, folders: Mapping[str, str]) -> dict[str, str]:
    """Each repository with its folder here. A repository is called as the invitation calls it, or by
    the last part of that; with one of them an empty name is enough."""
    wanted, placed = asked.repositories, dict[str, str]()
    for name, folder in folders.items():
        meant = [r for r in wanted if name in {r, _short(r)} or (not name and len(wanted) == 1)]
        if len(meant) != 1 or not folder.startswith("/"):
            raise MalformedRequest(
                f"{name or folder!r} is no repository of it with a folder here",
                hint=f"--repo NAME=FOLDER for each of: {', '.join(wanted) or 'none'}",
            )
        placed[meant[0]] = folder
    missing = [one for one in wanted if one not in placed]
    if missing:
        raise MalformedRequest(
            f"where is {missing[0]} on this host?",
            hint=f"say it: --repo {_short(missing[0])}=FOLDER",
        )
    return placed


def _short(repository: str) -> str:
    return repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
