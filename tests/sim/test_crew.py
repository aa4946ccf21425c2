"""A team's log through links that end, crashes at any moment, disks that fail, and homes put back."""

from __future__ import annotations

import asyncio
import shutil
from random import Random

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.store import StoreFailed
from fleet.core.task import TaskState, Wanted
from fleet.core.team_commands import AddTask, ClaimTask, FinishTask, NoteTask, ReleaseTask
from fleet.core.team_events import NodeJoined, NodeLeft
from node.engine import chronicle
from node.engine.chronicle import Chronicle
from node.engine.copies import Copies
from node.engine.leases import TeamLeases
from node.store.teams import Standing
from tests.support.checkers import check
from tests.support.crew import (
    Crew,
    check_crew,
    copies_are_the_log,
    keys_count_once,
    nobody_else_has_any,
    one_holder,
    work,
)
from tests.support.disk import BROKEN
from tests.support.host import Host
from tests.support.world import World, play_world

AT_EACH_WRITE = (0, 1, 2)
"""Of a command: the group begins, the entries, the commit."""
FAULTS = ("drop", "crash", "moment", "disk", "cut")


async def crew_of(world: World, *keys: str) -> Crew:
    crew = Crew(world, *await world.fleet(*keys))
    await crew.begin()
    return crew


async def misfortune(world: World, chance: Random, hosts: tuple[Host, ...]) -> None:
    """One thing goes wrong, and is over a little later."""
    host, other = chance.sample(hosts, 2)
    match chance.choice(FAULTS):
        case "drop":
            world.net.drop(host.node_id, other.node_id)
        case "cut":
            world.net.cut(host.node_id, other.node_id)
            await asyncio.sleep(chance.uniform(0.1, 20.0))
            world.net.heal()
        case "disk":
            host.disk.fail_once(BROKEN, chance.randrange(4))
            await asyncio.sleep(2.0)
            host.disk.mend()
        case "crash":
            host.crash()
            await asyncio.sleep(chance.uniform(0.0, 3.0))
            host.up()
        case _:  # amid a commit, or just as a word was sent or came
            host.at_moment(chance.randrange(1, 30), lambda _moment: host.crash())
            await asyncio.sleep(5.0)
            host.at_moment(0, lambda _moment: None)
            if host.node is None:
                host.up()


async def storm(world: World, seed: int) -> Crew:
    """Three nodes work while one thing after the other goes wrong; then they are left in peace."""
    crew = await crew_of(world, "white", "nova", "kai")
    (zoe,) = [world.host("zoe")]
    zoe.up()
    await world.join(crew.home, zoe)
    chance = Random(seed)
    hosts = (crew.home, *crew.others)
    at_work = [asyncio.create_task(work(crew, host, 6)) for host in hosts]
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        await misfortune(world, chance, hosts)
    await asyncio.gather(*at_work)
    await world.linked(*hosts)
    await crew.in_step()
    check_crew(crew, zoe)
    return crew


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_the_copies_are_the_log_and_each_claim_has_one_holder(
    seed: int,
) -> None:
    async def story(world: World) -> None:
        crew = await storm(world, seed)
        assert len(crew.at(crew.home).board.tasks) == 18

    play_world(story, check, seed)


def test_a_failed_write_is_told_to_nobody_and_the_board_is_read_again() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white = crew.home
        await crew.ask(white, AddTask(Wanted("one")))
        await crew.in_step()
        for after in AT_EACH_WRITE:
            white.disk.fail_once(BROKEN, after)
            with pytest.raises(StoreFailed):
                await crew.ask(white, AddTask(Wanted("never")))
        await crew.ask(white, AddTask(Wanted("two")))
        await crew.in_step()
        assert [t.wanted.title for t in crew.at(white).board.tasks.values()] == ["one", "two"]
        check_crew(crew)

    play_world(story, check)


def test_what_is_not_durable_yet_is_told_to_no_copy() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white, (nova,) = crew.home, crew.others
        white.disk.lag_s = 1.0
        asking = asyncio.create_task(crew.ask(white, AddTask(Wanted("soon"))))
        await asyncio.sleep(0.5)
        assert len(crew.at(white).board.tasks) == 1, "decided"
        crew.at(nova)
        nova.up_node.copies.linked(white.node_id)
        await asyncio.sleep(0.3)
        assert not crew.at(nova).board.tasks
        white.crash()
        white.disk.mend()
        await asyncio.wait({asking})
        assert asking.exception() is not None
        white.up()
        await world.linked(white, nova)
        await crew.ask(white, AddTask(Wanted("another")))
        await crew.in_step()
        assert [t.wanted.title for t in crew.at(nova).board.tasks.values()] == ["another"]
        check_crew(crew)

    play_world(story, check)


def test_a_claim_of_which_the_write_failed_has_no_lease_and_one_whose_end_failed_has() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white = crew.home
        for title in ("one", "two"):
            await crew.ask(white, AddTask(Wanted(title)))
        await crew.ask(white, ClaimTask(1))
        for command in (FinishTask(1, "commit"), ClaimTask(2)):
            white.disk.fail_once(BROKEN, AT_EACH_WRITE[-1])
            with pytest.raises(StoreFailed):
                await crew.ask(white, command)
        team, teams = crew.at(white), white.up_node.teams
        assert teams.left_s(team, team.board.tasks[1]) > 0.0
        assert teams.left_s(team, team.board.tasks[2]) == 0.0
        await asyncio.sleep(700.0)
        assert team.board.tasks[1].state is TaskState.OPEN, "nobody spoke for it"

    play_world(story, check)


def test_a_claim_is_answered_as_it_was_made_also_when_it_is_taken_back_before_it_is_durable() -> (
    None
):
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white = crew.home
        await crew.ask(white, AddTask(Wanted("one")))
        white.disk.lag_s = 0.1
        claimed, _ = await asyncio.gather(
            crew.ask(white, ClaimTask(1)), crew.ask(white, ReleaseTask(1, "no"), who="operator")
        )
        assert (claimed.tasks[0].state, claimed.tasks[0].holder) == (TaskState.CLAIMED, "at-white")
        assert crew.at(white).board.tasks[1].state is TaskState.OPEN
        await crew.in_step()
        check_crew(crew)

    play_world(story, check)


def test_a_claim_of_an_empty_seat_runs_out_also_when_the_home_began_anew() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white, (nova,) = crew.home, crew.others
        await crew.ask(white, AddTask(Wanted("one")))
        await crew.in_step()
        await crew.ask(nova, ClaimTask())
        await crew.write(NodeLeft(nova.node_id, "removed"))
        white.crash()
        white.up()
        await asyncio.sleep(700.0)
        assert crew.at(white).board.tasks[1].state is TaskState.OPEN

    play_world(story, check)


def test_a_command_whose_answer_was_lost_counts_once_at_a_home_that_began_anew() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white, (nova,) = crew.home, crew.others
        for title in ("one", "two"):
            await crew.ask(white, AddTask(Wanted(title)))
        await crew.in_step()

        def dies(moment: str) -> None:
            if moment == "after commit":
                white.crash()
            else:
                white.at_moment(1, dies)

        white.at_moment(1, dies)
        with pytest.raises(FleetError) as lost:
            await crew.ask(nova, ClaimTask(), "once")
        assert lost.value.code == "node_unreachable"
        white.up()
        await world.linked(white, nova)
        done = await crew.ask(nova, ClaimTask(), "once")
        assert done.again
        assert [task.number for task in done.tasks] == [1]
        await crew.in_step()
        check_crew(crew)

    play_world(story, check)


def test_a_late_node_gets_a_log_of_many_words_and_each_of_them_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chronicle, "WORD_ENTRIES", 10)

    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white = crew.home
        kai = world.host("kai")
        kai.up()
        await world.join(white, kai)
        await world.linked(white, kai)
        for number in range(95):
            await crew.ask(white, AddTask(Wanted(f"task {number}")))
        world.net.trace.clear()
        await crew.let_in(kai)
        writing = asyncio.create_task(work(crew, white, 3))
        await crew.in_step(kai)
        await writing
        await crew.in_step(kai)
        words = [line for line in world.net.trace if f"{kai.node_id[:6]} team_word" in line]
        assert len(words) < 40, "each word once, however much is written meanwhile"
        crew.others += (kai,)
        check_crew(crew)

    play_world(story, check)


def test_a_node_that_left_gets_nothing_behind_that_and_one_that_comes_back_gets_all() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white, (nova,) = crew.home, crew.others
        team = crew.at(white)
        gone = white.do(
            white.up_node.teams.write(team, "", "", (NodeLeft(nova.node_id, "removed"),))
        )
        await asyncio.gather(gone, crew.ask(white, AddTask(Wanted("a secret"))))
        await world.until(lambda: crew.at(nova).row.standing is Standing.LEFT, "nova knows")
        nova.up_node.copies.linked(white.node_id)
        await asyncio.sleep(60.0)
        assert not crew.at(nova).board.tasks
        nobody_else_has_any(crew)
        await crew.write(NodeJoined("again", nova.node_id, ()))
        nova.up_node.copies.linked(white.node_id)
        await crew.in_step()
        check_crew(crew)

    play_world(story, check)


@pytest.mark.parametrize("lost", ["some", "all"])
def test_a_home_put_back_from_an_old_copy_gets_its_log_back_also_when_it_knew_no_team(
    lost: str,
) -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        crew = Crew(world, white, nova)
        if lost == "some":
            await crew.begin()
        white.crash()
        shutil.copytree(white.folder, white.folder.with_name("kept"))
        white.up()
        await world.linked(white, nova)
        if lost == "all":
            await crew.begin()
        for title in ("one", "two", "three"):
            await crew.ask(white, AddTask(Wanted(title)))
        await crew.ask(white, ClaimTask(2), "mine")
        await crew.in_step()
        was = crew.log_of(white)
        white.crash()
        shutil.rmtree(white.folder)
        shutil.copytree(white.folder.with_name("kept"), white.folder)
        white.up()
        await world.until(lambda: white.up_node.teams.by_id(crew.team_id) is not None, "it is back")
        await crew.in_step()
        assert crew.log_of(white) == was
        assert (await crew.ask(white, ClaimTask(2), "mine")).again
        assert crew.at(white).is_home
        team = crew.at(white)
        assert white.up_node.teams.left_s(team, team.board.tasks[2]) > 0
        told = await white.call("log", lines=1_000)
        assert [e["kind"] for e in told.items].count("team log restored") == 1
        check_crew(crew)
        white.crash()
        white.up()
        assert crew.log_of(white) == was, "and durable"

    play_world(story, check)


def test_a_node_that_was_put_out_by_a_home_that_had_forgotten_learns_it_all_the_same() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white, (nova,) = crew.home, crew.others
        white.crash()
        shutil.copytree(white.folder, white.folder.with_name("kept"))
        white.up()
        await world.linked(white, nova)
        await crew.ask(white, AddTask(Wanted("forgotten")))
        await crew.ask(white, NoteTask(1, "forgotten, too"))
        await crew.in_step()
        white.crash()
        shutil.rmtree(white.folder)
        shutil.copytree(white.folder.with_name("kept"), white.folder)
        world.net.cut(white.node_id, nova.node_id)
        white.up()
        await crew.ask(white, AddTask(Wanted("another")))
        await crew.write(NodeLeft(nova.node_id, "removed"))
        await crew.ask(white, NoteTask(1, "nobody else's"))
        world.net.heal()
        await world.until(lambda: crew.at(nova).row.standing is Standing.LEFT, "nova knows it")
        nobody_else_has_any(crew)
        assert crew.log_of(nova) == crew.log_of(white)[:-1]

    play_world(story, check)


def test_a_word_that_was_lost_without_the_link_ending_is_missed_for_no_longer_than_a_beat() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        white = crew.home
        says, white.up_node.copies.say = white.up_node.copies.say, lambda _node, _frame: True
        await crew.ask(white, AddTask(Wanted("one")))
        white.up_node.copies.say = says
        await asyncio.sleep(40.0)
        await crew.in_step()
        check_crew(crew)

    play_world(story, check)


# --- each checker can fail ---


def test_a_home_that_tells_what_is_not_durable_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Chronicle, "told_head", property(lambda team: team.board.head))
    with pytest.raises(AssertionError):
        test_what_is_not_durable_yet_is_told_to_no_copy()


def test_a_home_that_tells_those_who_left_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def tells_all(
        self: Copies, team: Chronicle, node_id: str, after: int, *, anew: bool = False
    ) -> None:
        self.say(node_id, team.word(after, anew=anew))

    monkeypatch.setattr(Copies, "_tell", tells_all)
    with pytest.raises(AssertionError):
        test_a_node_that_left_gets_nothing_behind_that_and_one_that_comes_back_gets_all()


def test_a_home_that_forgets_keys_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from fleet.core.board import Board

    monkeypatch.setattr(Board, "done_of", lambda _board, _key: None)

    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        for _ in range(2):
            await crew.ask(crew.home, AddTask(Wanted("one")), "once")
        keys_count_once(crew, crew.log_of(crew.home))

    with pytest.raises(AssertionError, match="counted twice"):
        play_world(story, check)


def test_a_copy_that_writes_itself_is_found_out() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        await crew.ask(crew.home, AddTask(Wanted("one")))
        await crew.in_step()
        (nova,) = crew.others
        with nova.store() as store:
            store.database.execute(
                "UPDATE team_log SET body = ? WHERE seq = 4",
                (store.teams.entries(crew.team_id, 0, 1)[0].body,),
            )
        copies_are_the_log(crew)

    with pytest.raises(AssertionError, match="another log"):
        play_world(story, check)


def test_a_second_holder_is_found_out() -> None:
    async def story(world: World) -> None:
        crew = await crew_of(world, "white", "nova")
        for command in (AddTask(Wanted("one")), ClaimTask(), NoteTask(1, "mine")):
            await crew.ask(crew.home, command)
        log = crew.log_of(crew.home)
        twice = [*log[:-1], *(type(e)(e.seq + 1, e.at_s, e.by, "", e.event) for e in log[-2:-1])]
        one_holder(twice)

    with pytest.raises(FleetError, match="cannot be claimed"):
        play_world(story, check)


def test_leases_that_outlive_a_lost_write_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TeamLeases, "lost", lambda _leases: None)
    with pytest.raises(AssertionError):
        test_a_claim_of_which_the_write_failed_has_no_lease_and_one_whose_end_failed_has()
