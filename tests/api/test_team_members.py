"""Seats on other nodes over real links, with a real tmux: started within what was agreed to, once, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.board import Seat
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import AnswerBody, Question, TeamAnswer, TeamAsk
from fleet.core.member import Became, Left, SeatAnswer, SeatAsk, Stage, UnseatAsk
from fleet.core.task import Wanted
from fleet.core.team import RolePlan, TeamPlan, Worktree, canonical, seats
from fleet.core.team_commands import AddTask
from fleet.core.team_events import Seated
from fleet.core.trust import Policy
from fleet.teamlog import said_from_json, said_to_json
from node.engine.chronicle import Chronicle
from node.engine.hosting import Place
from node.engine.starter import Start
from tests.api.test_teams import in_step, person
from tests.support.members import Member, let_in, run
from tests.support.repositories import committed, git
from tests.support.tmux_server import TmuxServer, tmux_server
from tests.support.until import eventually

RUNS = ("sh", "-c", "echo $FLEET_TEAM.$FLEET_ROLE.$FLEET_AGENT; exec cat")
LEAD = RolePlan("lead", "generic", RUNS)
IMPL = RolePlan(
    "impl", "generic", RUNS, count=2, repository="git@git.example.net:shop/web.git",
    worktree=Worktree.OWN,
)  # fmt: skip
HELP = RolePlan("help", "generic", RUNS)
WEB = TeamPlan("web", "lead", (HELP, IMPL, LEAD))


class Web:
    """Two nodes with ``web``: white is its home, nova has accepted its roles; both start agents in one
    throw-away tmux server."""

    def __init__(self, white: Member, nova: Member, tmux: TmuxServer, repository: Path) -> None:
        self.white, self.nova, self.tmux, self.repository = white, nova, tmux, repository

    async def begin(self, plan: TeamPlan = WEB, *roles: str) -> Chronicle:
        await let_in(self.white, self.nova)
        await self.white.node.plans.apply(person(self.white), plan, None)
        team = self.white.node.teams.home_of("web")
        assert team is not None
        await self.accept(team, *(roles or ("help", "impl")))
        return team

    async def accept(self, team: Chronicle, *roles: str) -> None:
        asked, _ = await self.white.node.invitations.invite(
            person(self.white), team, self.nova.id, roles, 60.0
        )
        folders = {"web": str(self.repository)} if "impl" in roles else {}
        await self.nova.node.agreements.accept(
            person(self.nova), asked.invitation, folders, self.tmux.socket
        )
        await in_step(team, self.nova)

    async def seat(
        self, team: Chronicle, name: str, plan: TeamPlan = WEB, at: Member | None = None
    ) -> tuple[Seat, Became]:
        place = Place(plan, seats(plan)[name], name, str(self.repository), self.tmux.socket)
        return await self.white.node.members.seat(
            team, (at or self.nova).id, place, str(person(self.white))
        )

    def programs(self, name: str) -> int:
        """How many windows of this agent there are."""
        return self.tmux("list-windows", "-a", "-F", "#{window_name}").split().count(name)

    async def says(
        self, team: Chronicle, verb: str, said: object, from_: Member | None = None
    ) -> None:
        """What a home asks on its own account, as no command of ours would."""
        question = TeamAsk("operator@x", team.team_id, verb, said_to_json(said), "")
        to = self.nova if from_ is not self.nova else self.white
        await (from_ or self.white).node.peers.ask(to.id, question)


def play(tmp_path: Path, story: Callable[[Web], Awaitable[None]]) -> None:
    repository = committed(tmp_path / "shop")
    with tmux_server() as tmux:

        async def on(white: Member, nova: Member) -> None:
            await story(Web(white, nova, tmux, repository))

        run(tmp_path, on, "white", "nova")


def test_a_seat_of_another_node_is_filled_there_in_its_own_worktree(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        seat, became = await on.seat(team, "impl-2")
        assert (seat.agent, seat.node, became) == ("web.impl-2", on.nova.id, Became.STARTED)
        assert team.board.seats["impl-2"] == seat
        folder = Path(on.nova.node.home) / "worktrees" / "web" / "impl-2"
        assert git(folder, "branch", "--show-current").strip() == "web/impl-2"
        agent = on.nova.node.agents.known("web.impl-2")
        assert (agent.cwd, agent.socket) == (str(folder), on.tmux.socket)
        assert not on.white.node.agents.all()
        at = on.white.node.fleet.resolve("web/impl-2")
        assert (at.agent, at.node_id) == ("web.impl-2", on.nova.id)
        again, found = await on.seat(team, "impl-2")
        assert (again, found, on.programs("web.impl-2")) == (seat, Became.FOUND, 1)
        assert on.nova.audit("use allowed")[0]["verb"] == "spawn"

    play(tmp_path, story)


def test_nobody_is_started_beyond_what_was_agreed_to(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        with pytest.raises(NotAllowed, match="has not agreed"):
            await on.seat(team, "lead")
        other = replace(WEB, roles=(HELP, replace(IMPL, command=("cat",), count=2), LEAD))
        three = replace(WEB, roles=(HELP, replace(IMPL, count=3), LEAD))
        open_ = replace(WEB, roles=(HELP, replace(IMPL, policy=Policy.APPROVAL), LEAD))
        head = team.board.head
        with pytest.raises(NotAllowed, match="in another form"):
            await on.says(team, "seat", SeatAsk("impl", head, canonical(other)))
        with pytest.raises(NotAllowed, match="has not agreed to it"):
            await on.says(team, "seat", SeatAsk("lead", head, canonical(WEB)))
        await on.seat(team, "impl", open_)
        await on.seat(team, "impl-2", three)
        with pytest.raises(NotAllowed, match="has agreed to 2 of it"):
            await on.seat(team, "impl-3", three)
        assert "impl-3" not in team.board.seats, "and its seat is empty"
        assert on.programs("web.impl-3") == 0
        on.nova.node.store.book.drop_grant(f"operator@{on.white.id}", "web.*")
        on.nova.node.fleet.reload_grants()
        with pytest.raises(NotAllowed):
            await on.seat(team, "help")
        assert not team.board.seats.keys() & {"help", "lead"}
        with pytest.raises(FleetError, match="there is no team"):
            await on.says(team, "seat", SeatAsk("impl", head, canonical(WEB)), on.nova)

    play(tmp_path, story)


def test_who_comes_with_an_older_term_is_too_late(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        first, _ = await on.seat(team, "help")
        await on.white.node.members.unseat(team, "help")
        second, became = await on.seat(team, "help")
        assert became is Became.STARTED
        assert second.term > first.term
        with pytest.raises(WrongState, match="has gone on"):
            await on.says(team, "seat", SeatAsk("help", first.term, canonical(WEB)))
        with pytest.raises(WrongState, match="has gone on"):
            await on.says(team, "unseat", UnseatAsk("help", first.term))
        assert on.nova.node.agents.is_online("web.help")
        await on.white.node.invitations.drop(person(on.white), team, "help", "")
        await in_step(team, on.nova)
        with pytest.raises(WrongState, match="has gone on"):
            await on.says(team, "seat", SeatAsk("help", second.term, canonical(WEB)))

    play(tmp_path, story)


def test_many_at_once_and_lost_answers_start_one(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        home = on.white.node
        seated = Seated("impl", "impl", "web.impl", on.nova.id)
        await home.teams.write(team, "", "", (seated,))  # and then the home died
        ask, answers = home.members.ask, list[object]()

        async def heard(node_id: str, question: Question) -> AnswerBody:
            answer = await ask(node_id, question)
            assert isinstance(answer, TeamAnswer)
            answers.append(said_from_json(answer.result, SeatAnswer).became)
            return answer

        home.members.ask = heard
        filled = await asyncio.gather(*(on.seat(team, "impl") for _ in range(5)))
        assert answers.count(Became.STARTED) == 1
        assert Became.UNDER_WAY in answers, "nobody waits there for what another one has begun"
        home.members.ask = ask
        assert {seat.term for seat, _ in filled} == {team.board.seats["impl"].term}
        assert on.programs("web.impl") == 1
        hosted = on.nova.node.store.hosted.get(team.team_id, "impl")
        assert hosted is not None
        on.nova.node.store.hosted.put(replace(hosted, stage=Stage.BEGUN))  # it died before that
        again, became = await on.seat(team, "impl")
        assert (again.term, became) == (hosted.term, Became.FOUND)
        assert on.programs("web.impl") == 1
        await on.nova.node.agents.end("web.impl")
        third, became = await on.seat(team, "impl")
        assert became is Became.STARTED
        assert third.term > hosted.term, "a life that ended is not taken up in its term"

    play(tmp_path, story)


def test_a_member_that_ends_leaves_what_was_not_saved_and_nothing_else(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "impl")
        await on.seat(team, "impl-2")
        home = Path(on.nova.node.home)
        work = home / "worktrees" / "web" / "impl-2" / "half done"
        work.write_text("not committed")
        git(home / "worktrees" / "web" / "impl", "commit", "-q", "--allow-empty", "-m", "mine")
        clean = await on.white.node.members.unseat(team, "impl")
        assert (clean.ended, clean.folder, clean.unsaved) == (True, "", ())
        assert "1 commit on no remote" in clean.unpushed[0]
        assert not (home / "worktrees" / "web" / "impl").exists()
        kept = await on.white.node.members.unseat(team, "impl-2")
        assert (kept.ended, kept.folder) == (True, str(work.parent))
        assert kept.unsaved == ("1 uncommitted file: half done",)
        assert work.read_text() == "not committed"
        again = await on.white.node.members.unseat(team, "impl-2")
        assert again == replace(kept, ended=False)
        assert not on.nova.node.agents.is_online("web.impl-2")
        assert set(team.board.seats) == {"impl", "impl-2"}, "the board is the caller's"
        with pytest.raises(WrongState):
            await on.white.node.members.unseat(team, "help")

    play(tmp_path, story)


def test_an_agent_that_was_there_before_the_team_is_neither_ended_nor_seen(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "help")
        await on.white.node.invitations.drop(person(on.white), team, "help", "")
        pane = on.tmux.window("cat")
        await on.nova.node.starter.adopt(Start("rin", on.tmux.socket, "generic", pane=pane))
        await on.white.node.invitations.add(person(on.white), team, "rin", on.nova.id, "help", "")
        assert await on.white.node.members.unseat(team, "help") == Left()
        state = (await on.white.node.members.states(team))["help"]
        assert (state.connected, state.online, state.doing) == (True, True, "")
        assert on.nova.node.agents.is_online("web.help"), "who left the seat is not meant"
        await on.says(team, "unseat", UnseatAsk("help", team.board.head))
        assert on.nova.node.agents.is_online("rin")

    play(tmp_path, story)


def test_how_everybody_is_comes_from_their_nodes(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "impl")
        await on.seat(team, "lead", at=on.white)
        folder = Path(on.nova.node.home) / "worktrees" / "web" / "impl"
        (folder / "new").write_text("x")
        states = await on.white.node.members.states(team)
        assert list(states) == ["impl", "lead"]
        assert (states["impl"].online, states["impl"].branch) == (True, "web/impl")
        assert states["impl"].unsaved == ("1 uncommitted file: new",)
        assert states["impl"].doing
        assert (states["lead"].online, states["lead"].branch) == (True, "")
        bare = await on.white.node.members.states(team, files=False)
        assert bare["impl"].unsaved == ()
        on.nova.node.store.book.drop_grant(f"operator@{on.white.id}", "web.*")
        on.nova.node.fleet.reload_grants()
        unseen = (await on.white.node.members.states(team))["impl"]
        assert (unseen.online, unseen.doing, unseen.unsaved) == (True, "", ())
        on.nova.node.stopping.set()
        await eventually(lambda: not on.white.is_linked(on.nova), "nova is away")
        away = await on.white.node.members.states(team)
        assert (away["impl"].connected, away["lead"].connected) == (False, True)
        with pytest.raises(NodeUnreachable):
            await on.white.node.members.unseat(team, "impl")
        head = team.board.head
        with pytest.raises(NodeUnreachable):
            await on.seat(team, "impl-2")
        assert team.board.head == head, "nothing was written for a node that is away"

    play(tmp_path, story)


def test_a_home_whose_log_is_another_one_is_not_fenced_out_by_the_terms_of_the_old(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        head = team.board.head
        for title in ("one", "two", "three"):
            await on.white.node.teams.command(person(on.white), team, AddTask(Wanted(title)), "")
        before, _ = await on.seat(team, "help")
        await in_step(team, on.nova)
        on.white.node.copies.parted(on.nova.id)
        home = on.white.node
        home.store.database.execute("DELETE FROM team_log WHERE seq > ?", (head,))
        await home.store.commit()
        team.read_anew()
        await home.teams.command(person(on.white), team, AddTask(Wanted("another")), "")
        on.nova.node.copies.linked(on.white.id)
        await in_step(team, on.nova)
        assert on.nova.audit("team log replaced")
        after, became = await on.seat(team, "help")
        assert (after.term < before.term, became) == (True, Became.FOUND)
        assert on.programs("web.help") == 1

    play(tmp_path, story)


def test_a_node_that_goes_away_amid_a_start_keeps_its_seat_and_finds_it_again(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        asked = on.white.node.members.ask

        async def lost(node_id: str, question: object) -> object:
            await asked(node_id, question)  # type: ignore[arg-type]
            on.nova.node.peers.close("the link breaks")
            await eventually(lambda: not on.white.is_linked(on.nova), "the link is gone")
            raise NodeUnreachable("nova", "the link ended")

        on.white.node.members.ask = lost  # type: ignore[assignment]
        with pytest.raises(NodeUnreachable):
            await on.seat(team, "impl")
        term = team.board.seats["impl"].term
        on.white.node.members.ask = asked
        await on.nova.leave()
        await on.nova.come_back()
        await eventually(lambda: on.white.is_linked(on.nova), "nova is back")
        seat, became = await on.seat(team, "impl")
        assert (seat.term, became) == (term, Became.FOUND)
        assert on.programs("web.impl") == 1

    play(tmp_path, story)
