"""A team's list over real links: decided at its home, copied everywhere, written by nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.teams import AlreadyClaimed, LogFull
from fleet.core.errors.trust import NotAllowed
from fleet.core.task import TaskState, Wanted
from fleet.core.team_commands import AddTask, ClaimTask, FinishTask, ReleaseTask
from fleet.core.team_events import NodeJoined, NodeLeft, Planned, Seated, Unseated
from fleet.core.trust import Caller
from node.engine.chronicle import Chronicle
from node.store.teams import Standing
from tests.support.members import Member, let_in, meet, run
from tests.support.until import eventually

PLANNED = Planned("{}", "lead", (), 600.0)


def person(member: Member) -> Caller:
    return member.node.fleet.caller(OPERATOR)


def agent(member: Member, name: str) -> Caller:
    return member.node.fleet.caller(name)


async def team_of(home: Member, *others: Member) -> Chronicle:
    """A team on its home, of which the others are nodes with a copy of its log."""
    team = await home.node.teams.found(person(home), "site", PLANNED)
    for other in others:
        await home.node.teams.write(team, "", "", (NodeJoined("", other.id, ()),))
        other.node.teams.follow(team.team_id, "site", home.id)
        other.node.copies.linked(home.id)
        await in_step(team, other)
    return team


async def in_step(team: Chronicle, other: Member) -> Chronicle:
    copy = other.node.teams.by_id(team.team_id)
    assert copy is not None
    await eventually(lambda: copy.have() == team.have(), "the copy is like the home's")
    return copy


async def seat(home: Member, team: Chronicle, name: str, at: Member) -> Caller:
    await home.node.teams.write(team, "", "", (Seated(name, "impl", f"site.{name}", at.id),))
    await in_step(team, at)
    return agent(at, f"site.{name}")


def test_what_is_written_at_home_is_read_everywhere_and_claimed_from_anywhere(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        rin = await seat(white, team, "rin", nova)
        added = await white.node.teams.command(
            person(white), team, AddTask(Wanted("mend the door")), ""
        )
        copy = await in_step(team, nova)
        claimed = await nova.node.teams.command(rin, copy, ClaimTask(), "once")
        assert [task.holder for task in claimed.tasks] == ["rin"]
        assert claimed.tasks[0].number == added.tasks[0].number
        again = await nova.node.teams.command(rin, copy, ClaimTask(), "once")
        assert again.again
        assert again.tasks == claimed.tasks
        with pytest.raises(AlreadyClaimed):
            await white.node.teams.command(person(white), team, ClaimTask(1), "")
        done = await nova.node.teams.command(rin, copy, FinishTask(1, "commit abc"), "")
        assert done.tasks[0].state is TaskState.DONE
        await in_step(team, nova)
        assert copy.board.tasks == team.board.tasks

    run(tmp_path, story, "white", "nova")


def test_who_is_not_of_the_team_neither_writes_nor_gets_a_copy(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white)
        stranger = nova.node.teams.follow(team.team_id, "site", white.id)
        nova.node.copies.linked(white.id)
        with pytest.raises(NotAllowed):
            await nova.node.teams.command(person(nova), stranger, AddTask(Wanted("let me in")), "")
        with pytest.raises(NotAllowed):
            await white.node.teams.command(agent(white, "neo"), team, AddTask(Wanted("me too")), "")
        assert stranger.board.head == 0
        assert not team.board.tasks

    run(tmp_path, story, "white", "nova")


def test_a_node_that_left_learns_so_and_nothing_after_it(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        copy = await in_step(team, nova)
        await white.node.teams.write(team, "", "", (NodeLeft(nova.id, "removed"),))
        await eventually(lambda: copy.row.standing is Standing.LEFT, "nova knows")
        await white.node.teams.command(person(white), team, AddTask(Wanted("a secret")), "")
        nova.node.copies.linked(white.id)
        await meet(nova, white)
        assert not copy.board.tasks

    run(tmp_path, story, "white", "nova")


def test_while_the_home_is_away_the_list_is_read_and_not_written(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        rin = await seat(white, team, "rin", nova)
        await white.node.teams.command(person(white), team, AddTask(Wanted("one")), "")
        copy = await in_step(team, nova)
        white.node.stopping.set()
        await eventually(lambda: not nova.is_linked(white), "white is away")
        with pytest.raises(NodeUnreachable) as refused:
            await nova.node.teams.command(rin, copy, ClaimTask(), "")
        assert "lives on white" in refused.value.hint
        assert copy.board.tasks[1].state is TaskState.OPEN

    run(tmp_path, story, "white", "nova")


def test_fifty_claimants_on_three_nodes_never_hold_the_same_task(tmp_path: Path) -> None:
    tasks = 100

    async def claim_all(member: Member, team_id: str, caller: Caller, got: list[int]) -> None:
        team = member.node.teams.by_id(team_id)
        assert team is not None
        while True:
            try:
                done = await member.node.teams.command(caller, team, ClaimTask(), "")
            except FleetError as error:
                if error.code != "wrong_state":
                    raise
                return
            got.append(done.tasks[0].number)
            await asyncio.sleep(0)

    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        team = await team_of(white, nova, kai)
        for number in range(tasks):
            await white.node.teams.command(
                person(white), team, AddTask(Wanted(f"task {number}")), ""
            )
        claimants = [
            (member, await seat(white, team, f"{member.node.fleet.me.name}-{n}", member))
            for member in (white, nova, kai)
            for n in range(17)
        ]
        got: list[int] = []
        await asyncio.gather(*(claim_all(m, team.team_id, who, got) for m, who in claimants))
        assert sorted(got) == list(range(1, tasks + 1))
        for member in (nova, kai):
            copy = await in_step(team, member)
            assert copy.board.tasks == team.board.tasks

    run(tmp_path, story, "white", "nova", "kai")


def test_a_home_put_back_from_an_old_copy_takes_its_own_entries_back(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        for title in ("one", "two", "three"):
            await white.node.teams.command(person(white), team, AddTask(Wanted(title)), "")
        copy = await in_step(team, nova)
        was = copy.have()
        database = white.node.store.database
        database.execute("DELETE FROM team_log WHERE seq > ?", (team.board.head - 2,))
        await white.node.store.commit()
        team.read_anew()
        assert len(team.board.tasks) == 1
        nova.node.copies.linked(white.id)
        await eventually(lambda: team.have() == was, "white has its entries again")
        assert len(team.board.tasks) == len(copy.board.tasks) == 3
        assert white.audit("team log restored")[0]["entries"] == 2

    run(tmp_path, story, "white", "nova")


def test_where_both_went_on_the_homes_log_is_the_log(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        for title in ("one", "two"):
            await white.node.teams.command(person(white), team, AddTask(Wanted(title)), "")
        copy = await in_step(team, nova)
        white.node.copies.parted(nova.id)
        database = white.node.store.database
        database.execute("DELETE FROM team_log WHERE seq > ?", (team.board.head - 2,))
        await white.node.store.commit()
        team.read_anew()
        await white.node.teams.command(person(white), team, AddTask(Wanted("another")), "")
        nova.node.copies.linked(white.id)
        await in_step(team, nova)
        assert [task.wanted.title for task in copy.board.tasks.values()] == ["another"]
        assert nova.audit("team log replaced")

    run(tmp_path, story, "white", "nova")


def test_a_claim_that_nobody_speaks_for_returns_to_the_list(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        rin = await seat(white, team, "rin", nova)
        await white.node.teams.command(person(white), team, AddTask(Wanted("one")), "")
        copy = await in_step(team, nova)
        await nova.node.teams.command(rin, copy, ClaimTask(), "")
        leases = white.node.teams._leases.of(team)
        leases._until[1] = 0.0
        white.node.teams.heard_of(nova.id, team.team_id, ["rin"])
        await white.node.teams.lapse()
        assert team.board.tasks[1].holder == "rin", "nova spoke for it"
        leases._until[1] = 0.0
        white.node.teams.heard_of(white.id, team.team_id, ["rin"])
        await white.node.teams.lapse()
        assert team.board.tasks[1].state is TaskState.OPEN, "only its own node can"
        assert "ran out" in team.board.tasks[1].why
        with pytest.raises(FleetError) as late:
            await nova.node.teams.command(rin, copy, FinishTask(1, "late"), "")
        assert late.value.code == "lease_lost"
        with pytest.raises(FleetError):
            await nova.node.teams.command(rin, copy, ReleaseTask(1), "")

    run(tmp_path, story, "white", "nova")


def test_a_log_that_is_long_enough_takes_nothing_new_and_ends_what_is_there(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        rin = await seat(white, team, "rin", nova)
        copy = await in_step(team, nova)
        team.limit_bytes = copy.limit_bytes = 6_000
        more = AddTask(Wanted("more", text="x" * 500))
        added = 0
        while len(team.board.tasks) == added and added < 20:
            try:
                await nova.node.teams.command(rin, copy, more, "")
            except LogFull:
                break
            added += 1
        assert 3 < added < 20
        with pytest.raises(LogFull, match="has no room for this in its 6000 bytes"):
            await nova.node.teams.command(rin, copy, more, "")
        assert len(team.board.tasks) == added, "nothing of the last is there"
        await nova.node.teams.command(rin, copy, ClaimTask(1), "")
        await nova.node.teams.command(rin, copy, FinishTask(1, "commit abc"), "")
        await in_step(team, nova)
        assert copy.board.tasks[1].state is TaskState.DONE
        team.read_anew()
        with pytest.raises(LogFull):
            await nova.node.teams.command(rin, copy, more, "")

    run(tmp_path, story, "white", "nova")


def test_no_home_can_fill_the_disk_of_another_node(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        copy = await in_step(team, nova)
        copy.limit_bytes = 4_000
        for number in range(20):
            text = AddTask(Wanted(f"task {number}", text="x" * 500))
            await white.node.teams.command(person(white), team, text, "")
        await eventually(lambda: nova.audit("team log too long"), "nova has had enough")
        known = copy.board.head
        assert 0 < len(copy.board.tasks) < 20
        asked: list[object] = []

        def say(_node: str, frame: object) -> bool:
            asked.append(frame)
            return True

        nova.node.copies.say = say
        nova.node.copies.beat()
        assert not asked, "it asks for no more"
        await white.node.teams.command(person(white), team, AddTask(Wanted("one more")), "")
        added = await nova.node.teams.command(person(nova), copy, AddTask(Wanted("asked")), "")
        assert added.tasks[0].number == 22, "it works with the home's list all the same"
        assert copy.board.head == known
        assert not asked
        assert len(nova.audit("team log too long")) == 1

    run(tmp_path, story, "white", "nova")


def test_an_agents_duty_is_its_seat_as_long_as_that_is_one(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await team_of(white, nova)
        await seat(white, team, "rin", nova)
        duty_of = nova.node.teams.duty_of
        assert (duty_of("site.rin"), duty_of("neo")) == (("site", "impl"), ("", ""))
        own = await nova.node.teams.found(person(nova), "shop", PLANNED)
        await nova.node.teams.write(own, "", "", (Seated("lead", "lead", "site.rin", nova.id),))
        assert duty_of("site.rin") == ("", ""), "of two teams neither is guessed"
        await nova.node.teams.write(own, "", "", (Unseated("lead", "dropped"),))
        assert duty_of("site.rin") == ("site", "impl")
        await white.node.teams.write(team, "", "", (NodeLeft(nova.id, "removed"),))
        await eventually(lambda: duty_of("site.rin") == ("", ""), "nova is not of the team")

    run(tmp_path, story, "white", "nova")
