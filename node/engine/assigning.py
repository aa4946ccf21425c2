"""Who should do a team's tasks, decided at its home: offered, passed on, written down.

An offer is a message to the seat, sent by the node itself; it is durable before it is sent, and sent once.
Refusal and silence pass the task on by themselves; when nobody is left, the lead is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from fleet.core.address import NODE_ITSELF
from fleet.core.assign import Candidate, Job, Known, barred
from fleet.core.batch import OFFERED, decide_all
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.expertise import Expertise, record_of
from fleet.core.foresight import behind, files_of
from fleet.core.frames import TeamAnswer, TeamAsk
from fleet.core.member import MemberState
from fleet.core.offers import OFFER_S, Offer, OfferEnded, RefuseOffer, TaskDecided, refuse
from fleet.core.ruling import Ruling, as_json, offer_text, orphan_text, ruling
from fleet.core.task import HELD, Task
from fleet.core.team_commands import may_manage, require_member
from fleet.core.trust import Caller
from fleet.core.words import subject
from fleet.teamlog import said_from_json, said_to_json
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.homeward import Homeward
from node.engine.members import Members
from node.engine.outbox import Outbox, Wish
from node.engine.plans import plan_of
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store.likeness import Likeness

ASSIGN, REFUSE = "assign_tasks", "assign_refuse"
LONGEST_OFFER_S = 7 * 86_400.0
AT_ONCE = 50
"""How many tasks are decided together: more would keep the node from its messages for too long."""
_ANY_NUMBER = 1_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Assign:
    """Decide about tasks; when none is named about the first ``AT_ONCE`` that can be claimed and are not
    offered. A trial writes nothing and offers nothing."""

    tasks: tuple[int, ...] = ()
    is_trial: bool = False
    deadline_s: float = OFFER_S


@dataclass(frozen=True, slots=True)
class Passing:
    """What came of a refusal: how the task was decided then."""

    ruling: Ruling | None


class Assigning:
    """Assignment in the teams of this node."""

    def __init__(
        self,
        teams: Teams,
        homeward: Homeward,
        members: Members,
        outbox: Outbox,
        fleet: Fleet,
        clock: Clock,
    ) -> None:
        self._teams = teams
        self._homeward = homeward
        self._members = members
        self._outbox = outbox
        self._fleet = fleet
        self._clock = clock
        self._likeness: dict[str, tuple[Expertise, Likeness]] = {}

    # --- asked ---

    async def assign(self, caller: Caller, team: Chronicle, wish: Assign) -> tuple[Ruling, ...]:
        """Decide, here or at the team's home.

        Raises:
            NotAllowed: the caller is not of the team, or does not lead it and asks for more than a trial.
            WrongState: a task that is named cannot be claimed now.
            MalformedRequest: the deadline makes no sense.
            FleetError: the home is away, or what it said.
        """
        if team.is_home:
            return await self._assign(caller, team, wish)
        away = "it decides who does what"
        result = await self._homeward.ask(caller, team, ASSIGN, said_to_json(wish), "", away)
        return said_from_json(result, tuple[Ruling, ...])

    async def refuse(self, caller: Caller, team: Chronicle, command: RefuseOffer) -> Ruling | None:
        """Pass an offer on; how the task was decided then, None when it cannot be claimed any more.

        Raises:
            FleetError: as ``refuse`` of the core says; the home is away.
        """
        if team.is_home:
            return await self._refuse(caller, team, command)
        away = "an offer is refused there"
        result = await self._homeward.ask(caller, team, REFUSE, said_to_json(command), "", away)
        return said_from_json(result, Passing).ruling

    async def answer(self, node_id: str, ask: TeamAsk) -> TeamAnswer:
        """At the home: decide for somebody of another node of the team.

        Raises:
            FleetError: as ``assign`` and ``refuse`` say.
        """
        team, caller = self._homeward.asked(node_id, ask)
        result: object
        if ask.verb == ASSIGN:
            result = await self._assign(caller, team, said_from_json(ask.arguments, Assign))
        else:
            command = said_from_json(ask.arguments, RefuseOffer)
            result = Passing(await self._refuse(caller, team, command))
        return TeamAnswer(said_to_json(result), team.board.head)

    async def keep(self) -> None:
        """Pass on what ran out, and send what is not sent; for every team whose home is here."""
        for team in self._teams.all():
            if not team.is_home:
                continue
            ended = team.offers.run_out(self._clock.wall_s())
            if ended:
                await self._pass_on(team, self._by_itself, ended)
            await self._tell(team)

    # --- at home ---

    async def _assign(self, caller: Caller, team: Chronicle, wish: Assign) -> tuple[Ruling, ...]:
        board, actor = team.board, self._teams.actor(team.board, caller)
        require_member(board, actor)
        if not wish.is_trial and not may_manage(board, actor):
            raise NotAllowed(
                str(caller), "assign tasks of", team.row.name,
                hint="with --dry-run anybody of the team may see how it would be decided",
            )  # fmt: skip
        if not 0 < wish.deadline_s <= LONGEST_OFFER_S:
            raise MalformedRequest(
                f"an offer for {wish.deadline_s:g} s", hint="more than nothing, and at most a week"
            )
        self._meant(team, wish)
        states = await self._members.states(team, files=False)
        tasks = self._meant(team, wish)  # as they stand after that question
        rulings = self._decide(team, tasks, states, wish.deadline_s)
        if not wish.is_trial and rulings:
            await self._write(team, actor.address, rulings, tasks)
            await self._tell(team)
        return rulings

    def _meant(self, team: Chronicle, wish: Assign) -> list[Task]:
        board = team.board
        if not wish.tasks:
            free = (task for task in board.tasks.values() if board.is_claimable(task))
            return list(
                islice((task for task in free if team.offers.of(task.number) is None), AT_ONCE)
            )
        if len(wish.tasks) > AT_ONCE:
            raise MalformedRequest(
                f"{len(wish.tasks)} tasks at once", hint=f"at most {AT_ONCE} are decided together"
            )
        tasks = [board.task(number) for number in dict.fromkeys(wish.tasks)]
        for task in tasks:
            if not board.is_claimable(task):
                raise WrongState(
                    f"{task.label} cannot be claimed now: it is {task.state.value}",
                    hint="fleet task ls --state free lists those that can",
                )
        return tasks

    def _decide(
        self,
        team: Chronicle,
        tasks: Sequence[Task],
        states: Mapping[str, MemberState],
        deadline_s: float,
    ) -> tuple[Ruling, ...]:
        candidates = self._candidates(team, states, {task.number for task in tasks})
        waits = behind(tasks, _under_way(team, {task.number for task in tasks}))
        jobs = [_job(team, task, held_by) for task, held_by in zip(tasks, waits, strict=True)]
        decisions = decide_all(jobs, candidates, self._known(team, jobs, candidates))
        until_s = self._clock.wall_s() + deadline_s
        return tuple(
            ruling(task, decision, until_s if decision.answer in OFFERED else 0.0)
            for task, decision in zip(tasks, decisions, strict=True)
        )

    def _candidates(
        self, team: Chronicle, states: Mapping[str, MemberState], again: set[int]
    ) -> list[Candidate]:
        """Everybody in a seat. What is offered counts as running, but for what is decided ``again``."""
        board, plan = team.board, plan_of(team)
        planned = {role.name: role for role in plan.roles} if plan else {}
        found: list[Candidate] = []
        for name, seat in sorted(board.seats.items()):
            role, state = planned.get(seat.role), states.get(name)
            limit = board.limit(seat.role)
            offered = sum(one.task not in again for one in team.offers.to(name))
            skills = role.skills if role else ()
            tags = frozenset(t.lower() for s in skills for t in (s.id, *s.tags))
            found.append(
                Candidate(
                    name,
                    record_of(seat.role, seat.node),
                    is_alive=state is not None and state.connected and state.online,
                    is_trusted=seat.node == board.home or seat.node in board.nodes,
                    running=len(board.held_by(name)) + offered,
                    capacity=_ANY_NUMBER if limit is None else limit,
                    tags=tags,
                    skills=skills,
                    idle_s=state.still_s if state else 0.0,
                )
            )
        return found

    def _known(
        self, team: Chronicle, jobs: Sequence[Job], candidates: Sequence[Candidate]
    ) -> Callable[[Job], Known]:
        expertise, likeness, now_s = team.expertise, self._alike(team), self._clock.wall_s()
        outcomes = {c.record: expertise.outcomes(c.record, now_s) for c in candidates}
        fits = {job.key: [c.seat for c in candidates if not barred(job, c)] for job in jobs}
        alone = Counter(who[0] for who in fits.values() if len(who) == 1)

        def of(job: Job) -> Known:
            others = alone - Counter(fits[job.key] if len(fits[job.key]) == 1 else ())
            likes = likeness.like(subject(f"{job.title} {job.text}"))
            return Known(expertise.experience, likes, now_s, outcomes, others)

        return of

    def _alike(self, team: Chronicle) -> Likeness:
        """The index of a team's finished work, up to date."""
        expertise = team.expertise
        found = self._likeness.get(team.team_id)
        if found is None or found[0] is not expertise:
            if found is not None:
                found[1].close()
            found = self._likeness[team.team_id] = (expertise, Likeness())
        found[1].learn(expertise.works[found[1].size :])
        return found[1]

    async def _refuse(self, caller: Caller, team: Chronicle, command: RefuseOffer) -> Ruling | None:
        actor = self._teams.actor(team.board, caller)
        require_member(team.board, actor)
        team.board.task(command.task)
        ended = refuse(team.offers, actor, command)
        rulings = await self._pass_on(team, actor.address, (ended,))
        return next(iter(rulings), None)

    async def _pass_on(
        self, team: Chronicle, by: str, ended: Sequence[OfferEnded]
    ) -> tuple[Ruling, ...]:
        """Write down that offers ended, then to whom their tasks are offered next. Both are told apart: that
        somebody passed stands, whatever becomes of the rest."""
        await self._teams.write(team, by, "", ended)
        states = await self._members.states(team, files=False)
        board, offers = team.board, team.offers
        tasks = [board.task(one.task) for one in ended]
        tasks = [t for t in tasks if board.is_claimable(t) and offers.of(t.number) is None]
        rulings = self._decide(team, tasks, states, OFFER_S)
        if rulings:
            await self._write(team, self._by_itself, rulings, tasks)
            await self._tell(team)
            for one in rulings:
                if not one.is_offered:
                    key = f"orphan {team.team_id} {one.task} {team.board.head}"
                    await self._send(team, team.board.lead, orphan_text(one), key)
        return rulings

    async def _write(
        self, team: Chronicle, by: str, rulings: Sequence[Ruling], tasks: Sequence[Task]
    ) -> None:
        decided = tuple(
            TaskDecided(
                task.number,
                one.answer,
                one.who if one.is_offered else "",
                one.until_s,
                as_json(one),
            )
            for task, one in zip(tasks, rulings, strict=True)
        )
        await self._teams.write(team, by, "", decided)

    # --- told ---

    async def _tell(self, team: Chronicle) -> None:
        """Send every offer that stands and was not sent; once each."""
        for offer in team.offers.open():
            key = f"offer {team.team_id} {offer.entry}"
            if self._outbox.sent(self._itself, key) is None:
                await self._send(team, offer.seat, self._offered(team, offer), key)

    def _offered(self, team: Chronicle, offer: Offer) -> str:
        task = team.board.task(offer.task)
        return offer_text(task, max(0.0, offer.until_s - self._clock.wall_s()))

    async def _send(self, team: Chronicle, seat: str, text: str, key: str) -> None:
        found = team.board.seats.get(seat)
        if found is None:
            return
        to = f"{found.agent}@{self._fleet.label(found.node)}"
        try:
            await self._outbox.send(self._itself, Wish(to, text, key=key))
        except FleetError as error:  # the deadline passes it on
            log.warning("offer not sent", team=team.row.name, seat=seat, error=error.code)

    @property
    def _itself(self) -> Caller:
        me = self._fleet.me
        return Caller(NODE_ITSELF, me.name, me.node_id, is_local=True)

    @property
    def _by_itself(self) -> str:
        return f"{NODE_ITSELF}@{self._fleet.me.name}"


def _under_way(team: Chronicle, again: set[int]) -> list[Task]:
    """The tasks that somebody holds or was offered, but for what is decided ``again``."""
    offered = {one.task for one in team.offers.open()}
    return [
        task
        for number, task in sorted(team.board.tasks.items())
        if number not in again and (task.state in HELD or number in offered)
    ]


def _job(team: Chronicle, task: Task, held_by: tuple[str, ...]) -> Job:
    wanted = task.wanted
    return Job(
        f"{team.team_id}/{task.label}",
        wanted.title,
        wanted.text,
        files_of(wanted),
        needs=frozenset(want.lower() for want in wanted.wants),
        never=team.offers.passed(task.number),
        held_by=held_by,
    )
